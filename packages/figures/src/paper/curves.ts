/** Curves of response types over evaluations, as every figure of the paper draws them. */
import { argmaxType, stepName } from '../imported.ts'
import { inOrder, looks, responseType, type Look, type ResponseType } from '../response-types.ts'
import { changes, estimate, type Sample } from '../series.ts'
import { meansOnly, stepsOf } from './about.ts'
import type { Curve, Label, PaperFigure, PaperRun } from './model.ts'
import { valuesOf } from './per-token.ts'
import { signOf } from './signs.ts'

/**
 * The sample's means at these evaluations, with the standard errors of their change since the first of these (of each
 * probe against its own start): probes differ far more from each other than training moves them.
 */
export const curveOf = (
  run: PaperRun,
  sample: Sample,
  at: readonly number[],
  { key, label, look }: { readonly key: string; readonly label: Label; readonly look: Look },
): Curve => {
  const points = at.map((e) => estimate(sample.at[e]))
  return {
    key,
    label,
    look,
    x: stepsOf(run, at),
    y: points.map(({ mean }) => mean),
    ...(!meansOnly(run) &&
      sample.probes.length > 1 && { error: at.map((e) => estimate(changes(sample, at[0], e)).se) }),
  }
}

/** Curves of types that the run has the metric of; the others are left out. */
export const typeCurves = (
  run: PaperRun,
  types: readonly ResponseType[],
  at: readonly number[],
  { metric = 'logp', since = false }: { readonly metric?: string; readonly since?: boolean } = {},
): readonly Curve[] =>
  types.flatMap((type) => {
    const sample = valuesOf(run, metric, type.key)
    if (!sample) return []
    const own = { key: type.key, label: signOf(type), look: type.look }
    const first = at[0]
    const moved = since ? { ...sample, at: sample.at.map((_, e) => changes(sample, first, e)) } : sample
    return [curveOf(run, moved, at, own)]
  })

/** y*: the likeliest token along chosen, or along the one type that the log has it of. */
const argmaxLabel = (run: PaperRun): Label => {
  const along = argmaxType(run)
  const sign = signOf(responseType(along))
  return {
    base: 'y',
    sup: '*',
    ...(along !== 'chosen' && { sub: `along ${typeof sign === 'string' ? sign : (sign.sub ?? along)}` }),
  }
}
export const argmaxSample = (run: PaperRun): Sample | undefined =>
  valuesOf(run, 'argmax_logp', argmaxType(run))

export const argmaxCurves = (run: PaperRun, at: readonly number[]): readonly Curve[] => {
  const sample = argmaxSample(run)
  return sample
    ? [curveOf(run, sample, at, { key: 'argmax', label: argmaxLabel(run), look: looks.argmax })]
    : []
}

type Entry = PaperFigure['legend'][number]

export const typeEntries = (keys: readonly string[]): readonly Entry[] =>
  inOrder(keys).map((type): Entry => {
    const label = signOf(type)
    return { key: type.key, label, says: label === type.short ? '' : type.short, look: type.look }
  })

export const argmaxEntry: Entry = {
  key: 'argmax',
  label: { base: 'y', sup: '*' },
  says: 'likeliest token',
  look: looks.argmax,
}

export const typesNamed = (keys: readonly string[], run: PaperRun): readonly ResponseType[] =>
  keys.filter((key) => run.types.includes(key)).map((key) => responseType(key))

/** Where stages begin, for the rules across a whole run. */
export const stagesIn = ({ stages }: PaperRun): { step: number; name: string }[] =>
  stages.map(({ from, name }) => ({ step: from, name }))

export const xLabelOf = (run: PaperRun): string => `${stepName(run)}s`
