import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Gguf, GgufType, GgufValue, TensorEntry } from '@ldyn/formats'
import { openSharded } from '@ldyn/formats/node'
import { buildModel, ggufNaming, parametersOf, readGgufConfig, type ModelConfig } from '../src/index.ts'
import { decimalOf } from '../src/checkpoints/gguf-config.ts'
import { openModel } from '../src/node/index.ts'
import { golden, pretrained, whySkipped } from './evaluating.ts'

interface Matrix { readonly shape: readonly number[], readonly data: Float32Array }

// llama.cpp's convert_hf_to_gguf.py, in its own terms (reshape, swap, concatenate), so that what undoes it is tested
// against another way of writing it.
const rowsOf = ({ shape, data }: Matrix): Float32Array[] => {
  const width = data.length / shape[0]
  return Array.from({ length: shape[0] }, (_, r) => data.subarray(r * width, (r + 1) * width))
}
const fromRows = (rows: readonly Float32Array[], { shape }: Matrix): Matrix =>
  ({ shape, data: Float32Array.from(rows.flatMap((row) => [...row])) })
/** All [a, b, c] below the sizes, the last fastest. */
const counting = (x: number, y: number, z: number): [number, number, number][] =>
  Array.from({ length: x * y * z }, (_, i) => [Math.floor(i / (y * z)), Math.floor(i / z) % y, i % z])
/** LlamaModel.permute: [heads, 2, half] → [heads, half, 2]. */
const permute = (m: Matrix, heads: number): Matrix => {
  const half = m.shape[0] / heads / 2
  const rows = rowsOf(m)
  return fromRows(counting(heads, half, 2).map(([h, i, j]) => rows[(h * 2 + j) * half + i]), m)
}
/** GPTNeoXModel.modify_tensors: [heads, 3, size] → [3, heads, size]. */
const splitQkv = (m: Matrix, heads: number): Matrix => {
  const size = m.shape[0] / heads / 3
  const rows = rowsOf(m)
  return fromRows(counting(3, heads, size).map(([n, h, s]) => rows[(h * 3 + n) * size + s]), m)
}
const turned = ({ shape: [rows, cols], data }: Matrix): Matrix =>
  ({ shape: [cols, rows], data: Float32Array.from(data, (_, i) => data[(i % rows) * cols + Math.floor(i / rows)]) })

const names: Readonly<Record<string, readonly (readonly [RegExp, string])[]>> = {
  gpt2: [
    [/^transformer\.h\.(\d+)\./, 'blk.$1.'], [/attn\.c_attn/, 'attn_qkv'], [/attn\.c_proj/, 'attn_output'], [/ln_1/, 'attn_norm'],
    [/ln_2/, 'ffn_norm'], [/mlp\.c_fc/, 'ffn_up'], [/mlp\.c_proj/, 'ffn_down'], [/^transformer\.wte/, 'token_embd'],
    [/^transformer\.wpe/, 'position_embd'], [/^transformer\.ln_f/, 'output_norm'],
  ],
  gpt_neox: [
    [/^gpt_neox\.layers\.(\d+)\./, 'blk.$1.'], [/attention\.query_key_value/, 'attn_qkv'], [/attention\.dense/, 'attn_output'],
    [/input_layernorm/, 'attn_norm'], [/post_attention_layernorm/, 'ffn_norm'], [/mlp\.dense_h_to_4h/, 'ffn_up'],
    [/mlp\.dense_4h_to_h/, 'ffn_down'], [/^gpt_neox\.embed_in/, 'token_embd'], [/^gpt_neox\.final_layer_norm/, 'output_norm'],
    [/^embed_out/, 'output'],
  ],
  llama: [
    [/^model\.layers\.(\d+)\./, 'blk.$1.'], [/self_attn\.([qkv])_proj/, 'attn_$1'], [/self_attn\.o_proj/, 'attn_output'],
    [/input_layernorm/, 'attn_norm'], [/post_attention_layernorm/, 'ffn_norm'], [/mlp\.(gate|up|down)_proj/, 'ffn_$1'],
    [/^model\.embed_tokens/, 'token_embd'], [/^model\.norm/, 'output_norm'], [/^lm_head/, 'output'],
  ],
}

function converted(config: ModelConfig, name: string, matrix: Matrix): Matrix {
  if (config.family === 'gpt2') return /c_(attn|proj|fc)\.weight$/.test(name) ? turned(matrix) : matrix
  if (config.family === 'gpt_neox') return name.includes('query_key_value') ? splitQkv(matrix, config.heads) : matrix
  if (config.family !== 'llama') return matrix
  return name.includes('q_proj') ? permute(matrix, config.heads) : name.includes('k_proj') ? permute(matrix, config.kvHeads) : matrix
}

function metadataOf(c: ModelConfig): Record<string, GgufValue> {
  const arch = c.family === 'gpt_neox' ? 'gptneox' : c.family
  const own: Record<string, GgufValue> = {
    embedding_length: c.width, context_length: c.context, block_count: c.layers, 'attention.head_count': c.heads,
    feed_forward_length: c.inner,
  }
  const eps = Math.fround(c.eps)
  if (c.family === 'gpt2' || c.family === 'gpt_neox') own['attention.layer_norm_epsilon'] = eps
  if (c.family === 'gpt_neox') Object.assign(own, { 'rope.dimension_count': c.rotary.dims, use_parallel_residual: c.parallel })
  if (c.family === 'llama' || c.family === 'qwen2') {
    Object.assign(own, {
      'attention.layer_norm_rms_epsilon': eps, 'attention.head_count_kv': c.kvHeads, 'rope.freq_base': c.rotary.base,
      'attention.key_length': c.headDim,
    })
  }
  return { 'general.architecture': arch, ...Object.fromEntries(Object.entries(own).map(([k, v]) => [`${arch}.${k}`, v])) }
}

