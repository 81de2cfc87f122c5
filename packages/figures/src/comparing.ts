/**
 * Two runs side by side in words: whether what the paper's remedy (SFT on chosen and rejected, "extend") promises
 * holds, i.e. whether the other responses decay less and the greedy token gains less in the preference stage (Fig. 5).
 * Probes are paired across the runs by prompt, type and text; the first run is the baseline.
 */
import { suretyOf } from './effects.ts'
import {
  changesIn,
  lastPreference,
  stagesText,
  type Passage,
  type Sentence,
  type Stage,
} from './narrative.ts'
import { fixed, plural, withError } from './numbers.ts'
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

const degree = (difference: Estimate): string => (suretyOf(difference) === 'clear' ? 'clearly' : 'slightly')

/** "−20.1 ± 1.0 in A and −12.4 ± 0.8 in B; the difference +7.7 ± 0.4 is clear". */
const told = ({ a, b, difference }: Contrast, names: readonly [string, string]): string =>
  `${withError(a.mean, a.se)} nats in ${names[0]} and ${withError(b.mean, b.se)} in ${names[1]} (paired difference ` +
  `${withError(difference.mean, difference.se)}, ${plural(difference.n, 'shared probe')})`

const noProbes = (about: string, what: string): Sentence => ({
  about,
  text: `${what} cannot be compared: the runs share no probe of that kind.`,
})

interface Pair {
  readonly a: Stage
  readonly b: Stage
  readonly names: readonly [string, string]
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

const decay = (pair: Pair): Sentence => {
  const both = otherSides(pair)
  const found = both && contrast(...both, (side) => changesIn(side.stage, side.sample))
  if (!found) return noProbes('others', 'The other responses')
  const { a, difference } = found
  const told_ = `In the preference stage the other responses (neither chosen nor rejected) changed by ${told(found, pair.names)}.`
  const surety = suretyOf(difference)
  const verdict =
    a.mean >= 0 || suretyOf(a) === 'noise'
      ? `In ${pair.names[0]} they did not decay beyond noise, so there was nothing to lessen.`
      : surety === 'noise'
        ? 'Neither run kept them better than the other, beyond noise.'
        : difference.mean > 0
          ? `They decayed ${degree(difference)} less in ${pair.names[1]}.`
          : `They decayed ${degree(difference)} more in ${pair.names[1]}.`
  return { about: 'others', text: `${told_} ${verdict}` }
}

const greedy = (pair: Pair): Sentence => {
  const both = sides(pair, 'argmax_logp', 'chosen')
  const found = both && contrast(...both, (side) => changesIn(side.stage, side.sample))
  if (!found) return noProbes('argmax', 'The greedy token')
  const { a, difference } = found
  const verdict =
    a.mean <= 0 || suretyOf(a) === 'noise'
      ? `In ${pair.names[0]} it did not gain beyond noise, so there was no squeezing to lessen.`
      : suretyOf(difference) === 'noise'
        ? 'The two do not differ beyond noise.'
        : difference.mean < 0
          ? `The likeliest token gained ${degree(difference)} less in ${pair.names[1]}: squeezing was weaker there.`
          : `The likeliest token gained ${degree(difference)} more in ${pair.names[1]}: squeezing was not weaker there.`
  return {
    about: 'argmax',
    text: `The likeliest token’s log π (argmax, along chosen) changed by ${told(found, pair.names)}. ${verdict}`,
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
    suretyOf(difference) === 'noise'
      ? 'no difference beyond noise'
      : `${degree(difference)} ${difference.mean > 0 ? 'higher' : 'lower'} in ${pair.names[1]}`
  return [
    {
      about: `${type} level`,
      text: `${time} ${where}: ${verdict} (${withError(difference.mean, difference.se)} nats, paired).`,
    },
  ]
}

const length = ({ a, b, names }: Pair): readonly Sentence[] => {
  const updates = [a, b].map(({ span }) => span.to - span.from)
  if (updates[0] === updates[1]) return []
  return [
    {
      about: 'length',
      text: `The stages differ in length: ${plural(updates[0], 'update')} in ${names[0]}, ${updates[1]} in ${names[1]}. Part of any difference may be that.`,
    },
  ]
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
