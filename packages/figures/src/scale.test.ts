import { describe, expect, it } from 'vitest'
import { spread } from './chart-layout.ts'
import { brief, show, withError } from './numbers.ts'
import { bent, extent, linear, niceTicks, tickText } from './scale.ts'

describe('axes', () => {
  it('have round ticks inside their domain, whatever its size', () => {
    expect(niceTicks(-152.3, -91.8, 5)).toEqual([-150, -140, -130, -120, -110, -100])
    expect(niceTicks(0, 3, 12, 1)).toEqual([0, 1, 2, 3])
    expect(niceTicks(0, 0.3, 3)).toEqual([0, 0.1, 0.2, 0.3])
    expect(niceTicks(0, 5e-6, 5)).toEqual([0, 1e-6, 2e-6, 3e-6, 4e-6, 5e-6])
    for (const size of [1e-9, 1e-3, 1, 7, 1e3, 1e9]) {
      const ticks = niceTicks(-0.37 * size, 0.9 * size, 5)
      expect(ticks.length).toBeGreaterThanOrEqual(3)
      expect(ticks.length).toBeLessThanOrEqual(10)
      expect(ticks.every((tick) => tick >= -0.371 * size && tick <= 0.901 * size)).toBe(true)
    }
  })

  it('map the ends of the domain to the ends of the range, and give a single value room', () => {
    const scale = linear([10, 20], [100, 0], 5)
    expect([scale.at(10), scale.at(15), scale.at(20)]).toEqual([100, 50, 0])
    expect(extent([5, 5])).toEqual([4.5, 5.5])
    expect(extent([0])).toEqual([-1, 1])
  })

  it('refuse what is not a number', () => {
    expect(() => extent([])).toThrow(RangeError)
    expect(() => extent([1, Infinity])).toThrow(RangeError)
    expect(() => show(NaN)).toThrow(RangeError)
  })

  it('write ticks alike, with a true minus', () => {
    expect(tickText([-0.5, 0, 0.5])).toEqual(['−0.5', '0.0', '0.5'])
    expect(tickText([0, 2e-6])).toEqual(['0', '2e−6'])
  })
})

it('bent axes keep the order and the ends, and their ticks are round and apart', () => {
  const log = bent([0.5, 4000], [0, 400], 'log', 30)
  expect([log.at(0.5), log.at(4000)]).toEqual([0, 400])
  expect(log.at(20) - log.at(2)).toBeCloseTo(log.at(200) - log.at(20), 9)
  const both = bent([-400, 30], [300, 0], 'asinh', 20)
  expect(both.ticks).toContain(0)
  const first = (tick: number): number => Number(Math.abs(tick).toExponential().split('e')[0])
  expect(both.ticks.every((tick) => [0, 1, 2, 5].includes(first(tick)))).toBe(true)
  both.ticks.forEach((tick, i) => {
    if (i > 0) expect(both.at(both.ticks[i - 1]) - both.at(tick)).toBeGreaterThanOrEqual(20)
  })
  // Powers of ten, where there is room for no more.
  expect(bent([0.009, 105], [0, 250], 'log', 34).ticks).toEqual([0.01, 0.1, 1, 10, 100])
  expect(bent([110, 190], [0, 200], 'log', 20).ticks.length).toBeGreaterThan(2)
  expect(() => bent([0, 1], [0, 1], 'log', 1)).toThrow(RangeError)
})

it('labels are moved apart and stay inside, in the order of their lines', () => {
  const placed = spread([50, 51, 52, 200], 0, 210, 13)
  expect(placed).toEqual([50, 63, 76, 200])
  expect(spread([209, 210, 208], 0, 210, 13)).toEqual([197, 210, 184])
  const crowded = spread(
    Array.from({ length: 30 }, () => 5),
    0,
    100,
    13,
  )
  expect(Math.max(...crowded)).toBeLessThanOrEqual(100 + 1e-9)
  expect(Math.min(...crowded)).toBeGreaterThanOrEqual(-1e-9)
})

it('numbers have the digits that their error deserves', () => {
  expect(withError(59.6123, 2.13)).toBe('+59.6 ± 2.1')
  expect(withError(-0.0312, 0.0041)).toBe('−0.0312 ± 0.0041')
  expect(withError(21.616047, 0.000001)).toBe('+21.62 ± 0.00')
  expect(withError(-0.001, 0.5)).toBe('0.00 ± 0.50')
  expect(withError(3, 0)).toBe('+3.00')
  expect([show(-151.98), show(5e-6), show(0)]).toEqual(['−152.0', '5e−6', '0'])
  expect([brief(869504), brief(134515008), brief(12)]).toEqual(['870k', '134.5M', '12'])
})
