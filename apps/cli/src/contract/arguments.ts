/** What options take, checked as they are read. Each throws CliError LD2003 that names the flag and what was given. */
import { CliError } from './errors.ts'

const taken = (flag: string, what: string, fits: (n: number) => boolean) => (text: string): number => {
  const n = text.trim() === '' ? NaN : Number(text)
  if (fits(n)) return n
  throw new CliError({ code: 'LD2003', what: `${flag} takes ${what}`, where: flag, why: `it is '${text}'` })
}

/** A whole number above 0. */
export const positive = (flag: string): ((text: string) => number) =>
  taken(flag, 'a whole number above 0', (n) => Number.isInteger(n) && n >= 1)

/** A finite number above 0. */
export const aboveZero = (flag: string): ((text: string) => number) =>
  taken(flag, 'a number above 0', (n) => Number.isFinite(n) && n > 0)

/** Any finite number. */
export const real = (flag: string): ((text: string) => number) => taken(flag, 'a number', Number.isFinite)

/** `a, b,c` → its words. */
export const listed = (text: string): string[] =>
  text
    .split(',')
    .map((word) => word.trim())
    .filter(Boolean)
