/** A word of a command line as a shell takes it: quoted where it has spaces or signs that a shell reads as its own. */
export const shellWord = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
