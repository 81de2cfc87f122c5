/**
 * What happened in a run, in sentences made from its numbers alone. Every sentence holds the figures it is based on,
 * every word of degree follows the rule in `effects.ts`, and where an effect of the paper does not show, that is what
 * the sentence says (paper.md §2.4, §6.4 name the effects).
 */
import { moved, pathOf, size, suretyOf, wayOf, type Path } from './effects.ts'
import { isDoubtful, stepName } from './imported.ts'
import { fixed, list, plural, show, withError } from './numbers.ts'
import { inOrder } from './response-types.ts'
import {
  change,
  changes,
  estimate,
  evaluationsOf,
  isPreference,
  meanOfTypes,
  meansOf,
  minus,
  onlyAt,
  sampleOf,
  type Estimate,
  type RunData,
  type Sample,
  type StageSpan,
} from './series.ts'

export interface Sentence {
  /** What it is about, for a heading or a list: "chosen", "hallucination", … */
  readonly about: string
  readonly text: string
}

export interface Passage {
  readonly title: string
  readonly sentences: readonly Sentence[]
}

/** "(−152.0 → −92.4)" */
const fromTo = (sample: Sample, i: number, j: number): string => {
  const [a, b] = [estimate(sample.at[i]).mean, estimate(sample.at[j]).mean]
  const digits = Math.abs(a - b) >= 10 ? 1 : Math.abs(a - b) >= 0.1 ? 2 : 3
  return `(${fixed(a, digits)} → ${fixed(b, digits)})`
}

const pathWords = ({ data, ...stage }: Stage, { whole, turn }: Path, sample: Sample): string => {
  const at = fromTo(sample, stage.first, stage.last)
  if (!turn) return `${moved(whole)} ${at}`
  const where = `${stepName(data)} ${data.evaluations[turn.at].step}`
  const level = show(estimate(sample.at[turn.at]).mean)
  const [first, second] = turn.kind === 'peak' ? ['rose', 'fell'] : ['fell', 'rose']
  const extreme = turn.kind === 'peak' ? 'a peak' : 'a low'
  return (
    `${first} by ${size(turn.before)} nats to ${extreme} of ${level} at ${where}, then ${second} by ` +
    `${size(turn.after)}; over the stage it ${moved(whole)} ${at}`
  )
}

interface Stage {
  readonly data: RunData
  readonly span: StageSpan
  readonly evaluations: readonly number[]
  readonly first: number
  readonly last: number
}

/** What is said in pieces: over a thousand evaluations means take tens of milliseconds. */
type Telling = Generator<void, readonly Sentence[]>

/** The stage at these of its evaluations alone, in their order. */
const stageAt = (stage: Stage, evaluations: readonly number[]): Stage => ({
  ...stage,
  data: onlyAt(stage.data, evaluations),
  evaluations: [...evaluations.keys()],
  first: 0,
  last: evaluations.length - 1,
})

/** The stage at its ends and where the mean of these types is highest and lowest: where their path can turn. */
function* turnsOf(stage: Stage, types: readonly string[]): Generator<void, Stage | undefined> {
  const means = yield* meansOf(stage.data, 'logp', types)
  if (!means) return undefined
  const { first, last, evaluations } = stage
  let [high, low] = [first, first]
  for (const e of evaluations) {
    if (means[e] > means[high]) high = e
    if (means[e] < means[low]) low = e
  }
  return stageAt(stage, [...new Set([first, high, low, last])].sort((a, b) => a - b))
}

const sampleAt = ({ data }: Stage, type: string, metric = 'logp', per: 'response' | 'token' = 'response') =>
  sampleOf(data, metric, type, per)

const deltaOf = (stage: Stage, sample: Sample): Estimate => change(sample, stage.first, stage.last)

