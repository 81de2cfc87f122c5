import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import type { Gguf, GgufValue } from '@ldyn/formats'
import { ggufTokenizerFiles, tokenizerFromFiles, type ChatMessage, type Tokenizer } from '../src/index.ts'
import { openModel } from '../src/node/index.ts'
import { pretrained, texts, whySkipped } from './evaluating.ts'

interface Ids { readonly ids: readonly (readonly number[])[], readonly digest: string }
interface Golden {
  readonly special: readonly string[]
  readonly vocab: readonly string[]
  readonly merges: readonly string[]
  readonly edge: readonly string[]
  readonly random: readonly string[]
  readonly variants: Readonly<Record<string, Ids & {
    readonly pre_tokenizer: object
    readonly normalizer?: object
    readonly ignore_merges?: boolean
    readonly unlike: readonly string[]
  }>>
  readonly sentencepiece: Ids & {
    readonly pieces: readonly string[]
    readonly types: readonly number[]
    readonly scores: readonly number[]
    readonly decoded: readonly string[]
  }
  readonly templates: Readonly<Record<string, string>>
  readonly chats: readonly {
    readonly template: string
    readonly messages: readonly ChatMessage[]
    readonly addGenerationPrompt: boolean
    readonly text: string
  }[]
  readonly pretrained: { readonly texts: number, readonly tokens: number, readonly digest: string } | null
}
const golden = JSON.parse(readFileSync(fileURLToPath(new URL('golden/tokenizers.json', import.meta.url)), 'utf8')) as Golden
const all = [...golden.edge, ...golden.random]

const digest = (ids: readonly ArrayLike<number>[]): string =>
  createHash('sha256').update(ids.map((row) => Array.from(row).join(',')).join(';')).digest('hex').slice(0, 16)

/** A GGUF of which only the metadata is there. */
const gguf = (metadata: Readonly<Record<string, GgufValue>>): Gguf => {
  const refuse = () => Promise.reject(new Error('no tensors'))
  return { name: 'x.gguf', version: 3, metadata: new Map(Object.entries(metadata)), tensors: new Map(), readF32: refuse, readRaw: refuse }
}

const byteLevel = (pre: GgufValue | undefined, more: Readonly<Record<string, GgufValue>> = {}) => gguf({
  'general.architecture': 'llama',
  'tokenizer.ggml.model': 'gpt2',
  'tokenizer.ggml.tokens': golden.vocab,
  'tokenizer.ggml.token_type': golden.vocab.map((_, id) => (id < golden.special.length ? 3 : 1)),
  'tokenizer.ggml.merges': golden.merges,
  'tokenizer.ggml.bos_token_id': 1,
  'tokenizer.ggml.eos_token_id': 0,
  ...(pre === undefined ? {} : { 'tokenizer.ggml.pre': pre }),
  ...more,
})
const open = (file: Gguf): Tokenizer => tokenizerFromFiles(ggufTokenizerFiles(file), file.name)

/** The tokenizer.json that the golden ids were made with. */
function asDirectory({ pre_tokenizer, normalizer = undefined, ignore_merges = false }: Golden['variants'][string], more: object = {}): Tokenizer {
  const added = golden.special.map((content, id) =>
    ({ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true }))
  const json = {
    version: '1.0', added_tokens: added, normalizer: normalizer ?? null, pre_tokenizer, post_processor: null,
    decoder: { type: 'ByteLevel' },
    model: { type: 'BPE', unk_token: null, ignore_merges, vocab: Object.fromEntries(golden.vocab.map((t, i) => [t, i])), merges: golden.merges },
  }
  const config = { bos_token: '<|start|>', eos_token: { content: '<|end|>' }, ...more }
  return tokenizerFromFiles({ 'tokenizer.json': JSON.stringify(json), 'tokenizer_config.json': JSON.stringify(config) }, 'dir')
}

describe.each(Object.entries(golden.variants))('the byte-level BPE of %s', (name, variant) => {
  it.each([['tokenizer.json', asDirectory(variant)], ['GGUF', open(byteLevel(name))]])('gives the Rust library\'s ids from a %s', (_, tokenizer) => {
    golden.edge.forEach((text, i) => expect([...tokenizer.encode(text)], JSON.stringify(text)).toEqual(variant.ids[i]))
    expect(digest(all.map((text) => tokenizer.encode(text)))).toBe(variant.digest)
  })

  it('decodes to the text, but for what NFC changed', () => {
    const tokenizer = open(byteLevel(name))
    const unlike = golden.edge.filter((text, i) => tokenizer.decode(variant.ids[i]) !== text)
    expect(unlike).toEqual(variant.unlike)
  })
})

describe('a SentencePiece BPE in a GGUF', () => {
  const { pieces, types, scores, ids, decoded, digest: want } = golden.sentencepiece
  const file = gguf({
    'general.architecture': 'llama', 'tokenizer.ggml.model': 'llama', 'tokenizer.ggml.tokens': pieces,
    'tokenizer.ggml.token_type': types, 'tokenizer.ggml.scores': scores, 'tokenizer.ggml.bos_token_id': 1,
    'tokenizer.ggml.eos_token_id': 2, 'tokenizer.ggml.unknown_token_id': 0,
  })

  it('gives the ids of the same pieces in the Rust library, bytes and all', () => {
    const tokenizer = open(file)
    golden.edge.forEach((text, i) => expect([...tokenizer.encode(text)], JSON.stringify(text)).toEqual(ids[i]))
    expect(digest(all.map((text) => tokenizer.encode(text)))).toBe(want)
    // @huggingface/tokenizers loses a byte order mark when it puts byte pieces together again.
    ids.forEach((row, i) => expect(tokenizer.decode(row)).toBe(decoded[i].replaceAll('\ufeff', '')))
  })

  it('adds BOS unless the file says not to', () => {
    expect(open(file).addsBos).toBe(true)
    expect(open(gguf({ ...Object.fromEntries(file.metadata), 'tokenizer.ggml.add_bos_token': false })).addsBos).toBe(false)
  })
})

