/**
 * Every number that a verdict turns on, in one place; `ldyn help diagnose` prints them from here. They are
 * choices: set on curves of known shape and on the authors' recorded runs (diagnose.test.ts), not derived.
 */
export const thresholds = {
  /** A change is clear beyond so many standard errors, slight beyond `slight` of them, else within noise. */
  clear: 2,
  slight: 1,
  /** …and beyond so many where the window begins at the curve's maximum, which chance chose too. */
  fromMaximum: 3,
  /** A fall or rise of log π counts where it exceeds this share of the level that it started from… */
  relative: 0.02,
  /** …and so many nats per response. */
  nats: 0.5,
  /** The margin log π(y⁺) − log π(y⁻), nats. */
  margin: 1,
  /** A reward β(log π − log π_ref) has moved where it changed by so much. */
  reward: 0.1,
  /** Mass is squeezed where argmax rises by at least this share of what chosen falls by. */
  argmaxShare: 0.1,
  /** Entropy, energy, ‖A‖: a share of their level. */
  concentration: 0.01,
  /**
   * A learning rate is suspect where this share of chosen's whole fall happens in the first `early` of the
   * stage.
   */
  jump: 0.5,
  early: 0.15,
  /** …or where chosen jumps from one evaluation to the next by this share of its level. */
  wobble: 0.02,
  /** Diverged: log π(chosen) fell by this share of its level without the mass going anywhere. */
  collapse: 1,
  /** Diverged: the loss ended at so many times its start. */
  lossGrowth: 2,
  /**
   * Rewards of the untrained policy beyond this (or a loss that far from ln 2 at the first update) are a
   * mismatch.
   */
  firstReward: 0.05,
  firstLoss: 0.02,
  /** Undertrained: nothing that is watched moved by more than this share of its level. */
  still: 0.01,
  /** Evaluations below which a trend has no error of its own. */
  points: 5,
} as const

/** How many of the last evaluations make a window's end level: a tenth of them, 1 to 5. */
export const endPoints = (evaluations: number): number =>
  Math.min(5, Math.max(1, Math.round(evaluations / 10)))
