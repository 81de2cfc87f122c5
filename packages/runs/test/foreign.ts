// Logs as foreign programs write them, with numbers that a test chose.
import { writeNpy } from '@ldyn/formats'

export type Log = readonly Readonly<Record<string, number>>[]

/** As Python's json.dumps prints a dict of floats. */
export const pythonJson = (object: Readonly<Record<string, unknown>>): string =>
  JSON.stringify(object, (_, value: unknown) =>
    typeof value === 'number' && !Number.isFinite(value) ? `\u0001${value}\u0001` : value)
    .replace(/"\\u0001(NaN|-?Infinity)\\u0001"/g, '$1')

export const npyBytes = async (shape: readonly number[], data: Float64Array): Promise<Uint8Array> => {
  const parts: Uint8Array[] = []
  await writeNpy({ write: async bytes => { parts.push(bytes.slice()) } }, shape, data)
  return Buffer.concat(parts)
}

const P = 'logps_eval_prob_train/'

/** A Pythia-like base model: ‖A‖ of each type, its log π, and whose argmax, p_e and energy are logged. */
const types = [['chosen', -152, 251.66], ['rejected', -121, 251.4], ['random_nonhum', -362, 231.7]] as const
const normOf = (A: number) => (A * A - 50304 + 2) / 50304

/** One evaluation of the code before the correction (`of: 'random_nonhum'`) or after it (`of: 'chosen'`). */
export const evaluation = (
  step: number, of: 'chosen' | 'random_nonhum', { typed = true, argmax = of === 'chosen' ? -61 : -113 } = {},
): Record<string, number> => {
  const A = of === 'chosen' ? 251.66 : 231.7
  const energy = of === 'chosen' ? 0.6875 : 0.9507
  const shared = {
    argmax_prob_logits: argmax + step, except_argmax_prob_logits: NaN, ...(typed ? {} : { A_o: A + step }),
    p_e: Math.sqrt(normOf(A) + 1 - 2 * (1 - energy)), energy,
  }
  const logp = (type: string, value: number) => ({ [`${P}${type}`]: value - step })
  const norm = (type: string, value: number) => typed ? { [`${type}_A_o`]: value + step / 10 } : {}
  const [[, first, A0], ...rest] = types
  return of === 'chosen'
    ? { ...norm('chosen', A0), ...logp('chosen', first), ...shared, ...Object.assign({}, ...rest.map(([type, value, a]) => ({ ...norm(type, a), ...logp(type, value) }))) }
    : { ...logp('chosen', first), ...shared, ...norm('chosen', A0), ...Object.assign({}, ...rest.map(([type, value, a]) => ({ ...logp(type, value), ...norm(type, a) }))) }
}
