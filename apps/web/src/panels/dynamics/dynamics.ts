// The curves of response types: what the paper's Figures 3 and 4 are made of, for any metric. One line a type,
// its colour, dash and marker always the same; sums over a response and values per token are never on one axis.
import {
  argmaxType,
  inOrder,
  letter,
  looks,
  notesOn,
  responseType,
  runDash,
  stageMarks,
  type Look,
  type ResponseType,
} from '@ldyn/figures'
import { isSum, metrics as knownMetrics } from '@ldyn/runs'
import { bootText } from '../../data/bootstrap.ts'
import type { Curves, Units } from '../../data/curves.ts'
import type { LiveData } from '../../data/live-run.ts'
import { smooth, type CurveLine, type CurvePanel } from '../../drawing/align.ts'
import type { Spread, View } from '../../state/address.ts'
import { axesOf, onAxes, runOfKey, whyNot } from './axis.ts'
import { groupsOf } from './grouping.ts'
import { marksOf } from './marks.ts'
import { noProbes } from '../no-probes.ts'
import type { PanelModel } from '../panel.ts'

export interface MetricText {
  readonly title: string
  readonly unit: string
  readonly says: string
}

/** What each metric is, with its sign: contracts.md §4, paper.md §5. */
const texts: Readonly<Record<string, MetricText>> = {
  logp: {
    title: 'log π(y)',
    unit: 'nats',
    says: 'log π(response | prompt). 0 is certain, more negative is less probable; up means the model gives the response more.',
  },
  argmax_logp: {
    title: 'log max π',
    unit: 'nats',
    says: 'log-probability of whichever token is likeliest at each position of the response. Up means the model is surer, of whatever it is.',
  },
  rest_logp: {
    title: 'log(1 − max π)',
    unit: 'nats',
    says: 'log of the mass outside the likeliest token, at each position of the response. Down means less is left for all others.',
  },
  energy: {
    title: 'surprise 1 − π',
    unit: 'probability',
    says: '1 − π(token), mean over the response’s tokens. 0: every token was certain.',
  },
  p_e: {
    title: '‖π − e_y‖',
    unit: 'L2 norm',
    says: 'Length of the residual π − e_y, mean over tokens: how hard SFT on this response would push.',
  },
  a_norm: {
    title: '‖A‖',
    unit: 'Frobenius norm',
    says: '‖I − 1πᵀ‖ = √(V − 2 + V‖π‖²), mean over tokens. Higher: more peaked.',
  },
  entropy: {
    title: 'entropy',
    unit: 'nats',
    says: '−Σ π log π, mean over tokens. It falls as the distribution becomes peaked.',
  },
}

export const textOf = (metric: string): MetricText =>
  texts[metric] ?? { title: metric, unit: '', says: `${metric}, as the run recorded it.` }

/** Metrics of some runs in the order in which they are explained; others behind. */
export const metricsOf = (runs: readonly LiveData[]): readonly string[] => {
  const found = new Set(runs.flatMap(run => run.manifest.columns.metrics))
  return [
    ...knownMetrics.filter(metric => found.has(metric)),
    ...[...found].filter(metric => !(knownMetrics as readonly string[]).includes(metric)),
  ]
}

/** "per response", "per token", or that it is a mean already: sums and means are never mistaken for one another. */
export const perText = (metric: string, per: View['per']): string =>
  !isSum(metric)
    ? 'mean over response tokens'
    : per === 'token'
      ? 'per response token'
      : 'summed over the response'

/** What the band around a line is. */
export const bandText: Readonly<Record<Spread, string | undefined>> = {
  none: undefined,
  se: '± one standard error of the mean over probes',
  boot: bootText,
  iqr: 'middle half of the probes (quartiles)',
  range: 'lowest to highest probe',
}

/** The evaluation that holds at a step: the last one at or before it, or the first. */
export const evaluationAt = (
  { evaluations }: Pick<LiveData, 'evaluations'>,
  step: number | undefined,
): number => {
  if (step === undefined) return evaluations.length - 1
  const at = evaluations.findLastIndex(evaluation => evaluation.step <= step)
  return at < 0 ? 0 : at
}

/** How a type looks among those of a run: types of a probe set of one's own are told apart by their place. */
export const lookOf = (types: readonly string[], type: string): Look =>
  inOrder(types).find(({ key }) => key === type)?.look ?? responseType(type).look

/** A type's name beside its line: those that both chosen and rejected have are told apart. */
export const nameOf = (key: string): string => {
  const { group, short } = responseType(key)
  if (key === 'chosen' || key === 'rejected' || short === key) return key
  return group === 'chosen' ? `y⁺ ${short}` : group === 'rejected' ? `y⁻ ${short}` : short
}

