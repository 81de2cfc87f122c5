// What DPO did to the tiny model, in numbers of its run: the wanted answer, the unwanted one, answers that it was never
// shown, and the likeliest token along the wanted answer. Squeezing is the first down while the last goes up (paper.md
// §2.6). By how much a word is beyond noise follows the rule that all texts follow (@ldyn/figures, effects.ts).
import {
  change,
  estimate,
  inOrder,
  lastPreference,
  looks,
  sampleOf,
  suretyOf,
  type Estimate,
  type Look,
  type ResponseType,
  type RunData,
} from '@ldyn/figures'

export interface Moved {
  readonly key: string
  /** As the page calls it. */
  readonly name: string
  readonly look: Look
  /** Means over probes, nats summed over a response. */
  readonly before: number
  readonly after: number
  /** The probes' own changes. */
  readonly by: Estimate
}

/**
 * squeezed: y⁺ fell and the likeliest token rose, both beyond noise; faint: both did, not beyond noise; drained: y⁺
 * fell and the likeliest token did not rise; spared: y⁺ did not fall; collapsed: y⁺ is far less probable than it was to
 * the untrained model, so steps were too large and nothing else is to be read off them.
 */
export type Kind = 'squeezed' | 'faint' | 'drained' | 'spared' | 'collapsed'

export interface Effect {
  /** Updates of the whole run at which DPO began, and where it stands. */
  readonly from: number
  readonly to: number
  readonly chosen: Moved
  readonly rejected: Moved
  readonly argmax: Moved
  /** Answers of which DPO shows none. */
  readonly others: readonly Moved[]
  readonly kind: Kind
  /** log π(y⁺) at the run's first evaluation. */
  readonly untrained: number
}

const NAMES: Readonly<Record<string, string>> = {
  chosen: 'y⁺, wanted',
  rejected: 'y⁻, unwanted',
  chosen_gptsemantic: 'y⁺ in other words',
  irr_train: 'another question’s y⁺',
  irr_test: 'a held-out question’s y⁺',
  random_permute: 'y⁺’s words, shuffled',
}

/** This many times as improbable, in nats, as to the untrained model. */
const COLLAPSED = 1.5

const kindOf = (chosen: Estimate, argmax: Estimate, now: number, untrained: number): Kind =>
  now < COLLAPSED * untrained
    ? 'collapsed'
    : chosen.mean >= 0
      ? 'spared'
      : argmax.mean <= 0
        ? 'drained'
        : suretyOf(chosen) === 'noise' || suretyOf(argmax) === 'noise'
          ? 'faint'
          : 'squeezed'

/** Undefined until DPO was evaluated behind its beginning, and where the rows of log π are not read yet. */
export const effectOf = (run: RunData): Effect | undefined => {
  const stage = lastPreference(run)
  if (!stage) return undefined
  const { first, last } = stage
  const moved = (metric: string, type: string, key: string, name: string, look: Look): Moved | undefined => {
    const sample = sampleOf(run, metric, type)
    if (!sample || sample.at.length <= last) return undefined
    const [before, after] = [first, last].map(e => estimate(sample.at[e]).mean)
    return { key, name, look, before, after, by: change(sample, first, last) }
  }
  const of = ({ key, look }: Pick<ResponseType, 'key' | 'look'>): Moved | undefined =>
    moved('logp', key, key, NAMES[key] ?? key, look)
  const all = inOrder(run.types).flatMap(type => of(type) ?? [])
  const [chosen, rejected] = ['chosen', 'rejected'].map(key => all.find(one => one.key === key))
  const argmax = moved('argmax_logp', 'chosen', 'argmax', 'likeliest token along y⁺', looks.argmax)
  if (!chosen || !rejected || !argmax) return undefined
  const untrained = estimate(sampleOf(run, 'logp', 'chosen')!.at[0]).mean
  return {
    from: run.evaluations[first].step,
    to: run.evaluations[last].step,
    chosen,
    rejected,
    argmax,
    others: all.filter(one => one !== chosen && one !== rejected),
    kind: kindOf(chosen.by, argmax.by, chosen.after, untrained),
    untrained,
  }
}
