/**
 * The model that a GGUF describes: keys `<architecture>.…` of its metadata (gguf-py's constants.py), and what
 * only the tensors tell (vocabulary, tied head, biases).
 */
import type { Gguf } from '@ldyn/formats'
import { ModelError } from '../error.ts'
import type { Rotary } from '../families/blocks.ts'
import type { ModelConfig } from '../families/model.ts'
import { fieldsOf, mustDivide, type Fields } from './fields.ts'
import { refuseArchitecture } from './hf-config.ts'

const known = ['gpt2', 'gptneox', 'llama', 'qwen2']

/**
 * Reads the config. Throws ModelError for an architecture that is not one of gpt2, gptneox, llama and qwen2.
 */
export function readGgufConfig(gguf: Gguf): ModelConfig {
  const plain = (key: string): unknown => {
    const value = gguf.metadata.get(key)
    return typeof value === 'bigint' ? Number(value) : typeof value === 'number' ? decimalOf(value) : value
  }
  const f = fieldsOf(gguf.name, [...gguf.metadata.keys()], plain)
  const arch = f.text('general.architecture')
  if (!known.includes(arch)) refuseArchitecture(arch, gguf.name)
  const embed = embeddingOf(gguf, f)
  const has = (tensor: string): boolean => gguf.tensors.has(tensor)
  const width = f.size(`${arch}.embedding_length`)
  const heads = f.size(`${arch}.attention.head_count`)
  if (!f.has(`${arch}.attention.key_length`)) mustDivide(f, `${arch}.embedding_length`, width, heads, 'the width')
  const base = {
    vocab: embed.shape[0],
    width,
    context: f.size(`${arch}.context_length`),
    layers: f.size(`${arch}.block_count`),
    heads,
    inner: f.size(`${arch}.feed_forward_length`),
    // Old converters stored GPT-2's head a second time.
    tied: arch === 'gpt2' || !has('output.weight'),
  }
  switch (arch) {
    case 'gpt2':
      return {
        family: 'gpt2', ...base, eps: f.number(`${arch}.attention.layer_norm_epsilon`), activation: 'gelu_new',
        scaleScores: true, scaleByLayer: false,
      }
    case 'gptneox':
      return {
        family: 'gpt_neox', ...base, eps: f.number(`${arch}.attention.layer_norm_epsilon`), activation: 'gelu',
        rotary: rotaryOf(f, arch, f.size(`${arch}.rope.dimension_count`, width / heads)),
        parallel: f.flag(`${arch}.use_parallel_residual`, true),
        attentionBias: has('blk.0.attn_qkv.bias'),
      }
    default: {
      if (has('rope_freqs.weight')) throw noScaling(gguf.name, 'llama3 (its rope_freqs.weight)')
      if (f.has(`${arch}.expert_count`) && f.number(`${arch}.expert_count`) > 0) {
        throw new ModelError({
          code: 'unsupported', what: 'Cannot build the model', where: gguf.name, why: 'it is a mixture of experts',
          fix: 'Give a dense model',
        })
      }
      const headDim = f.size(`${arch}.attention.key_length`, width / heads)
      const decoder = {
        ...base,
        kvHeads: f.size(`${arch}.attention.head_count_kv`, heads),
        headDim,
        eps: f.number(`${arch}.attention.layer_norm_rms_epsilon`),
        activation: 'silu' as const,
        rotary: rotaryOf(f, arch, f.size(`${arch}.rope.dimension_count`, headDim)),
      }
      mustDivide(f, `${arch}.attention.head_count_kv`, heads, decoder.kvHeads, 'the number of heads')
      return arch === 'qwen2' ? { family: 'qwen2', ...decoder }
        : { family: 'llama', ...decoder, attentionBias: has('blk.0.attn_q.bias'), mlpBias: has('blk.0.ffn_up.bias') }
    }
  }
}

/** The embedding's entry, which is there in every whole model. */
function embeddingOf(gguf: Gguf, f: Fields): { readonly shape: readonly number[] } {
  const what = 'Cannot build the model'
  if (f.has('split.count') && f.number('split.count') > 1) {
    throw new ModelError({
      code: 'unsupported', what, where: gguf.name, why: `it is one of ${f.number('split.count')} parts of a split GGUF`,
      fix: 'Join the parts with llama.cpp\'s llama-gguf-split --merge',
    })
  }
  const embed = gguf.tensors.get('token_embd.weight')
  if (embed) return embed
  throw new ModelError({
    code: 'missing-tensor', what, where: gguf.name, why: 'it has no token_embd.weight', fix: 'Give a GGUF of a whole model',
  })
}

/** A GGUF holds ε as the float32 nearest to 1e-5; meant is 1e-5, the shortest decimal with that float32. */
export function decimalOf(x: number): number {
  if (Math.fround(x) !== x || Number.isInteger(x)) return x
  for (let digits = 1; digits <= 9; digits++) {
    const short = Number(x.toPrecision(digits))
    if (Math.fround(short) === x) return short
  }
  return x
}

const noScaling = (where: string, type: string): ModelError => new ModelError({
  code: 'unsupported', what: 'Cannot build the model', where,
  why: `its rotary scaling is ${type}, which a GGUF holds only in part`,
  fix: 'Give the Hugging Face directory of the same model, where linear and llama3 scaling are read',
})

function rotaryOf(f: Fields, arch: string, dims: number): Rotary {
  const type = f.text(`${arch}.rope.scaling.type`, 'none')
  const base = f.number(`${arch}.rope.freq_base`, 10000)
  const old = f.number(`${arch}.rope.scale_linear`, 1)
  if (type === 'none') return old === 1 ? { base, dims } : { base, dims, scaling: { type: 'linear', factor: old } }
  if (type === 'linear') return { base, dims, scaling: { type, factor: f.number(`${arch}.rope.scaling.factor`) } }
  throw noScaling(f.where, type)
}
