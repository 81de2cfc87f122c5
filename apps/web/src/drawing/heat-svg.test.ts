import { describe, expect, it } from 'vitest'
import { checkMarkup } from '../../../../packages/figures/test/check-markup.ts'
import type { Heat } from '../panels/heat.ts'
import { SIGNED } from './colour.ts'
import { scaleFor } from './colour-limits.ts'
import { heatSvg } from './heat-svg.ts'

const heat: Heat = {
  rows: ['0 ␣a', '1 <b>&'],
  columns: ['x', 'y', 'z'],
  rowName: 'm',
  columnName: 'l',
  values: [4, 4, -1, 0, NaN, 9],
  absent: [0, 0, 0, 1, 0, 0],
  signed: true,
  unit: 'nats',
  rowRails: [
    { name: 'y⁺', light: '#0072b2', dark: '#56b4e9' },
    { name: 'y⁻', light: '#d55e00', dark: '#ff8a4c' },
  ],
  beside: [{ name: 'Σ', values: [7, 9] }],
}
const scale = { signed: true, limit: 4, low: 0 }
const whole = { row: 0, column: 0, rows: 2, columns: 3 }

describe('a map as a file', () => {
  it('is sound markup whatever the names are, and says what its scale is', () => {
    const svg = heatSvg(heat, scale, whole, 'K <i> & more')
    checkMarkup(svg)
    expect(svg).toContain('K &lt;i&gt; &amp; more')
    expect(svg).toContain('1 &lt;b&gt;&amp;')
    expect(svg).toContain('−4.00')
  })

  it('joins neighbours of one colour, and signs what is no colour as the page does', () => {
    const svg = heatSvg(heat, scale, whole, 'K')
    const full = `#${[...SIGNED.subarray(255 * 3)].map(x => x.toString(16).padStart(2, '0')).join('')}`
    // 4 and 4 are one rectangle, 9 is another with hatches over it; the legend has one more.
    expect(svg.split(`fill="${full}"`).length - 1).toBe(3)
    for (const [pattern, times] of [
      ['url(#check)', 1],
      ['url(#dots)', 1],
      ['url(#hatch', 1],
    ] as const)
      expect(svg.split(pattern).length - 1, pattern).toBe(times)
  })

  it('holds the window alone, and folds what is too much', () => {
    const part = heatSvg(heat, scale, { row: 1, column: 2, rows: 1, columns: 1 }, 'K')
    expect(part).not.toContain('0 ␣a')
    const n = 1000
    const names = Array.from({ length: n }, (_, i) => `p${i}`)
    const values = Float64Array.from({ length: n * n }, (_, i) => Math.sin(i))
    const large = heatSvg({ ...heat, rows: names, columns: names, values, absent: undefined, rowRails: undefined, beside: [] }, scaleFor(values, true), { row: 0, column: 0, rows: n, columns: n }, 'K')
    expect(large.length).toBeLessThan(8e6)
    checkMarkup(large)
  })
})