/** Of chosen it matters whether it rose before it fell: where it did not, that is said. */
const unturned = ({ evaluations }: Stage, { whole, peaked }: Path): string => {
  if (peaked) return ''
  if (evaluations.length < 3) return ' With two evaluations a peak in between could not have been seen.'
  switch (suretyOf(whole)) {
    case 'unknown':
      return ''
    case 'noise':
      return ' Nor did it rise and turn in between, beyond noise.'
    default:
      return whole.mean < 0 ? ' It did not rise first beyond noise.' : ' It did not turn down again beyond noise.'
  }
}

function* chosenSentence(stage: Stage): Telling {
  const turns = yield* turnsOf(stage, ['chosen'])
  const sample = turns && sampleAt(turns, 'chosen')
  if (!sample) return []
  const path = pathOf(sample, turns.evaluations)
  const words = pathWords(turns, path, sample)
  return [{ about: 'chosen', text: `log π of the chosen responses ${words}.${unturned(stage, path)}` }]
}

function* typeSentence(stage: Stage, type: string, noun: string): Telling {
  const turns = yield* turnsOf(stage, [type])
  const sample = turns && sampleAt(turns, type)
  if (!sample) return []
  return [{ about: type, text: `${noun} ${pathWords(turns, pathOf(sample, turns.evaluations), sample)}.` }]
}

function* kinSentence(stage: Stage, of: 'chosen' | 'rejected'): Telling {
  const kin = inOrder(stage.data.types)
    .filter(({ group, key }) => group === of && key !== of && key !== 'chosen_initial')
    .map(({ key }) => key)
  const turns = yield* turnsOf(stage, kin)
  const sample = turns && meanOfTypes(turns.data, 'logp', kin)
  if (!sample) return []
  const noun = `Variants of the ${of} response (${list(kin)})`
  const words = pathWords(turns, pathOf(sample, turns.evaluations), sample)
  return [{ about: `${of} variants`, text: `${noun} ${words} on average.` }]
}

/** Of the ends of a stage all is said in one piece. */
function* atOnce(sentences: readonly Sentence[]): Telling {
  return sentences
}

/** SFT teaches answers, and they come out for other questions too: irr_train should rise, and more than irr_test. */
const hallucination = (stage: Stage): readonly Sentence[] => {
  const [train, test] = ['irr_train', 'irr_test'].map((type) => sampleAt(stage, type))
  if (!train) return []
  const said = (text: string): readonly Sentence[] => [{ about: 'hallucination', text }]
  const rise = deltaOf(stage, train)
  const trained = `Answers to other training questions (irr_train) ${moved(rise)} ${fromTo(train, stage.first, stage.last)}`
  if (!test) return said(`${trained}. Without held-out answers (irr_test) this cannot be set against ordinary fluency.`)
  const other = `${trained}; held-out answers (irr_test) ${moved(deltaOf(stage, test))}.`
  const gapOf = (per: 'response' | 'token') => {
    const [a, b] = ['irr_train', 'irr_test'].map((type) => sampleAt(stage, type, 'logp', per))
    return a && b && change(minus(a, b), stage.first, stage.last)
  }
  const gap = gapOf('response')!
  const gapPerToken = gapOf('token')
  if (gap.n === 0) return said(`${other} No probe has both, so the one cannot be set against the other.`)
  const [rose, more] = [wayOf(rise) > 0, wayOf(gap) > 0]
  const plain = suretyOf(gap) === 'unknown' || suretyOf(rise) === 'unknown'
  const effect = 'what was learned for one question became likelier for another'
  const verdict =
    rose && more
      ? plain
        ? `The hallucination effect looks like that: ${effect}.`
        : `That is the hallucination effect: ${effect}${suretyOf(gap) === 'clear' ? '' : ' (slightly)'}.`
      : rose
        ? plain
          ? 'As held-out answers gained no less, the rise may be fluency.'
          : 'The rise is no larger than that of held-out answers beyond noise, so it may be fluency: the hallucination effect does not show.'
        : plain
          ? 'The hallucination effect would have raised them.'
          : 'The hallucination effect does not show here.'
  return said(
    `${other} The difference is ${withError(gap.mean, gap.se)} nats a response` +
      `${gapPerToken ? ` and ${withError(gapPerToken.mean, gapPerToken.se)} a token` : ''}. ${verdict}`,
  )
}

