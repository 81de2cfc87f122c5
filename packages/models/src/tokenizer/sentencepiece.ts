/**
 * A SentencePiece BPE from a GGUF's pieces and scores, as transformers does it (tokenization_utils_base.py,
 * generate_merges): every way to write a piece as two others is a merge, those of higher score first; unknown
 * characters fall back to bytes; spaces are ▁, and one is put before the text, as the tokenizer.json of Llama
 * 2 says and as SentencePiece itself does also where the text begins with a space.
 */
import type { GgufPieces } from './gguf.ts'
import { addedTokens, template, UNKNOWN } from './gguf.ts'

/** Pairs of pieces that join, in the order in which they do. */
function mergesByScore(pieces: readonly string[], scores: readonly number[]): [string, string][] {
  const ids = new Map(pieces.map((piece, id) => [piece, id]))
  const found = pieces.flatMap((piece, id) => {
    const chars = Array.from(piece)
    return chars.slice(1).flatMap((_, i) => {
      const [left, right] = [chars.slice(0, i + 1).join(''), chars.slice(i + 1).join('')]
      const [l, r] = [ids.get(left), ids.get(right)]
      if (l === undefined || r === undefined) return []
      return [{ left, right, l, r, id, at: i + 1, rest: chars.length - i - 1 }]
    })
  })
  const score = ({ id }: { readonly id: number }): number => scores[id] ?? 0
  found.sort((a, b) => score(b) - score(a) || b.at - a.at || b.rest - a.rest || a.id - b.id || a.l - b.l || a.r - b.r)
  return found.map(({ left, right }) => [left, right])
}

/** The tokenizer.json of such a model. */
export function sentencePieceJson(given: GgufPieces, prefixSpace: boolean): object {
  const unknown = given.types.indexOf(UNKNOWN)
  const replace = (from: string, to: string) => ({ type: 'Replace', pattern: { String: from }, content: to })
  return {
    version: '1.0', truncation: null, padding: null,
    added_tokens: addedTokens(given),
    normalizer: {
      type: 'Sequence',
      normalizers: [...(prefixSpace ? [{ type: 'Prepend', prepend: '▁' }] : []), replace(' ', '▁')],
    },
    pre_tokenizer: null,
    post_processor: template(given),
    decoder: {
      type: 'Sequence',
      decoders: [
        replace('▁', ' '), { type: 'ByteFallback' }, { type: 'Fuse' },
        ...(prefixSpace ? [{ type: 'Strip', content: ' ', start: 1, stop: 0 }] : []),
      ],
    },
    model: {
      type: 'BPE', dropout: null, unk_token: unknown < 0 ? null : given.pieces[unknown], continuing_subword_prefix: null,
      end_of_word_suffix: null, fuse_unk: true, byte_fallback: true, ignore_merges: false,
      vocab: Object.fromEntries(given.pieces.map((piece, id) => [piece, id])),
      merges: mergesByScore(given.pieces, given.scores),
    },
  }
}