function inMemory(metadata: Readonly<Record<string, GgufValue>>, tensors: ReadonlyMap<string, Matrix>): Gguf {
  const entry = ({ shape, data }: Matrix): TensorEntry<GgufType> => ({ dtype: 'F32', shape, offset: 0, bytes: data.byteLength })
  return {
    name: 'x.gguf', version: 3, metadata: new Map(Object.entries(metadata)),
    tensors: new Map([...tensors].map(([name, m]) => [name, entry(m)])),
    readF32: async (name) => tensors.get(name)!.data.slice(),
    readRaw: () => Promise.reject(new Error('not needed')),
  }
}

type Metadata = Readonly<Record<string, GgufValue>>

async function ggufOf(directory: string, config: ModelConfig, more: Metadata = {}): Promise<Gguf> {
  await using file = await openSharded(directory)
  const tensors = new Map<string, Matrix>()
  for (const [name, { shape }] of file.tensors) {
    const renamed = names[config.family === 'qwen2' ? 'llama' : config.family].reduce((n, [from, to]) => n.replace(from, to), name)
    tensors.set(renamed, converted(config, name, { shape, data: await file.readF32(name) }))
  }
  return inMemory({ ...metadataOf(config), ...more }, tensors)
}

describe.each(['gpt2', 'gpt-neox', 'gpt-neox-sequential', 'llama', 'llama-untied', 'llama-head-dim', 'qwen2'])('%s as a GGUF', (name) => {
  it('is the same model with the same numbers', async () => {
    const path = join(golden, 'models', name)
    await using directory = await openModel(path)
    const gguf = await ggufOf(path, directory.model.config)
    const config = readGgufConfig(gguf)
    expect(config).toEqual(directory.model.config)
    for await (const { path: at, tensor } of parametersOf(gguf, ggufNaming(buildModel(config))).all()) {
      expect(tensor, at).toEqual(await directory.tensor(at))
    }
  })
})

describe('a GGUF', () => {
  const path = join(golden, 'models/llama')
  const given = async (more: Readonly<Record<string, GgufValue>>): Promise<Gguf> => {
    await using directory = await openModel(path)
    return ggufOf(path, directory.model.config, more)
  }

  it('of another architecture is an error that names it and lists the known', async () => {
    await expect(given({ 'general.architecture': 'mamba' }).then(readGgufConfig))
      .rejects.toThrow('architecture is "mamba". Known are gpt2, gpt_neox, llama, qwen2')
  })

  it('with a rotary scaling that it holds only in part is refused, a linear one is read', async () => {
    await expect(given({ 'llama.rope.scaling.type': 'yarn' }).then(readGgufConfig)).rejects.toThrow('rotary scaling is yarn')
    const config = readGgufConfig(await given({ 'llama.rope.scaling.type': 'linear', 'llama.rope.scaling.factor': 4 }))
    expect(config).toMatchObject({ rotary: { scaling: { type: 'linear', factor: 4 } } })
    expect(readGgufConfig(await given({ 'llama.rope.scale_linear': 2 }))).toMatchObject({ rotary: { scaling: { type: 'linear', factor: 2 } } })
  })

  it('that is one of several parts, or a mixture of experts, is refused', async () => {
    await expect(given({ 'split.count': 3 }).then(readGgufConfig)).rejects.toThrow('one of 3 parts of a split GGUF')
    await expect(given({ 'llama.expert_count': 8 }).then(readGgufConfig)).rejects.toThrow('mixture of experts')
  })

  it('holds ε as a float32; the decimal that was meant comes back', () => {
    const meant = [1e-5, 1e-6, 1e-12, 0.1, 10000, 1234.5]
    expect(meant.map((x) => decimalOf(Math.fround(x)))).toEqual(meant)
    expect(decimalOf(Math.PI)).toBe(Math.PI)
  })
})

const skipped = whySkipped(pretrained)
describe.skipIf(skipped !== undefined)(`the pretrained GGUF${skipped ? ` (${skipped})` : ''}`, () => {
  it('is found in its directory and has the config that config.json there states', async () => {
    await using checkpoint = await openModel(pretrained)
    expect([checkpoint.format, ...[...checkpoint.dtypes].sort()]).toEqual(['gguf', 'F32', 'Q4_1', 'Q8_0'])
    expect(checkpoint.model.config).toEqual({
      family: 'llama', vocab: 49152, width: 576, context: 8192, layers: 30, heads: 9, kvHeads: 3, headDim: 64, inner: 1536,
      eps: 1e-5, tied: true, activation: 'silu', rotary: { base: 100000, dims: 64 }, attentionBias: false, mlpBias: false,
    })
    expect(checkpoint.special).toEqual({ bos_token_id: 1, eos_token_id: 2, pad_token_id: 2 })
  })

  it.each([
    ['layers.7.attn.q.w', 'd737f34cace6bd8c'], ['layers.7.attn.k.w', '24ea9a09f111fa21'],
    ['layers.29.mlp.down.w', 'ca6e27226b8d7411'], ['norm.w', '3b87f8e27335e67f'], ['embed', '3fd491c8066dd9dc'],
  ])('gives %s bit for bit as transformers reads it', async (path, want) => {
    // SHA-256 of the tensor (linear maps transposed) in the directory that the model's make-hf.py wrote.
    await using checkpoint = await openModel(pretrained)
    const { data } = await checkpoint.tensor(path)
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    expect(createHash('sha256').update(bytes).digest('hex').slice(0, 16)).toBe(want)
  })
})