const marginSentence = (stage: Stage): readonly Sentence[] => {
  const [chosen, rejected] = ['chosen', 'rejected'].map((type) => sampleAt(stage, type))
  if (!chosen || !rejected) return []
  const margin = minus(chosen, rejected)
  if (margin.probes.length === 0) return []
  const ends = margin.at[stage.last]
  const ahead = ends.filter((x) => x > 0).length
  // A mean that a log holds says nothing of how many probes it is ahead on.
  const end = stage.data.manifest.imported?.meansOnly
    ? `chosen is the ${ahead > 0 ? 'more' : 'less'} probable one on average`
    : `chosen is the more probable one on ${ahead} of ${plural(ends.length, 'probe')}`
  return [
    {
      about: 'margin',
      text: `The margin chosen − rejected ${moved(deltaOf(stage, margin))} ${fromTo(margin, stage.first, stage.last)}; at the end ${end}.`,
    },
  ]
}

/**
 * What the likeliest token and chosen did between two evaluations, and whether that is squeezing (paper.md §2.6: what
 * is pushed down flows to the likeliest token, so argmax goes up while others fall). Of single values it is said what
 * they look like, never what they are not.
 */
const squeezeVerdict = (up: Estimate, down: Estimate): string => {
  const [argmax, chosen] = [wayOf(up), wayOf(down)]
  if (suretyOf(up) === 'unknown' || suretyOf(down) === 'unknown') {
    if (argmax > 0 && chosen < 0)
      return 'The squeezing effect looks like that: chosen lost probability while the likeliest token gained it.'
    return argmax > 0
      ? 'Squeezing would have lowered chosen meanwhile; between the ends of this stage it did not fall.'
      : 'Squeezing would have raised it between the ends of this stage.'
  }
  if (argmax > 0 && chosen < 0)
    return 'Mass moved from the responses to whatever was likeliest already: the squeezing effect.'
  return argmax > 0
    ? 'Chosen did not fall with it beyond noise, so squeezing in the paper’s sense does not show in the end points of this stage.'
    : 'The squeezing effect does not show in the end points of this stage.'
}

const argmaxSentence = (stage: Stage): readonly Sentence[] => {
  // Where the log may hold another response's argmax, or that of some probes alone, nothing follows from it.
  if (isDoubtful(stage.data, 'argmax_logp')) return []
  const argmax = sampleAt(stage, 'chosen', 'argmax_logp')
  const chosen = sampleAt(stage, 'chosen')
  if (!argmax || !chosen) return []
  const up = deltaOf(stage, argmax)
  const words = `On the chosen responses’ own context the likeliest token’s log π (argmax, summed) ${moved(up)} ${fromTo(argmax, stage.first, stage.last)}`
  if (!isPreference(stage.span)) return [{ about: 'argmax', text: `${words}.` }]
  const gap = change(minus(argmax, chosen), stage.first, stage.last)
  const apart = `its lead over chosen ${moved(gap, 'nats', ['grew', 'shrank'])}`
  return [{ about: 'argmax', text: `${words}, and ${apart}. ${squeezeVerdict(up, deltaOf(stage, chosen))}` }]
}

const entropySentence = (stage: Stage): readonly Sentence[] => {
  const sample = sampleAt(stage, 'chosen', 'entropy')
  if (!sample) return []
  return [
    {
      about: 'entropy',
      text: `Entropy along the chosen responses ${moved(deltaOf(stage, sample), 'nats per token')} ${fromTo(sample, stage.first, stage.last)}.`,
    },
  ]
}

