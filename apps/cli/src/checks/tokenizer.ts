/** A tokenizer round trip: a small byte-level tokenizer, made here, must give texts back as they went in. */
import { tokenizerFromFiles } from '@ldyn/models'

const TEXTS = ['Why is the sky blue?', ' naïve café, 中文, 🙂\n\tend', '']

/** GPT-2's table from bytes to printable characters. */
function byteCharacters(): string[] {
  const printable = (b: number): boolean => (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174
  let next = 256
  return Array.from({ length: 256 }, (_, b) => String.fromCodePoint(printable(b) ? b : next++))
}

/** The texts that did not come back as they went in; none where all is well. */
export function tokenizerCheck(): string[] {
  const vocab = Object.fromEntries(byteCharacters().map((c, i) => [c, i]))
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true }
  const tokenizer = tokenizerFromFiles(
    {
      'tokenizer.json': JSON.stringify({
        version: '1.0',
        truncation: null,
        padding: null,
        added_tokens: [],
        normalizer: null,
        pre_tokenizer: byteLevel,
        post_processor: null,
        decoder: byteLevel,
        model: {
          type: 'BPE',
          dropout: null,
          unk_token: null,
          continuing_subword_prefix: null,
          end_of_word_suffix: null,
          fuse_unk: false,
          byte_fallback: false,
          ignore_merges: false,
          vocab,
          merges: [],
        },
      }),
      'tokenizer_config.json': '{}',
    },
    'ldyn doctor',
  )
  return TEXTS.filter((text) => tokenizer.decode(tokenizer.encode(text)) !== text)
}
