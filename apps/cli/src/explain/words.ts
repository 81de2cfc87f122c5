/**
 * What `ldyn explain` says to a reader: a paragraph that answers the question, a table, and groups of bars for the
 * picture. Everything is computed from the numbers; nothing is said of what they do not show.
 */
import { list, plural, show, signed } from '@ldyn/figures'
import type { BarGroup } from './bars.ts'
import type { ExplainedChange, ExplainedCheckpoints } from './checkpoints.ts'
import { minus, residualOf, rSquared, total } from './form.ts'
import type { ExplainedResponse, ExplainedUpdate } from './update.ts'

export interface Answer {
  readonly title: string
  readonly paragraph: string
  /** Header first. */
  readonly table: readonly (readonly string[])[]
  readonly bars: readonly BarGroup[]
  readonly notes: readonly string[]
  /** A picture of its own, where bars are not the one. */
  readonly svg?: string
}

const mean = (values: readonly number[]): number => values.reduce((n, x) => n + x, 0) / values.length
const percent = (share: number): string => `${(100 * share).toFixed(0)} %`

/** In the order in which types first come. */
function byType<T extends { readonly type: string }>(items: readonly T[]): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) groups.set(item.type, [...(groups.get(item.type) ?? []), item])
  return groups
}

/** Means over responses of named sums: `{chosen: 0.3, rejected: −0.9}`. */
function meansOf(records: readonly Readonly<Record<string, number>>[]): [name: string, value: number][] {
  const names = [...new Set(records.flatMap((r) => Object.keys(r)))]
  return names.map((name) => [name, mean(records.map((r) => r[name] ?? 0))])
}

const largest = (entries: readonly (readonly [string, number])[], n: number): (readonly [string, number])[] =>
  [...entries].sort((a, b) => Math.abs(b[1]) - Math.abs(a[1])).slice(0, n)

const sums = (directions: ExplainedResponse['directions']): Record<string, number> =>
  Object.fromEntries(Object.entries(directions).map(([name, values]) => [name, total(values)]))

/** One rounding unit of an f32 of that size. */
const ulp = (x: number): number => (x === 0 ? 0 : 2 ** (Math.floor(Math.log2(Math.abs(x))) - 23))

/** What f32 rounding of log π alone may leave between actual and predicted: units in the last place, in quadrature. */
const noiseFloor = (responses: readonly { readonly before: Float64Array }[]): number =>
  Math.sqrt(responses.reduce((n, { before }) => n + before.reduce((m, x) => m + ulp(x) ** 2, 0), 0))

const fellOrRose = (value: number): string => (value < 0 ? 'fell' : 'rose')

const DIRECTION_WORDS: Readonly<Record<string, string>> = {
  chosen: 'the pull on y⁺',
  rejected: 'the push on y⁻',
  target: 'learning the target',
  nll: 'the NLL term',
  penalty: "DPOP's penalty",
  calibration: "Cal-DPO's squares",
  'carry-over': 'what the optimizer carried over',
  decay: 'weight decay',
}
const directionWords = (name: string): string => DIRECTION_WORDS[name] ?? `'${name}'`

