/**
 * Text becomes markup here and nowhere else. What a run holds (names, paths, prompts) was written by others: all of
 * it is escaped, and characters that XML does not allow at all are shown as U+FFFD.
 */

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

// What XML 1.0 (production 2) excludes.
const forbidden =
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g

/** For text and for attribute values in either kind of quote. */
export const escape = (text: string): string =>
  text.replace(forbidden, '\ufffd').replace(/[&<>"']/g, (c) => entities[c])

export type Attributes = Readonly<Record<string, string | number | undefined>>

/** `<name …>inner</name>`; `inner` is markup already, attribute values are escaped, undefined ones left out. */
export const tag = (name: string, attributes: Attributes, inner: string | readonly string[] = ''): string => {
  const given = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}="${escape(typeof value === 'number' ? coordinate(value) : value!)}"`)
  const body = typeof inner === 'string' ? inner : inner.join('')
  return `<${name}${given.join('')}>${body}</${name}>`
}

/** A coordinate to a hundredth of a unit. Throws RangeError for NaN and infinity. */
export const coordinate = (value: number): string => {
  if (!Number.isFinite(value)) throw new RangeError(`a drawing was given the coordinate ${value}`)
  return String(Math.round(value * 100) / 100)
}

/** A path through points. Throws RangeError for a point that is not finite: no path holds NaN. */
export const path = (points: readonly (readonly [number, number])[]): string =>
  points.map(([x, y], i) => `${i === 0 ? 'M' : 'L'}${coordinate(x)} ${coordinate(y)}`).join('')
