/**
 * What can be wrong with a model as a whole, beyond single bytes (those are @ldyn/formats' FormatError): its
 * config, the set of its tensors, its tokenizer. The message is one sentence of what, where, why and what to
 * do.
 */
import { nearestOf } from '@ldyn/core/edit-distance'
import { Problem } from '@ldyn/formats'

export type ModelErrorCode =
  | 'not-found' | 'bad-config' | 'unknown-architecture' | 'unsupported' | 'missing-tensor' | 'unexpected-tensor'
  | 'shape-mismatch' | 'no-tokenizer' | 'bad-tokenizer' | 'unknown-pre-tokenizer' | 'bad-template' | 'exists' | 'write-failed'

export class ModelError extends Problem<ModelErrorCode> {
  override readonly name = 'ModelError'
}

/** At most five names in a message, and how many more there are. */
export const listed = (names: readonly string[]): string =>
  names.length <= 5 ? names.join(', ') : `${names.slice(0, 5).join(', ')} and ${names.length - 5} more`

/** The candidate with the smallest edit distance to `name`, for "did you mean". */
export const nearest = (name: string, candidates: readonly string[]): string | undefined =>
  nearestOf(name, candidates)?.name
