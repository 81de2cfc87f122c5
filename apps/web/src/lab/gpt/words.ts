// One token a word: the vocabulary is every word of the built-in set, and the end of a text. A word's leading space
// belongs to it, so that texts come back as they were.
import type { Tokenizer } from '@ldyn/models'
import { TEXTS } from './data.ts'

const END = '<end>'
const PIECES = / ?[^\s]+/g

/** Throws RangeError for a word that the set does not have. */
export const wordTokenizer = (): Tokenizer => {
  // Either spelling of a word, at the start of a text and behind another, is one token.
  const words = [...new Set(TEXTS.flatMap(text => text.match(PIECES) ?? []).map(word => word.trim()))].sort()
  const pieces = [END, ...words.map(word => ` ${word}`)]
  const ids = new Map(pieces.map((piece, id) => [piece.trim(), id]))
  return {
    encode: text =>
      Int32Array.from(text.match(PIECES) ?? [], word => {
        const id = ids.get(word.trim())
        if (id === undefined) throw new RangeError(`the built-in set has no word ${JSON.stringify(word)}`)
        return id
      }),
    decode: list => Array.from(list, id => pieces[id] ?? '\ufffd').join(''),
    piece: id => pieces[id],
    vocabSize: pieces.length,
    eos: 0,
    bos: undefined,
    pad: undefined,
    addsBos: false,
    files: {},
  }
}
