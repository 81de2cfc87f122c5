import { letters } from '@ldyn/figures'
import { describe, expect, it } from 'vitest'
import { directoryFiles } from '@ldyn/runs/node'
import { beginRun, withRoot } from '../../../test/run-on-disk.ts'
import { createCurves } from '../../data/curves.ts'
import { followRun, type LiveData } from '../../data/live-run.ts'
import { byValue, settingRows } from '../../screens/compare/settings.tsx'
import { endTable, joinText } from '../../screens/compare/tables.tsx'
import { cursorSteps } from '../../drawing/align.ts'
import { DEFAULTS } from '../../state/address.ts'
import { bundleOf, differenceOf, divergenceAt, joinOf, overSeeds, seedGroups, valueAt } from './data.ts'
import { compareAll } from './all.ts'
import { partings, seedEnds } from './ends.ts'
import { MOST_LINES } from './panels.ts'
import type { Comparison } from './comparison.ts'
import { csvOf, tableOf, svgFor } from '../panel.ts'
import { alignedStage, FROM_FIRST, stagesOfAll, whyNotAligned } from './stage-axis.ts'
import { latexOf, latexText, markdownOf } from '../table-text.ts'

const withData = (use: (data: LiveData) => void, steps: readonly number[] = [0, 10, 20, 30]) =>
  withRoot(async root => {
    await (await beginRun(root, steps)).close()
    use((await followRun(directoryFiles(root)).refresh())!)
  })

/** The run with log π moved by `by(step, probe)`. */
const movedBy = (data: LiveData, by: (step: number, probe: number) => number, config = {}): LiveData => ({
  ...data,
  manifest: { ...data.manifest, config: { lr: 5e-7, ...config } },
  rows: new Map(
    [...data.rows].map(([metric, rows]) => [
      metric,
      rows.map((row, e) =>
        Float32Array.from(row, (x, i) => x + by(data.evaluations[e].step, data.probes!.columns[i].row)),
      ),
    ]),
  ),
})
const finish = <T>(work: Generator<void, T>): T => {
  for (;;) {
    const step = work.next()
    if (step.done) return step.value
  }
}
const view = { ...DEFAULTS, runs: ['a', 'b'], page: 'compare' as const }
const comparisonOf = (runs: readonly LiveData[], patch: Partial<Comparison> = {}): Comparison => ({
  names: runs.map((_, r) => `run ${r}`),
  runs,
  groups: runs.map((_, r) => [r]),
  baseline: 0,
  view,
  ...patch,
})
const request = { metric: 'logp', type: 'chosen', per: 'response' as const }

describe('probes of two runs', () => {
  it('are joined by prompt, type and text', () =>
    withData(data => {
      const rows = data.probes!.rows.map((row, i) =>
        i === 0 ? { ...row, responses: { ...row.responses, chosen: 'other words' } } : row,
      )
      const other = { ...data, probes: { ...data.probes!, rows } }
      // Four probes of three types, of which one rejected response is absent.
      expect(joinOf([data, data])).toEqual({ both: 11, of: [11, 11], only: [0, 0] })
      const join = joinOf([data, other])
      expect(join).toEqual({ both: 10, of: [11, 11], only: [1, 1] })
      expect(joinText(join.of, join.both, join.only)).toBe(
        '10 of 11 probed responses (91 %) are watched by all runs; 1 not everywhere but in A, 1 not everywhere but in B.',
      )
      expect(differenceOf(other, data, request)!.n).toBe(3)
    }))

  it('differ by what is paired, interpolated where the baseline was not evaluated, and never beyond it', () =>
    withData(data =>
      withData(
        other => {
          const found = differenceOf(movedBy(other, step => step / 10), data, request)!
          // At 5 and 15 the baseline lies half-way; 40 is beyond it.
          expect(found.steps).toEqual([0, 5, 15, 30])
          found.mean.forEach((value, i) => expect(value).toBeCloseTo(found.steps[i] / 10, 4))
          expect(found.se[2]).toBeCloseTo(0, 4)
        },
        [0, 5, 15, 30, 40],
      ),
    ))

  it('part where the difference is beyond two standard errors twice running', () => {
    const se = [0, 1, 1, 1, 1]
    expect(divergenceAt({ mean: [0, 3, 1, 3, 4], se, n: 5 })).toBe(3)
    expect(divergenceAt({ mean: [0, 1, 1, 1, 5], se, n: 5 })).toBe(4)
    expect(divergenceAt({ mean: [0, 1, 1, 1, 1], se, n: 5 })).toBe(-1)
    expect(divergenceAt({ mean: [0, 9, 9, 9, 9], se, n: 1 })).toBe(-1)
  })
})