export interface LineRequest {
  readonly metric: string
  readonly type: string
  readonly per: View['per']
  readonly spread: Spread
  /** Changes since this step. */
  readonly since?: number | 'first'
  readonly smooth?: number
  readonly label?: string
  readonly look?: Look
  readonly key?: string
  /** What one value of the line is the mean of, where it is not one response of the type. */
  readonly units?: (run: LiveData) => Units | undefined
}

// All lines of a run have the same steps: whoever draws them tells by the array that they do.
const placesKept = new WeakMap<LiveData, Pick<CurveLine, 'steps' | 'stages'>>()

const placesOf = (run: LiveData): Pick<CurveLine, 'steps' | 'stages'> => {
  let found = placesKept.get(run)
  if (!found) {
    found = { steps: run.evaluations.map(({ step }) => step), stages: run.evaluations.map(({ stage }) => stage) }
    placesKept.set(run, found)
  }
  return found
}

/** One line for each run that has it; the dash says the run where there are several. */
export const linesOf = (
  runs: readonly LiveData[],
  curves: Curves,
  request: LineRequest,
): readonly CurveLine[] =>
  runs.flatMap((run, r): CurveLine[] => {
    const { metric, type, per, spread, since } = request
    const base = since === undefined ? undefined : since === 'first' ? 0 : evaluationAt(run, since)
    const units = request.units?.(run)
    if (request.units && !units) return []
    const curve = curves.of(run, { metric, type, per, spread, since: base, units })
    if (!curve || curve.mean.length === 0) return []
    const look = lookOf(run.types, type)
    const [label, key] = [request.label ?? nameOf(type), request.key ?? type]
    const many = runs.length > 1
    const own = request.look ?? look
    return [
      {
        key: many ? `${key} ${letter(r)}` : key,
        type,
        label: many ? `${letter(r)} ${label}` : label,
        look: many ? { ...own, dash: runDash(r) } : own,
        ...placesOf(run),
        mean: curve.mean,
        se: curve.se,
        n: curve.n,
        ...(spread === 'iqr' || spread === 'range' || spread === 'boot' ? { low: curve.low, high: curve.high } : {}),
        ...(request.smooth ? { smoothed: smooth(curve.mean, request.smooth) } : {}),
      },
    ]
  })

export const typesIn = (runs: readonly LiveData[]): readonly ResponseType[] =>
  inOrder([...new Set(runs.flatMap(run => run.types))])

const missingMetric = (runs: readonly LiveData[], metric: string): PanelModel => ({
  id: 'dynamics',
  kind: 'missing',
  title: textOf(metric).title,
  says: textOf(metric).says,
  missing: runs.every(run => !run.probes)
    ? noProbes(runs[0])
    : runs.some(run => run.manifest.imported)
      ? { what: `The imported log does not hold ${textOf(metric).title} for any response type.` }
      : { what: 'The probes have not been evaluated yet.' },
})

/** What stands around lines of one metric: title, unit, stages, the band in words. */
const curvesModel = (
  runs: readonly LiveData[],
  view: Pick<View, 'metric' | 'per' | 'change' | 'versus' | 'spread' | 'smooth'>,
  lines: readonly CurveLine[],
  by: string,
): PanelModel => {
  const { metric, change, spread } = view
  const per = isSum(metric) ? view.per : 'response'
  const { title, unit, says } = textOf(metric)
  // One value a line: of one probe, unless the log holds nothing but means.
  const single =
    lines.length > 0 &&
    lines.every(({ n }) => n === 1) &&
    !runs.some(run => run.manifest.imported?.meansOnly)
  const what = change
    ? `Change of ${title} since ${view.versus === undefined ? 'the first evaluation' : `step ${view.versus}`}`
    : title
  const panel: CurvePanel = {
    id: 'dynamics',
    section: 'logp',
    title: `${what} ${by}`,
    lines,
    stages: stageMarks(runs),
    zero: change,
    says: `${says} ${capital(perText(metric, per))}${single ? '' : '; mean over probes'}.`,
    unit: `${change ? 'Δ ' : ''}${title}, ${perText(metric, per)}${unit && ` (${unit})`}`,
    ...(bandText[spread] && !single && {
      band: change && spread === 'se' ? '± one standard error of the probes’ own changes' : bandText[spread],
    }),
  }
  return {
    id: 'dynamics',
    kind: 'curves',
    title: panel.title,
    says: panel.says,
    panel,
    notes: [
      ...runs.flatMap(run => notesOn(run, [metric])),
      ...(view.smooth > 0
        ? [
            `Lines are a moving average (EMA ${view.smooth}, debiased) over the values, which are drawn faintly.`,
          ]
        : []),
    ],
  }
}

