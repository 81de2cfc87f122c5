import { expect, it } from 'vitest'
import { deviation, median } from './statistics.ts'

it('the median is the middle one, or halfway between the middle two', () => {
  expect(median([3, 1, 10])).toBe(3)
  expect(median([4, 1, 10, 2])).toBe(3)
  expect(() => median([])).toThrow(RangeError)
})

it('a deviation is relative, and a NaN on either side is one', () => {
  expect(deviation(-101, -100)).toBeCloseTo(0.01, 12)
  expect(deviation(0, 0)).toBe(0)
  expect(deviation(NaN, 1)).toBeNaN()
  expect(deviation(1, NaN)).toBeNaN()
})
