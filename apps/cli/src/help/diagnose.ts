/** `ldyn help diagnose`: definitions, signs and every threshold, printed from where they are used. */
import { thresholds as t } from '@ldyn/lab'

const percent = (share: number): string => `${100 * share} %`

export const diagnosePage =
  (): string => `ldyn diagnose reads curves: of a fixed probe set where the run has one (logp, argmax_logp, entropy, a_norm by response
type), else of the training log (TRL's rewards/…, logps/…, entropy, loss). It computes no model
unless --what-ifs or --model is given.
Signs: a change is later minus earlier, in the curve's own unit (nats per response for sums; ldyn help metrics).

How far a curve moved over a window
  from    the value at the window's start (the untrained model as it is; later starts: mean of three evaluations)
  to      the mean of the last tenth of the evaluations (1 to 5 of them)
  ± se    the larger of: the standard error over probes of each one's own change; that of a least-squares slope, with
          the evaluations counted as n(1 − ρ)/(1 + ρ), ρ the residuals' lag-1 autocorrelation; the jumps of the curve.
          "unknown" where the log holds means alone and fewer than ${t.points} evaluations
  up, down   beyond ${t.clear} se, and large enough to matter: ${percent(t.relative)} of the level and ${t.nats} nats for log π and argmax, ${t.margin} nat
             for the margin, ${t.reward} for a reward, ${percent(t.concentration)} for entropy, ‖A‖, energy
  flat    smaller than that, or within noise      ?  large enough, and not beyond ${t.clear} se
A window that begins at the curve's maximum must show ${t.fromMaximum} se, since chance chose its beginning. "wanders": a walk without
direction of the curve's own step would have got as far; lowers the confidence by one.

Verdicts
  squeezing               log π(y⁺) ↓ and Σ log max π along y⁺ ↑ by at least ${percent(t.argmaxShare)} of that fall, from the step at which chosen
                          was last within noise of its maximum. Margin ↑ and entropy ↓ (or ‖A‖ ↑) beside it: strong.
                          Without argmax, ‖A‖ ↑ or entropy ↓ stand in for it (moderate), or argmax along another type
  learning-rate-too-high  log π(y⁺) ↓ while argmax stays or falls, and: ${percent(t.jump)} of the deepest fall within the first ${percent(t.early)}
                          of the stage, or jumps of ${percent(t.wobble)} of the level between evaluations, or most other types fall too
  displacement            log π(y⁺) ↓, and the log cannot say where the mass went (or says: neither of the above)
  reference-mismatch      rewards β(log π − log π_ref) beyond ±${t.firstReward} before the first update (a first loss off ln 2 by ${t.firstLoss} beside it)
  diverged                a number that is not finite, a loss beyond ${t.lossGrowth} times its start, or chosen lost ${percent(t.collapse)} of its level
                          and argmax did not gain
  undertrained            nothing that is watched moved by an amount that matters
  benign                  chosen does not fall by an amount that matters (and the margin does not shrink)
  inconclusive            the log does not hold enough; it says what is missing
Known defects of a log (ldyn import) are never used as what they claim to be: the argmax of the released code before
2025-05-09 belongs to random_nonhum, and counts as that type's.

What carries it     each probe's own change of log π(y⁺) over the window; its share of the sum of all falls
Known before        Spearman's ρ of scores before training with that change; by chance |ρ| is about 1/√(n − 1)
Closed form         c₊, c₋: the pull (+) and push (−) of each loss at the log-ratios reached, ∇_z L = c(π − e_y) (paper §2.5);
                    Lemma 1: with π(y) ≈ 0 pushed down, tokens below ‖π‖² = (‖A‖² − V + 2)/V fall, those above rise
What if             one update at the checkpoint at hand, from a fresh optimizer state (RMSprop's rate times √(1 − α), so that its
                    first step has the size of later ones), under each loss, and one jvp of the probes along it: the change of
                    log π of every response and of Σ log max π along chosen, to first order. "really" is what the update as it
                    is did. chosen/margin: nats of log π(y⁺) for each nat of margin gained; a pair's share: its terms alone
These thresholds were set on curves of known shape and on the recorded runs of the paper's authors; they are choices.
`
