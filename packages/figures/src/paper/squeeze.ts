/**
 * The figure of Appendix E: a distribution before an update (grey) and after (blue), on a linear and on a logarithmic
 * axis, a row for every case. Of runs of `ldyn sim squeeze` these are the paper's own cases, class by class. Of a
 * trained run that kept the probability by bands of ranks it is the mean mass by rank along y⁻ and y⁺, before and after
 * the preference stage.
 */
import { letter } from '../lines.ts'
import { plural } from '../numbers.ts'
import { estimate, sampleOf } from '../series.ts'
import { dataDiffers, isSqueeze, preference, sameStages, trainLine } from './about.ts'
import type { Lack, PaperFigure, PaperPanel, PaperRun, StepsPanel } from './model.ts'

const CASES: Readonly<Record<string, string>> = {
  A: 'a pull, any distribution',
  B: 'a push, flat distribution',
  C: 'a push on a plateau',
  D: 'a push in the valley',
  "D'": 'the same, with an equal pull',
  E: 'a push, 1000 classes',
}
const BANDS = ['mass_1', 'mass_2_5', 'mass_6_20', 'mass_21_100', 'mass_rest'] as const
const RANKS = ['1', '2–5', '6–20', '21–100', 'rest']

const both = (
  shared: Omit<StepsPanel, 'kind' | 'before' | 'after' | 'log' | 'yLabel'>,
  before: readonly number[],
  after: readonly number[],
): readonly PaperPanel[] => [
  {
    kind: 'steps',
    ...shared,
    before: before.map(Math.exp),
    after: after.map(Math.exp),
    log: false,
    yLabel: 'π',
  },
  {
    kind: 'steps',
    ...shared,
    title: `${shared.title}, log`,
    before: before.map((x) => x / Math.LN10),
    after: after.map((x) => x / Math.LN10),
    log: true,
    yLabel: 'π (log)',
  },
]

interface Case {
  readonly name: string
  readonly says: string
  readonly panels: readonly PaperPanel[]
}

/** log π of every class at an evaluation, in the classes' order. */
const distribution = (run: PaperRun, e: number): readonly number[] => {
  const row = run.rows.get('logp')![e]
  return run
    .probes!.columns.flatMap((column, i) =>
      run.probes!.absent.includes(i) ? [] : [{ at: column.row, value: row[i] }],
    )
    .sort((a, b) => a.at - b.at)
    .map(({ value }) => value)
}

const caseOf = (run: PaperRun): Case | undefined => {
  const last = run.evaluations.length - 1
  if (last < 1 || !run.rows.has('logp') || !run.probes) return undefined
  const [before, after] = [distribution(run, 0), distribution(run, last)]
  const config = run.manifest.config as { readonly case?: unknown }
  const own = typeof config.case === 'string' ? config.case : '?'
  const marks = run.probes.columns.flatMap((column, i) =>
    (column.type === 'rejected' || column.type === 'chosen') && !run.probes!.absent.includes(i)
      ? [
          {
            at: column.row,
            text: column.type === 'chosen' ? 'pulled' : 'pushed',
            up: column.type === 'chosen',
          },
        ]
      : [],
  )
  const star = before.reduce(
    (best, x, i) => (marks.some(({ at }) => at === i) || (best >= 0 && x <= before[best]) ? best : i),
    -1,
  )
  const up = after.filter((x, i) => x > before[i]).length
  const p = (x: number): string =>
    x > Math.log(1e-3) ? Math.exp(x).toFixed(3) : Math.exp(x).toExponential(1).replace('-', '−')
  const title = `case ${own}: ${CASES[own] ?? 'one softmax'}`
  return {
    name: title,
    says:
      `${title[0].toUpperCase()}${title.slice(1)}, ${plural(run.evaluations[last].step, 'update')}: ` +
      marks
        .map(({ at, text }) => `the ${text} class ${at} went from ${p(before[at])} to ${p(after[at])}`)
        .join(', ') +
      `, the largest other (${star}) from ${p(before[star])} to ${p(after[star])}; ${up} of ${before.length} rose.`,
    panels: both(
      {
        title: `${title[0].toUpperCase()}${title.slice(1)}`,
        xLabel: 'class',
        places: before.map((_, i) => String(i)),
        marks,
      },
      before,
      after,
    ),
  }
}

