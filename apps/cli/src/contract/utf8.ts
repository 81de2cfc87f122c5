/** Whether the terminal is told to speak UTF-8 (LC_ALL, LC_CTYPE, LANG in this order); taken to where none says. */
export const speaksUtf8 = ({ LC_ALL, LC_CTYPE, LANG }: Readonly<Record<string, string | undefined>>): boolean =>
  /utf-?8/i.test(LC_ALL || LC_CTYPE || LANG || 'utf-8')
