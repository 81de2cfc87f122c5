/**
 * Two runs side by side in words: whether what the paper's remedy (SFT on chosen and rejected, "extend") promises
 * holds, i.e. whether the other responses decay less and the greedy token gains less in the preference stage (Fig. 5).
 * Probes are paired across the runs by prompt, type and text; the first run is the baseline. Recorded logs have no
 * text: whether two of them follow the same probes is not known, which is said; of means alone the difference is one of
 * means.
 */
import { suretyOf, wayOf } from './effects.ts'
import { isDoubtful, stepName } from './imported.ts'
import {
  changesIn,
  lastPreference,
  stagesText,
  type Passage,
  type Sentence,
  type Stage,
} from './narrative.ts'
import { fixed, list, plural, withError } from './numbers.ts'
import { letter } from './lines.ts'
import { othersOf } from './panels.ts'
import {
  estimate,
  meanOfTypes,
  probeName,
  sampleOf,
  type Estimate,
  type RunData,
  type Sample,
} from './series.ts'

interface Side {
  readonly stage: Stage
  readonly sample: Sample
  readonly name: (probe: number) => string
}

/** What each of two runs did to the probes that both have, and the paired difference b − a. */
interface Contrast {
  readonly a: Estimate
  readonly b: Estimate
  readonly difference: Estimate
}

const contrast = (a: Side, b: Side, value: (side: Side) => readonly number[]): Contrast | undefined => {
  const [valuesA, valuesB] = [value(a), value(b)]
  const place = new Map(b.sample.probes.map((probe, k) => [b.name(probe), k]))
  const both = a.sample.probes.flatMap((probe, k) => {
    const other = place.get(a.name(probe))
    return other === undefined ? [] : [[k, other] as const]
  })
  if (both.length === 0) return undefined
  return {
    a: estimate(both.map(([k]) => valuesA[k])),
    b: estimate(both.map(([, l]) => valuesB[l])),
    difference: estimate(both.map(([k, l]) => valuesB[l] - valuesA[k])),
  }
}

interface Pair {
  readonly a: Stage
  readonly b: Stage
  readonly names: readonly [string, string]
}

const areMeans = ({ a, b }: Pair): boolean =>
  [a, b].some(({ data }) => data.manifest.imported?.meansOnly === true)

/** "clearly less", "less" where nothing is known of noise. */
const degree = (difference: Estimate, word: string): string =>
  ({ clear: 'clearly ', slight: 'slightly ', noise: 'hardly ', unknown: '' })[suretyOf(difference)] + word

/** "−20.1 ± 1.0 nats in A and −12.4 ± 0.8 in B (paired difference +7.7 ± 0.4, 24 shared probes)". */
const told = ({ a, b, difference }: Contrast, pair: Pair): string =>
  `${withError(a.mean, a.se)} nats in ${pair.names[0]} and ${withError(b.mean, b.se)} in ${pair.names[1]} (` +
  (areMeans(pair)
    ? `difference ${withError(difference.mean, difference.se)})`
    : `paired difference ${withError(difference.mean, difference.se)}, ${plural(difference.n, 'shared probe')})`)

const noProbes = (about: string, what: string): Sentence => ({
  about,
  text: `${what} cannot be compared: the runs share no probe of that kind.`,
})

/** What is behind all that follows, where it is less than the same probes under both runs. */
const footing = (pair: Pair): readonly Sentence[] => {
  const { a, b, names } = pair
  const recorded = [a, b].every(({ data }) => data.manifest.imported)
  const said = (text: string): readonly Sentence[] => [{ about: 'probes', text }]
  if (!recorded) return []
  return areMeans(pair)
    ? said(
        `${[a, b].every(({ data }) => data.manifest.imported?.meansOnly) ? 'Both logs hold' : `The log of ${names[a.data.manifest.imported?.meansOnly ? 0 : 1]} holds`} means alone: ` +
          'whether they are over the same probes is not in them, and of no difference can be said how sure it is.',
      )
    : said('The logs hold no text: probes are paired by their place, and whether they are the same ones is not in the logs.')
}

const sides = ({ a, b }: Pair, metric: string, type: string): readonly [Side, Side] | undefined => {
  const [x, y] = [a, b].map((stage): Side | undefined => {
    const sample = sampleOf(stage.data, metric, type)
    return sample && { stage, sample, name: (probe) => probeName(stage.data, probe, type) }
  })
  return x && y && [x, y]
}

/** Types and texts must be equal in both runs for the mean over a row's other responses to be comparable. */
const otherSides = ({ a, b }: Pair): readonly [Side, Side] | undefined => {
  const types = othersOf(a.data.types).filter((type) => b.data.types.includes(type))
  const [x, y] = [a, b].map((stage): Side | undefined => {
    const sample = meanOfTypes(stage.data, 'logp', types)
    return (
      sample && {
        stage,
        sample,
        name: (probe) => JSON.stringify(types.map((type) => probeName(stage.data, probe, type))),
      }
    )
  })
  return x && y && [x, y]
}

/** Of a single value it is not known what would be beyond noise. */
const beyond = (delta: Estimate): string => (suretyOf(delta) === 'unknown' ? '' : ' beyond noise')

