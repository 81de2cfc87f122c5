/** Figure 8: LBK and SignDelta, between evaluations and summed, a row for every stage of every run. */
import { letter } from '../lines.ts'
import { signed } from '../numbers.ts'
import { responseType } from '../response-types.ts'
import {
  dataDiffers,
  meansOnly,
  spans,
  lengthText,
  sameStages,
  trainLine,
  typesOf,
  type Span,
} from './about.ts'
import { typeEntries, xLabelOf } from './curves.ts'
import { proxyOf, smoothed, type Proxy } from './influence.ts'
import {
  notDrawn,
  type Bar,
  type CurvesPanel,
  type PaperFigure,
  type PaperPanel,
  type PaperRun,
} from './model.ts'
import { plain, signOf } from './signs.ts'

const WEIGHT = 0.9
/** Fewer intervals than this and a moving average of 0.9 would show little but its first value. */
const ENOUGH = 20

type Found = readonly { readonly key: string; readonly proxy: Proxy }[]

const foundIn = (span: Span): Found =>
  typesOf(span.run).flatMap(({ key }) => {
    const proxy = proxyOf(span, key)
    return proxy ? [{ key, proxy }] : []
  })

const rowOf = (span: Span, found: Found, name: string): readonly PaperPanel[] => {
  const { run } = span
  const smooth = found[0].proxy.steps.length >= ENOUGH
  const look = (key: string) => responseType(key).look
  const curves = (title: string, values: (proxy: Proxy) => readonly number[]): CurvesPanel => ({
    kind: 'curves',
    title: `${name}: ${title}`,
    xLabel: xLabelOf(run),
    yLabel: title,
    stages: [],
    ends: false,
    zero: title.startsWith('S'),
    curves: found.map(({ key, proxy }) => {
      const raw = values(proxy)
      return {
        key,
        label: signOf(responseType(key)),
        look: look(key),
        x: proxy.steps,
        y: smooth ? smoothed(raw, WEIGHT) : raw,
        ...(smooth && { raw }),
      }
    }),
  })
  const bars = (
    title: string,
    value: (proxy: Proxy) => number,
    error?: (proxy: Proxy) => number | undefined,
  ): PaperPanel => ({
    kind: 'bars',
    title: `${name}: Σ ${title}`,
    xLabel: `Σ ${title}`,
    bars: found.map(({ key, proxy }): Bar => {
      const e = error?.(proxy)
      return {
        key,
        label: signOf(responseType(key)),
        look: look(key),
        value: value(proxy),
        ...(e !== undefined && { error: e }),
      }
    }),
  })
  const norm = found.every(({ proxy }) => proxy.lbk !== undefined)
    ? [curves('LBK′', ({ lbk }) => lbk!), bars('LBK′', ({ sum }) => sum.lbk!)]
    : []
  return [
    ...norm,
    curves('SignDelta′', ({ signDelta }) => signDelta),
    bars(
      'SignDelta′',
      ({ sum }) => sum.signDelta,
      ({ sum }) => sum.error,
    ),
  ]
}

const MOST_ROWS = 8

export const figure8 = (runs: readonly PaperRun[]): PaperFigure => {
  const base = {
    id: 'fig8' as const,
    name: 'Figure 8',
    file: 'fig8',
    runs: runs.map(({ id }) => id),
    title: 'LBK and SignDelta, the stand-ins for the kernel',
  }
  const all = runs
    .flatMap((run, r) =>
      spans(run).map((span) => ({
        span,
        found: foundIn(span),
        name: `${runs.length > 1 ? `${letter(r)} ` : ''}${span.stage.name}`,
      })),
    )
    .filter(({ found }) => found.length > 0)
  const rows = all.slice(0, MOST_ROWS)
  const [first] = runs
  const without = runs.filter((run) => !rows.some(({ span }) => span.run === run))
  const lacks = [
    ...without.map((run) => ({
      what: `${runs.length > 1 ? `${run.id}: ` : ''}LBK′ and SignDelta′ need two evaluations of log π, ‖A‖ (a_norm) and p_e, and the run has not all of them.`,
      command: trainLine(run, sameStages(run)),
    })),
    ...(rows.some(({ span }) => meansOnly(span.run))
      ? [
          {
            what: 'LBK′ of a log that holds means alone: a norm over probes needs the values of single probes.',
          },
        ]
      : []),
    {
      what: 'LBK and SignDelta as eq. 26 defines them, over the whole vocabulary: no run holds it, and a pair of checkpoints does.',
      command: 'ldyn help kernel',
    },
  ]
  if (rows.length === 0) return notDrawn({ ...base, across: 4 }, ...lacks)
  const types = [...new Set(rows.flatMap(({ found }) => found.map(({ key }) => key)))]
  const standIns = [
    ...new Set(rows.flatMap(({ found }) => found.flatMap(({ proxy }) => proxy.standIn ?? []))),
  ]
  const smooth = rows.some(({ found }) => found[0].proxy.steps.length >= ENOUGH)
  const panels = rows.map(({ span, found, name }) => rowOf(span, found, name))
  const whole = panels.every((row) => row.length === 4)
  return {
    ...base,
    caption: [
      'LBK′ = ‖δ‖ / (√‖A‖ · p_e) and SignDelta′ = mean δ / (√‖A‖ · p_e), as the released notebook computes them; δ is each probe’s ' +
        'change of log π(y|x) from one evaluation to the next, ‖A‖ and p_e means over the probes before it.',
      smooth ? `Curves are exponential moving averages (${WEIGHT}).` : '',
      ...rows.map(({ span, found, name }) => wordsOf(span, found, name)),
    ]
      .filter(Boolean)
      .join(' '),
    differs: [
      ...new Set(rows.flatMap(({ span }) => dataDiffers(span.run))),
      'The paper’s rows are runs that each learned one type; these are the stages of the runs at hand.',
      'Whiskers of Σ SignDelta′ are standard errors over probes; the paper’s are variances over time.',
      ...(smooth
        ? []
        : [`With fewer than ${ENOUGH} intervals curves are not smoothed; the paper’s are, by ${WEIGHT}.`]),
      standIns.length > 0
        ? `‖A‖ and p_e stand on file for ${standIns.join(', ')} alone and are used for every type, as in the released notebook.`
        : 'p_e is the observed type’s own; in the released notebook it is that of random_nonhum (a known defect).',
      ...(all.length > MOST_ROWS ? [`Of ${all.length} stages the first ${MOST_ROWS} are drawn.`] : []),
      ...(whole ? [] : ['Rows of logs with means alone have SignDelta′ only.']),
    ],
    lacks: runs.length > 0 && first ? lacks : [],
    panels: panels.flat(),
    across: whole ? 4 : 2,
    legend: typeEntries(types),
  }
}

const wordsOf = (span: Span, found: Found, name: string): string => {
  const sums = found.map(({ key, proxy }) => ({
    name: plain(signOf(responseType(key))),
    sum: proxy.sum.signDelta,
  }))
  const [top, low] = [
    sums.reduce((a, b) => (b.sum > a.sum ? b : a)),
    sums.reduce((a, b) => (b.sum < a.sum ? b : a)),
  ]
  return (
    `${name} (${lengthText(span)}): Σ SignDelta′ is ` +
    (sums.length === 1
      ? `${signed(top.sum)} for ${top.name}.`
      : `highest for ${top.name} (${signed(top.sum)}) ` + `and lowest for ${low.name} (${signed(low.sum)}).`)
  )
}