export function updateAnswer(found: ExplainedUpdate, f64: boolean): Answer {
  const { stage, rows, responses, gradNorm, clipFactor, began } = found
  const groups = [...byType(responses)]
  const [sumActual, sumPredicted] = [
    responses.map((r) => total(r.actual)),
    responses.map((r) => total(r.predicted)),
  ]
  const r2 = rSquared(sumActual, sumPredicted)
  const size = Math.hypot(...responses.map(({ actual }) => Math.hypot(...actual)))
  const residual = residualOf(responses)
  const [type, most] = groups
    .map(([name, own]) => [name, own] as const)
    .reduce((a, b) =>
      Math.abs(mean(b[1].map((r) => total(r.actual)))) > Math.abs(mean(a[1].map((r) => total(r.actual))))
        ? b
        : a,
    )
  const change = mean(most.map((r) => total(r.actual)))
  const causes = largest(meansOf(most.map((r) => sums(r.directions))), 3).filter(([, value]) => value !== 0)
  const own = mean(most.map((r) => total(r.ownLogit)))
  const rest = mean(most.map((r) => total(minus(r.predicted, r.ownLogit))))
  const sentences = [
    `The update moved ${plural(responses.length, 'observed response')} by ${show(
      size,
    )} nats in all (L2 over tokens); ` +
      `the first-order prediction leaves ${show(residual)} (${percent(size === 0 ? 0 : residual / size)})` +
      `${Number.isNaN(r2) ? '' : `, R² ${r2.toFixed(r2 > 0.999 ? 6 : 4)} over responses`}.`,
    `'${type}' moved most: it ${fellOrRose(change)} by ${show(Math.abs(change))} nats a response` +
      `${
        causes.length > 0
          ? `, of which ${list(causes.map(([name, value]) => `${directionWords(name)} ${signed(value)}`))}`
          : ''
      }.`,
    `Of that prediction its tokens' own logits are ${signed(own)} and the normaliser ${signed(rest)}.`,
  ]
  const names = [...new Set(responses.flatMap((r) => Object.keys(r.directions)))]
  const columns =
    names.length > 6
      ? largest(meansOf(responses.map((r) => sums(r.directions))), 6).map(([name]) => name)
      : names
  const of = (list_: readonly ExplainedResponse[], f: (r: ExplainedResponse) => number): string =>
    signed(mean(list_.map(f)))
  return {
    title: `${stage.loss.name} on ${rows.length === 1 ? 'row' : 'rows'} ${rows.join(', ')}, ${
      stage.optimizer.name
    }${began === undefined ? '' : ` after ${began} updates`}, lr ${stage.lr}; gradient norm ${show(gradNorm)}${
      clipFactor < 1 ? `, clipped to ${stage.maxGradNorm}` : ''
    }`,
    paragraph: sentences.join(' '),
    table: [
      [
        'Δ log π, nats',
        'responses',
        'actual',
        'predicted',
        'residual',
        'own logit',
        'normaliser',
        ...columns,
      ],
      ...groups.map(([name, list_]) => [
        name,
        String(list_.length),
        of(list_, (r) => total(r.actual)),
        of(list_, (r) => total(r.predicted)),
        of(list_, (r) => total(minus(r.actual, r.predicted))),
        of(list_, (r) => total(r.ownLogit)),
        of(list_, (r) => total(minus(r.predicted, r.ownLogit))),
        ...columns.map((direction) => of(list_, (r) => total(r.directions[direction] ?? new Float64Array()))),
      ]),
    ],
    bars: groups.map(([name, list_]) => ({
      title: name,
      bars: [
        { label: 'actual', value: mean(list_.map((r) => total(r.actual))) },
        { label: 'predicted', value: mean(list_.map((r) => total(r.predicted))) },
        ...columns.map((label) => ({
          label: `· ${label}`,
          value: mean(list_.map((r) => total(r.directions[label] ?? new Float64Array()))),
        })),
        ...kindBars(list_.flatMap((r) => (r.layers ? [r.layers] : []))).map((bar) => ({
          ...bar,
          label: `  ${bar.label}`,
        })),
      ],
    })),
    notes: [
      columns.length < names.length
        ? `The ${columns.length} largest of ${names.length} directions are shown; --json has all.`
        : '',
      f64 ? '' : `f32 rounding of log π alone would leave ${show(noiseFloor(responses))}.`,
      'Sums over tokens, means over responses. Directions, and own logit with normaliser, each add up to predicted.',
    ].filter(Boolean),
  }
}

/** Module kinds over all layers. */
function kindBars(layers: readonly Readonly<Record<string, number>>[]): { label: string; value: number }[] {
  if (layers.length === 0) return []
  const kinds = layers.map((record) => {
    const found: Record<string, number> = {}
    for (const [name, value] of Object.entries(record)) {
      const kind = name.replace(/^\d+\./, '')
      found[kind] = (found[kind] ?? 0) + value
    }
    return found
  })
  return meansOf(kinds).map(([label, value]) => ({ label, value }))
}

/** Layers in stretches of about a sixth of the depth: `layers 0–4`. */
function depthBars(layers: readonly Readonly<Record<string, number>>[]): { label: string; value: number }[] {
  const means = meansOf(layers)
  const inLayer = means.flatMap(([name, value]) => {
    const [, layer] = /^(\d+)\./.exec(name) ?? []
    return layer === undefined ? [] : [{ layer: Number(layer), value }]
  })
  if (inLayer.length === 0) return []
  const depth = Math.max(...inLayer.map(({ layer }) => layer)) + 1
  const step = Math.ceil(depth / 6)
  return Array.from({ length: Math.ceil(depth / step) }, (_, i) => {
    const [from, to] = [i * step, Math.min(depth, (i + 1) * step) - 1]
    const value = inLayer.filter(({ layer }) => layer >= from && layer <= to).reduce((n, x) => n + x.value, 0)
    return { label: from === to ? `layer ${from}` : `layers ${from}–${to}`, value }
  })
}