describe('many runs', () => {
  it('as one band hold every run, and the quartiles lie within', () => {
    const lines = [3, -1, 2, 8].map(x => ({ steps: [0, 10, 20], mean: [x, 2 * x, x - 1] }))
    const bundle = bundleOf([...lines, { steps: [0, 5], mean: [0, 0] }])
    expect(bundle.steps).toEqual([0, 5, 10, 20])
    expect(bundle.n).toEqual([5, 5, 4, 4])
    lines.forEach(line =>
      bundle.steps.forEach((x, i) => {
        const value = valueAt(line, x)!
        expect(bundle.low[i]).toBeLessThanOrEqual(value)
        expect(bundle.high[i]).toBeGreaterThanOrEqual(value)
      }),
    )
    bundle.steps.forEach((_, i) => {
      const sorted = [bundle.low[i], bundle.q1[i], bundle.median[i], bundle.q3[i], bundle.high[i]]
      expect(sorted).toEqual([...sorted].sort((a, b) => a - b))
    })
    expect(valueAt(lines[0], 21)).toBeUndefined()
    expect(valueAt(lines[0], 5)).toBe(4.5)
  })

  it('that differ in the seed alone are one group, with an interval over seeds', () =>
    withData(data => {
      const runs = [
        movedBy(data, () => 0, { seed: 1 }),
        movedBy(data, () => 2, { seed: 2 }),
        movedBy(data, () => 5, { seed: 1, batch: 8 }),
      ]
      const groups = seedGroups(runs)
      expect(groups).toEqual([[0, 1], [2]])
      const { ends } = finish(compareAll(comparisonOf(runs, { groups }), createCurves()))
      const found = seedEnds(ends, groups).filter(({ type }) => type === 'chosen')
      // −20 − (0 + 3 + 6 + 9) / 4 − 30 / 4 = −32, and two more.
      expect(found[0]).toMatchObject({ mean: -31, n: 2 })
      expect(found[0].half).toBeCloseTo((12.706 * Math.SQRT2) / Math.SQRT2, 3)
      expect(found[1]).toMatchObject({ mean: -27, half: undefined })
      expect(overSeeds([1, 2, 3]).half).toBeCloseTo(4.303 / Math.sqrt(3), 6)
    }))

  it('stand in one figure a type, their letters told by dash; beyond a dozen in a band with the baseline', () =>
    withData(data => {
      const few = finish(compareAll(comparisonOf([data, movedBy(data, () => 1)]), createCurves()))
      expect(few.panels.map(({ title }) => title)).toEqual(['chosen', 'rejected', 'irr_train'])
      expect(few.panels[0].panel.lines.map(({ key }) => key)).toEqual(['chosen A', 'chosen B'])
      // The metric is explained above the figures, and in the file of any one of them.
      expect(few.panels[0].says).toBe('The preferred response.')
      expect(svgFor(few.panels[0])).toContain('The preferred response. log π(response | prompt). 0 is certain')
      // The title says the type: the lines are the runs.
      expect(few.panels[2].panel.lines.map(({ label, reading }) => [label, reading])).toEqual([
        ['A', 'run 0'],
        ['B', 'run 1'],
      ])
      const runs = Array.from({ length: MOST_LINES + 1 }, (_, i) => movedBy(data, () => i))
      const many = finish(compareAll(comparisonOf(runs), createCurves()))
      const { lines } = many.panels[0].panel
      expect(lines.map(({ key }) => key)).toEqual(['all runs', 'chosen A'])
      expect(lines[0].mean[0]).toBeCloseTo(-24.5 + 6, 9)
      expect([lines[0].low![0], lines[0].high![0]]).toEqual([-24.5 + 3, -24.5 + 9])
      // What is drawn is what the table and the file hold.
      const table = tableOf(many.panels[0].panel)
      expect(table.head).toEqual(['step', 'stage', 'all runs', 'all runs low', 'all runs high', 'chosen A'])
      expect(csvOf(table).split('\n')[1]).toBe('0,sft,-18.5,-21.5,-15.5,-24.5')
    }))

  it('less a baseline have lines through the paired differences, and part where these do', () =>
    withData(data => {
      const apart = movedBy(data, (step, probe) => (step > 10 ? -2 - probe / 10 : 0))
      const found = finish(
        compareAll(comparisonOf([apart, data], { baseline: 1, view: { ...view, mode: 'minus' } }), createCurves()),
      )
      expect(found.panels[0].panel.lines[0].label).toBe('A − B')
      expect(found.panels[0].panel.unit).toBe('log π(y) less B, summed over the response, mean over probes (nats)')
      expect(found.panels[0].panel.lines[0].mean.map(x => Number(x.toFixed(3)))).toEqual([0, 0, -2.15, -2.15])
      expect(partings(found)[0]).toMatchObject({ run: 0, step: 20 })
    }))

  it('side by side share one scale', () =>
    withData(data => {
      const runs = [data, movedBy(data, () => 7)]
      const { panels } = finish(
        compareAll(comparisonOf(runs, { view: { ...view, mode: 'side', hidden: ['rejected'] } }), createCurves()),
      )
      expect(panels).toHaveLength(2)
      expect(panels[0].panel.range).toEqual(panels[1].panel.range)
      expect(panels[1].panel.lines.map(({ key, label }) => [key, label])).toEqual([
        ['chosen', 'chosen'],
        ['irr_train', 'irr_train'],
      ])
    }))
})

