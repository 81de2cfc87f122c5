import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openRun, type DecompositionLine } from '@ldyn/runs'
import { directoryFiles, importRun } from '@ldyn/runs/node'
import { beforeAll, describe, expect, it } from 'vitest'
import { checkMarkup } from '../../test/check-markup.ts'
import { extendMoves, PAPER, paperMoves, syntheticData } from '../../test/synthetic-run.ts'
import { change, estimate, gather, sampleOf, type RunData } from '../series.ts'
import { fitLine } from './confidence.ts'
import { exactInfluence, proxyOf, smoothed } from './influence.ts'
import {
  FIGURES,
  paperCsv,
  paperFigures,
  paperSvg,
  paperTable,
  TWO_COLUMNS,
  type PaperFigure,
} from './index.ts'
import { learning, preference } from './about.ts'
import { frameOf } from './print-curves.ts'
import { fitted, widthOf } from './signs.ts'

let run: RunData
let extend: RunData
beforeAll(async () => {
  run = await syntheticData({ id: 'baseline', moves: paperMoves })
  extend = await syntheticData({
    id: 'extend',
    moves: extendMoves,
    stages: [
      { name: 'extend', loss: 'sft', updates: 40 },
      { name: 'dpo', loss: 'dpo', updates: 40 },
    ],
  })
})

const only = (runs: readonly RunData[], id: (typeof FIGURES)[number]): PaperFigure =>
  paperFigures(runs, [id])[0]

/** Cells of the CSV by panel and series. */
const cellsOf = (figure: PaperFigure, panel: string, series: string) =>
  paperTable(figure)
    .rows.filter(([tag, , name]) => tag === panel && name === series)
    .map(([, , , x, value, error]) => ({ x, value, error }))

const attribute = (svg: string, name: string): string => new RegExp(` ${name}="([^"]*)"`).exec(svg)![1]

const checkSvg = (figure: PaperFigure, mm: number): void => {
  const svg = paperSvg(figure, { mm })
  checkMarkup(svg.replace(/^<\?xml[^>]*>\n/, ''))
  expect(svg).not.toMatch(/NaN|Infinity|undefined/)
  const [width, height] = ['width', 'height'].map((name) => attribute(svg, name))
  expect(width).toMatch(/^[\d.]+mm$/)
  expect(height).toMatch(/^[\d.]+mm$/)
  const box = attribute(svg, 'viewBox').split(' ').map(Number)
  // One unit is one point, both ways.
  expect(box[2] / parseFloat(width)).toBeCloseTo(72 / 25.4, 1)
  expect(box[3] / parseFloat(height)).toBeCloseTo(72 / 25.4, 1)
}