describe('special tokens', () => {
  const tokenizer = open(byteLevel('smollm'))

  it('in a text become their one id, as in transformers', () => {
    expect([...tokenizer.encode('<|start|><|end|>')]).toEqual([1, 0])
    expect(tokenizer.decode([1, 0])).toBe('<|start|><|end|>')
    expect(tokenizer.encode('<|end').length).toBeGreaterThan(1)
  })

  it('are known by id, and none is added to a text', () => {
    const { bos, eos, pad, vocabSize } = tokenizer
    expect({ bos, eos, pad, vocabSize }).toEqual({ bos: 1, eos: 0, pad: undefined, vocabSize: golden.vocab.length })
    expect(tokenizer.piece(0)).toBe('<|end|>')
    expect(tokenizer.piece(99999)).toBeUndefined()
    expect([tokenizer.encode('').length, tokenizer.decode([])]).toEqual([0, ''])
  })

  it('BOS comes first where the file asks for it, or where its family has it and the file says nothing', () => {
    expect(tokenizer.addsBos).toBe(false)
    expect(open(byteLevel('smollm', { 'tokenizer.ggml.add_bos_token': true })).addsBos).toBe(true)
    expect(open(byteLevel('llama-bpe')).addsBos).toBe(true)
    expect(open(byteLevel('llama-bpe', { 'tokenizer.ggml.add_bos_token': false })).addsBos).toBe(false)
  })
})

describe('chat templates', () => {
  it.each(golden.chats)('$template renders as in transformers', ({ template, messages, addGenerationPrompt, text }) => {
    const tokenizer = asDirectory(golden.variants['gpt-2'], { chat_template: golden.templates[template] })
    expect(tokenizer.chatTemplate!.apply(messages, { addGenerationPrompt })).toBe(text)
  })

  it('are found in a GGUF and among named ones', () => {
    const file = byteLevel('gpt-2', { 'tokenizer.chat_template': golden.templates.chatml })
    expect(open(file).chatTemplate!.apply([{ role: 'user', content: 'hi' }])).toBe('<|start|>user\nhi<|end|>\n')
    const named = [{ name: 'tool_use', template: 'x' }, { name: 'default', template: '{{ messages[0].content }}' }]
    expect(asDirectory(golden.variants['gpt-2'], { chat_template: named }).chatTemplate!.apply([{ role: 'user', content: 'hi' }])).toBe('hi')
    expect(open(byteLevel('gpt-2')).chatTemplate).toBeUndefined()
  })

  it('that refuse a conversation give their own words', () => {
    const tokenizer = asDirectory(golden.variants['gpt-2'], { chat_template: golden.templates.strict })
    expect(() => tokenizer.chatTemplate!.apply([{ role: 'assistant', content: 'hi' }])).toThrow('roles must alternate')
  })
})

describe('errors', () => {
  it('name an unknown pre-tokenizer, and list the known', () => {
    expect(() => open(byteLevel('made-up'))).toThrow(/pre-tokenizer is "made-up", which is not known\. Known are gpt-2, .*smollm/)
    expect(() => open(byteLevel(undefined))).toThrow('the file does not name its pre-tokenizer')
    expect(() => open(byteLevel('default'))).toThrow('"default", which is not known')
    expect(open(byteLevel('default', { 'general.architecture': 'gpt2' })).encode('a').length).toBe(1)
  })

  it('say what is wrong with the files', () => {
    expect(() => tokenizerFromFiles({}, 'dir')).toThrow('(dir): there is no tokenizer.json')
    expect(() => tokenizerFromFiles({ 'tokenizer.json': 'version https://git-lfs' }, 'dir')).toThrow('(dir, tokenizer.json): it is not a JSON object')
    expect(() => tokenizerFromFiles({ 'tokenizer.json': '{"model": {}}' }, 'dir')).toThrow('Cannot build the tokenizer (dir, tokenizer.json)')
    expect(() => open(gguf({ 'general.architecture': 'llama', 'tokenizer.ggml.model': 'bert', 'tokenizer.ggml.tokens': ['a'] }))).toThrow('"bert"')
    expect(() => open(gguf({ 'general.architecture': 'llama' }))).toThrow('no tokenizer.ggml.model')
  })
})

const skipped = whySkipped(pretrained, texts)
describe.skipIf(skipped !== undefined)(`the pretrained model's tokenizer${skipped ? ` (${skipped})` : ''}`, () => {
  it('from tokenizer.json and from the GGUF gives the Rust library\'s ids on thousands of texts', async () => {
    const rows = readFileSync(texts, 'utf8').trim().split('\n')
    const given = [...all, ...rows.flatMap((row) => Object.values(JSON.parse(row) as object).filter((v): v is string => typeof v === 'string'))]
    const want = golden.pretrained!
    expect(given.length).toBe(want.texts)
    for (const path of [pretrained, `${pretrained}/SmolLM2-135M-Instruct.Q4_1.gguf`]) {
      await using checkpoint = await openModel(path)
      const tokenizer = await checkpoint.tokenizer()
      expect([tokenizer.bos, tokenizer.eos, tokenizer.addsBos, tokenizer.vocabSize]).toEqual([1, 2, false, 49152])
      expect(digest(given.map((text) => tokenizer.encode(text))), path).toBe(want.digest)
    }
  })
})
