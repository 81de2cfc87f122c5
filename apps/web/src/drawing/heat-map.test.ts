import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { SIGNED, UNSIGNED } from './colour.ts'
import { scaleFor } from './colour-limits.ts'
import {
  countOf,
  knownUpTo,
  marginalsOf,
  paint,
  partWithin,
  rankOf,
  strongestCells,
  wholeOf,
  type Grid,
} from './heat-map.ts'

/** Numbers that look like contributions: both signs, four powers of ten; always the same. */
const made = (rows: number, columns: number): Grid => {
  let seed = 7
  const next = (): number => (seed = (seed * 48271) % 2147483647) / 2147483647
  const values = new Float64Array(rows * columns)
  for (let i = 0; i < values.length; i++) values[i] = (next() - 0.5) * 10 ** (-4 * next())
  return { rows, columns, values }
}
const pixelAt = (pixels: Uint8ClampedArray, width: number, x: number, y: number): number[] => [
  ...pixels.subarray((y * width + x) * 4, (y * width + x) * 4 + 4),
]
const hashOf = (pixels: Uint8ClampedArray): string =>
  createHash('sha256').update(pixels).digest('hex').slice(0, 16)

describe('a matrix as pixels', () => {
  it('has the same pixels for the same numbers, whatever the theme', () => {
    const grid = made(12, 16)
    const scale = scaleFor(grid.values, true, true)
    expect(hashOf(paint(grid, scale, wholeOf(grid), 160, 120))).toBe('923c5ff84d74befe')
    expect(hashOf(paint(grid, scale, { row: 2, column: 3, rows: 4, columns: 5 }, 60, 40))).toBe(
      'be050d43ab6407c1',
    )
    expect(hashOf(paint(made(300, 400), scale, wholeOf({ rows: 300, columns: 400 }), 100, 75))).toBe(
      '8b6c84e17089ea05',
    )
  })

  it('shows the strongest of the cells behind one pixel', () => {
    const values = new Float64Array(64 * 64).fill(0.01)
    values[13 * 64 + 42] = -1
    const scale = { signed: true, limit: 1, low: 0 }
    const pixels = paint({ rows: 64, columns: 64, values }, scale, wholeOf({ rows: 64, columns: 64 }), 16, 16)
    const red = [...SIGNED.subarray(0, 3), 255]
    for (let y = 0; y < 16; y++)
      for (let x = 0; x < 16; x++)
        expect(JSON.stringify(pixelAt(pixels, 16, x, y)) === JSON.stringify(red)).toBe(y === 3 && x === 10)
  })

  it('hatches what is beyond the scale, checks what is no number, dots what was not recorded', () => {
    const grid: Grid = { rows: 1, columns: 4, values: [5, NaN, 9, 1], absent: [0, 0, 1, 0] }
    const scale = { signed: false, limit: 2, low: 0 }
    const pixels = paint(grid, scale, wholeOf(grid), 48, 12)
    const [last, ink] = [
      [...UNSIGNED.subarray(255 * 3), 255],
      [17, 17, 17, 255],
    ]
    expect(pixelAt(pixels, 48, 0, 0)).toEqual(ink)
    expect(pixelAt(pixels, 48, 1, 0)).toEqual(last)
    expect([pixelAt(pixels, 48, 12, 0)[0], pixelAt(pixels, 48, 16, 0)[0]]).toEqual([160, 90])
    expect([pixelAt(pixels, 48, 25, 1)[0], pixelAt(pixels, 48, 26, 1)[0]]).toEqual([110, 238])
    expect(countOf(grid, wholeOf(grid), scale)).toEqual({ clipped: 1, broken: 1, absent: 1 })
    // Of a pixel that stands for several cells, one that is no number is not hidden by the others.
    expect(pixelAt(paint(grid, scale, wholeOf(grid), 1, 1), 1, 0, 0)[0]).toBe(90)
  })

  it('of 2048 × 2048 is scaled and drawn in a moment', () => {
    const grid = made(2048, 2048)
    // Of the processor: what else runs on the machine does not count.
    const from = process.cpuUsage()
    const scale = scaleFor(grid.values, true, true)
    paint(grid, scale, wholeOf(grid), 640, 640)
    expect(process.cpuUsage(from).user / 1000).toBeLessThan(2000)
  })
})

describe('what is told of a matrix', () => {
  it('sums over rows and columns have one total', () => {
    const grid = made(7, 5)
    const { rows, columns, total } = marginalsOf(grid)
    for (let r = 0; r < 7; r++) {
      const own = Array.from({ length: 5 }, (_, c) => grid.values[r * 5 + c])
      expect(rows[r]).toBeCloseTo(
        own.reduce((a, b) => a + b, 0),
        12,
      )
    }
    for (let c = 0; c < 5; c++) {
      const own = Array.from({ length: 7 }, (_, r) => grid.values[r * 5 + c])
      expect(columns[c]).toBeCloseTo(
        own.reduce((a, b) => a + b, 0),
        12,
      )
    }
    expect(columns.reduce((a, b) => a + b, 0)).toBeCloseTo(total, 12)
  })

  it('cells that have a number are counted as far as is asked', () => {
    const grid = { rows: 2, columns: 3, values: [1, NaN, 3, 4, 5, 6], absent: [0, 0, 1, 0, 0, 0] }
    expect(knownUpTo(grid, 20, wholeOf(grid))).toBe(4)
    expect(knownUpTo(grid, 2, wholeOf(grid))).toBe(2)
    expect(knownUpTo(grid, 20, { row: 0, column: 1, rows: 2, columns: 2 })).toBe(2)
  })

  it('the strongest cells are those that a full sort gives, and ranks count them', () => {
    const grid = made(9, 11)
    const sorted = [...(grid.values as Float64Array)].map(Math.abs).sort((a, b) => b - a)
    const found = strongestCells(grid, 20)
    expect(found.map(({ value }) => Math.abs(value))).toEqual(sorted.slice(0, 20))
    found.forEach(({ row, column }, i) => expect(rankOf(grid.values, row * 11 + column)).toBe(i + 1))
    const part = { row: 1, column: 2, rows: 3, columns: 3 }
    for (const { row, column } of strongestCells(grid, 5, part)) {
      expect(row >= 1 && row < 4 && column >= 2 && column < 5).toBe(true)
    }
    expect(strongestCells({ ...grid, absent: new Uint8Array(99).fill(1) }, 3)).toEqual([])
  })

  it('a window stays inside', () => {
    const grid = { rows: 10, columns: 20 }
    expect(partWithin(grid, { row: 8, column: -3, rows: 5, columns: 99 })).toEqual({
      row: 5,
      column: 0,
      rows: 5,
      columns: 20,
    })
    expect(partWithin(grid, { row: 9, column: 19, rows: 0, columns: 0 })).toEqual({
      row: 9,
      column: 19,
      rows: 1,
      columns: 1,
    })
  })
})
