/** Chosen does not fall: benign, undertrained, or not enough to tell. And SFT, in which it must rise. */
import type { CaseStage } from './case.ts'
import { instability, othersFrom } from './concentration.ts'
import { speak, weigh, type Evidence, type Signals } from './evidence.ts'
import { EXPLAIN, kept, moved, nounOf, OBSERVE, type Finding } from './finding.ts'
import { thresholds } from './thresholds.ts'

/** Chosen does not fall. */
export const unfallen = (stage: CaseStage, signals: Signals, chosen: Evidence): Finding => {
  const track = signals.chosen!
  const margin = speak(signals.margin, 0, 'margin chosen − rejected')
  const rejected = speak(signals.rejected, 0, 'rejected')
  const argmax = speak(signals.argmax, 0, 'Σ log max π along chosen')
  const others = othersFrom(signals.others, 0)
  const evidence = [
    weigh(chosen, 'up', 'down'),
    ...kept([margin && weigh(margin, 'up', 'down'), rejected, argmax]),
    ...others.all,
  ]
  const loss = speak(signals.loss, 0, 'training loss')
  const rest = [margin, rejected, argmax, ...others.all].filter((one) => one !== undefined)
  const still =
    [chosen, ...rest].every(
      ({ move }) => Math.abs(move.change) < thresholds.still * Math.max(Math.abs(move.from), 1),
    ) || [chosen, ...rest].every(({ direction }) => direction === 'flat')
  const words = moved(nounOf(track), chosen)
  if (still && stage.kind !== 'unknown') {
    return {
      verdict: 'undertrained',
      confidence: chosen.of === 'batches' ? 'moderate' : 'strong',
      says: `Nothing that is watched moved by an amount that matters: ${[words, ...rest.slice(0, 2).map((one) => moved(one.curve, one))].join(', ')}.`,
      evidence: [...evidence, ...kept([loss])],
      since: undefined,
      caveats: [],
      wanted: [
        {
          what: 'more updates, or a higher learning rate',
          command: 'ldyn train … --lr <three times it> --dry-run',
        },
      ],
    }
  }
  if (chosen.direction === 'unsure') {
    return {
      verdict: 'inconclusive',
      confidence: 'weak',
      says: `${words}: too few evaluations to tell such a change from chance.`,
      evidence,
      since: undefined,
      caveats: [],
      wanted: [OBSERVE],
    }
  }
  if (stage.kind === 'preference' && margin?.direction === 'down') {
    return {
      verdict: 'inconclusive',
      confidence: 'moderate',
      says: `${words}, but ${moved('the margin', margin)} shrinks, which no preference loss is for: are chosen and rejected exchanged?`,
      evidence,
      since: undefined,
      caveats: [],
      wanted: [EXPLAIN],
    }
  }
  const gains =
    argmax?.direction === 'up' &&
    chosen.of !== 'batches' &&
    argmax.move.change > Math.max(0, chosen.move.change)
  const watch = gains
    ? ` Mass gathers faster than chosen gains (${moved('argmax', argmax!)}): worth watching.`
    : ''
  // Where y⁻ is pushed the mass has to go somewhere, whether or not chosen feels it.
  const pushed = stage.kind === 'sft' ? [] : squeezedAlong(signals, 'rejected')
  const along =
    pushed.length === 2
      ? ` Along rejected’s own context mass is squeezed (${pushed.map((one) => moved(one.curve, one)).join(', ')}), and chosen does not feel it.`
      : ''
  return {
    verdict: 'benign',
    confidence:
      chosen.direction === 'up' && (stage.kind !== 'preference' || margin?.direction === 'up')
        ? 'strong'
        : 'moderate',
    says: `${words}${margin && stage.kind !== 'sft' ? `, ${moved('margin', margin)}` : ''}: chosen does not lose probability beyond what matters.${watch}${along}`,
    evidence: [...evidence, ...pushed.slice(1)],
    since: undefined,
    caveats: [],
    wanted: argmax || stage.kind === 'sft' ? [] : [OBSERVE],
  }
}

/** A type whose log π falls while the likeliest tokens along it gain: both, or nothing. */
const squeezedAlong = ({ elsewhere }: Signals, wanted: string): readonly Evidence[] =>
  elsewhere
    .filter(({ type }) => type === wanted)
    .flatMap(({ logp, argmax }) => {
      const [down, up] = [
        speak(logp, 0, `log π of ${wanted}`),
        speak(argmax, 0, `Σ log max π along ${wanted}`),
      ]
      return down?.direction === 'down' && up?.direction === 'up' ? [down, up] : []
    })

/** SFT: chosen must rise. */
export const supervised = (signals: Signals, chosen: Evidence, from: number): Finding | undefined => {
  if (chosen.direction !== 'down') return undefined
  const track = signals.chosen!
  return {
    verdict: 'learning-rate-too-high',
    confidence: instability(track, from).length > 0 ? 'strong' : 'moderate',
    says: `${moved(nounOf(track), chosen)}, and finetuning on it should raise it. ${instability(track, from).join('; ')}`.trim(),
    evidence: [weigh(chosen, 'down', 'up')],
    since: { step: track.steps[from], how: 'chosen’s maximum' },
    caveats: [],
    wanted: [
      { what: 'the same stage at a lower learning rate', command: 'ldyn train … --lr <a fifth of it>' },
    ],
  }
}
