/**
 * Names as the paper sets them (y⁺ with gpts below the line), and how wide text will be. Superscripts and subscripts
 * are moved letters, not Unicode's small ones, which many fonts lack; widths are Helvetica's and Arial's.
 */
import { escape, tag } from '../markup.ts'
import type { ResponseType } from '../response-types.ts'
import type { Label, Sign } from './model.ts'

/** Thousandths of the size, for codes 32 to 126. */
const ADVANCES = [
  278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556,
  556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278,
  500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469,
  556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500,
  278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
]
const SIGNS: Readonly<Record<string, number>> = {
  '−': 584,
  '‖': 418,
  '…': 1000,
  '′': 188,
  '·': 333,
  '²': 333,
}

/** In the unit of `size`. Letters that are not in the table count as wide ones. */
export const widthOf = (text: string, size: number): number =>
  ([...text].reduce((n, c) => n + (ADVANCES[c.codePointAt(0)! - 32] ?? SIGNS[c] ?? 700), 0) * size) / 1000

/** The text, cut with an ellipsis where it is wider than `most`. */
export const fitted = (text: string, size: number, most: number): string => {
  if (widthOf(text, size) <= most) return text
  const letters = [...text]
  while (letters.length > 1 && widthOf(`${letters.join('')}…`, size) > most) letters.pop()
  return `${letters.join('').trimEnd()}…`
}

const SMALL = 0.72

export const labelWidth = (label: Label, size: number): number =>
  typeof label === 'string'
    ? widthOf(label, size)
    : widthOf(label.base, size) + widthOf((label.sup ?? '') + (label.sub ?? ''), size * SMALL)

/** Contents of a <text>: the sign with its parts moved up and down, and back to the line. */
export const labelMarkup = (label: Label, size: number): string => {
  if (typeof label === 'string') return escape(label)
  const { base, sup = '', sub = '', upright = false } = label
  const small = (text: string, dy: number): string =>
    text === '' ? '' : tag('tspan', { dy, 'font-size': size * SMALL }, escape(text))
  const up = sup === '' ? 0 : -size * 0.36
  const down = size * 0.22
  return (
    tag('tspan', { 'font-style': upright ? undefined : 'italic' }, escape(base)) +
    small(sup, up) +
    small(sub, down - up)
  )
}

/** "y⁺ gptf" of the table of types is y with + above and gptf below. */
export const signOf = ({ symbol, short }: Pick<ResponseType, 'symbol' | 'short'>): Label => {
  const found = /^([a-z])([⁺⁻]?)\s*(.*)$/u.exec(symbol)
  if (!found) return short
  const [, base, above, below] = found
  const sign: Sign = {
    base,
    ...(above && { sup: above === '⁺' ? '+' : '−' }),
    ...(below && { sub: below }),
  }
  return sign
}

/** The same as plain text, for captions: y⁺ gptf. */
export const plain = (label: Label): string =>
  typeof label === 'string'
    ? label
    : `${label.base}${(label.sup ?? '').replace('+', '⁺').replace('−', '⁻')}${label.sub ? ` ${label.sub}` : ''}`
