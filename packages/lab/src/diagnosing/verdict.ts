/**
 * From curves to a verdict. Squeezing (paper.md §2.6) is four signs over one window, from the step at which chosen
 * stops rising to the end of the stage:
 *
 *   log π(y⁺) ↓   argmax mass along y⁺ ↑   margin ↑   entropy ↓ (or peakiness ‖A‖ ↑)
 *
 * The first two are necessary: what chosen lost is found again on the likeliest token. A learning rate that is too high
 * makes chosen and everything else fall while argmax stays or falls (paper.md §4.2): mass is scattered, not squeezed.
 * Where the log does not hold argmax, ‖A‖ or entropy stand in for it with less confidence, and where it holds none of
 * them the verdict is `displacement`: the fall is a fact, its kind is not known.
 */
import type { Case, CaseStage } from './case.ts'
import { directionOf, indexAt, signalsOf, speak } from './evidence.ts'
import { fallen } from './falling.ts'
import { nounOf, OBSERVE, type Finding } from './finding.ts'
import { supervised, unfallen } from './standing.ts'
import { diverged, mismatch } from './starting.ts'
import { thresholds } from './thresholds.ts'
import { moveOf, peakOf } from './trend.ts'

export interface StageFindings {
  readonly stage: string
  readonly loss: string
  /** The first one is the stage's verdict. */
  readonly findings: readonly Finding[]
}

/** The findings of one stage, the verdict first. */
export const judgeStage = (found: Case, stage: CaseStage): StageFindings => {
  const signals = signalsOf(stage)
  const { chosen: track } = signals
  const about = { stage: stage.name, loss: stage.loss }
  const nothing = (says: string): Finding => ({
    verdict: 'inconclusive',
    confidence: 'strong',
    says,
    evidence: [],
    since: undefined,
    caveats: [],
    wanted: [OBSERVE],
  })
  const whole = speak(track, 0, 'over the whole stage')
  const first = [diverged(found, signals, whole), mismatch(stage)].filter((one) => one !== undefined)
  if (!track || !whole) {
    const why = track
      ? 'There is one evaluation only, and nothing can be said of a change.'
      : stage.evaluations === 0 && stage.log.size === 0
        ? 'The stage has neither evaluations of probes nor a training log.'
        : 'Nothing in the log speaks of the chosen responses (logp chosen of probes, or rewards/chosen, logps/chosen of a training log).'
    return { ...about, findings: first.length > 0 ? first : [nothing(why)] }
  }
  const peak = peakOf(track)
  const at = peak === undefined ? 0 : indexAt(track, track.steps[peak])
  // From its maximum on, where that is later than the start: a rise before does not undo a fall after. Chance chose the
  // maximum too, so that more is asked of such a window.
  const later = at > 0 ? moveOf(track, at) : undefined
  const sure =
    later !== undefined &&
    directionOf(track.metric, later) === 'down' &&
    -later.change > thresholds.fromMaximum * (later.se ?? Infinity)
  const from = sure ? at : 0
  const chosen = speak(track, track.steps[from], nounOf(track))!
  const main =
    chosen.direction === 'down'
      ? stage.kind === 'sft'
        ? supervised(signals, chosen, from)!
        : fallen(signals, chosen, from)
      : unfallen(stage, signals, whole)
  return { ...about, findings: [...first, main] }
}
