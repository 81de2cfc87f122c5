import { looks } from '@ldyn/figures'
import { describe, expect, it } from 'vitest'
import type { CurveLine } from './align.ts'
import { corners, drawnPoints, edgeOf, thin } from './thin.ts'

const line = (steps: readonly number[], mean: readonly number[]): CurveLine => ({
  key: 'a',
  label: 'a',
  look: looks.chosen,
  steps,
  stages: steps.map(() => 'sft'),
  mean,
})

describe('points to draw', () => {
  const steps = Array.from({ length: 10_000 }, (_, i) => i)
  const values = steps.map(i => (Math.sin(i * 12.9898) * 43758.5453) % 1)

  it('hold the exact lowest and highest of every stretch, at most two a pixel', () => {
    const kept = drawnPoints(steps, values, { from: 0, to: 9999 }, 400)
    expect(kept.length).toBeLessThanOrEqual(800)
    for (let s = 0; s < 400; s++) {
      const part = values.slice(s * 25, (s + 1) * 25)
      const drawn = kept.filter(i => i >= s * 25 && i < (s + 1) * 25).map(i => values[i])
      expect(Math.max(...drawn)).toBe(Math.max(...part))
      expect(Math.min(...drawn)).toBe(Math.min(...part))
    }
  })

  it('are all there is once few enough are in the window, with one beyond either edge', () => {
    expect(drawnPoints(steps, values, { from: 100, to: 110 }, 400)).toEqual(
      Array.from({ length: 13 }, (_, i) => 99 + i),
    )
    expect(drawnPoints([], [], { from: 0, to: 1 }, 400)).toEqual([])
    expect(drawnPoints([5], [1], { from: 0, to: 1 }, 400)).toEqual([0])
  })
})

describe('lines of a chart', () => {
  const steps = Array.from({ length: 3000 }, (_, i) => Math.floor(i / 2) * 2)
  const lines = [0, 1, 2].map(k => line(k === 1 ? [...steps] : steps, steps.map((step, i) => Math.sin(step * k + i))))

  it('are cut one by one, whether they share their steps or not', () => {
    for (const [from, to, pixels] of [
      [0, 2998, 100],
      [0, 2998, 5000],
      [6, 9, 100],
      [500, 1500, 100],
      [-5, -1, 100],
      [2998, 9000, 100],
      [5000, 6000, 100],
    ] as const) {
      const { points, total, drawn } = thin(lines, { from, to }, pixels)
      expect(points, `${from} to ${to}`).toEqual(
        lines.map(({ mean }) => drawnPoints(steps, mean, { from, to }, pixels)),
      )
      const inside = (i: number): boolean => steps[i] >= from && steps[i] <= to
      expect(total).toBe(3 * steps.filter((_, i) => inside(i)).length)
      expect(drawn).toBe(points.flat().filter(inside).length)
    }
  })
})

describe('an edge of a band', () => {
  const points = Array.from({ length: 1000 }, (_, i) => i + 7)
  const reach = (i: number): number => (i * 7919) % 101

  it('keeps the point of every stretch that reaches farthest, and both ends', () => {
    const kept = edgeOf(points, reach, 50)
    expect(kept.length).toBe(52)
    expect([kept[0], kept.at(-1)]).toEqual([7, 1006])
    expect(kept).toEqual([...kept].sort((a, b) => a - b))
    const most = Math.max(...points.slice(1, -1).map(reach))
    expect(Math.max(...kept.map(reach))).toBe(most)
  })

  it('is every point where they are few', () => {
    expect(edgeOf(points.slice(0, 40), reach, 50)).toEqual(points.slice(0, 40))
    expect(edgeOf([3, 4], reach, 50)).toEqual([3, 4])
  })
})

describe('corners of a line', () => {
  const cornersOf = (xs: readonly number[], ys: readonly number[], slack: number): (readonly [number, number])[] => {
    const found: (readonly [number, number])[] = []
    corners([...xs.keys()], i => xs[i], i => ys[i], slack, (x, y) => found.push([x, y]))
    return found
  }
  const xs = Array.from({ length: 1000 }, (_, i) => i * 0.74)

  it('are points of the line, and no other point is farther from what they span than is allowed', () => {
    const noise = (i: number): number => ((i * 7919) % 1009) / 1009
    for (const [name, ys] of [
      ['smooth', xs.map(x => 100 * Math.sin(x / 150))],
      ['noisy', xs.map((x, i) => x / 5 + 30 * noise(i))],
      ['with steps', xs.map((x, i) => (i > 400 ? 50 : 0) + x / 100 + 0.1 * noise(i))],
    ] as const) {
      const found = cornersOf(xs, ys, 0.2)
      expect([found[0], found.at(-1)], name).toEqual([
        [xs[0], ys[0]],
        [xs[999], ys[999]],
      ])
      let segment = 0
      xs.forEach((x, i) => {
        while (found[segment + 1][0] < x) segment++
        const [[x0, y0], [x1, y1]] = [found[segment], found[segment + 1]]
        expect(Math.abs(y0 + ((x - x0) / (x1 - x0)) * (y1 - y0) - ys[i]), `${name}, point ${i}`).toBeLessThan(0.2001)
      })
      if (name === 'smooth') expect(found.length).toBeLessThan(80)
    }
  })

  it('are both where a step has two values, and all of a line that goes back and forth', () => {
    expect(cornersOf([0, 1, 2, 2, 3, 4], [0, 0, 0, 9, 9, 9], 0.2)).toEqual([
      [0, 0],
      [2, 0],
      [2, 9],
      [4, 9],
    ])
    expect(cornersOf([0, 1, 2, 3], [0, 1, 0, 1], 0.2)).toHaveLength(4)
    expect(cornersOf([5], [1], 0.2)).toEqual([[5, 1]])
    expect(cornersOf([], [], 0.2)).toEqual([])
  })
})
