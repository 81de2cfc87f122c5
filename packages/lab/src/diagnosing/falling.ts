/** Chosen falls: squeezing, a learning rate too high, or a displacement of which the log does not say more. */
import { concentration, instability, othersFrom, wanders, type Concentration } from './concentration.ts'
import { speak, weigh, type Evidence, type Signals } from './evidence.ts'
import {
  EXPLAIN,
  kept,
  lessSure,
  moved,
  nounOf,
  OBSERVE,
  once,
  rejectedNounOf,
  type Confidence,
  type Finding,
} from './finding.ts'

interface Fall {
  readonly signals: Signals
  readonly chosen: Evidence
  readonly gathered: Concentration
  readonly margin: Evidence | undefined
  readonly others: ReturnType<typeof othersFrom>
  readonly words: string
  readonly othersWords: string
}

const supporting = ({ evidence }: Concentration, which: (curve: string) => boolean, joint: string): string =>
  evidence
    .filter(({ curve, supports }) => supports === 'for' && which(curve))
    .map((one) => moved(one.curve, one))
    .join(joint)

const squeezing = ({ signals, gathered, margin, others, words, chosen }: Fall) => {
  const { found, evidence } = gathered
  const argmax = evidence.find(({ curve }) => curve === 'argmax_logp chosen')
  const peaked = evidence.some(({ curve, supports }) => !/logp/.test(curve) && supports === 'for')
  const against = evidence.some(({ supports }) => supports === 'against') || margin?.direction === 'down'
  const caveats = wanders(chosen)
  const thin = signals.chosen!.of === 'batches' || (found === 'elsewhere' && others.down < 2)
  // Strong takes three of the four signs and none against.
  const signs: Confidence =
    against || thin
      ? 'weak'
      : found === 'yes' && peaked && (!margin || margin.direction === 'up')
        ? 'strong'
        : 'moderate'
  const says =
    found === 'yes'
      ? `${moved('argmax along the same context', argmax!)} while ${words}: what chosen loses is found on tokens that were ` +
        'the likeliest already.'
      : found === 'likely'
        ? `${words} while ${supporting(gathered, (curve) => !/logp/.test(curve), ' and ')}: the distribution becomes more ` +
          'peaked, on tokens other than chosen’s. chosen’s own argmax is not in the log.'
        : `${words}. chosen’s own argmax is not in the log; along another response it is, and there ` +
          `${supporting(gathered, (curve) => /logp/.test(curve), ' while ')}.`
  return {
    verdict: 'squeezing',
    confidence: caveats.length > 0 ? lessSure(signs) : signs,
    says,
    caveats,
    wanted: found === 'yes' ? [EXPLAIN] : [OBSERVE, EXPLAIN],
  } as const
}

const tooHigh = ({ gathered, others, words, chosen }: Fall, shaky: readonly string[]) => {
  const argmax = gathered.evidence.find(({ curve }) => curve === 'argmax_logp chosen')!
  const most = others.all.length > 0 && others.down > others.all.length / 2
  const strong = shaky.length === 2 || (shaky.length > 0 && most) || argmax.direction === 'down'
  // A fall at once is no walk; a slow one may be.
  const caveats = shaky.length > 0 ? [] : wanders(chosen)
  const signs: Confidence = strong ? 'strong' : 'moderate'
  return {
    verdict: 'learning-rate-too-high',
    confidence: caveats.length > 0 ? lessSure(signs) : signs,
    says:
      `${words}, and argmax does not gain by it: ${moved('Σ log max π', argmax)}.` +
      (shaky.length > 0 ? ` Of chosen’s curve: ${shaky.join('; ')}.` : ''),
    caveats,
    wanted: [
      {
        what: 'the same run at a lower learning rate',
        command: 'ldyn train … --lr <a fifth of it>, then ldyn diagnose',
      },
      EXPLAIN,
    ],
  } as const
}

const displacement = ({ signals, gathered, margin, words, chosen }: Fall) => {
  const caveats = wanders(chosen)
  const signs: Confidence = margin?.direction === 'up' ? 'moderate' : 'weak'
  const why =
    gathered.found === 'no'
      ? 'argmax does not rise with it, so this is not squeezing, and no sign of a learning rate too high shows either.'
      : signals.argmax
        ? 'argmax moves too little, or was evaluated too rarely, to tell whether the mass went to the likeliest tokens.'
        : 'Whether the mass went to the likeliest tokens (squeezing) or was scattered (a learning rate too high) cannot be ' +
          'told without argmax, entropy or ‖A‖.'
  return {
    verdict: 'displacement',
    confidence: caveats.length > 0 ? lessSure(signs) : signs,
    says: `${words}${margin ? ` while ${moved('the margin', margin)}` : ''}. ${why}`,
    caveats,
    wanted: gathered.found === 'no' ? [EXPLAIN] : [OBSERVE, EXPLAIN],
  } as const
}

/** `at`: the evaluation from which chosen falls. */
export const fallen = (signals: Signals, chosen: Evidence, at: number): Finding => {
  const track = signals.chosen!
  const step = track.steps[at]
  const gathered = concentration(signals, step, -chosen.move.change)
  const margin = speak(signals.margin, step, 'margin: up as long as rejected falls faster than chosen')
  const rejected = speak(signals.rejected, step, rejectedNounOf(track))
  const others = othersFrom(signals.others, step)
  const evidence = once([
    weigh(chosen, 'down', 'up'),
    ...gathered.evidence,
    ...kept([margin && weigh(margin, 'up', 'down'), rejected]),
    ...others.all.map((one) => weigh(one, 'down', 'up')),
  ])
  const fall: Fall = {
    signals,
    chosen,
    gathered,
    margin,
    others,
    words: moved(nounOf(track), chosen),
    othersWords:
      others.all.length > 0
        ? ` ${others.down} of ${others.all.length} other response types fall with it.`
        : '',
  }
  const shaky = instability(track, at)
  const scattered = shaky.length > 0 || (others.all.length > 0 && others.down > others.all.length / 2)
  const { found } = gathered
  const told =
    found === 'yes' || found === 'likely' || found === 'elsewhere'
      ? squeezing(fall)
      : found === 'no' && scattered
        ? tooHigh(fall, shaky)
        : displacement(fall)
  return {
    ...told,
    says: told.says + fall.othersWords,
    evidence,
    since: {
      step,
      how:
        at === 0
          ? 'chosen falls from the first evaluation on'
          : 'the last evaluation at which chosen was within noise of its maximum',
    },
  }
}
