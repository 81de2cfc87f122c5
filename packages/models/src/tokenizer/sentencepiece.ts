/**
 * A SentencePiece BPE from a GGUF's pieces and scores, as transformers' GGUFLlamaConverter makes it
 * (integrations/ggml.py): every way to write a piece as two others is a merge, those of higher score first; unknown
 * characters fall back to bytes; spaces are ▁.
 */
import type { GgufPieces } from './gguf.ts'
import { addedTokens, template, UNKNOWN } from './gguf.ts'

/** Pairs of pieces that join, in the order in which they do. */
export function mergesByScore(pieces: readonly string[], scores: readonly number[]): [string, string][] {
  const ids = new Map(pieces.map((piece, id) => [piece, id]))
  const found: { readonly left: string, readonly right: string, readonly score: number, readonly rank: readonly [number, number] }[] = []
  pieces.forEach((piece, id) => {
    const chars = Array.from(piece)
    let left = ''
    for (let cut = 1; cut < chars.length; cut++) {
      left += chars[cut - 1]
      const right = piece.slice(left.length)
      const [l, r] = [ids.get(left), ids.get(right)]
      if (l !== undefined && r !== undefined) found.push({ left, right, score: scores[id] ?? 0, rank: [l, r] })
    }
  })
  // Of equal scores (one piece, several cuts) the cut with the earlier left part joins first.
  found.sort((a, b) => b.score - a.score || a.rank[0] - b.rank[0] || a.rank[1] - b.rank[1])
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
