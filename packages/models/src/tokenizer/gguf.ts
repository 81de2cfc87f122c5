/**
 * The tokenizer in a GGUF's metadata (`tokenizer.ggml.*`), as the files of a Hugging Face directory.
 *
 * A byte-level BPE (`gpt2`) lists its pieces and merges but only names its pre-tokenizer; `pre-tokenizers.ts`
 * has those names. A SentencePiece BPE (`llama`) lists pieces with scores, from which merges follow
 * (sentencepiece.ts).
 */
import type { Gguf } from '@ldyn/formats'
import { ModelError } from '../error.ts'
import { preTokenizerOf } from './pre-tokenizers.ts'
import { sentencePieceJson } from './sentencepiece.ts'
import { BYTES, isolated } from './splits.ts'

/** Piece types in `tokenizer.ggml.token_type`. */
const NORMAL = 1
export const UNKNOWN = 2
const CONTROL = 3
const USER_DEFINED = 4

export interface GgufPieces {
  readonly where: string
  readonly pieces: readonly string[]
  readonly types: readonly number[]
  readonly scores: readonly number[]
  readonly addsBos: boolean
  readonly bos?: number
}

/** tokenizer.json, tokenizer_config.json and, where there is one, chat_template.jinja. */
export function ggufTokenizerFiles(gguf: Gguf): Record<string, string> {
  const get = (key: string): unknown => gguf.metadata.get(`tokenizer.ggml.${key}`)
  const model = get('model')
  const pieces = get('tokens')
  const fail = (code: 'no-tokenizer' | 'bad-tokenizer', why: string): ModelError => new ModelError({
    code, what: 'Cannot read the tokenizer', where: gguf.name, why,
    fix: 'Put the model\'s tokenizer.json beside the GGUF in a directory of their own and give that directory',
  })
  if (!Array.isArray(pieces) || typeof model !== 'string') throw fail('no-tokenizer', 'the GGUF has no tokenizer.ggml.model and tokens')
  const arch = String(gguf.metadata.get('general.architecture'))
  const types = Array.isArray(get('token_type')) ? get('token_type') as readonly number[] : pieces.map(() => NORMAL)
  const id = (name: string): number | undefined => {
    const value = get(`${name}_token_id`)
    return typeof value === 'number' && value < pieces.length ? value : undefined
  }
  const common = {
    where: gguf.name, pieces: pieces as readonly string[], types, bos: id('bos'),
    scores: Array.isArray(get('scores')) ? get('scores') as readonly number[] : [],
  }
  const flag = get('add_bos_token')
  let json: object
  if (model === 'gpt2') {
    const merges = get('merges')
    if (!Array.isArray(merges)) throw fail('bad-tokenizer', 'a byte-level BPE without tokenizer.ggml.merges')
    const pre = preTokenizerOf(get('pre'), arch, gguf.name)
    const addsBos = flag === undefined ? pre.addsBos ?? false : flag === true
    json = byteLevelJson({ ...common, addsBos }, merges as readonly string[], pre)
  } else if (model === 'llama') {
    json = sentencePieceJson({ ...common, addsBos: flag !== false }, get('add_space_prefix') !== false)
  } else {
    throw fail('bad-tokenizer', `its tokenizer model is "${model}", and only gpt2 (byte-level BPE) and llama (SentencePiece) are known`)
  }
  const token = (name: string): string | undefined => {
    const at = id(name)
    return at === undefined ? undefined : (pieces as readonly string[])[at]
  }
  const template = gguf.metadata.get('tokenizer.chat_template')
  const config = {
    tokenizer_class: 'PreTrainedTokenizerFast',
    bos_token: token('bos'),
    eos_token: token('eos'),
    pad_token: token('padding'),
    unk_token: token('unknown'),
    clean_up_tokenization_spaces: false,
    chat_template: typeof template === 'string' ? template : undefined,
  }
  return { 'tokenizer.json': JSON.stringify(json), 'tokenizer_config.json': JSON.stringify(config, null, 2) }
}

/** Control pieces are special; user-defined ones are whole tokens too, but survive `skip_special_tokens`. */
export const addedTokens = ({ pieces, types }: GgufPieces): object[] => pieces.flatMap((content, id) => {
  if (types[id] !== CONTROL && types[id] !== USER_DEFINED && types[id] !== UNKNOWN) return []
  const plain = { single_word: false, lstrip: false, rstrip: false, normalized: false }
  return [{ id, content, ...plain, special: types[id] !== USER_DEFINED }]
})

/** `BOS A`, or `A`. */
export function template({ addsBos, bos, pieces }: GgufPieces): object {
  const sequence = (id: string, type: number) => ({ Sequence: { id, type_id: type } })
  const token = addsBos && bos !== undefined ? pieces[bos] : undefined
  const first = token === undefined ? [] : [{ SpecialToken: { id: token, type_id: 0 } }]
  return {
    type: 'TemplateProcessing',
    single: [...first, sequence('A', 0)],
    pair: [...first, sequence('A', 0), ...first, sequence('B', 1)],
    special_tokens: token === undefined ? {} : { [token]: { id: token, ids: [bos], tokens: [token] } },
  }
}

function byteLevelJson(
  given: GgufPieces, merges: readonly string[],
  pre: { readonly splits: readonly string[], readonly nfc?: boolean, readonly ignoreMerges?: boolean },
): object {
  return {
    version: '1.0', truncation: null, padding: null,
    added_tokens: addedTokens(given),
    normalizer: pre.nfc ? { type: 'NFC' } : null,
    pre_tokenizer: { type: 'Sequence', pretokenizers: [...pre.splits.map(isolated), BYTES] },
    post_processor: template(given),
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: 'BPE', dropout: null, unk_token: null, continuing_subword_prefix: '', end_of_word_suffix: '', fuse_unk: false,
      byte_fallback: false, ignore_merges: pre.ignoreMerges ?? false,
      vocab: Object.fromEntries(given.pieces.map((piece, id) => [piece, id])),
      merges,
    },
  }
}