/** The same run as if its first stage had been `by` updates longer. */
const later = (data: LiveData, by: number, first = data.stages[0].name): LiveData => ({
  ...data,
  stages: data.stages.map(({ name, from, to, ...stage }, i) => ({
    ...stage,
    name: i === 0 ? first : name,
    from: i === 0 ? from : from + by,
    to: to + by,
  })),
  evaluations: data.evaluations.map(one => (one.step === 0 ? one : { ...one, step: one.step + by })),
})

describe('runs whose first stages differ in length', () => {
  it('meet where the stage begins that all of them have', () =>
    withData(data => {
      // DPO begins at 20 in one and at 60 in the other.
      const runs = [data, later(data, 40, 'extend')]
      expect(stagesOfAll(runs)).toEqual(['dpo'])
      expect(alignedStage(runs, undefined)).toBe('dpo')
      const { panels } = finish(compareAll(comparisonOf(runs), createCurves()))
      const { panel } = panels[0]
      expect(panel.xName).toBe('updates from the start of dpo')
      expect(panel.lines.map(({ steps }) => steps)).toEqual([
        [-20, -10, 0, 10],
        [-60, -10, 0, 10],
      ])
      expect(panel.stages).toEqual([
        { step: -60, name: 'extend B' },
        { step: -20, name: 'sft A' },
        { step: 0, name: 'dpo' },
      ])
      // The table has both: the place on the axis, and the update where all runs agree in it.
      expect(tableOf(panel).head.slice(0, 3)).toEqual(['updates from the start of dpo', 'step', 'stage'])
      // The cursor counts updates of the first run; B is under it where B is drawn.
      expect(panel.lines.map(line => cursorSteps(panel, line))).toEqual([
        [0, 10, 20, 30],
        [-40, 10, 20, 30],
      ])
    }))

  it('differ by what each did since, and part there', () =>
    withData(data => {
      const moved = movedBy(data, (step, probe) => (step > 20 ? -2 - probe / 10 : 0))
      const comparison = comparisonOf([data, later(moved, 40)], { view: { ...view, mode: 'minus' } })
      const found = finish(compareAll(comparison, createCurves()))
      const [{ panel }] = found.panels
      expect(panel.lines[0].steps).toEqual([-10, 0, 10])
      expect(panel.lines[0].mean.map(x => Number(x.toFixed(3)))).toEqual([0, 0, -2.15])
      const [parting] = partings(found)
      expect(parting).toMatchObject({ run: 1, step: 70 })
      expect(found.cursorAt(1, parting.step)).toBe(30)
    }))

  it('change since the same moment of each', () =>
    withData(data => {
      const runs = [data, later(data, 40)]
      const asked = comparisonOf(runs, { view: { ...view, change: true, versus: 20 } })
      const found = finish(compareAll(asked, createCurves()))
      for (const { mean } of found.panels[0].panel.lines) expect(mean[2]).toBe(0)
    }))

  it('count from their own start where that is asked for, and where a stage is not in all of them, which is said', () =>
    withData(data => {
      const runs = [data, later(data, 40, 'extend')]
      const ask = (alignAt: string) =>
        finish(compareAll(comparisonOf(runs, { view: { ...view, alignAt } }), createCurves()))
      for (const alignAt of [FROM_FIRST, 'sft']) {
        const { panel } = ask(alignAt).panels[0]
        expect(panel.xName).toBeUndefined()
        expect(panel.lines[1].steps).toEqual([0, 50, 60, 70])
        expect(panel.stages).toEqual([
          { step: 0, name: 'sft A / extend B' },
          { step: 20, name: 'dpo A' },
          { step: 60, name: 'dpo B' },
        ])
      }
      expect(ask(FROM_FIRST).notes).toEqual([])
      expect(ask('sft').notes).toEqual(['B has no stage sft, so each run counts from its own start.'])
      expect(whyNotAligned(runs, 'ppo')).toBe('A and B have no stage ppo, so each run counts from its own start.')
    }))

  it('are left alone where all begin it at one update', () =>
    withData(data => {
      expect(alignedStage([data, data], undefined)).toBeUndefined()
      expect(alignedStage([data, data], 'dpo')).toBe('dpo')
    }))
})

