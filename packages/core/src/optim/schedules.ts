/**
 * Learning-rate schedules: the factor of the base rate with which step s (from 0) is made.
 *
 * `paper` is the released code's warm-up; the others are transformers' get_scheduler, whose warm-up makes step 0 with
 * rate 0 (the golden file tests/golden/schedules.json shows both).
 */
export type Schedule = (step: number) => number

export interface ScheduleOptions {
  /** Steps of warm-up. */
  readonly warmup?: number
}
export interface DecayingOptions extends ScheduleOptions {
  /** Steps of the whole run, warm-up among them. */
  readonly steps: number
}

/** From 0 after the warm-up to 1 at `steps`, and 1 from there on (where transformers' cosine would rise again). */
const progress = (step: number, warmup: number, steps: number): number =>
  Math.min(1, (step - warmup) / Math.max(1, steps - warmup))
const warm =
  (warmup: number, then: Schedule): Schedule =>
  (step) =>
    step < warmup ? step / Math.max(1, warmup) : then(step)

/** min(1, (s+1)/(warmup+1)), then constant (paper.md §4.2: warmup 150). */
export const paperRate =
  ({ warmup = 0 }: ScheduleOptions = {}): Schedule =>
  (step) =>
    Math.min(1, (step + 1) / (warmup + 1))

/** 1 after a linear warm-up from 0; with no warm-up, always 1. */
export const constantRate = ({ warmup = 0 }: ScheduleOptions = {}): Schedule => warm(warmup, () => 1)

/** Linearly from 1 after the warm-up to 0 at `steps`. */
export const linearRate = ({ warmup = 0, steps }: DecayingOptions): Schedule =>
  warm(warmup, (step) => 1 - progress(step, warmup, steps))

/** Half a cosine from 1 after the warm-up to 0 at `steps`. */
export const cosineRate = ({ warmup = 0, steps }: DecayingOptions): Schedule =>
  warm(warmup, (step) => 0.5 * (1 + Math.cos(Math.PI * progress(step, warmup, steps))))

/** The schedules by the names under which they are configured. */
export const schedules: Readonly<
  Record<'paper' | 'constant' | 'linear' | 'cosine', (options: DecayingOptions) => Schedule>
> = {
  paper: paperRate,
  constant: constantRate,
  linear: linearRate,
  cosine: cosineRate,
}
