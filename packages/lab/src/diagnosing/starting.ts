/** What is wrong before any dynamics: a reference that is another model, and an optimisation that diverged. */
import type { Case, CaseStage } from './case.ts'
import { concentration } from './concentration.ts'
import { speak, weigh, type Evidence, type Signals } from './evidence.ts'
import { figure, kept, moved, type Finding } from './finding.ts'
import { thresholds } from './thresholds.ts'
import type { Track } from './trend.ts'

/**
 * Rewards before the first update are 0 where the reference is the model that training begins with (loss ln
 * 2).
 */
export const mismatch = (stage: CaseStage): Finding | undefined => {
  if (stage.kind !== 'preference') return undefined
  const tracks = ['rewards/chosen', 'rewards/rejected'].flatMap((name) => stage.log.get(name) ?? [])
  if (tracks.length < 2) return undefined
  // A log of every tenth update has means over the first ten: extended back to before the first one.
  const start = (track: Track): number => {
    const n = Math.min(5, track.mean.length)
    if (n < 2 || track.steps[0] - stage.begins <= 1) return track.mean[0]
    const [xs, ys] = [track.steps.slice(0, n), track.mean.slice(0, n)]
    const [x0, y0] = [xs.reduce((a, b) => a + b, 0) / n, ys.reduce((a, b) => a + b, 0) / n]
    const slope =
      xs.reduce((sum, x, i) => sum + (x - x0) * (ys[i] - y0), 0) /
      xs.reduce((sum, x) => sum + (x - x0) ** 2, 0)
    // A line's mean over a logging interval lies at its middle.
    return y0 + slope * ((stage.begins + xs[0]) / 2 - x0)
  }
  const first = tracks.map(start)
  const spread = tracks.map(({ mean }) => {
    const early = mean.slice(0, 5)
    const jumps = early.slice(1).map((x, i) => Math.abs(x - early[i]))
    return Math.max(0, ...jumps)
  })
  const exact = tracks[0].steps[0] - stage.begins <= 1
  // Both what the log begins with and what it extends back to must be off: a curve that bends extends to anything.
  const off = first.map((x, i) => {
    const least = Math.min(Math.abs(x), Math.abs(tracks[i].mean[0]))
    return least > thresholds.firstReward + (exact ? 0 : 2 * spread[i])
  })
  if (!off.some(Boolean)) return undefined
  const loss = stage.log.get('loss')
  const ln2 =
    /^(dpo|sigmoid|preference)\b/i.test(stage.loss) &&
    loss &&
    exact &&
    Math.abs(loss.mean[0] - Math.LN2) > thresholds.firstLoss
  return {
    verdict: 'reference-mismatch',
    confidence: exact && (ln2 || off.every(Boolean)) ? 'strong' : exact ? 'moderate' : 'weak',
    says:
      `Before anything was learned the rewards β·(log π − log π_ref) should be 0, and they ${exact ? 'are' : 'extend back to'} ` +
      `${figure(first[0])} for chosen and ${figure(first[1])} for rejected${ln2 ? `; the first loss is ${figure(loss.mean[0])} and not ln 2 = 0.693` : ''}. ` +
      'Another checkpoint, another precision, dropout or another template for the reference each give this.',
    evidence: tracks.flatMap((track) => speak(track, 0, 'its first value should be 0') ?? []),
    since: { step: tracks[0].steps[0], how: 'the first line of the log' },
    caveats: [],
    wanted: [
      {
        what: 'the two models’ log-probs of the same responses',
        command: 'ldyn observe --model <policy at the start> <reference> --probe <pairs.jsonl>',
      },
    ],
  }
}

/** Not finite, a loss that grew, or chosen lost more than all it had and nothing gained. */
export const diverged = (
  found: Case,
  signals: Signals,
  chosen: Evidence | undefined,
): Finding | undefined => {
  const nan = found.notes.find(
    ({ code, metric }) => code === 'not-a-number' && metric !== undefined && /loss|grad_norm/.test(metric),
  )
  const failed = found.failure !== undefined && /finite|NaN/i.test(found.failure) ? found.failure : undefined
  const loss = speak(signals.loss, 0, 'training loss')
  const grown =
    loss !== undefined &&
    loss.direction === 'up' &&
    loss.move.from > 0 &&
    loss.move.to > thresholds.lossGrowth * loss.move.from
  const collapsed =
    chosen !== undefined &&
    /^logp /.test(chosen.curve) &&
    chosen.direction === 'down' &&
    -chosen.move.change >= thresholds.collapse * Math.abs(chosen.move.from) &&
    concentration(signals, chosen.move.window[0], -chosen.move.change).found === 'no'
  const reasons = [
    ...(failed ? [`the run ended with a number that is not finite (${failed})`] : []),
    ...(nan ? [nan.message] : []),
    ...(grown ? [`the loss grew: ${moved('', loss).trim()}`] : []),
    ...(collapsed
      ? [`${moved('log π(y⁺)', chosen)}, more than all it had, and argmax did not gain by it`]
      : []),
  ]
  return reasons.length === 0
    ? undefined
    : {
        verdict: 'diverged',
        confidence: failed || nan || reasons.length > 1 ? 'strong' : 'moderate',
        says: `${reasons.join('; ')}.`,
        evidence: kept([loss && weigh(loss, 'up', 'down'), chosen]),
        since: undefined,
        caveats: [],
        wanted: [
          {
            what: 'a lower learning rate, a longer warm-up, or clipping',
            command: 'ldyn train … --lr <a tenth of it> --max-grad-norm 1',
          },
        ],
      }
}