const decay = (pair: Pair): Sentence => {
  const both = otherSides(pair)
  if (!both) return { about: 'others', text: 'The other responses cannot be compared: not both runs hold log π of the same ones.' }
  const found = contrast(...both, (side) => changesIn(side.stage, side.sample))
  if (!found) return noProbes('others', 'The other responses')
  const { a, difference } = found
  const told_ = `In the preference stage the other responses (neither chosen nor rejected) changed by ${told(found, pair)}.`
  const verdict =
    wayOf(a) >= 0
      ? `In ${pair.names[0]} they did not decay${beyond(a)}, so there was nothing to lessen.`
      : wayOf(difference) === 0
        ? `Neither run kept them better than the other${suretyOf(difference) === 'unknown' ? '' : ', beyond noise'}.`
        : `They decayed ${degree(difference, difference.mean > 0 ? 'less' : 'more')} in ${pair.names[1]}.`
  return { about: 'others', text: `${told_} ${verdict}` }
}

/** Runs whose log does not hold the likeliest token along chosen, or may hold another response's under that name. */
const withoutArgmax = ({ a, b, names }: Pair): readonly string[] =>
  [a, b].flatMap(({ data }, i) =>
    isDoubtful(data, 'argmax_logp') || !sampleOf(data, 'argmax_logp', 'chosen') ? [names[i]] : [],
  )

const greedy = (pair: Pair): Sentence => {
  const without = withoutArgmax(pair)
  if (without.length > 0) {
    const text = `The likeliest token cannot be compared: what ${list(without)} ${without.length === 1 ? 'holds' : 'hold'} of it is not, or not surely, along chosen.`
    return { about: 'argmax', text }
  }
  const both = sides(pair, 'argmax_logp', 'chosen')
  const found = both && contrast(...both, (side) => changesIn(side.stage, side.sample))
  if (!found) return noProbes('argmax', 'The likeliest token')
  const { a, difference } = found
  const plain = suretyOf(difference) === 'unknown'
  const verdict =
    wayOf(a) <= 0
      ? `In ${pair.names[0]} it did not gain${beyond(a)}, so there was no squeezing to lessen.`
      : wayOf(difference) === 0
        ? `The two do not differ${beyond(difference)}.`
        : difference.mean < 0
          ? `The likeliest token gained ${degree(difference, 'less')} in ${pair.names[1]}${plain ? ', as it does where squeezing is weaker.' : ': squeezing was weaker there.'}`
          : `The likeliest token gained ${degree(difference, 'more')} in ${pair.names[1]}${plain ? '.' : ': squeezing was not weaker there.'}`
  return {
    about: 'argmax',
    text: `The likeliest token’s log π (argmax, along chosen) changed by ${told(found, pair)}. ${verdict}`,
  }
}

const level = (pair: Pair, type: 'chosen' | 'rejected', when: 'first' | 'last'): readonly Sentence[] => {
  const both = sides(pair, 'logp', type)
  const found = both && contrast(...both, ({ stage, sample }) => sample.at[stage[when]])
  if (!found) return []
  const { a, b, difference } = found
  const time = when === 'first' ? 'At the start of the preference stage' : 'At its end'
  const where = `log π of ${type} was ${fixed(a.mean, 1)} in ${pair.names[0]} and ${fixed(b.mean, 1)} in ${pair.names[1]}`
  const verdict =
    wayOf(difference) === 0
      ? `no difference${beyond(difference)}`
      : `${degree(difference, difference.mean > 0 ? 'higher' : 'lower')} in ${pair.names[1]}`
  return [
    {
      about: `${type} level`,
      text: `${time} ${where}: ${verdict} (${withError(difference.mean, difference.se)} nats${areMeans(pair) ? '' : ', paired'}).`,
    },
  ]
}

const length = ({ a, b, names }: Pair): readonly Sentence[] => {
  const said = (text: string): readonly Sentence[] => [{ about: 'length', text }]
  const [steps, others] = [a, b].map(({ data }) => stepName(data))
  if (steps !== others)
    return said(
      `Steps of ${names[0]} count ${steps}s and those of ${names[1]} ${others}s: whether the stages are equally long is not known.`,
    )
  // Of evaluations the first is before any training.
  const lengths = [a, b].map(({ span }) => span.to - span.from + (steps === 'evaluation' ? 1 : 0))
  if (lengths[0] === lengths[1]) return []
  return said(
    `The stages differ in length: ${plural(lengths[0], steps)} in ${names[0]}, ${lengths[1]} in ${names[1]}. Part of any difference may be that.`,
  )
}

const compareTwo = (a: RunData, b: RunData, names: readonly [string, string]): Passage => {
  const title = `${names[1]} (${stagesText(b)}) against ${names[0]} (${stagesText(a)})`
  const [stageA, stageB] = [lastPreference(a), lastPreference(b)]
  if (!stageA || !stageB) {
    const without = [stageA ? '' : names[0], stageB ? '' : names[1]].filter(Boolean).join(' and ')
    return {
      title,
      sentences: [
        {
          about: 'stages',
          text: `${without} ${stageA || stageB ? 'has' : 'have'} no preference stage with two evaluations, so decay cannot be compared.`,
        },
      ],
    }
  }
  const pair: Pair = { a: stageA, b: stageB, names }
  return {
    title,
    sentences: [
      ...footing(pair),
      ...length(pair),
      ...level(pair, 'rejected', 'first'),
      ...level(pair, 'chosen', 'last'),
      ...level(pair, 'rejected', 'last'),
      decay(pair),
      greedy(pair),
    ],
  }
}

/** Each further run against the first. */
export const compareRuns = (runs: readonly RunData[]): readonly Passage[] =>
  runs.slice(1).map((run, i) => compareTwo(runs[0], run, [letter(0), letter(i + 1)]))
