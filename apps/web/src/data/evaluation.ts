// Which evaluation of a run is meant by a step: the cursor stands at updates, and not each of them was evaluated.
import type { LiveData } from './live-run.ts'

/** The evaluation that holds at a step: the last one at or before it, or the first. */
export const evaluationAt = (
  { evaluations }: Pick<LiveData, 'evaluations'>,
  step: number | undefined,
): number => {
  if (step === undefined) return evaluations.length - 1
  const at = evaluations.findLastIndex(evaluation => evaluation.step <= step)
  return at < 0 ? 0 : at
}