/** The panel of some lines, or why there are none. */
const orMissing = (
  runs: readonly LiveData[],
  view: View,
  lines: readonly CurveLine[],
  by: string,
): PanelModel => {
  const { metric, hidden } = view
  const { title, says } = textOf(metric)
  const reading = runs.some(
    run => run.probes && run.manifest.columns.metrics.includes(metric) && !run.rows.has(metric),
  )
  if (lines.length === 0 && reading) return { id: 'dynamics', kind: 'loading', title, says }
  const all = typesIn(runs)
  if (lines.length === 0 && (all.length === 0 || all.some(({ key }) => !hidden.includes(key))))
    return missingMetric(runs, metric)
  return curvesModel(runs, view, lines, by)
}

/** Curves of a metric, one a response type. */
export const dynamicsPanel = (runs: readonly LiveData[], curves: Curves, view: View): PanelModel => {
  const { metric, change, spread, hidden } = view
  const per = isSum(metric) ? view.per : 'response'
  const since = change ? (view.versus ?? 'first') : undefined
  const lines = typesIn(runs)
    .filter(({ key }) => !hidden.includes(key))
    .flatMap(type =>
      linesOf(runs, curves, { metric, type: type.key, per, spread, since, smooth: view.smooth }),
    )
  return orMissing(runs, view, lines, 'by response type')
}

/**
 * The main figure of the Dynamics screen: curves grouped as the view asks, on the axis that it asks for, with what
 * happened on the way. `said` are groups that are not drawn, and why.
 */
export const mainPanel = (runs: readonly LiveData[], curves: Curves, view: View): PanelModel => {
  const { metric, change, spread, hidden, along, logY } = view
  const per = isSum(metric) ? view.per : 'response'
  const since = change ? (view.versus ?? 'first') : undefined
  const { groups, by, said } = groupsOf(runs, curves, view)
  const lines = groups
    .filter(({ key }) => !hidden.includes(key))
    .flatMap(group =>
      linesOf(runs, curves, { metric, per, spread, since, smooth: view.smooth, ...group }),
    )
  const model = orMissing(runs, view, lines, by)
  if (model.kind !== 'curves') return model
  const axes = axesOf(runs, along)
  const why = runs.map(run => whyNot(run, along)).find(one => one !== undefined)
  const panel = onAxes({ ...model.panel, logY, marks: marksOf(runs[0]) }, axes, runOfKey(runs.length))
  return {
    ...model,
    panel,
    notes: [
      ...(model.notes ?? []),
      ...said,
      ...(why === undefined ? [] : [`The axis counts updates: ${why}.`]),
      ...(logY && lines.some(({ mean }) => mean.some(value => value <= 0))
        ? ['The vertical axis is asinh: logarithmic far from 0 on both sides of it, even near it.']
        : []),
    ],
  }
}

/** Where the mass goes: the likeliest token against chosen, on chosen's own context. */
export const squeezingPanel = (
  runs: readonly LiveData[],
  curves: Curves,
  view: Pick<View, 'per' | 'spread'>,
): PanelModel => {
  const others = [...new Set(runs.map(argmaxType))].filter(type => type !== 'chosen')
  // A simulation may have no chosen response: then the first type that it watches.
  const type = runs.some(run => run.types.includes('chosen')) ? 'chosen' : (runs[0].types[0] ?? 'chosen')
  const title = `Likeliest token against ${type}`
  const says =
    `log max π along the ${type} response, and log π of that response. The first up while the second falls is the squeezing ` +
    `effect. ${capital(perText('logp', view.per))}; mean over probes.`
  const lines = [
    ...linesOf(runs, curves, {
      metric: 'argmax_logp',
      type: others[0] ?? type,
      per: view.per,
      spread: view.spread,
      look: looks.argmax,
      key: 'argmax',
      label: others.length === 0 ? 'argmax' : `argmax of ${others.join(', ')}`,
    }),
    ...linesOf(runs, curves, { metric: 'logp', type, per: view.per, spread: view.spread }),
  ]
  const id = 'squeezing'
  if (!lines.some(({ key }) => key.startsWith('argmax'))) {
    const reading = runs.some(
      run => run.manifest.columns.metrics.includes('argmax_logp') && !run.rows.has('argmax_logp'),
    )
    return reading
      ? { id, kind: 'loading', title, says }
      : {
          id,
          kind: 'missing',
          title,
          says,
          missing: {
            what: 'The run does not hold the likeliest token’s log-probability along any response.',
          },
        }
  }
  const notes =
    others.length === 0
      ? []
      : [
          `CAUTION: in the imported log the argmax curve is that of ${others.join(', ')}, not of chosen (a known defect of the released code), so the two cannot be set against each other.`,
          ...runs.flatMap(run =>
            notesOn(run, ['argmax_logp']).filter(note => !notesOn(run, []).includes(note)),
          ),
        ]
  return {
    id,
    kind: 'curves',
    title,
    says,
    notes,
    panel: {
      id,
      section: 'logp',
      title,
      says,
      unit: `log π, ${perText('logp', view.per)} (nats)`,
      lines,
      stages: stageMarks(runs),
      band: bandText[view.spread],
    },
  }
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)
