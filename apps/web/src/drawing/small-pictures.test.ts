// The small pictures together: at a telephone's width as at a screen's all of them stay inside, with letters of one
// size; and what a pointer hits is what is drawn there.
import { looks } from '@ldyn/figures'
import { describe, expect, it } from 'vitest'
import { bandsDrawing } from './bands.ts'
import { heightAt, INKS, type Drawing } from './ink.ts'
import { ranksDrawing } from './ranks.ts'
import { rowAt, rowsDrawing } from './row-bars.ts'
import { scatterDrawing } from './scatter.ts'
import { cornersIn, placeIn, simplexDrawing } from './simplex.ts'
import { spectrumDrawing } from './spectrum.ts'
import { stripsDrawing } from './strips.ts'
import { barAt, partNames, timelineDrawing, type TimelineBar } from './timeline.ts'

const bars: readonly TimelineBar[] = Array.from({ length: 24 }, (_, i) => ({
  step: 9 * (i + 1),
  stage: i < 16 ? 'sft' : 'dpo',
  predicted: 1 - i / 9,
  actual: 0.5,
  parts: new Map(i < 16 ? [['chosen target', 1 - i / 9]] : [['chosen', 2], ['rejected', -1 - i / 9]]),
}))
const rows = ['chosen', 'a <type> of a very long name, longer than its column'].map((name, i) => ({
  name, look: looks.chosen, values: [-1.25 * i, 0.5],
}))
const points = [-4.7, -2, -0.1].map((value, i) => ({
  predicted: value, actual: value - 0.2, kind: `kind ${i}`, look: looks.rejected, says: 'here & there', picked: i === 1,
}))
const steps = [0, 100, 216]
const simplex = {
  names: ['likeliest now “a <b> of many letters”', 'chosen A', 'rejected B'],
  points: [{ step: 0, p: [0.1, 0.8, 0.1] as const }, { step: 9, p: [0.8, 0.1, 0.1] as const }],
  then: 0,
  now: 1,
}
const drawings: Readonly<Record<string, Drawing>> = {
  bands: bandsDrawing(
    {
      steps,
      bands: [{ name: 'likeliest', mass: [0.2, 0.4, 0.9] }, { name: 'all others', mass: [0.8, 0.6, 0.1] }],
      stages: [],
    },
    250,
  ),
  ranks: ranksDrawing({ before: [[1, -1], [1000, -9]], after: [[1, -0.1], [1000, -14]], marks: [] }, 250),
  rows: rowsDrawing(rows, { unit: 'nats', alt: 'rows' }),
  scatter: scatterDrawing({ points, unit: 'Δ log π (nats)', alt: 'scatter' }, 300),
  simplex: simplexDrawing(simplex),
  spectrum: spectrumDrawing({ step: 5, eigenvalues: [400, 3, 0] }, { step: 0, eigenvalues: [300, 2, 1] }, looks.chosen),
  strips: stripsDrawing(
    rows.map(({ name, look }) => {
      const values = new Float64Array([-300, -100.5, -81])
      return { name, look, values, chosen: values.slice(2) }
    }),
    'log π(y), summed over the response (nats)',
  ),
  timeline: timelineDrawing({
    bars, at: 9, chosen: [18, 27],
    parts: [...partNames(bars)].map(([part, name]) => ({ part, name, look: looks.chosen, opacity: 1 })),
  }),
}
const drawnAt = ({ height, draw }: Drawing, width: number) => {
  const high = heightAt({ height }, width)
  return { high, markup: draw({ width, height: high }, INKS.light) }
}
const numbers = (markup: string, pattern: RegExp): readonly number[] =>
  [...markup.matchAll(pattern)].map(([, n]) => Number(n))