describe('the figures of the paper', () => {
  it('are made of one run, and say what they lack with the command that would make it', () => {
    const figures = paperFigures([run])
    expect(figures.map(({ id }) => id)).toEqual(FIGURES)
    for (const { id, panels, lacks, caption, differs } of figures) {
      if (panels.length === 0) {
        expect(
          lacks.some(({ command }) => command?.startsWith('ldyn ')),
          id,
        ).toBe(true)
      } else {
        expect(caption.length, id).toBeGreaterThan(80)
        expect(differs.join(' '), id).toContain('pythia-410m')
      }
    }
    expect(figures.filter(({ panels }) => panels.length === 0).map(({ id }) => id)).toEqual(['fig5', 'appE'])
  })

  it('are well-formed SVG in millimetres at one and at two columns, without a number that is none', () => {
    for (const figure of paperFigures([run, extend])) {
      if (figure.panels.length === 0) continue
      checkSvg(figure, TWO_COLUMNS)
      checkSvg(figure, 85)
    }
  })

  it('have file names of their own', () => {
    const names = paperFigures([run, extend]).map(({ file }) => file)
    expect(new Set(names).size).toBe(names.length)
    expect(names).toContain('fig3-baseline')
  })

  it('hold the run’s own numbers, and the CSV those that are drawn', () => {
    const figure = only([run], 'fig3')
    const at = learning(run)!.at
    for (const [panel, type] of [
      ['a', 'chosen'],
      ['b', 'rejected'],
      ['c', 'irr_train'],
      ['d', 'random_permute'],
    ]) {
      const sample = sampleOf(run, 'logp', type)!
      expect(cellsOf(figure, panel, type)).toEqual(
        at.map((e) => ({
          x: run.evaluations[e].step,
          value: estimate(sample.at[e]).mean,
          error: change(sample, at[0], e).se,
        })),
      )
    }
    const [head, ...lines] = paperCsv(figure).trimEnd().split('\n')
    expect(head).toBe('panel,title,series,x,value,error,source')
    expect(lines).toHaveLength(paperTable(figure).rows.length)
  })

  it('are per token where that is asked for, and say so on their axes', () => {
    const [figure] = paperFigures([run], ['fig4'], { per: 'token' })
    const at = preference(run)!.at
    const sample = sampleOf(run, 'logp', 'rejected', 'token')!
    expect(cellsOf(figure, 'b', 'rejected').map(({ value }) => value)).toEqual(
      at.map((e) => estimate(sample.at[e]).mean),
    )
    expect(figure.file).toBe('fig4-per-token')
    expect(figure.panels[0]).toMatchObject({ yLabel: 'log π per token (nats)' })
    expect(figure.caption).toContain('divided by the response’s number of tokens')
    // What is defined on sums stays what it is.
    expect(paperCsv(paperFigures([run], ['fig8'], { per: 'token' })[0])).toBe(paperCsv(only([run], 'fig8')))
    const map = (per: 'token' | 'response') => paperFigures([run], ['fig3'], { per })[0].panels.at(-1)
    expect(map('token')).toEqual(map('response'))
  })

  it('draw a value where its axis says', () => {
    const [panel] = only([run], 'fig3').panels
    if (panel.kind !== 'curves') throw new Error('not curves')
    const { x, y } = frameOf(panel, { width: 156, height: 116 })
    const [{ x: steps, y: values }] = panel.curves
    const drawn = paperSvg(only([run], 'fig3')).match(/<path d="(M[^"]*)" fill="none"/g)!
    const points = drawn.map((d) =>
      [...d.matchAll(/[ML](-?[\d.]+) (-?[\d.]+)/g)].map(([, px, py]) => [Number(px), Number(py)]),
    )
    // Curves are drawn last first; the chosen one is the last line of the first panel.
    const own = points[panel.curves.length - 1]
    expect(own).toHaveLength(steps.length)
    const relative = (a: number[][]): number[] => a.map(([, py]) => (py - a[0][1]) / (a.at(-1)![1] - a[0][1]))
    const expected = steps.map((step, i) => [x.at(step), y.at(values[i])])
    relative(own).forEach((share, i) => expect(share).toBeCloseTo(relative(expected)[i], 2))
  })

  it('take text of runs as text', async () => {
    const evil = await syntheticData({
      id: '"><script>alert(1)</script>',
      text: '<img src=x onerror=alert(1)>&amp;\u0007',
      types: ['chosen', 'rejected', '<b>&"\u0000'],
    })
    for (const figure of paperFigures([evil, run])) {
      if (figure.panels.length > 0) checkSvg(figure, TWO_COLUMNS)
      for (const row of paperCsv(figure).split('\n')) expect(row).not.toContain('undefined')
    }
    expect(paperSvg(only([evil], 'fig3'))).not.toContain('<b>')
  })

  it('stay as they are: Figure 5, to the digit', async () => {
    await expect(paperSvg(only([run, extend], 'fig5'))).toMatchFileSnapshot('./__snapshots__/fig5.svg')
  })

  it('stay as they are: Figure 3 of a run of few types, to the digit', async () => {
    const few = await syntheticData({
      id: 'few',
      moves: paperMoves,
      types: ['chosen', 'rejected', 'irr_train'],
      every: 10,
    })
    await expect(paperSvg(only([few], 'fig3'))).toMatchFileSnapshot('./__snapshots__/fig3.svg')
  })

  it('put the start of preference training at 0 where SFT was of another length, and say so', () => {
    // The run as if its first 20 updates of SFT had not been.
    const shorter = {
      ...run,
      stages: run.stages.map((stage) => ({ ...stage, from: Math.max(0, stage.from - 20), to: stage.to - 20 })),
      evaluations: run.evaluations.map((one) => ({ ...one, step: Math.max(0, one.step - 20) })),
    }
    const figure = only([run, shorter], 'fig5')
    const [panel] = figure.panels
    if (panel.kind !== 'curves') throw new Error('Figure 5 begins with curves')
    expect(panel.xLabel).toBe('updates from the start of dpo')
    expect(panel.curves.map(({ x }) => x.at(-1))).toEqual(Array(2).fill(run.stages[1].to - run.stages[1].from))
    expect(panel.stages.at(-1)).toEqual({ step: 0, name: 'dpo' })
    expect(figure.caption).toContain('0 is the start of dpo in every run')
    const drawn = frameOf(panel, { width: 200, height: 150 })
    expect(drawn.x.domain[0]).toBe(-run.stages[1].from)
  })

  it('refuse to draw nothing', () => {
    expect(() => paperSvg(only([run], 'fig5'))).toThrow(/nothing to draw: The figure compares runs/)
  })
})

