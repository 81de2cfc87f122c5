/** Axes: a linear map from data to drawing, and ticks at 1, 2 or 5 times a power of ten. */

export interface Scale {
  readonly domain: readonly [number, number]
  readonly at: (value: number) => number
  readonly ticks: readonly number[]
}

/** About `wanted` round numbers within [low, high], at least `least` apart; one where both are equal. */
export const niceTicks = (low: number, high: number, wanted: number, least = 0): readonly number[] => {
  if (!(high > low)) return [low]
  const raw = (high - low) / Math.max(1, wanted)
  const power = 10 ** Math.floor(Math.log10(raw))
  const part = raw / power
  // The nearest of 1, 2, 5, 10 by ratio: thresholds are the geometric means of neighbours.
  const nearest = part < Math.SQRT2 ? 1 : part < Math.sqrt(10) ? 2 : part < Math.sqrt(50) ? 5 : 10
  const step = Math.max(least, power * nearest)
  const first = Math.ceil(low / step - 1e-9)
  const last = Math.floor(high / step + 1e-9)
  // Multiplying, not adding: errors do not pile up. Rounding to the step's digits turns 0.30000000000000004 to 0.3.
  const digits = Math.max(0, -Math.floor(Math.log10(step)) + 1)
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => {
    const value = (first + i) * step
    return digits <= 15 ? Number(value.toFixed(digits)) : value
  })
}

/** The extent of the values; one value alone gets room on both sides. Throws RangeError where there is none. */
export const extent = (values: Iterable<number>): readonly [number, number] => {
  let [low, high] = [Infinity, -Infinity]
  for (const value of values) {
    if (value < low) low = value
    if (value > high) high = value
  }
  if (!Number.isFinite(low) || !Number.isFinite(high)) throw new RangeError('an axis needs finite values')
  if (high > low) return [low, high]
  const room = low === 0 ? 1 : Math.abs(low) * 0.1
  return [low - room, high + room]
}

/** `domain` on `range`; `pad` is the share of the domain added at either end, `least` the least distance of ticks. */
export const linear = (
  domain: readonly [number, number],
  range: readonly [number, number],
  wanted: number,
  { pad = 0, least = 0 }: { readonly pad?: number; readonly least?: number } = {},
): Scale => {
  const room = (domain[1] - domain[0]) * pad
  const [low, high] = [domain[0] - room, domain[1] + room]
  return {
    domain: [low, high],
    at: (value) => range[0] + ((value - low) / (high - low)) * (range[1] - range[0]),
    ticks: niceTicks(low, high, wanted, least),
  }
}

/** How values lie on an axis: as they are, by their logarithm, or by asinh, which is so far from 0 on both sides. */
export type Bend = 'log' | 'asinh'

/** Numbers that are 1, 2 or 5 times a power of ten, within [low, high], of both signs, and 0. */
const roundWithin = (low: number, high: number): readonly number[] => {
  const most = Math.max(Math.abs(low), Math.abs(high))
  const powers = Array.from({ length: 24 }, (_, i) => Math.floor(Math.log10(most)) - 20 + i)
  const sizes = powers.flatMap((power) => [1, 2, 5].map((digit) => Number(`${digit}e${power}`)))
  return [...sizes.map((x) => -x).reverse(), 0, ...sizes].filter((x) => x >= low && x <= high)
}

/** A bent axis; ticks are round numbers at least `gap` apart on `range`. Throws RangeError for the logarithm of 0. */
export const bent = (
  domain: readonly [number, number],
  range: readonly [number, number],
  bend: Bend,
  gap: number,
): Scale => {
  const [low, high] = domain
  if (bend === 'log' && !(low > 0)) throw new RangeError('a logarithmic axis needs values above 0')
  const of = bend === 'log' ? Math.log : Math.asinh
  const at = (value: number): number =>
    range[0] + ((of(value) - of(low)) / (of(high) - of(low))) * (range[1] - range[0])
  // 0 first, then powers of ten, then those that stand far from 0: near it they crowd.
  const isPower = (tick: number): boolean => Math.abs(tick).toExponential().startsWith('1e')
  const weight = (tick: number): number => (tick === 0 ? Infinity : Math.abs(tick) * (isPower(tick) ? 1e99 : 1))
  const ticks: number[] = []
  // Less than a decade holds few of them; then any round number will do.
  const all = roundWithin(low, high)
  const wanted = [...all].sort((a, b) => weight(b) - weight(a))
  for (const tick of all.length < 6 ? [...wanted, ...niceTicks(low, high, 5)] : wanted) {
    if (ticks.every((other) => Math.abs(at(other) - at(tick)) >= gap)) ticks.push(tick)
  }
  return { domain: [low, high], at, ticks: ticks.sort((a, b) => a - b) }
}

/** Ticks written alike: as many digits as their step needs. */
export const tickText = (ticks: readonly number[]): readonly string[] => {
  const step = ticks.length > 1 ? Math.abs(ticks[1] - ticks[0]) : Math.abs(ticks[0] ?? 0) || 1
  const largest = Math.max(...ticks.map(Math.abs))
  if (largest !== 0 && (largest < 1e-3 || largest >= 1e6)) {
    return ticks.map((tick) =>
      tick === 0 ? '0' : Number(tick.toPrecision(4)).toExponential().replace('e+', 'e').replaceAll('-', '−'),
    )
  }
  const digits = Math.min(6, Math.max(0, -Math.floor(Math.log10(step) + 1e-9)))
  return ticks.map((tick) => tick.toFixed(digits).replace('-', '−'))
}
