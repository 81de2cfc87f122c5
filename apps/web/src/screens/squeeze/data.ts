// Where the probability is, by bands of ranks: the likeliest token, ranks 2–5, 6–20, 21–100, and the rest of
// the vocabulary. Each is a mean over a response's tokens and then over probes; the five add up to 1.
import type { Curves } from '../../data/curves.ts'
import type { LiveData } from '../../data/live-run.ts'
import { observeAfter } from '../../panels/making.ts'
import { notRecorded } from '../../panels/not-recorded.ts'
import type { LoadingModel, MissingModel } from '../../panels/panel.ts'

export const BANDS: readonly { readonly metric: string; readonly name: string }[] = [
  { metric: 'mass_1', name: 'likeliest token' },
  { metric: 'mass_2_5', name: 'ranks 2–5' },
  { metric: 'mass_6_20', name: 'ranks 6–20' },
  { metric: 'mass_21_100', name: 'ranks 21–100' },
  { metric: 'mass_rest', name: 'all others' },
]

export interface Mass {
  readonly type: string
  readonly n: number
  readonly steps: readonly number[]
  readonly stages: readonly string[]
  /** By band, its mean at every evaluation. */
  readonly means: readonly (readonly number[])[]
  /** The probability of the response's own tokens, mean over tokens: 1 − energy; undefined where it is not known. */
  readonly own: readonly number[] | undefined
}

/** Undefined where the run does not hold all bands of this type, or has not read them yet. */
export const massOf = (run: LiveData, curves: Curves, type: string): Mass | undefined => {
  const of = (metric: string) => curves.of(run, { metric, type, per: 'response', spread: 'none' })
  const found = BANDS.map(({ metric }) => of(metric))
  if (found.some(curve => curve === undefined)) return undefined
  const energy = of('energy')
  return {
    type,
    n: found[0]!.n,
    steps: run.evaluations.map(({ step }) => step),
    stages: run.evaluations.map(({ stage }) => stage),
    means: found.map(curve => curve!.mean),
    own: energy?.mean.map(value => 1 - value),
  }
}

/** The panel in place of one that `massOf` has nothing for: still being read, or why there is none. */
export const withoutMass = (
  run: LiveData,
  named: Pick<LoadingModel, 'id' | 'title' | 'says'>,
): LoadingModel | MissingModel => {
  const holds = BANDS.every(({ metric }) => run.manifest.columns.metrics.includes(metric))
  if (holds && run.evaluations.length > 0) return { ...named, kind: 'loading' }
  return {
    ...named,
    kind: 'missing',
    missing: run.manifest.imported
      ? { what: 'The imported log does not hold the probability by ranks.' }
      : notRecorded(
          run,
          'The probability by ranks was not recorded.',
          { name: 'bands', settings: ['observe.bands=true'] },
          { what: 'As JSON lines', command: observeAfter(run, '--bands') },
        ),
  }
}

/** What each band gained between two evaluations; the gains add up to 0. */
export const gains = ({ means }: Mass, from: number, to: number): readonly number[] =>
  means.map(mean => mean[to] - mean[from])

/**
 * The share of all mass that moved which went to the likeliest token: its gain by all that bands gained. Undefined
 * where nothing moved beyond rounding, or the likeliest token lost.
 */
export const squeezeIndex = (moved: readonly number[]): number | undefined => {
  const gained = moved.reduce((sum, value) => sum + Math.max(0, value), 0)
  return gained > 1e-6 && moved[0] > 0 ? moved[0] / gained : undefined
}
