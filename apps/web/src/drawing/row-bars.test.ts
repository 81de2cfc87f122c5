import { looks } from '@ldyn/figures'
import { describe, expect, it } from 'vitest'
import { drawBands, placeOf, stepAt } from './bands.ts'
import { INKS } from './ink.ts'
import { drawRows, heightOf, type BarRow } from './row-bars.ts'

const attributes = (markup: string, element: string, name: string): number[] =>
  [...markup.matchAll(new RegExp(`<${element} [^>]*?\\b${name}="([^"]+)"`, 'g'))].map(([, value]) => Number(value))
const rows: readonly BarRow[] = [
  { name: 'up', look: looks.argmax, values: [2, 1] },
  { name: 'down', look: looks.chosen, values: [-8, -4] },
  { name: 'far & <down>', look: looks.rejected, values: [-80, -6], long: true },
]

describe('bars from zero', () => {
  const drawn = drawRows(rows, { unit: 'nats', alt: 'moves' }, { width: 600, height: heightOf(3, 2) }, INKS.light)

  it('are as long as their numbers, of which each is written', () => {
    const widths = attributes(drawn, 'rect', 'width')
    expect(widths[1] / widths[0]).toBeCloseTo(0.5, 2)
    expect(widths[2] / widths[0]).toBeCloseTo(4, 2)
    for (const text of ['+2.00', '+1.00', '−8.00', '−4.00', '−80.00', '−6.00']) expect(drawn).toContain(`>${text}<`)
    expect(drawn).toContain('far &amp; &lt;down&gt;')
  })

  it('are cut where one may be and leaves the axis, and only there', () => {
    const [, , long] = attributes(drawn, 'rect', 'width').filter((_, i) => i % 2 === 0)
    expect(long).toBeCloseTo(attributes(drawn, 'rect', 'width')[2], 0)
    const strokes = (markup: string): number => markup.split(`stroke="${INKS.light.paper}"`).length - 1
    expect(strokes(drawn)).toBe(2)
    const short = rows.map(row => ({ ...row, values: row.values.map(value => Math.max(value, -8)) }))
    expect(strokes(drawRows(short, { unit: '', alt: '' }, { width: 600, height: 200 }, INKS.light))).toBe(0)
  })

  it('need no value to differ from zero, and refuse what is no number', () => {
    const flat = [{ name: 'still', look: looks.chosen, values: [0] }]
    expect(drawRows(flat, { unit: '', alt: '' }, { width: 300, height: 80 }, INKS.dark)).toContain('>0<')
    const bad = [{ name: 'broken', look: looks.chosen, values: [NaN] }]
    expect(() => drawRows(bad, { unit: '', alt: '' }, { width: 300, height: 80 }, INKS.dark)).toThrow(/NaN/)
  })
})

describe('bands of ranks', () => {
  const steps = [0, 10, 40]
  const input = {
    steps,
    bands: [
      { name: 'likeliest', mass: [0.2, 0.4, 0.9] },
      { name: 'all others', mass: [0.8, 0.6, 0.1] },
    ],
    stages: [{ step: 0, name: 'sft' }, { step: 10, name: 'dpo' }],
  }
  const size = { width: 500, height: 200 }

  it('are stacked to 1, and a step is found again where it is drawn', () => {
    const drawn = drawBands(input, size, INKS.light)
    // The second band’s upper edge is the top of the plot at every step.
    const upper = [...drawn.matchAll(/ d="M([^"]+)Z"/g)][1][1].split('L').slice(0, 3).map(point => Number(point.split(' ')[1]))
    expect(new Set(upper).size).toBe(1)
    const stage = attributes(drawn, 'line', 'x1').at(-1)!
    expect(stepAt(steps, stage, size.width)).toBe(10)
    expect(Number.parseFloat(placeOf(input, 10, size.width).left)).toBeCloseTo(stage, 2)
    expect(stage).toBeCloseTo(38 + 0.25 * (size.width - 150), 1)
    expect(stepAt(steps, 0, size.width)).toBe(0)
    expect(stepAt([5], 200, size.width)).toBe(5)
  })
})