describe.each(Object.entries(drawings))('%s', (_, drawing) => {
  it.each([300, 340, 580, 1200])('is drawn at %i pixels, inside of them, with letters of one size', width => {
    const { high, markup } = drawnAt(drawing, width)
    expect(markup).toContain(`width="${width}"`)
    expect(high).toBeGreaterThan(40)
    expect(high).toBeLessThan(700)
    expect(new Set(numbers(markup, /font-size="([\d.]+)"/g))).toEqual(new Set([11]))
    // Paths of ticks are drawn a tenth as wide; all else is in pixels.
    for (const x of numbers(markup, / (?:x|x1|x2|cx)="(-?[\d.]+)"/g)) {
      expect(x).toBeGreaterThanOrEqual(-0.01)
      expect(x).toBeLessThanOrEqual(width + 0.01)
    }
    for (const y of numbers(markup, / (?:y|y1|y2|cy)="(-?[\d.]+)"/g)) expect(y).toBeLessThanOrEqual(high + 0.01)
    expect(markup).not.toMatch(/NaN|undefined|<b>|<type>/)
  })
})

it('a place in the timeline is the bar that is drawn there', () => {
  for (const width of [340, 1200]) {
    const { markup } = drawnAt(drawings.timeline, width)
    const centres = numbers(markup, /<circle cx="([\d.]+)" cy="[\d.]+" r="[\d.]+"[^>]*><title/g)
    expect(centres).toHaveLength(bars.length)
    centres.forEach((x, i) => expect(barAt(x, bars.length, width)).toBe(i))
  }
  expect(barAt(-50, 24, 900)).toBe(0)
  expect(barAt(5000, 24, 900)).toBe(23)
})

it('parts of one stage say which; those of all stages, and of a run of one, do not', () => {
  expect([...partNames(bars).values()]).toEqual(['chosen target (sft)', 'chosen (dpo)', 'rejected (dpo)'])
  const carried = bars.map(bar => ({ ...bar, parts: new Map([...bar.parts, ['carried over', 0]]) }))
  expect(partNames(carried).get('carried over')).toBe('carried over')
  expect([...partNames(bars.slice(0, 3)).values()]).toEqual(['chosen target'])
})

it('a place in rows is the row that is drawn there', () => {
  const { high } = drawnAt(drawings.rows, 500)
  expect([rowAt(10, 2, high), rowAt(high - 40, 2, high)]).toEqual([0, 1])
  expect([rowAt(1, 2, high), rowAt(high - 5, 2, high)]).toEqual([undefined, undefined])
})

it('all of one of three is its corner, and equal shares are the middle', () => {
  const corners = cornersIn({ width: 400, height: 400 })
  expect(placeIn([0, 0, 0.5], corners)).toEqual(corners[2])
  const [x, y] = placeIn([0.2, 0.2, 0.2], corners)
  expect(x).toBeCloseTo(corners[0][0], 9)
  expect(y).toBeCloseTo((corners[0][1] + 2 * corners[1][1]) / 3, 9)
})

it('points of the scatter on the diagonal lie on it, and say what they are', () => {
  const even = points.map(point => ({ ...point, actual: point.predicted, look: looks.chosen }))
  const { markup } = drawnAt(scatterDrawing({ points: even, unit: 'nats', alt: '' }, 300), 560)
  const [, x1, y1, y2] = /<line x1="([\d.]+)" y1="([\d.]+)" x2="[\d.]+" y2="([\d.]+)" stroke="[^"]+" stroke-dash/.exec(markup)!
  const paths = /d="M([\d.]+) ([\d.]+)a[^"]*" fill="[^"]+" stroke="[^"]+" stroke-width="([\d.]+)" data-point/g
  const places = [...markup.matchAll(paths)]
  expect(places).toHaveLength(3)
  expect(Number(y1)).toBeGreaterThan(Number(y2))
  for (const [, x, y, rim] of places) {
    const cx = Number(x) + (rim === '1.6' ? 5 : 3.4)
    expect(cx - Number(x1)).toBeCloseTo(Number(y1) - Number(y), 1)
  }
  expect(markup).toContain('here &amp; there')
})

it('a number that is none is refused, not drawn', () => {
  const bad = { name: 'x', look: looks.chosen, values: [NaN] }
  expect(() => drawnAt(rowsDrawing([bad], { unit: '', alt: '' }), 300)).toThrow()
  const far = { points: [{ ...points[0], actual: Infinity }], unit: '', alt: '' }
  expect(() => drawnAt(scatterDrawing(far), 300)).toThrow()
})
