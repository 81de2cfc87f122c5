import { describe, expect, it } from 'vitest'
import type { Heat } from '../panels/heat.ts'
import { boxOf, cellUnder, layOutHeat, railPaths, railRuns, reachOf, showsNumbers } from './heat-layout.ts'
import { wholeOf } from './heat-map.ts'

const heat = (rows: number, columns: number, more: Partial<Heat> = {}): Heat => ({
  rows: Array.from({ length: rows }, (_, i) => `row ${i}`),
  columns: Array.from({ length: columns }, (_, i) => `c${i}`),
  rowName: 'row',
  columnName: 'column',
  values: new Float32Array(rows * columns),
  signed: true,
  unit: '',
  ...more,
})
const laid = (one: Heat, space = 600, square = false) =>
  layOutHeat(one, wholeOf({ rows: one.rows.length, columns: one.columns.length }), space, 400, square)

describe('the layout of a map', () => {
  it('has whole pixels a cell where they fit, and keeps within its room where they do not', () => {
    const small = laid(heat(4, 5))
    expect([small.cellWidth, small.cellHeight]).toEqual([89, 24])
    expect(small.width).toBe(5 * 89)
    const large = laid(heat(2048, 2048), 600, true)
    expect(large.width).toBe(400)
    expect(large.cellWidth).toBe(large.cellHeight)
    for (const space of [280, 390, 600, 1200])
      expect(laid(heat(30, 40), space).wide).toBeLessThanOrEqual(space)
  })

  it('writes names upright where they fit, every one or every few, and numbers where a cell has room', () => {
    expect(laid(heat(4, 5))).toMatchObject({ upright: true, rowEvery: 1, columnEvery: 1 })
    const many = laid(heat(300, 200))
    expect(many.upright).toBe(false)
    expect(many.rowEvery * many.cellHeight).toBeGreaterThanOrEqual(11)
    expect([showsNumbers(laid(heat(4, 5))), showsNumbers(many)]).toEqual([true, false])
  })

  it('leaves room for what stands around the cells', () => {
    const values = [1, -2, 3, 4]
    const bare = laid(heat(4, 5))
    const full = laid(
      heat(4, 5, {
        beside: [{ name: 'a', values }],
        above: { name: 'b', values: [1, 2, 3, 4, 5] },
        columnRails: [],
      }),
    )
    expect(full.top - bare.top).toBe(34 + 10)
    expect(full.wide - full.width - full.left).toBe(66)
    expect(reachOf([{ name: 'a', values }])).toBe(4)
    expect(reachOf([])).toBe(1)
  })

  it('knows the cell at a place, and the place of a cell', () => {
    const one = layOutHeat(heat(20, 20), { row: 5, column: 6, rows: 4, columns: 5 }, 600, 400)
    expect(cellUnder(one, 0, 0)).toEqual([5, 6])
    expect(cellUnder(one, one.cellWidth * 2.5, one.cellHeight * 3.1)).toEqual([8, 8])
    expect(cellUnder(one, 9999, -3)).toEqual([5, 10])
    const box = boxOf(one, [8, 8], [6, 10])
    expect(box).toEqual(boxOf(one, [6, 8], [8, 10]))
    expect(box).toEqual({
      left: `${one.left + 2 * one.cellWidth}px`,
      top: `${one.top + one.cellHeight}px`,
      width: `${3 * one.cellWidth}px`,
      height: `${3 * one.cellHeight}px`,
    })
  })

  it('draws neighbours of one rail as one bar', () => {
    const rails = ['a', 'b', 'b', 'b', 'a'].map(name => ({ name, light: name, dark: name }))
    expect(railRuns(rails, 1, 4).map(({ rail, from, to }) => [rail.name, from, to])).toEqual([
      ['b', 0, 3],
      ['a', 3, 4],
    ])
    expect(railPaths(rails, 0, 5, (from, to) => [2, from * 10, 7, (to - from) * 10 - 0.5])).toEqual([
      { rail: rails[0], d: 'M2 0h7v9.5h-7zM2 40h7v9.5h-7z' },
      { rail: rails[1], d: 'M2 10h7v29.5h-7z' },
    ])
  })
})