describe('captions', () => {
  it('say what the run did, by its numbers', () => {
    const { caption } = only([run], 'fig4')
    expect(caption).toContain('y⁻ clearly fell by')
    expect(caption).toContain('mass is squeezed into the greedy token')
    expect(only([run, extend], 'fig5').caption).toContain('They decayed clearly less in B')
  })

  it('say so where the greedy token gains nothing', async () => {
    const flat = await syntheticData({ moves: { ...paperMoves, argmax: () => 0 } })
    expect(only([flat], 'fig4').caption).toContain('no squeezing shows here')
  })
})

describe('influence', () => {
  it('LBK′ and SignDelta′ are the notebook’s formulas', () => {
    const span = preference(run)!
    const { lbk, signDelta, sum } = proxyOf(span, 'rejected')!
    const [e0, e1] = span.at
    const [logp, a, p] = ['logp', 'a_norm', 'p_e'].map((metric) => sampleOf(run, metric, 'rejected')!)
    const delta = logp.at[e1].map((x, k) => x - logp.at[e0][k])
    const scale = Math.sqrt(estimate(a.at[e0]).mean) * estimate(p.at[e0]).mean
    expect(lbk![0]).toBeCloseTo(Math.sqrt(delta.reduce((n, x) => n + x * x, 0)) / scale, 9)
    expect(signDelta[0]).toBeCloseTo(estimate(delta).mean / scale, 9)
    expect(sum.signDelta).toBeCloseTo(
      signDelta.reduce((n, x) => n + x, 0),
      9,
    )
    expect(sum.signDelta).toBeLessThan(0)
  })

  it('every column of the map spans 1, and keeps what it was', () => {
    const panel = only([run], 'fig3').panels.at(-1)!
    if (panel.kind !== 'heat') throw new Error('not a map')
    for (const c of panel.columns.keys()) {
      const column = panel.values.map((row) => row[c]!)
      expect(Math.max(...column) - Math.min(...column)).toBeCloseTo(1, 9)
      const raw = panel.raw!.map((row) => row[c]!)
      const range = Math.max(...raw) - Math.min(...raw)
      raw.forEach((value, r) => expect(value / range).toBeCloseTo(column[r], 9))
    }
  })

  it('of decomposed updates is exact, by what was learned, times the updates that each stands for', () => {
    const line = (s: number, up: number): DecompositionLine => ({
      s,
      t: 0,
      stage: 'dpo',
      rows: [3],
      lr: 1,
      grad_norm: 1,
      clip_factor: 1,
      residual: 0,
      probes: [0, 1].map((row) => ({
        row,
        type: 'chosen',
        actual: up,
        predicted: up,
        directions: { '3 chosen': up + 1, '3 rejected': -1, 'carry-over': 0 },
      })),
    })
    const updates = [line(50, 2), line(60, 4)]
    const found = exactInfluence(preference({ ...run, updates } as RunData)!)
    expect(found.map(({ learned }) => learned)).toEqual(['chosen', 'rejected', 'carry-over'])
    // 40 updates, two decomposed: each stands for 20.
    expect(found.map(({ of }) => of.get('chosen'))).toEqual([20 * (3 + 5), 20 * -2, 0])
  })

  it('smooths from the first value on', () => {
    expect(smoothed([1, 0, 0], 0.9)).toEqual([1, 0.9, 0.81].map((x) => expect.closeTo(x, 12)))
  })
})