const rankSentence = (stage: Stage): readonly Sentence[] => {
  const moves = inOrder(stage.data.types)
    .flatMap(({ key }) => {
      const sample = sampleAt(stage, key, 'logp', 'token')
      return sample ? [{ key, mean: deltaOf(stage, sample).mean }] : []
    })
    .sort((a, b) => b.mean - a.mean)
  if (moves.length < 3) return []
  const named = ({ key, mean }: { key: string; mean: number }) =>
    `${key} (${mean > 0 ? '+' : ''}${show(mean)})`
  return [
    {
      about: 'order',
      text: `Per token, of ${moves.length} types ${named(moves[0])} ended highest above its start and ${named(moves.at(-1)!)} lowest.`,
    },
  ]
}

/** "sft, updates 0–40"; of a log that counts evaluations "dpo, evaluations 0–136". */
export const stageTitle = (data: Pick<RunData, 'manifest'>, { name, from, to }: StageSpan): string =>
  `${name}, ${stepName(data)}s ${from}–${to}`

/** Pauses after each kind of sentence, and while means are found. */
function* stagePassage(data: RunData, span: StageSpan): Generator<void, Passage> {
  const title = stageTitle(data, span)
  const evaluations = evaluationsOf(data, span)
  if (!evaluations) {
    const text = data.probes
      ? 'The probes were evaluated fewer than twice in this stage, so nothing can be said about what moved.'
      : 'This run has no probes, so only its training log can be shown.'
    return { title, sentences: [{ about: 'probes', text }] }
  }
  const stage: Stage = { data, span, evaluations, first: evaluations[0], last: evaluations.at(-1)! }
  const ends = stageAt(stage, [stage.first, stage.last])
  const kinds: readonly (() => Telling)[] = [
    () => chosenSentence(stage),
    () => kinSentence(stage, 'chosen'),
    () => typeSentence(stage, 'rejected', 'log π of the rejected responses'),
    () => kinSentence(stage, 'rejected'),
    () => atOnce(marginSentence(ends)),
    () =>
      isPreference(span)
        ? typeSentence(stage, 'irr_train', 'Answers to other training questions (irr_train)')
        : atOnce(hallucination(ends)),
    () => typeSentence(stage, 'random_permute', 'The chosen words in random order (random_permute)'),
    () => atOnce(argmaxSentence(ends)),
    () => atOnce(entropySentence(ends)),
    () => atOnce(rankSentence(ends)),
  ]
  const sentences: Sentence[] = []
  for (const sentencesOf of kinds) {
    sentences.push(...(yield* sentencesOf()))
    yield
  }
  return { title, sentences }
}

/** One passage a stage, in pieces: a page that is looked at meanwhile runs it a few milliseconds at a time. */
export function* narration(data: RunData): Generator<void, readonly Passage[]> {
  const passages: Passage[] = []
  for (const span of data.stages) passages.push(yield* stagePassage(data, span))
  return passages
}

/** One passage a stage. */
export const narrate = (data: RunData): readonly Passage[] => {
  const telling = narration(data)
  for (;;) {
    const { done, value } = telling.next()
    if (done) return value
  }
}

/** The last preference stage that was evaluated, with its evaluations. */
export const lastPreference = (data: RunData): Stage | undefined => {
  const span = data.stages.findLast((stage) => isPreference(stage) && evaluationsOf(data, stage))
  const evaluations = span && evaluationsOf(data, span)
  return evaluations && { data, span, evaluations, first: evaluations[0], last: evaluations.at(-1)! }
}

/** What changed for each probe of a sample in a stage. */
export const changesIn = (stage: Stage, sample: Sample): readonly number[] =>
  changes(sample, stage.first, stage.last)

export type { Stage }

/** "sft → dpo". */
export const stagesText = ({ stages, manifest }: RunData): string =>
  (stages.length > 0 ? stages : manifest.stages).map(({ name }) => name).join(' → ')

/** "sft 40 updates, dpo 40 updates". */
export const updatesText = ({ manifest }: RunData): string =>
  manifest.stages.map(({ name, updates }) => `${name} ${plural(updates, 'update')}`).join(' → ')
