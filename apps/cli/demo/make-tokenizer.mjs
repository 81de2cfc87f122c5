// Trains the demo's tokenizer: byte-level BPE as GPT-2's, on this folder's corpus and preference set.
//
//   node make-tokenizer.mjs [folder]            writes tokenizer.json and tokenizer_config.json (into model/)
//
// Byte-pair encoding (Sennrich et al. 2016; the byte-level form is Radford et al. 2019): start from the 256
// bytes and join the most frequent neighbours, again and again, never across the words that GPT-2's pattern
// cuts. No randomness, and ties go to the pair that sorts first: the same text always gives the same file.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { demoCorpus } from './make-corpus.mjs'

const endOfText = '<|endoftext|>'
const gpt2Words = /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu

/**
 * GPT-2's printable stand-in for each byte: itself where it is a visible Latin-1 character, else the next
 * code point from 256 on. The order, visible ones first, is also that of GPT-2's first 256 ids.
 * @returns {Map<number, string>}
 */
export function byteSymbols() {
  const all = Array.from({ length: 256 }, (_, byte) => byte)
  const visible = (/** @type {number} */ b) => (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174
  const hidden = all.filter((b) => !visible(b))
  return new Map([
    ...all.filter(visible).map((b) => /** @type {const} */ ([b, String.fromCodePoint(b)])),
    ...hidden.map((b, i) => /** @type {const} */ ([b, String.fromCodePoint(256 + i)])),
  ])
}

/**
 * How often each two symbols stand side by side, a word counting as often as it occurs.
 * @param {[string[], number][]} words
 */
function pairCounts(words) {
  /** @type {Map<string, number>} */
  const counts = new Map()
  for (const [symbols, count] of words) {
    for (let i = 0; i + 1 < symbols.length; i++) {
      const pair = `${symbols[i]} ${symbols[i + 1]}` // a blank is never a symbol: byte 32 is written as Ġ
      counts.set(pair, (counts.get(pair) ?? 0) + count)
    }
  }
  return counts
}

/**
 * The word with each occurrence of the pair joined, from the left.
 * @param {string[]} symbols @param {string} pair
 */
function joinPair(symbols, pair) {
  const [left, right] = pair.split(' ')
  /** @type {string[]} */
  const joined = []
  for (let i = 0; i < symbols.length; i++) {
    if (symbols[i] === left && symbols[i + 1] === right) joined.push(left + symbols[++i])
    else joined.push(symbols[i])
  }
  return joined
}

/**
 * Learns merges until the vocabulary (the special token, 256 bytes, one entry a merge) has `size` entries.
 * @param {Iterable<string>} texts @param {number} size
 * @returns {{vocab: Record<string, number>, merges: string[]}} merges in the order learned, "left right"
 */
export function trainBpe(texts, size) {
  const symbols = byteSymbols()
  const encoder = new TextEncoder()
  /** @type {Map<string, number>} */
  const wordCounts = new Map()
  for (const text of texts) {
    for (const word of text.match(gpt2Words) ?? []) wordCounts.set(word, (wordCounts.get(word) ?? 0) + 1)
  }
  /** @type {[string[], number][]} */
  let words = [...wordCounts].map(([word, count]) => {
    const bytes = [...encoder.encode(word)]
    return [bytes.map((byte) => /** @type {string} */ (symbols.get(byte))), count]
  })

  const vocab = new Map([endOfText, ...symbols.values()].map((token, id) => [token, id]))
  /** @type {string[]} */
  const merges = []
  while (vocab.size < size) {
    const [best] = [...pairCounts(words)].sort(([p, m], [q, n]) => n - m || (p < q ? -1 : 1))
    if (best === undefined || best[1] < 2) {
      throw new Error(
        `No pair repeats any more at ${vocab.size} entries, too short a text for ${size}. Ask for fewer.`,
      )
    }
    const [pair] = best
    merges.push(pair)
    vocab.set(pair.replace(' ', ''), vocab.size)
    words = words.map(([word, count]) => [joinPair(word, pair), count])
  }
  return { vocab: Object.fromEntries(vocab), merges }
}

/** Hugging Face's tokenizer.json for such a vocabulary. @param {ReturnType<typeof trainBpe>} bpe */
export function tokenizerJson({ vocab, merges }) {
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true }
  const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true }
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [{ id: vocab[endOfText], content: endOfText, ...flags }],
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: null,
    decoder: byteLevel,
    model: {
      type: 'BPE', dropout: null, unk_token: null, continuing_subword_prefix: '', end_of_word_suffix: '',
      fuse_unk: false, byte_fallback: false, ignore_merges: false, vocab, merges,
    },
  }
}

/** What the demo tokenizer is trained on: each document of the corpus, each text of each preference row. */
export function demoTexts() {
  const rows = readFileSync(new URL('preferences.jsonl', import.meta.url), 'utf8').trim().split('\n')
    .map((line) => JSON.parse(line))
  return [
    ...demoCorpus().map((row) => row.prompt.replace(endOfText, '') + row.completion),
    ...rows.flatMap((r) => [r.prompt, r.chosen, r.rejected, r.chosen_rephrase, r.rejected_rephrase]),
  ]
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const config = {
    tokenizer_class: 'PreTrainedTokenizerFast',
    bos_token: null,
    eos_token: endOfText,
    pad_token: endOfText,
    add_prefix_space: false,
    clean_up_tokenization_spaces: false,
    model_max_length: 512,
  }
  const folder = process.argv[2] ?? fileURLToPath(new URL('model', import.meta.url))
  mkdirSync(folder, { recursive: true })
  const write = (/** @type {string} */ name, /** @type {object} */ value) =>
    writeFileSync(join(folder, name), JSON.stringify(value, null, 1) + '\n')
  write('tokenizer.json', tokenizerJson(trainBpe(demoTexts(), 1024)))
  write('tokenizer_config.json', config)
}
