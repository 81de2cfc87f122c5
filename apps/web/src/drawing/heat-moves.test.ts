import { describe, expect, it } from 'vitest'
import { boxed, movedBy, showing, zoomed } from './heat-moves.ts'

const size = { rows: 20, columns: 30 }
const part = { row: 5, column: 10, rows: 4, columns: 6 }
const key = (name: string, shiftKey = false) => ({ key: name, shiftKey })

describe('on a map', () => {
  it('arrows move by a cell, with Shift by ten, and never out of it', () => {
    expect(movedBy(key('ArrowRight'), [3, 4], size)).toEqual([3, 5])
    expect(movedBy(key('ArrowUp', true), [13, 4], size)).toEqual([3, 4])
    expect(movedBy(key('ArrowUp', true), [3, 4], size)).toEqual([0, 4])
    expect(movedBy(key('ArrowDown'), [19, 4], size)).toEqual([19, 4])
    expect(movedBy(key('Home'), [3, 4], size)).toEqual([3, 0])
    expect(movedBy(key('End'), [3, 4], size)).toEqual([3, 29])
    expect(movedBy(key('End', true), [3, 4], size)).toEqual([19, 29])
    expect(movedBy(key('a'), [3, 4], size)).toBeUndefined()
  })

  it('the window follows a cell no further than it must', () => {
    expect(showing(part, [6, 12])).toBe(part)
    expect(showing(part, [9, 12])).toEqual({ ...part, row: 6 })
    expect(showing(part, [2, 20])).toEqual({ ...part, row: 2, column: 15 })
  })

  it('zooming keeps the cell in the middle, stops at two cells, and ends where all is shown', () => {
    expect(zoomed(part, size, 0.5, [6, 12])).toEqual({ row: 5, column: 11, rows: 2, columns: 3 })
    expect(zoomed(part, size, 0.01)).toMatchObject({ rows: 2, columns: 2 })
    expect(zoomed(part, size, 2)).toEqual({ row: 3, column: 7, rows: 8, columns: 12 })
    expect(zoomed(part, size, 8)).toBeUndefined()
  })

  it('a box is a window whichever corner it began at, and a line of cells is none', () => {
    const box = { row: 2, column: 3, rows: 4, columns: 2 }
    expect(boxed([2, 3], [5, 4])).toEqual(box)
    expect(boxed([5, 3], [2, 4])).toEqual(box)
    expect(boxed([2, 3], [2, 9])).toBeUndefined()
    expect(boxed([2, 3], [8, 3])).toBeUndefined()
  })
})
