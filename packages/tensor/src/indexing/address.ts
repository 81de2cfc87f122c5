/**
 * Where an element lies, as a sum of digits: offset + Σ mul·((base / div) mod mod), base a loop variable.
 *
 * Every movement op only rewrites such sums, so a chain of reshapes, transposes, broadcasts and slices costs nothing:
 * it ends as one index expression of the load. Digits that stand side by side merge again
 * ((i/4 mod 3)·4 + i mod 4 = i mod 12), which makes most reshapes vanish and tells when an access is the identity.
 * All values are unsigned; an address that wraps below 0 stands behind a guard (pad, concat).
 */
import { sizeOf, stridesOf, type Shape } from '../spec.ts'

/** A variable or expression that counts from 0 to size − 1, by its text. */
export interface Base { readonly name: string; readonly size: number }
/** mul·((base / div) mod mod), with div·mod ≤ base.size. */
interface Term { readonly base: Base; readonly div: number; readonly mod: number; readonly mul: number }
export interface Address { readonly terms: readonly Term[]; readonly offset: number }

export const at = (offset: number): Address => ({ terms: [], offset })
export const along = (base: Base): Address =>
  base.size === 1 ? at(0) : { terms: [{ base, div: 1, mod: base.size, mul: 1 }], offset: 0 }

export const plus = (a: Address, b: Address): Address => merged([...a.terms, ...b.terms], a.offset + b.offset)
export const shift = (a: Address, by: number): Address => ({ terms: a.terms, offset: a.offset + by })
const times = (a: Address, n: number): Address =>
  ({ terms: n === 0 ? [] : a.terms.map((t) => ({ ...t, mul: t.mul * n })), offset: a.offset * n })

/** Joins digits that stand side by side, highest first. */
function merged(terms: readonly Term[], offset: number): Address {
  const list = terms.filter((t) => t.mod > 1 && t.mul !== 0)
    .sort((a, b) => (a.base.name < b.base.name ? -1 : a.base.name > b.base.name ? 1 : b.div - a.div))
  const out: Term[] = []
  for (const t of list) {
    const last = out.at(-1)
    const same = last?.base.name === t.base.name
    if (same && last.div === t.div * t.mod && last.mul === t.mul * t.mod)
      out[out.length - 1] = { ...t, mod: last.mod * t.mod }
    else if (same && last.div === t.div && last.mod === t.mod) out[out.length - 1] = { ...t, mul: last.mul + t.mul }
    else out.push(t)
  }
  return { terms: out, offset }
}

/** The row-major address of a coordinate list. */
export function flatten(coords: readonly Address[], shape: Shape): Address {
  const strides = stridesOf(shape)
  return coords.reduce((sum, c, a) => (shape[a] === 1 ? sum : plus(sum, times(c, strides[a]))), at(0))
}

/** floor(a / s) and a mod s for 0 ≤ a < size; exact on digits, else by dividing the whole expression. */
function divided(a: Address, s: number, size: number): [Address, Address] {
  if (s === 1) return [a, at(0)]
  const [high, low]: [Term[], Term[]] = [[], []]
  for (const t of a.terms) {
    const n = s / t.mul
    if (t.mul % s === 0) high.push({ ...t, mul: t.mul / s })
    else if (Number.isInteger(n) && n > 1 && t.mod > n && t.mod % n === 0) {
      high.push({ ...t, div: t.div * n, mod: t.mod / n, mul: 1 })
      low.push({ ...t, mod: n })
    } else low.push(t)
  }
  const rest = ((a.offset % s) + s) % s
  const largest = low.reduce((n, t) => n + (t.mod - 1) * t.mul, rest)
  if (largest < s && low.every((t) => t.mul > 0)) return [merged(high, (a.offset - rest) / s), merged(low, rest)]
  const whole = { name: `(${render(a)})`, size }
  const digit = (div: number, mod: number): Address => merged([{ base: whole, div, mod, mul: 1 }], 0)
  return [digit(s, Math.ceil(size / s)), digit(1, s)]
}

/** The coordinates of a flat address: the inverse of `flatten`. */
export function unflatten(address: Address, shape: Shape): Address[] {
  let [rest, size] = [address, sizeOf(shape)]
  return shape.map((d, a) => {
    if (d === 1) return at(0)
    if (shape.slice(a + 1).every((n) => n === 1)) return rest
    const [high, low] = divided(rest, size / d, size)
    rest = low
    size /= d
    return high
  })
}

/** Coordinates of the same element under another shape; axes that both shapes have pass through untouched. */
export function reshaped(coords: readonly Address[], from: Shape, to: Shape): Address[] {
  const out: Address[] = []
  for (let [i, j] = [0, 0]; i < from.length || j < to.length;) {
    const [i0, j0] = [i, j]
    let [p, q] = [i < from.length ? from[i++] : 1, j < to.length ? to[j++] : 1]
    while (p !== q) {
      if (p < q) p *= from[i++]
      else q *= to[j++]
    }
    if (i - i0 === 1 && j - j0 === 1) out.push(coords[i0])
    else out.push(...unflatten(flatten(coords.slice(i0, i), from.slice(i0, i)), to.slice(j0, j)))
  }
  return out
}

/** The expression, as WGSL, CUDA and Metal write it. Equal addresses give equal text. */
export function render({ terms, offset }: Address): string {
  const parts = terms.map(({ base, div, mod, mul }) => {
    let text = base.name
    if (div > 1) text = `${text} / ${div}u`
    if (div * mod < base.size) text = `${div > 1 ? `(${text})` : text} % ${mod}u`
    if (mul === 1) return div > 1 || div * mod < base.size ? `(${text})` : text
    return `${text === base.name ? text : `(${text})`} * ${mul >>> 0}u`
  })
  if (offset !== 0 || parts.length === 0) parts.push(`${offset >>> 0}u`)
  return parts.join(' + ')
}

/** Does the address depend on this loop variable? */
export const mentions = (a: Address, name: string): boolean =>
  a.terms.some((t) => t.base.name === name || new RegExp(`\\b${name}\\b`).test(t.base.name))

/** How far the address moves when the variable counts one up: its digit's factor, 0 where it is absent. */
export const strideOf = (a: Address, name: string): number =>
  a.terms.find((t) => t.base.name === name && t.div === 1)?.mul ?? 0
