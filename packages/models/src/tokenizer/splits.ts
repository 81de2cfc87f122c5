/**
 * Pre-tokenizers whose JavaScript form is narrower than the Rust one, rewritten as the regular expressions
 * that Rust applies: `Digits` means every number (½, ², Ⅳ), not 0–9, and `ByteLevel` splits at Unicode's
 * White_Space, which is JavaScript's \s with U+0085 and without U+FEFF.
 */

/** GPT-2's split, as the Rust ByteLevel has it. */
export const GPT2_SPLIT = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"

interface PreTokenizer {
  readonly type: string
  readonly pretokenizers?: readonly PreTokenizer[]
  readonly individual_digits?: boolean
  readonly use_regex?: boolean
  readonly add_prefix_space?: boolean
}

/** A Split that keeps every match as a piece of its own. */
export const isolated = (regex: string) =>
  ({ type: 'Split', pattern: { Regex: regex }, behavior: 'Isolated', invert: false })

/** Bytes as GPT-2's printable characters, without a split. */
export const BYTES = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false }

function widened(node: PreTokenizer): readonly object[] {
  if (node.type === 'Sequence') return (node.pretokenizers ?? []).flatMap(widened)
  if (node.type === 'Digits') return [isolated(node.individual_digits ? '\\p{N}' : '\\p{N}+')]
  // With a prefix space the space must come before the split; that order only the original has.
  if (node.type === 'ByteLevel' && node.use_regex !== false && !node.add_prefix_space) return [isolated(GPT2_SPLIT), BYTES]
  return [node]
}

/** The same tokenizer.json with those pre-tokenizers replaced. */
export function asRustSplits(tokenizer: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const node = tokenizer.pre_tokenizer as PreTokenizer | null | undefined
  return node ? { ...tokenizer, pre_tokenizer: { type: 'Sequence', pretokenizers: widened(node) } } : tokenizer
}
