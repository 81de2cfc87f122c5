/** A planned batch as its programs take it: packed tokens, what the loss asks of each sequence, the reference. */
import type { Loss } from '@ldyn/core'
import type { HostTensor } from '@ldyn/tensor'
import { fill } from '../packing/pack.ts'
import type { PlannedBatch } from '../packing/plan.ts'
import type { ReferenceLogps } from './reference.ts'
import type { StageExample } from './stage.ts'

/** The arrays, and the reference's log-probs where the loss needs them: the input `batch` of its programs. */
export function batchInputs(
  { packing, shape, members }: PlannedBatch,
  loss: Loss,
  examples: readonly StageExample[],
  reference: ReferenceLogps,
): Record<string, HostTensor> {
  const { sequences, tokens } = shape
  // Which of its example's sequences each member is.
  const seen = new Map<number, number>()
  const places = members.map(({ example }) => {
    const nth = seen.get(example) ?? 0
    seen.set(example, nth + 1)
    return { example, nth }
  })
  const arrays = { ...fill(packing, shape) } as Record<string, HostTensor>
  for (const [name, spec] of Object.entries(loss.fields?.(sequences, tokens) ?? {})) {
    const data = new Float64Array(sequences)
    places.forEach(({ example, nth }, s) => (data[s] = examples[example].fields![name][nth]))
    arrays[name] = { ...spec, data }
  }
  if (!loss.needs.reference) return arrays
  const ref = new Float64Array(sequences * tokens)
  places.forEach(({ example, nth }, s) => ref.set(reference.get(example)![nth], s * tokens))
  return { ...arrays, ref: { shape: [sequences, tokens], dtype: 'f32', data: ref } }
}
