/**
 * Text ↔ token ids as Hugging Face's tokenizers give them, over `@huggingface/tokenizers` (the same algorithm
 * in JavaScript) and `@huggingface/jinja` (chat templates). Ids equal those of the Rust library: a test.
 *
 * A special token written out in a text ("<|im_end|>") becomes its one id, as in transformers by default.
 * Whoever feeds text from strangers into a template should know that.
 */
import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers'
import { ModelError } from '../error.ts'
import { chatTemplate, type ChatTemplate } from './chat.ts'
import { asRustSplits } from './splits.ts'

export interface Tokenizer {
  /** Ids of the text alone, no specials added. */
  encode(text: string): Int32Array
  /**
   * The text of ids, special tokens written out, nothing cleaned up; bytes that are no UTF-8 become U+FFFD,
   * and a byte order mark is lost where the vocabulary writes it in bytes (SentencePiece).
   */
  decode(ids: ArrayLike<number>): string
  /** The vocabulary's own spelling of an id (`Ġthe`); undefined where it has none. */
  piece(id: number): string | undefined
  /** One more than the largest id. A model's vocabulary may be padded beyond it. */
  readonly vocabSize: number
  readonly bos?: number
  readonly eos?: number
  readonly pad?: number
  /** The post-processor puts BOS before a sequence. */
  readonly addsBos: boolean
  readonly chatTemplate?: ChatTemplate
  /**
   * Its files by name, as `saveModel` writes them: tokenizer.json, tokenizer_config.json,
   * chat_template.jinja, …
   */
  readonly files: Readonly<Record<string, string>>
}

type Json = Readonly<Record<string, unknown>>

function parse(files: Readonly<Record<string, string>>, name: string, where: string): Json {
  try {
    const json: unknown = JSON.parse(files[name] ?? '{}')
    if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json as Json
    throw new SyntaxError('it is not an object')
  } catch (cause) {
    throw new ModelError({
      code: 'bad-tokenizer', what: 'Cannot read the tokenizer', where: `${where}, ${name}`,
      why: `it is not a JSON object (${cause instanceof Error ? cause.message : String(cause)})`,
      fix: 'Download it again; a git-LFS pointer or a web page in its place gives this error too',
    }, { cause })
  }
}

/** A token in tokenizer_config.json is a text, or an object with a `content`. */
const contentOf = (value: unknown): string | undefined =>
  typeof value === 'string' ? value : (value as { readonly content?: string } | null | undefined)?.content

/**
 * The tokenizer that the files of a Hugging Face directory describe. Throws ModelError `no-tokenizer`,
 * `bad-tokenizer`.
 */
export function tokenizerFromFiles(files: Readonly<Record<string, string>>, where: string): Tokenizer {
  if (files['tokenizer.json'] === undefined) {
    throw new ModelError({
      code: 'no-tokenizer', what: 'Cannot read the tokenizer', where, why: 'there is no tokenizer.json',
      fix: 'Write one with transformers: AutoTokenizer.from_pretrained(dir, use_fast=True).save_pretrained(dir)',
    })
  }
  const json = parse(files, 'tokenizer.json', where)
  const config = parse(files, 'tokenizer_config.json', where)
  let inner: HuggingFaceTokenizer
  try {
    inner = new HuggingFaceTokenizer(asRustSplits(json), config)
  } catch (cause) {
    throw new ModelError({
      code: 'bad-tokenizer', what: 'Cannot build the tokenizer', where: `${where}, tokenizer.json`,
      why: cause instanceof Error ? cause.message : String(cause), fix: 'Download tokenizer.json again, or use the model\'s own',
    }, { cause })
  }
  const idOf = (key: string): number | undefined => {
    const content = contentOf(config[key])
    return content === undefined ? undefined : inner.token_to_id(content)
  }
  const bos = idOf('bos_token')
  const ids = [...inner.get_vocab(true).values()]
  const vocabSize = ids.reduce((most, id) => Math.max(most, id), -1) + 1
  const encode = (text: string, specials: boolean): Int32Array =>
    Int32Array.from(inner.encode(text, { add_special_tokens: specials }).ids as (number | undefined)[], (id) => {
      if (id !== undefined) return id
      throw new ModelError({
        code: 'bad-tokenizer', what: 'Cannot tokenize a text', where,
        why: `${JSON.stringify(text.slice(0, 40))} has characters that are not in the vocabulary, and there is no unknown token`,
        fix: 'Use the tokenizer that belongs to the model',
      })
    })
  const template = contentOf(files['chat_template.jinja']) ?? templateOf(config.chat_template)
  return {
    encode: (text) => encode(text, false),
    decode: (list) => (list.length === 0 ? '' : inner.decode(Array.from(list), { skip_special_tokens: false, clean_up_tokenization_spaces: false })),
    piece: (id) => inner.id_to_token(id),
    vocabSize,
    bos,
    eos: idOf('eos_token'),
    pad: idOf('pad_token'),
    addsBos: bos !== undefined && encode('', true)[0] === bos,
    chatTemplate: template === undefined ? undefined : chatTemplate(template, config, where),
    files,
  }
}

/** `chat_template` is a text, or a list of named ones of which `default` is meant. */
function templateOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  if (!Array.isArray(value)) return undefined
  const named = value as readonly { readonly name?: string, readonly template?: string }[]
  return named.find(({ name }) => name === 'default')?.template
}
