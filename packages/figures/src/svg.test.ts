import { beforeAll, describe, expect, it } from 'vitest'
import { checkMarkup } from '../test/check-markup.ts'
import { paperMoves, syntheticData } from '../test/synthetic-run.ts'
import { layOut } from './chart-layout.ts'
import { figure } from './figure-file.ts'
import { stageMarks, type Line, type Panel } from './lines.ts'
import { panelsOf } from './panels.ts'
import { looks } from './response-types.ts'
import type { RunData } from './series.ts'
import { chart, PANEL, slugs } from './svg.ts'
import { envelope } from './training-panels.ts'

let data: RunData
let panels: readonly Panel[]
beforeAll(async () => {
  data = await syntheticData({ moves: paperMoves })
  panels = panelsOf([data])
})

const line = (mean: readonly number[], own: Partial<Line> = {}): Line => ({
  key: 'chosen',
  label: 'chosen',
  look: looks.chosen,
  steps: mean.map((_, i) => i * 10),
  stages: mean.map(() => 'sft'),
  mean,
  ...own,
})
const panel = (lines: readonly Line[], own: Partial<Panel> = {}): Panel => ({
  id: 'p',
  section: 'logp',
  title: 'Title',
  says: 'Says.',
  unit: 'nats',
  lines,
  stages: [{ step: 0, name: 'sft' }],
  ...own,
})