describe('tables', () => {
  it('of few runs have a column a run, of many a row', () =>
    withData(data => {
      const runs = [data, movedBy(data, () => 1)]
      const { ends } = finish(compareAll(comparisonOf(runs), createCurves()))
      const few = endTable(runs, ['a', 'b'], ends, 0)
      expect(few.rows[0].slice(0, 3)).toEqual(['chosen', -32, -7.5])
      expect(few.head.at(-2)).toBe('B less A')
      expect(few.rows[0].at(-2)).toBe(1)
      const five = [...runs, ...runs, data]
      const all = finish(compareAll(comparisonOf(five), createCurves()))
      expect(endTable(five, ['a', 'b', 'c', 'd', 'e'], all.ends, 0).rows.map(row => row[2])).toEqual([
        -32, -31, -32, -31, -32,
      ])
    }))

  it('as LaTeX hold no command but their own, whatever a run is called', () => {
    expect(latexText('50 % of_a & b\\input{x} #1 ~ ^ $')).toBe(
      '50 \\% of\\_a \\& b\\textbackslash{}input\\{x\\} \\#1 \\textasciitilde{} \\textasciicircum{} \\$',
    )
    expect(latexOf({ head: ['run', 'Δ'], rows: [['a_b', -12.345], ['c', undefined]] })).toBe(
      [
        '\\begin{tabular}{lr}',
        '  \\toprule',
        '  run & $\\Delta$ \\\\',
        '  \\midrule',
        '  a\\_b & $-$12.3 \\\\',
        '  c & -- \\\\',
        '  \\bottomrule',
        '\\end{tabular}',
        '',
      ].join('\n'),
    )
  })

  it('as Markdown keep their columns', () => {
    expect(markdownOf({ head: ['run', 'x'], rows: [['a|b', 1.5]] })).toBe(
      '| run | x |\n| --- | ---: |\n| a\\|b | 1.50 |\n',
    )
  })
})

describe('settings', () => {
  it('are compared by path, without a limit on runs', () =>
    withData(data => {
      const runs = [1, 1, 1, 2].map(lr => movedBy(data, () => 0, { stages: [{ lr, kind: 'dpo' }] }))
      const rows = settingRows(runs)
      expect(rows.filter(({ differs }) => differs).map(({ path }) => path)).toEqual(['stages.0.lr'])
      expect(byValue(rows.find(({ path }) => path === 'stages.0.lr')!.values)).toEqual([
        { value: '1', runs: [0, 1, 2] },
        { value: '2', runs: [3] },
      ])
      expect(letters([0, 1, 2, 5, 7, 8])).toBe('A–C, F, H, I')
    }))
})