it('the line of Figure 9 is the least-squares one', () => {
  const { slope, at } = fitLine([0, 1, 2, 3], [1, 3, 5, 7])
  expect(slope).toBeCloseTo(2, 12)
  expect(at(10)).toBeCloseTo(21, 12)
})

it('text is measured as Helvetica sets it, and cut where it does not fit', () => {
  expect(widthOf('mmm', 10)).toBeCloseTo(24.99, 2)
  expect(widthOf(fitted('a rather long name', 7, 40), 7)).toBeLessThanOrEqual(40)
  expect(fitted('short', 7, 40)).toBe('short')
})

const shared = process.env.LDYN_SHARED ?? new URL('../../../../../shared', import.meta.url).pathname
const recorded = join(shared, 'data', 'recorded-runs')
const here = existsSync(recorded)

describe.skipIf(!here)(
  `a recorded run${here ? '' : ` (skipped: ${recorded} is not there; set LDYN_SHARED)`}`,
  () => {
    let log: RunData
    beforeAll(async () => {
      const directory = await mkdtemp(join(tmpdir(), 'ldyn-paper-'))
      await importRun(join(recorded, 'prob_pythia410m_dpo'), join(directory, 'run'))
      log = await gather(await openRun(directoryFiles(join(directory, 'run'))))
      await rm(directory, { recursive: true })
    })

    it('has Figure 4 with the log’s numbers: chosen from −152.0 to −146.3, rejected to −197.6', () => {
      const figure = only([log], 'fig4')
      const [chosen, rejected] = [cellsOf(figure, 'a', 'chosen'), cellsOf(figure, 'b', 'rejected')]
      expect(chosen[0].value).toBeCloseTo(-151.98, 1)
      expect(chosen.at(-1)!.value).toBeCloseTo(-146.3, 1)
      expect(rejected.at(-1)!.value).toBeCloseTo(-197.6, 0)
      expect(figure.panels[0]).toMatchObject({ xLabel: 'evaluations' })
      checkSvg(figure, TWO_COLUMNS)
    })

    it('warns that its argmax is another type’s, and does not set it against chosen', () => {
      const { differs, caption } = only([log], 'fig4')
      expect(differs.some((text) => text.startsWith('CAUTION: the argmax is that of random_nonhum'))).toBe(
        true,
      )
      expect(caption).toContain('cannot be set against each other')
      expect(caption).not.toContain('mass is squeezed')
    })

    it('has no SFT, and says which command has', () => {
      const { panels, lacks } = only([log], 'fig3')
      expect(panels).toHaveLength(0)
      expect(lacks[0].command).toContain('--stages sft,dpo')
    })

    it('has no figures per token: the log does not say how long responses are', () => {
    const [figure] = paperFigures([log], ['fig4'], { per: 'token' })
    expect(figure.panels).toHaveLength(0)
    expect(figure.lacks[0].what).toContain('does not say how many tokens')
  })

  it('has all twelve types in Figure 8', () => {
      const figure = only([log], 'fig8')
      expect(figure.legend.map(({ key }) => key).sort()).toEqual([...PAPER].sort())
      expect(figure.differs.join(' ')).toContain('stand on file for random_nonhum alone')
    })
  },
)