/** The type that the question is about: chosen if it is there, else the one that moved most. */
function asked(
  groups: readonly (readonly [string, readonly ExplainedChange[]])[],
): readonly [string, readonly ExplainedChange[]] {
  const size = (own: readonly ExplainedChange[]): number => Math.abs(mean(own.map((r) => total(r.actual))))
  return (
    groups.find(([type]) => type === 'chosen') ?? groups.reduce((a, b) => (size(b[1]) > size(a[1]) ? b : a))
  )
}

export function checkpointsAnswer(found: ExplainedCheckpoints): Answer {
  const { responses, rounding } = found
  const groups = [...byType(responses)]
  const [type, own] = asked(groups)
  const of = (f: (r: ExplainedChange) => number): number => mean(own.map(f))
  const [actual, predicted, integrated] = [
    of((r) => total(r.actual)),
    of((r) => total(r.predicted)),
    of((r) => total(r.integrated)),
  ]
  const [logit, rest] = [of((r) => total(r.ownLogit)), of((r) => total(minus(r.integrated, r.ownLogit)))]
  const kinds = largest(
    kindBars(own.map((r) => r.layers)).map(({ label, value }) => [label, value] as const),
    2,
  )
  const depth = largest(
    depthBars(own.map((r) => r.layers)).map(({ label, value }) => [label, value] as const),
    1,
  )
  const others = groups
    .filter(([name]) => name !== type)
    .map(([name, list_]) => [name, mean(list_.map((r) => total(r.actual)))] as const)
  const gap = Math.abs(actual - integrated)
  return {
    title: `${found.from} → ${found.to}: why did ${type} ${actual < 0 ? 'fall' : 'rise'}?`,
    paragraph: [
      `'${type}' ${fellOrRose(actual)} by ${show(Math.abs(actual))} nats a response (mean of ${own.length}).`,
      whoMoved(actual, logit, rest),
      `By modules, to first order, most came from ${list(
        kinds.map(([name, value]) => `${name} (${signed(value)})`),
      )}` + `${depth.length > 0 ? `, and of the depth from ${depth[0][0]} (${signed(depth[0][1])})` : ''}.`,
      `The first order at the first checkpoint alone predicts ${signed(
        predicted,
      )}; integrated over the way between ` +
        `the two it is ${signed(integrated)}, which leaves ${show(gap)}.`,
      others.length > 0
        ? `Beside it: ${list(others.map(([name, value]) => `${name} ${signed(value)}`))}.`
        : '',
    ]
      .filter(Boolean)
      .join(' '),
    table: [
      [
        'Δ log π, nats',
        'responses',
        'actual',
        'integrated',
        'own logit',
        'normaliser',
        'first order',
        'residual',
      ],
      ...groups.map(([name, list_]) => {
        const m = (f: (r: ExplainedChange) => number): string => signed(mean(list_.map(f)))
        return [
          name,
          String(list_.length),
          m((r) => total(r.actual)),
          m((r) => total(r.integrated)),
          m((r) => total(r.ownLogit)),
          m((r) => total(minus(r.integrated, r.ownLogit))),
          m((r) => total(r.predicted)),
          m((r) => total(minus(r.actual, r.predicted))),
        ]
      }),
    ],
    bars: [
      {
        title: 'actual change, nats a response',
        bars: groups.map(([label, list_]) => ({ label, value: mean(list_.map((r) => total(r.actual))) })),
      },
      { title: `${type}, first order by module`, bars: kindBars(own.map((r) => r.layers)) },
      { title: `${type}, first order by depth`, bars: depthBars(own.map((r) => r.layers)) },
    ],
    notes: [
      `Parameters changed by ${show(rounding.change)} (root mean square); stored as ${rounding.dtype}.`,
      'Sums over tokens, means over responses. Own logit and normaliser add up to integrated, modules to first order.',
    ],
  }
}

/** Whether the tokens themselves were moved, or the rest of the vocabulary past them. */
function whoMoved(actual: number, logit: number, rest: number): string {
  const parts = `its tokens' own logits (centred over the vocabulary) make ${signed(
    logit,
  )} of it and the normaliser ${signed(rest)}`
  if (actual >= 0) return `Of the change along the way ${parts}.`
  if (logit > 0)
    return `Its own logits rose: ${parts}. It fell because others of the vocabulary rose more, as when mass is squeezed elsewhere.`
  return Math.abs(rest) > Math.abs(logit)
    ? `Mostly others rose past it: ${parts}.`
    : `Mostly it was pushed down itself: ${parts}.`
}
