import { textWidth } from '@ldyn/figures'
import { describe, expect, it } from 'vitest'
import { along, placeNames, sideBySide, type Box, type Placed, type Spot } from './place-names.ts'

const plot: Box = { left: 40, right: 360, top: 10, bottom: 210 }
const boxOf = ({ x, y, anchor }: Placed, { name }: Spot): Box => {
  const wide = textWidth(name)
  const left = anchor === 'start' ? x : anchor === 'end' ? x - wide : x - wide / 2
  return { left, right: left + wide, top: y - 9, bottom: y + 3 }
}
const meet = (a: Box, b: Box): boolean => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom
const around = ({ x, y, radius: r }: Spot): Box => ({ left: x - r, right: x + r, top: y - r, bottom: y + r })
const NAMES = ['likeliest now', 'chosen', 'rejected', 'followed', 'likeliest = chosen']
/** mulberry32: the same points on every machine. */
const chance = (seed: number) => (): number => {
  seed = (seed + 0x6d2b79f5) | 0
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296
}

describe('names beside points', () => {
  it('stand right of theirs where nothing is in the way, without a leader', () => {
    const [placed] = placeNames([{ x: 100, y: 100, radius: 4, name: 'chosen' }], plot)
    expect(placed).toEqual({ x: 108, y: 104, anchor: 'start' })
  })

  it('stay inside, left of a point at the right edge and below one at the top', () => {
    const spots = [{ x: 355, y: 100, radius: 4, name: 'rejected' }, { x: 45, y: 11, radius: 4, name: 'chosen' }]
    const [a, b] = placeNames(spots, plot).map((placed, i) => boxOf(placed, spots[i]))
    expect(a.right).toBeLessThan(355)
    expect(b.top).toBeGreaterThanOrEqual(plot.top)
  })

  it.each([0, 4, 20, 120])('cover neither each other nor a point, of points within %i pixels of each other', wide => {
    for (let seed = 1; seed <= 60; seed++) {
      const random = chance(seed)
      const [cx, cy] = [40 + 320 * random(), 10 + 200 * random()]
      const within = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value))
      const spots = NAMES.map((name): Spot => ({
        name,
        x: within(cx + (random() - 0.5) * wide, 45, 355),
        y: within(cy + (random() - 0.5) * wide, 15, 205),
        radius: 4.6,
      }))
      const others = spots.map(({ x, y }) => ({ x: within(x + 15, 45, 355), y, radius: 4, name: '' }))
      const boxes = placeNames(spots, plot, { others }).map((placed, i) => boxOf(placed, spots[i]))
      boxes.forEach((box, i) => {
        for (const other of boxes.slice(i + 1)) expect(meet(box, other), `seed ${seed}, ${NAMES[i]}`).toBe(false)
        for (const mark of [...spots, ...others].map(around))
          expect(meet(box, mark), `seed ${seed}, ${NAMES[i]}`).toBe(false)
        expect(box.left).toBeGreaterThanOrEqual(plot.left - 1e-9)
        expect(box.right).toBeLessThanOrEqual(plot.right + 1e-9)
      })
    }
  })

  it('have a leader to their own point where they had to go further', () => {
    const spots = NAMES.map((name): Spot => ({ name, x: 200, y: 100, radius: 4 }))
    const placed = placeNames(spots, plot)
    expect(placed.filter(({ leader }) => leader !== undefined).length).toBeGreaterThan(0)
    for (const { leader } of placed) {
      if (!leader) continue
      expect(Math.hypot(leader[0] - 200, leader[1] - 100)).toBeLessThan(6)
    }
  })

  it('keep off lines where they can, and are the same again', () => {
    const level = along([[40, 100], [360, 100]])
    const spots = [{ x: 200, y: 100, radius: 4, name: 'chosen' }]
    const [placed] = placeNames(spots, plot, { lines: level })
    const box = boxOf(placed, spots[0])
    expect(box.top > 100 || box.bottom < 100).toBe(true)
    expect(placeNames(spots, plot, { lines: level })).toEqual([placed])
  })

  it('points along a line are no further apart than letters are high', () => {
    const points = along([[0, 0], [100, 0], [100, 3]])
    expect(points[0]).toEqual([0, 0])
    expect(points.at(-1)).toEqual([100, 3])
    points.forEach(([x, y], i) => {
      if (i > 0) expect(Math.hypot(x - points[i - 1][0], y - points[i - 1][1])).toBeLessThanOrEqual(6)
    })
  })

  it('in one line stand beside each other, and as they were where they have room', () => {
    const room = { left: 0, right: 300 }
    expect(sideBySide([50, 200], ['chosen', 'rejected'], room)).toEqual([50, 200])
    const near = sideBySide([299, 290, 12], ['chosen', 'rejected', 'likeliest'], room)
    const halves = ['chosen', 'rejected', 'likeliest'].map(name => textWidth(name) / 2)
    expect(near[0] + halves[0]).toBeLessThanOrEqual(300)
    expect(near[0] - near[1]).toBeGreaterThanOrEqual(halves[0] + halves[1] + 6 - 1e-9)
    expect(near[2]).toBeCloseTo(halves[2], 9)
  })
})
