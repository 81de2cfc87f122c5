/** Numbers as a reader sees them: a true minus, digits as far as the standard error lets them mean something. */

const minus = (text: string): string => text.replace(/^-/, '−').replace(/e-/, 'e−')

/** Throws RangeError for NaN and infinity: nothing of the kind may reach a page unnoticed. */
const finite = (value: number): number => {
  if (!Number.isFinite(value)) throw new RangeError(`a figure was asked to show ${value}`)
  return value
}

/** Three to five figures: −151.98, 0.0312, 5e−6. */
export const show = (value: number): string => {
  const size = Math.abs(finite(value))
  if (size === 0) return '0'
  if (size < 1e-3 || size >= 1e6)
    return minus(Number(value.toPrecision(3)).toExponential().replace('e+', 'e'))
  return minus(value.toFixed(size >= 100 ? 1 : size >= 1 ? 2 : size >= 0.1 ? 3 : 4))
}

/** With its sign: +3.10, −0.52. */
export const signed = (value: number): string => (value > 0 ? `+${show(value)}` : show(value))

/**
 * Digits behind the point that a value with this standard error deserves: two figures of the error, but no more than
 * four of the larger of the two.
 */
export const digitsFor = (value: number, se: number): number => {
  const figures = (x: number, n: number) => n - 1 - Math.floor(Math.log10(x))
  return Math.min(10, Math.max(0, Math.min(figures(se, 2), figures(Math.max(Math.abs(value), se), 4))))
}

/** −12.4 at a fixed number of digits; a rounded nothing is 0, never −0. */
export const fixed = (value: number, digits: number): string => {
  const text = finite(value).toFixed(digits)
  return Number(text) === 0 ? text.replace('-', '') : minus(text)
}

/** "+59.6 ± 2.1"; without a standard error (a single probe) the value alone. */
export const withError = (value: number, se: number): string => {
  if (!(se > 0)) return signed(value)
  const digits = digitsFor(value, se)
  const text = fixed(value, digits)
  return `${Number(value.toFixed(digits)) > 0 ? '+' : ''}${text} ± ${fixed(se, digits)}`
}

/** Thousands by a thin space: 134 515 008. */
export const count = (n: number): string => String(n).replace(/\B(?=(\d{3})+(?!\d))/g, '\u202f')

/** "1 update", "40 updates". */
export const plural = (n: number, noun: string): string => `${count(n)} ${noun}${n === 1 ? '' : 's'}`

/** "a", "a and b", "a, b and c". */
export const list = (items: readonly string[]): string =>
  items.length < 2 ? items.join('') : `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`

/** 869 504 as 870k, 134 515 008 as 134.5M: for headings. */
export const brief = (n: number): string => {
  for (const [size, letter] of [
    [1e9, 'B'],
    [1e6, 'M'],
    [1e3, 'k'],
  ] as const) {
    if (n >= size)
      return `${Number((n / size).toFixed(n / size >= 100 ? (letter === 'k' ? 0 : 1) : 1))}${letter}`
  }
  return String(n)
}
