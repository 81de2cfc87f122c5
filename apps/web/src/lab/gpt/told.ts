// The effect in sentences, each made of the run's numbers by fixed rules: what happened, whom it cost, why, and, where
// nothing was squeezed, what to turn to see it. And extend beside the baseline (paper.md §9).
import { compareRuns, fixed, list, moved, plural, show, withError, type RunData } from '@ldyn/figures'
import { gptDefaults, type GptSettings } from '../settings.ts'
import type { Effect, Kind, Moved } from './effect.ts'

const path = ({ before, after }: Moved): string => `from ${fixed(before, 1)} to ${fixed(after, 1)}`

const HEADS: Readonly<Record<Kind, (effect: Effect, updates: string) => string>> = {
  squeezed: ({ chosen, argmax }, updates) =>
    `Squeezed: ${updates} of DPO pulled the wanted answer y⁺ up, and it fell ${path(chosen)} nats; the likeliest token at each of its places, which nobody pulled, rose ${path(argmax)}.`,
  faint: ({ chosen, argmax }, updates) =>
    `Faintly squeezed: in ${updates} of DPO y⁺ fell ${path(chosen)} nats and the likeliest token rose ${path(argmax)}, but not both beyond noise.`,
  drained: ({ chosen, argmax }, updates) =>
    `Drained, not squeezed: in ${updates} of DPO y⁺ fell ${path(chosen)} nats, and the likeliest token went ${path(argmax)}.`,
  spared: ({ chosen, argmax }, updates) =>
    `Not squeezed so far: in ${updates} of DPO y⁺ went ${path(chosen)} nats, the likeliest token ${path(argmax)}.`,
  collapsed: ({ chosen, untrained }, updates) =>
    `Collapsed: after ${updates} of DPO y⁺ stands at ${show(chosen.after)} nats, and to the untrained model it was ${show(untrained)}. The steps were too large.`,
}

/** In DPO, or before it: whose rate was too high. */
const tooLarge = ({ chosen, untrained }: Effect, s: GptSettings): string =>
  chosen.before < untrained
    ? `It was there before DPO: lower lr (now ${s.lr}).`
    : `Lower DPO lr (now ${s.dpoLr}).`

const cost = ({ rejected, others }: Effect): string => {
  const fell = others.filter(({ by }) => by.mean < 0)
  const names = fell.map(({ name, by }) => `${name} ${withError(by.mean, by.se)}`)
  return (
    `y⁻ ${moved(rejected.by)}. ` +
    `Of the ${others.length} kinds of answers that DPO never shows, ${fell.length === 0 ? 'none fell.' : `${fell.length === others.length ? 'all' : fell.length} fell too: ${list(names)}.`}`
  )
}

const because = ({ rejected, chosen, kind }: Effect): string =>
  kind === 'spared'
    ? ''
    : `Why: when DPO began y⁻ stood at ${fixed(rejected.before, 1)} nats${rejected.before < chosen.before ? `, ${fixed(chosen.before - rejected.before, 1)} below y⁺` : ''}, so it had next to nothing to give. A push on what is improbable lifts whatever is likeliest there and lowers all else (Lemma 1), and because contexts are alike (K) it does so along y⁺ as well.`

export interface Compared {
  readonly run: RunData
  readonly effect: Effect
}

/** What would make it show, or show more: by the settings that differ from those under which it does. */
const toTurn = (effect: Effect, s: GptSettings): readonly string[] => {
  const d = gptDefaults
  const lead = effect.argmax.before - effect.chosen.before
  return [
    ...(s.known ? ['let the base model not know the manner of y⁻, so that y⁻ is off-policy'] : []),
    ...(s.ext ? ['train the baseline: after extend y⁻ is no longer in a valley'] : []),
    ...(s.base < d.base ? [`more updates of base (now ${s.base}): a policy that is not peaked squeezes little`] : []),
    ...(s.sftUpdates > d.sftUpdates && lead < 0.25 * -effect.chosen.before
      ? [`fewer updates of SFT (now ${s.sftUpdates}): y⁺ is nearly everywhere the likeliest token itself, ${fixed(lead, 1)} nats behind it, so nothing else is there to rise`]
      : []),
    ...(s.dpoLr < d.dpoLr ? [`a higher DPO lr (now ${s.dpoLr})`] : []),
    ...(s.dpoUpdates < d.dpoUpdates ? [`more updates of DPO (now ${s.dpoUpdates})`] : []),
    ...(s.beta > d.beta ? [`a smaller β (now ${s.beta}): with a large one DPO’s weight β(1 − a) is soon 0`] : []),
    ...(s.width > 64 ? [`a narrower model (now ${s.width}): in a wide one answers share less`] : []),
  ]
}

/** Sentences about one training, most important first. */
export const toldOf = (effect: Effect, s: GptSettings): readonly string[] => {
  const head = HEADS[effect.kind](effect, plural(effect.to - effect.from, 'update'))
  if (effect.kind === 'collapsed') return [head, tooLarge(effect, s)]
  const turns = effect.kind === 'squeezed' ? [] : toTurn(effect, s)
  return [
    head,
    cost(effect),
    because(effect),
    effect.kind === 'squeezed'
      ? ''
      : turns.length > 0
        ? `To see it, try: ${turns.join('; ')}.`
        : 'These settings squeeze with most seeds, not with all: try another seed, or a higher DPO lr.',
  ].filter(Boolean)
}

const by = ({ by: { mean, se } }: Moved): string => withError(mean, se)

/** Whether the valley was left, whether others are spared, whether the likeliest gains less. */
const telling = (about: string, text: string): boolean =>
  about === 'others' || about === 'argmax' || (about === 'rejected level' && text.startsWith('At the start'))

/** The baseline (A) and extend (B) side by side; behind the first sentences as any two runs are compared in words. */
export const besideOf = (a: Compared, b: Compared): readonly string[] => [
  `With extend (B) the same DPO moved the wanted answer y⁺ by ${by(b.effect.chosen)} nats; without it (A) by ${by(a.effect.chosen)}. The likeliest token along y⁺: ${by(b.effect.argmax)} against ${by(a.effect.argmax)}.`,
  'Extend learns y⁻ before it is pushed: y⁻ leaves the valley, and what a push takes is more of y⁻’s own.',
  ...compareRuns([a.run, b.run]).flatMap(({ sentences }) =>
    sentences.flatMap(({ about, text }) => (telling(about, text) ? [text] : [])),
  ),
]
