/**
 * The last panel of Figure 3: what learning did to every type, summed over a stage. A column is a stage (SignDelta′,
 * the paper's proxy) or one thing that a stage learned (exact first order, where updates were decomposed); each is
 * divided by its max − min, as the paper's are, so that columns of different lengths can be compared.
 */
import { letter } from '../lines.ts'
import { inOrder, responseType } from '../response-types.ts'
import { signed } from '../numbers.ts'
import { spans, sameStages, trainLine, type Span } from './about.ts'
import { exactInfluence, proxyOf } from './influence.ts'
import type { HeatPanel, Label, Lack, PaperRun, Sign } from './model.ts'
import { plain, signOf } from './signs.ts'

interface Column {
  readonly run: PaperRun
  readonly key: string
  readonly label: Label
  readonly says: string
  readonly of: ReadonlyMap<string, number>
  readonly exact: boolean
}

const columnsOf = (span: Span, name: string): readonly Column[] => {
  const { run, stage } = span
  const proxies = run.types.flatMap((type) => {
    const found = proxyOf(span, type)
    return found ? [[type, found.sum.signDelta] as const] : []
  })
  const exact = exactInfluence(span).map(({ learned, of }): Column => {
    const what = signOf(responseType(learned))
    const label: Label =
      typeof what === 'string' ? `${name}${stage.name}: ${what}` : prefixed(`${name}${stage.name}: `, what)
    return {
      run,
      key: `${name}${stage.name}: ${learned}, exact`,
      label,
      says: `${stage.name} on ${plain(what)}`,
      of,
      exact: true,
    }
  })
  const proxy: Column = {
    run,
    key: `${name}${stage.name}: SignDelta′`,
    label: `${name}${stage.name}`,
    says: `stage ${stage.name}`,
    of: new Map(proxies),
    exact: false,
  }
  return [...(proxies.length > 1 ? [proxy] : []), ...exact.filter(({ of }) => of.size > 1)]
}

const prefixed = (text: string, sign: Sign): Sign => ({ ...sign, base: `${text}${sign.base}`, upright: true })

const MOST_COLUMNS = 14

/** Of all runs, with words about the columns of one of them. */
export const influenceMap = (
  runs: readonly PaperRun[],
  own: PaperRun,
): {
  readonly panel?: HeatPanel
  readonly says: string
  readonly differs: readonly string[]
  readonly lacks: readonly Lack[]
} => {
  const all = runs.flatMap((run, r) =>
    spans(run).flatMap((span) => columnsOf(span, runs.length > 1 ? `${letter(r)} ` : '')),
  )
  const columns = all.slice(0, MOST_COLUMNS)
  const decomposed = runs.some(({ updates = [] }) => updates.length > 0)
  const lacks: Lack[] = [
    ...(columns.length === 0
      ? [
          {
            what: 'Accumulated influence: the run has not all of log π, ‖A‖ and p_e of two types, which SignDelta′ is made of',
            command: trainLine(own, sameStages(own)),
          },
        ]
      : []),
    ...(decomposed || own.manifest.imported
      ? []
      : [
          {
            what: 'Accumulated influence by what was learned (exact): no update was decomposed',
            command: trainLine(own, sameStages(own), '--set observe.decompose.every=10'),
          },
        ]),
  ]
  if (columns.length === 0) return { says: '', differs: [], lacks }
  const rows = inOrder([...new Set(columns.flatMap(({ of }) => [...of.keys()]))])
  const ranges = columns.map(({ of }) => {
    const values = [...of.values()]
    return Math.max(...values) - Math.min(...values)
  })
  const raw = rows.map(({ key }) => columns.map(({ of }) => of.get(key)))
  const panel: HeatPanel = {
    kind: 'heat',
    title: 'Accumulated influence',
    xLabel: decomposed ? 'learned' : 'stage',
    yLabel: 'observed',
    rows: rows.map((type) => ({ key: type.key, label: signOf(type) })),
    columns: columns.map(({ key, label }) => ({ key, label })),
    values: raw.map((row) =>
      row.map((value, c) => (value === undefined || ranges[c] === 0 ? undefined : value / ranges[c])),
    ),
    raw,
    scale: 'diverging',
    unit: 'of the column’s range',
  }
  return {
    panel,
    says: `${wordsOf(all.filter(({ run }) => run === own))} Accumulated influence is divided by its range in every column; blue is a fall.`,
    differs: [
      'The columns of the paper’s map are runs that each learned one type; here they are the stages of the runs at hand' +
        (decomposed
          ? ', and what each learned where its updates were decomposed (exact to first order, not a proxy).'
          : '.'),
      ...runs.flatMap(poor),
      ...(all.length > MOST_COLUMNS ? [`Of ${all.length} columns the first ${MOST_COLUMNS} are drawn.`] : []),
    ],
    lacks,
  }
}

/** Share of a change from which on its first order is no account of it. */
const POOR = 0.25

/** Said where steps were too large for first order. */
const poor = ({ id, updates = [] }: PaperRun): readonly string[] => {
  const probes = updates.flatMap((line) => line.probes)
  const norm = (x: (probe: (typeof probes)[number]) => number): number => Math.hypot(...probes.map(x))
  const left = norm(({ actual, predicted }) => actual - predicted) / norm(({ actual }) => actual)
  return left > POOR
    ? [
        `CAUTION: first order leaves ${(100 * left).toFixed(0)} % of what single updates of ${id} did: its steps were large, and exact columns do not add up to what happened.`,
      ]
    : []
}

/** The strongest entry of each column, in the column's own unit. */
const wordsOf = (columns: readonly Column[]): string => {
  if (columns.length === 0) return ''
  const parts = columns.slice(0, 6).map(({ says, of, exact }) => {
    const [type, value] = [...of].reduce((a, b) => (Math.abs(b[1]) > Math.abs(a[1]) ? b : a))
    const number = exact ? `${signed(value)} nats` : `Σ SignDelta′ = ${signed(value)}`
    return `${says} moved ${plain(signOf(responseType(type)))} most (${number})`
  })
  return `${parts.join('; ').replace(/^./, (c) => c.toUpperCase())}.`
}