const bandsCase = (run: PaperRun, name: string): readonly Case[] => {
  const span = preference(run)
  if (!span || !BANDS.every((band) => run.rows.has(band))) return []
  const [from, to] = [span.at[0], span.at.at(-1)!]
  return ['rejected', 'chosen'].flatMap((type): Case[] => {
    const samples = BANDS.map((band) => sampleOf(run, band, type))
    if (samples.some((sample) => sample === undefined)) return []
    // A band that the vocabulary does not reach holds nothing, and has no logarithm.
    const kept = samples.flatMap((sample, i) => {
      const [before, after] = [from, to].map((e) => estimate(sample!.at[e]).mean)
      return before > 0 && after > 0
        ? [{ rank: RANKS[i], before: Math.log(before), after: Math.log(after) }]
        : []
    })
    if (kept.length < 2) return []
    const title = `${name}${span.stage.name}, along ${type === 'chosen' ? 'y⁺' : 'y⁻'}`
    const [first] = kept
    return [
      {
        name: title,
        says: `${title}: the likeliest token’s mass went from ${Math.exp(first.before).toFixed(3)} to ${Math.exp(first.after).toFixed(3)} (mean over tokens and probes).`,
        panels: both(
          { title, xLabel: 'rank of the token', places: kept.map(({ rank }) => rank), marks: [] },
          kept.map(({ before }) => before),
          kept.map(({ after }) => after),
        ),
      },
    ]
  })
}

export const figureE = (runs: readonly PaperRun[]): PaperFigure => {
  const base = {
    id: 'appE' as const,
    name: 'Appendix E',
    file: 'appE',
    runs: runs.map(({ id }) => id),
    title: 'Where the mass goes: the squeezing effect',
    across: 2,
  }
  const name = (r: number): string => (runs.length > 1 ? `${letter(r)} ` : '')
  const simulated = runs.flatMap((run) => (isSqueeze(run) ? (caseOf(run) ?? []) : []))
  const trained = runs.flatMap((run, r) => (isSqueeze(run) ? [] : bandsCase(run, name(r))))
  const cases = [...simulated, ...trained]
  const shown = new Set(
    runs.filter(isSqueeze).map(({ manifest }) => (manifest.config as { readonly case?: unknown }).case),
  )
  const others = ['A', 'B', 'C', 'D', 'E'].filter((one) => !shown.has(one))
  const [first] = runs
  const lacks: readonly Lack[] = [
    ...(cases.length > 0 && simulated.length > 0
      ? others.map((one) => ({
          what: `Case ${one}: ${CASES[one]}`,
          command: `ldyn sim squeeze --case ${one} --out runs/squeeze-${one}`,
        }))
      : []),
    ...(cases.length === 0
      ? [
          {
            what: 'The figure shows whole distributions: runs keep them of `ldyn sim squeeze`, and training keeps their mass by rank if told to.',
            command:
              isSqueeze(first) || first.manifest.imported
                ? 'ldyn sim squeeze --case D --out runs/squeeze-D'
                : trainLine(first, sameStages(first), '--set observe.bands=true'),
          },
        ]
      : []),
  ]
  return {
    ...base,
    caption:
      cases.length === 0
        ? ''
        : `π before (grey) and after (blue), on a linear and a logarithmic axis. ${cases.map(({ says }) => says).join(' ')}`,
    differs: [
      ...(shown.has("D'")
        ? [
            'Case D′ has an equal pull in the same context, as the released notebook does; the paper’s figure is case D.',
          ]
        : []),
      ...(trained.length > 0
        ? [
            'A trained run has its mass by rank, ranked anew before and after, not class by class.',
            ...new Set(runs.filter((run) => !isSqueeze(run)).flatMap(dataDiffers)),
          ]
        : []),
    ],
    lacks,
    panels: cases.flatMap(({ panels }) => panels),
    legend: [],
  }
}
