// The known defect of the released code (paper.md §1.1): argmax, except_argmax, p_e, energy and the un-keyed
// A_o were written inside the loop over response types, so what survives belongs to the LAST type
// (random_nonhum) and not to `chosen`. Joshua-Ren/Learning_dynamics_LLM#2, fixed 2025-05-09.
//
// How it is told from the numbers alone:
//   bound   Σ log max π ≥ Σ log π(y) holds for every response; argmax below log π(chosen) cannot be chosen's.
//   norm    ‖π − e_y‖² = ‖π‖² + 1 − 2π_y, so p_e² − 1 + 2(1 − energy) estimates ‖π‖². The logged A_o gives it
//           again for each type: A_o² = V‖π‖² + V − 2. The type that fits is the one that was measured.
//   keys    the first release wrote one A_o without a type; the fix moved `chosen_A_o` to the front.

/** Where the shared metrics of a log belong. */
export interface ArgmaxOwner {
  /** Undefined where the log gives no way to tell. */
  readonly type: string | undefined
  /** The defect is proved (bound, un-keyed A_o), or follows from the norms or the order of the keys. */
  readonly certainty: 'proved' | 'inferred' | 'unknown'
  readonly because: readonly string[]
}

export interface OwnerEvidence {
  readonly keys: readonly string[]
  readonly chosenKey: string
  /** The response type evaluated last. */
  readonly lastType: string
  /** Pairs of (log π(chosen), argmax) of evaluations or, better, of single probes. */
  readonly pairs: Iterable<readonly [chosen: number, argmax: number]>
  readonly first: Readonly<Record<string, number>>
}

/** Vocabularies (rows of the head) of the models in the released code's scripts: Pythia, Qwen1.5. */
const VOCABULARIES = [50304, 151936]

/** ‖π‖² by each type's A_o; undefined where no known vocabulary makes all of them probabilities. */
const norms = (first: Readonly<Record<string, number>>): ReadonlyMap<string, number> | undefined => {
  const typed = Object.entries(first).filter(([key]) => key.endsWith('_A_o'))
  for (const V of VOCABULARIES) {
    const all = new Map(typed.map(([key, A]) => [key.slice(0, -'_A_o'.length), (A * A - V + 2) / V]))
    if (typed.length > 0 && [...all.values()].every(norm => norm > 0 && norm < 1)) return all
  }
  return undefined
}

/** Whose `argmax_prob_logits`, `except_argmax_prob_logits`, `p_e` and `energy` these are. */
export const ownerOfArgmax = ({ keys, chosenKey, lastType, pairs, first }: OwnerEvidence): ArgmaxOwner => {
  const proofs: string[] = []
  if (keys.includes('A_o')) {
    proofs.push('the log has one A_o without a response type, as only the first release wrote it')
  }
  let below = 0
  let count = 0
  let widest = 0
  for (const [chosen, argmax] of pairs) {
    if (!Number.isFinite(chosen) || !Number.isFinite(argmax)) continue
    count++
    if (argmax < chosen - 1e-3 * Math.abs(chosen)) below++
    widest = Math.max(widest, chosen - argmax)
  }
  if (below > 0) {
    proofs.push(`argmax lies below log π(chosen) in ${below} of ${count} values, by up to ${widest.toFixed(1)} nats, ` +
      'and the likeliest token is never less likely than the response’s own')
  }
  if (proofs.length > 0) return { type: lastType, certainty: 'proved', because: proofs }

  const byType = norms(first)
  const [chosen, last] = [byType?.get('chosen'), byType?.get(lastType)]
  if (chosen !== undefined && last !== undefined && Number.isFinite(first.p_e) && Number.isFinite(first.energy)) {
    const measured = first.p_e ** 2 - 1 + 2 * (1 - first.energy)
    // (mean p_e)² is below the mean of p_e², so the estimate errs downwards: high is chosen's, low must fit the last's.
    const high = chosen > last && measured > (chosen + last) / 2
    const fits = Math.abs(measured - last) < Math.abs(measured - chosen) / 4
    if (high !== fits) {
      return {
        type: high ? 'chosen' : lastType, certainty: 'inferred',
        because: [`p_e and energy say ‖π‖² ≈ ${measured.toFixed(3)}, and the logged A_o say ${chosen.toFixed(3)} for chosen ` +
          `and ${last.toFixed(3)} for ${lastType}`],
      }
    }
  }
  const [at, fixed] = [keys.indexOf(chosenKey), keys.indexOf('chosen_A_o')]
  if (fixed >= 0 && at >= 0) {
    return fixed < at
      ? { type: 'chosen', certainty: 'inferred', because: ['chosen_A_o comes first among the keys, as the corrected code writes them'] }
      : { type: lastType, certainty: 'inferred', because: ['chosen_A_o comes after log π(chosen), as in the code before the correction'] }
  }
  return { type: undefined, certainty: 'unknown', because: ['the log has neither norms nor an order of keys that would tell'] }
}