/** Points of the n-th curve, read back from the drawing. */
const drawnPoints = (svg: string, n: number): readonly (readonly [number, number])[] => {
  const curves = [...svg.matchAll(/<path class="line [^"]*" d="([^"]*)"/g)].map((match) => match[1])
  // Drawn last to first, so that the first line lies on top.
  const d = curves[curves.length - 1 - n]
  return [...d.matchAll(/[ML](\S+) ([^LM]+)/g)].map(([, x, y]) => [Number(x), Number(y)] as const)
}

describe('names at the ends of lines', () => {
  const texts = (svg: string): readonly string[] =>
    [...svg.matchAll(/<text [^>]*class="ink"[^>]*>([^<]*)(<tspan[^>]*>([^<]*)<\/tspan>)?<\/text>/g)].map(
      ([, name, , reading = '']) => name + reading,
    )

  it('are the keys that files and commands use, none of them cut', () => {
    const change = panels.find(({ id }) => id === 'change')!
    expect(change.lines.map(({ key, label }) => key === label)).not.toContain(false)
    for (const shown of panels)
      for (const { label } of shown.lines) expect(texts(chart(shown))).toContain(label)
  })

  it('have their readings behind them where all of these fit', () => {
    const types = panel([
      line([1, 2], { key: 'irr_train', label: 'irr_train', reading: 'other training' }),
      line([2, 3], { key: 'chosen', label: 'chosen' }),
    ])
    expect(texts(chart(types, { width: 600, height: 300 }))).toEqual(['irr_train other training', 'chosen'])
    expect(texts(chart(types, { width: 300, height: 300 }))).toEqual(['irr_train', 'chosen'])
  })

  it('leave a long name of the axis a line of its own, and a short one its place behind the numbers', () => {
    const place = (xName: string): readonly number[] => {
      const svg = chart(panel([line([1, 2])], { xName }))
      const [, x, y] = new RegExp(`<text x="([^"]+)" y="([^"]+)"[^>]*>${xName}<`).exec(svg)!
      return [Number(x), Number(y)]
    }
    expect(place('minutes')[0]).toBeGreaterThan(PANEL.width - 100)
    expect(place('updates from the start of dpo')[0]).toBeLessThan(60)
    expect(place('updates from the start of dpo')[1]).toBeLessThan(PANEL.height)
  })

  it('are described from the first place to the last, also before 0', () => {
    const shifted = { ...line([1, 2, 3]), steps: [-60, 0, 0.5] }
    expect(chart(panel([shifted], { xName: 'updates from the start of dpo' }))).toContain(
      'From −60 to 0.500 updates from the start of dpo.',
    )
  })

  it('are described with their readings, and with the unit', () => {
    const svg = chart(panel([line([1, 2], { key: 'chosen A', label: 'A', reading: 'baseline' })]))
    expect(svg).toContain('Says. Axis: nats. Updates 0 to 10. chosen A (baseline) from 1.00 to 2.00.')
  })
})

describe('a chart', () => {
  it('has every point where its number says, in every panel', () => {
    for (const shown of panels) {
      const { x, y } = layOut(shown, PANEL)
      const svg = chart(shown)
      for (const [n, { steps, mean }] of shown.lines.entries()) {
        const points = drawnPoints(svg, n)
        expect(points.length).toBe(mean.length)
        for (const [i, [px, py]] of points.entries()) {
          expect(Math.abs(px - x.at(steps[i]))).toBeLessThanOrEqual(0.005 + 1e-9)
          expect(Math.abs(py - y.at(mean[i]))).toBeLessThanOrEqual(0.005 + 1e-9)
          expect(py).toBeGreaterThan(0)
          expect(py).toBeLessThan(PANEL.height)
        }
      }
    }
  })

  it('shades one standard error on both sides', () => {
    const shown = panel([line([-10, -8, -9], { se: [1, 2, 0.5] })])
    const { x, y } = layOut(shown, PANEL)
    const d = /<path class="band [^"]*" d="([^"]*)Z"/.exec(chart(shown))![1]
    const points = [...d.matchAll(/[ML](\S+) ([^LM]+)/g)].map((m) => [Number(m[1]), Number(m[2])])
    const wanted = [
      [0, -9],
      [10, -6],
      [20, -8.5],
      [20, -9.5],
      [10, -10],
      [0, -11],
    ]
    expect(points.map(([px]) => px)).toEqual(wanted.map(([s]) => Math.round(x.at(s) * 100) / 100))
    expect(points.map(([, py]) => py)).toEqual(wanted.map(([, v]) => Math.round(y.at(v) * 100) / 100))
  })

  it('marks where a stage begins with a line and its name', () => {
    expect(stageMarks([data])).toEqual([
      { step: 0, name: 'sft' },
      { step: 40, name: 'dpo' },
    ])
    const [first] = panels
    const svg = chart(first)
    const lines = [...svg.matchAll(/<line class="axis stage" x1="([^"]+)" x2="([^"]+)"/g)]
    expect(lines.map((m) => Number(m[1]))).toEqual([Math.round(layOut(first, PANEL).x.at(40) * 100) / 100])
    expect(svg).toContain('>sft</text>')
    expect(svg).toContain('>dpo</text>')
  })

  it('tells lines apart by more than colour: no two of a panel share dash and marker', () => {
    for (const { id, lines } of panels) {
      const signs = lines.map(({ look }) => `${look.dash} ${look.marker}`)
      expect(new Set(signs).size, id).toBe(lines.length)
    }
  })

  it('has a title and a description with its first and last numbers for those who cannot see it', () => {
    const svg = chart(panel([line([-10, -8.5])]))
    expect(svg).toContain('role="img"')
    expect(svg).toContain('<title id="chart-p-title">Title</title>')
    expect(svg).toContain('chosen from −10.00 to −8.50')
  })

  it('names all values of a step where it is pointed at', () => {
    const svg = chart(panel([line([-10, -8], { se: [0.5, 0.5] }), line([-3], { key: 'other' })]))
    expect(svg).toContain('<title>update 0 · sft\nchosen  −10.00 ± 0.50\nother  −3.00</title>')
    expect(svg).toContain('<title>update 10 · sft\nchosen  −8.00 ± 0.50</title>')
  })

  it('draws a single evaluation and a flat line without a number that is none', () => {
    for (const lines of [[line([-5])], [line([0, 0, 0])], [line([1e-9, 2e-9])], [line([1e12, 2e12])]]) {
      const svg = chart(panel(lines))
      expect(svg).not.toMatch(/NaN|Infinity|undefined/)
      checkMarkup(svg)
    }
  })

  it('refuses NaN instead of drawing it', () => {
    expect(() => chart(panel([line([1, NaN, 2])]))).toThrow(RangeError)
  })

  it('shows hostile names as text', () => {
    const evil = '</text><script>alert(1)</script>"\'&\u0000'
    const shown = panel([line([1, 2], { key: evil, label: evil, stages: [evil, evil] })], {
      id: evil,
      title: evil,
      says: evil,
      unit: evil,
      stages: [
        { step: 0, name: evil },
        { step: 10, name: evil },
      ],
    })
    for (const svg of [chart(shown), figure([shown], evil)]) {
      expect(svg).not.toContain('<script')
      expect(svg).not.toContain('\u0000')
      checkMarkup(svg.replace(/^<\?xml[^>]*>\n/, ''))
    }
  })
})

describe('a file of figures', () => {
  it('is one well-formed SVG with every panel’s title, light in print and dark on a dark screen', () => {
    const svg = figure(
      panels.filter(({ section }) => section === 'logp'),
      'All',
    )
    checkMarkup(svg.replace(/^<\?xml[^>]*>\n/, ''))
    expect(svg).toContain('xmlns="http://www.w3.org/2000/svg"')
    expect(svg).toContain('@media screen and (prefers-color-scheme:dark)')
    for (const { title } of panels.filter(({ section }) => section === 'logp'))
      expect(svg).toContain(`>${title}</text>`)
  })

  it('gets names that differ where ids are alike', () => {
    expect(slugs(['a b', 'a-b', 'A/B', '…'])).toEqual(['a-b', 'a-b-2', 'a-b-3', 'x'])
  })
})

it('a long log keeps its exact extremes, and its first and last stretch', () => {
  const values = Array.from(
    { length: 5000 },
    (_, i) => Math.sin(i / 50) + (i === 1234 ? 9 : 0) - (i === 4321 ? 9 : 0),
  )
  const kept = envelope(values, 400)
  expect(kept.length).toBeLessThanOrEqual(400)
  expect(kept).toContain(1234)
  expect(kept).toContain(4321)
  expect([...kept].sort((a, b) => a - b)).toEqual(kept)
})

/** WCAG 2: relative luminance and contrast. */
const luminance = (hex: string): number => {
  const [r, g, b] = [1, 3, 5]
    .map((i) => parseInt(hex.slice(i, i + 2), 16) / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}
const contrast = (a: string, b: string): number => {
  const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x)
  return (high + 0.05) / (low + 0.05)
}

it('every line stands out from its page by 3 : 1 at least, light and dark', () => {
  for (const [name, { light, dark }] of Object.entries(looks)) {
    expect(contrast(light, '#ffffff'), name).toBeGreaterThanOrEqual(3)
    expect(contrast(dark, '#14171d'), name).toBeGreaterThanOrEqual(3)
  }
})
