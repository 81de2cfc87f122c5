// Appendix E and Figure 1 of simulations, whose runs hold whole distributions; and of a run that kept mass by rank.
import { layOutProbes, type Json } from '@ldyn/runs'
import { describe, expect, it } from 'vitest'
import { checkMarkup } from '../../test/check-markup.ts'
import { syntheticData } from '../../test/synthetic-run.ts'
import type { RunData } from '../series.ts'
import { paperFigures, paperSvg, paperTable, type PaperFigure } from './index.ts'

const base: RunData = await syntheticData({ probes: 1 })

interface Seen {
  readonly prompt: string
  readonly type: string
  readonly answer: string
  /** π at every evaluation. */
  readonly p: readonly number[]
}

/** A run of one response a row, with the probabilities given. */
const simulated = (config: Json, seen: readonly Seen[], steps: readonly number[], stage: string): RunData => {
  const types = [...new Set(seen.map(({ type }) => type))]
  const prompts = [...new Set(seen.map(({ prompt }) => prompt))]
  const find = (row: number, type: string): Seen | undefined =>
    seen.find((one) => one.prompt === prompts[row] && one.type === type)
  const rows = prompts.map((prompt, row) => ({
    prompt,
    group: String(row),
    responses: Object.fromEntries(
      types.flatMap((type) => (find(row, type) ? [[type, find(row, type)!.answer]] : [])),
    ),
  }))
  const probes = layOutProbes(rows, types, (row, type) => (find(row, type) ? 1 : 0))
  return {
    ...base,
    id: 'toy',
    manifest: { ...base.manifest, id: 'toy', config },
    probes,
    types,
    evaluations: steps.map((step) => ({ step, stage })),
    stages: [{ name: stage, loss: stage, from: 0, to: steps.at(-1)! }],
    scalars: new Map(),
    rows: new Map([
      [
        'logp',
        steps.map((_, e) => probes.columns.map(({ row, type }) => Math.log(find(row, type)?.p[e] ?? 1))),
      ],
    ]),
  }
}

const push = simulated(
  { sim: 'squeeze', case: 'D' },
  [
    { prompt: 'class 0', type: 'greedy', answer: 'class 0', p: [0.7, 0.9] },
    { prompt: 'class 1', type: 'rejected', answer: 'class 1', p: [0.1, 0.01] },
    { prompt: 'class 2', type: 'others', answer: 'class 2', p: [0.2, 0.09] },
  ],
  [0, 1],
  'push',
)

const of = (runs: readonly RunData[], id: 'fig1' | 'appE' | 'fig3'): PaperFigure =>
  paperFigures(runs, [id])[0]
const values = (figure: PaperFigure, panel: string, series: string): readonly unknown[] =>
  paperTable(figure).rows.flatMap(([tag, , name, , value]) =>
    tag === panel && name === series ? [value] : [],
  )
const check = (figure: PaperFigure): void => {
  const svg = paperSvg(figure)
  checkMarkup(svg.replace(/^<\?xml[^>]*>\n/, ''))
  expect(svg).not.toMatch(/NaN|undefined/)
}

describe('Appendix E', () => {
  it('draws a case’s distribution before and after, as it is and as its logarithm', () => {
    const figure = of([push], 'appE')
    const close = (x: readonly number[]) => x.map((v) => expect.closeTo(v, 9))
    expect(values(figure, 'a', 'before')).toEqual(close([0.7, 0.1, 0.2]))
    expect(values(figure, 'a', 'after')).toEqual(close([0.9, 0.01, 0.09]))
    expect(values(figure, 'b', 'after')).toEqual(close([0.9, 0.01, 0.09].map(Math.log10)))
    expect(figure.caption).toContain('the pushed class 1 went from 0.100 to 0.010')
    expect(figure.caption).toContain('the largest other (0) from 0.700 to 0.900; 1 of 3 rose')
    check(figure)
  })

  it('names the cases that are not there with the commands that make them', () => {
    expect(of([push], 'appE').lacks.map(({ command }) => command)).toContain(
      'ldyn sim squeeze --case B --out runs/squeeze-B',
    )
  })

  it('of a trained run is the mass by rank before and after the preference stage, where the run kept it', () => {
    const bands = ['mass_1', 'mass_2_5', 'mass_6_20', 'mass_21_100', 'mass_rest']
    const share = [0.5, 0.3, 0.1, 0.06, 0.04]
    const rows = new Map(base.rows)
    const last = base.evaluations.length - 1
    bands.forEach((band, b) =>
      rows.set(
        band,
        base.evaluations.map((_, e) =>
          base.probes!.columns.map(() => (e === last && b === 0 ? 0.6 : share[b])),
        ),
      ),
    )
    const figure = of([{ ...base, rows }], 'appE')
    expect(values(figure, 'a', 'before')).toEqual(share.map((x) => expect.closeTo(x, 9)))
    expect(values(figure, 'a', 'after')[0]).toBeCloseTo(0.6, 9)
    expect(figure.caption).toContain('went from 0.500 to 0.600')
    expect(of([base], 'appE').lacks[0].command).toContain('--set observe.bands=true')
    check(figure)
  })
})

describe('Figure 1 of digits', () => {
  // Two images of each of three digits; the 1 is taken for a 2 and the 2 for a 1.
  const at = (shown: number, answer: number): readonly number[] => {
    const final = shown === answer ? 0.7 : shown === 0 || answer === 0 ? (shown === 0 ? 0.15 : 0.05) : 0.25
    return [1 / 3, (1 / 3 + final) / 2, final]
  }
  const run = simulated(
    { sim: 'digits' },
    [0, 1, 2].flatMap((shown) =>
      [0, 1].flatMap((copy) =>
        [0, 1, 2].map((answer) => ({
          prompt: `drawn ${shown} (${copy})`,
          type: shown === answer ? 'chosen' : `as ${answer}`,
          answer: `class ${answer}`,
          p: at(shown, answer),
        })),
      ),
    ),
    [0, 10, 20],
    'train',
  )

  it('follows the digit that is confused most, what it is taken for most, and least', () => {
    const figure = of([run], 'fig1')
    expect(figure.legend.map(({ label, says }) => `${String(label)} ${says}`)).toEqual([
      '1 identical',
      '2 similar',
      '0 dissimilar',
    ])
    expect(values(figure, 'c', 'π(2|1)')).toEqual(at(1, 2).map((x) => expect.closeTo(x, 9)))
    // Per update, between evaluations that are ten apart.
    expect(values(figure, 'b', 'Δπ(2|1)')[0]).toBeCloseTo((at(1, 2)[1] - at(1, 2)[0]) / 10, 9)
    expect(values(figure, 'd', 'shown 1')).toEqual([0.05, 0.7, 0.25].map((x) => expect.closeTo(x, 9)))
    check(figure)
  })

  it('has no figure of response types, and says so', () => {
    expect(of([run], 'fig3').panels).toHaveLength(0)
  })
})
