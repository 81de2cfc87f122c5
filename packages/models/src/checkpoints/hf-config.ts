/**
 * config.json of a Hugging Face directory ↔ our configs. Defaults are those of transformers' configuration
 * classes, since older versions left keys at their defaults out. Written is the dialect of transformers 4,
 * which 5 reads too.
 */
import { listed, ModelError } from '../error.ts'
import { activations, type Activation } from '../families/blocks.ts'
import type { Family, ModelConfig } from '../families/model.ts'
import { fieldsOf, mustDivide, type Fields } from './fields.ts'
import { readRotary, writeScaling } from './rotary.ts'

const known = Object.keys(activations) as Activation[]

const readers: Readonly<Record<Family, (f: Fields) => ModelConfig>> = {
  gpt2: (f) => {
    if (f.flag('add_cross_attention', false)) throw f.fail('add_cross_attention', 'cross-attention is not supported', 'Give a decoder-only model')
    const width = f.size('n_embd', 768)
    const heads = f.size('n_head', 12)
    mustDivide(f, 'n_embd', width, heads, 'the width')
    return {
      family: 'gpt2',
      vocab: f.size('vocab_size', 50257),
      width,
      context: f.size('n_positions', f.has('n_ctx') ? f.size('n_ctx') : 1024),
      layers: f.size('n_layer', 12),
      heads,
      inner: f.size('n_inner', 4 * width),
      eps: f.number('layer_norm_epsilon', 1e-5),
      tied: f.flag('tie_word_embeddings', true),
      activation: f.choice('activation_function', known, 'gelu_new'),
      scaleScores: f.flag('scale_attn_weights', true),
      scaleByLayer: f.flag('scale_attn_by_inverse_layer_idx', false),
    }
  },
  gpt_neox: (f) => {
    const width = f.size('hidden_size', 6144)
    const heads = f.size('num_attention_heads', 64)
    mustDivide(f, 'hidden_size', width, heads, 'the width')
    return {
      family: 'gpt_neox',
      vocab: f.size('vocab_size', 50432),
      width,
      context: f.size('max_position_embeddings', 2048),
      layers: f.size('num_hidden_layers', 44),
      heads,
      inner: f.size('intermediate_size', 24576),
      eps: f.number('layer_norm_eps', 1e-5),
      tied: f.flag('tie_word_embeddings', false),
      activation: f.choice('hidden_act', known, 'gelu'),
      rotary: readRotary(f, width / heads, { base: 'rotary_emb_base', fraction: { key: 'rotary_pct', fallback: 0.25 } }),
      parallel: f.flag('use_parallel_residual', true),
      attentionBias: f.flag('attention_bias', true),
    }
  },
  llama: (f) => ({
    family: 'llama',
    ...decoderOf(f, { context: 2048, activation: 'silu' }),
    attentionBias: f.flag('attention_bias', false),
    mlpBias: f.flag('mlp_bias', false),
  }),
  qwen2: (f) => {
    const config = decoderOf(f, { context: 32768, activation: 'silu' })
    const window = f.has('sliding_window') ? f.size('sliding_window') : Infinity
    const slides = f.flag('use_sliding_window', false) && f.number('max_window_layers', 28) < config.layers
    if (slides && window < config.context) {
      throw new ModelError({
        code: 'unsupported', what: 'Cannot build the model', where: `${f.where}, key "sliding_window"`,
        why: `some layers see only the last ${window} tokens, and the context is ${config.context}`,
        fix: `Lower max_position_embeddings to ${window}, within which the window cuts nothing`,
      })
    }
    return { family: 'qwen2', ...config }
  },
}

function decoderOf(f: Fields, fallback: { readonly context: number, readonly activation: Activation }) {
  const width = f.size('hidden_size')
  const heads = f.size('num_attention_heads')
  const kvHeads = f.size('num_key_value_heads', heads)
  mustDivide(f, 'num_key_value_heads', heads, kvHeads, 'the number of heads')
  if (!f.has('head_dim')) mustDivide(f, 'hidden_size', width, heads, 'the width')
  const headDim = f.size('head_dim', width / heads)
  const rotary = readRotary(f, headDim, { base: 'rope_theta' })
  if (rotary.dims !== headDim) throw f.fail('partial_rotary_factor', 'only a part of each head would be turned', 'Llama and Qwen2 turn all of it: remove the key')
  return {
    vocab: f.size('vocab_size'),
    width,
    context: f.size('max_position_embeddings', fallback.context),
    layers: f.size('num_hidden_layers'),
    heads,
    kvHeads,
    headDim,
    inner: f.size('intermediate_size'),
    eps: f.number('rms_norm_eps', 1e-6),
    tied: f.flag('tie_word_embeddings', false),
    activation: f.choice('hidden_act', known, fallback.activation),
    rotary,
  }
}

/** Ids of special tokens, passed through from config to config. */
export type SpecialIds = Readonly<Partial<Record<'bos_token_id' | 'eos_token_id' | 'pad_token_id', unknown>>>

export interface HuggingFaceConfig { readonly config: ModelConfig, readonly special: SpecialIds }

const architectures: Readonly<Record<Family, string>> = {
  gpt2: 'GPT2LMHeadModel', gpt_neox: 'GPTNeoXForCausalLM', llama: 'LlamaForCausalLM', qwen2: 'Qwen2ForCausalLM',
}

/** Throws the error for an architecture that is not one of the four. */
export function refuseArchitecture(name: string, where: string): never {
  throw new ModelError({
    code: 'unknown-architecture', what: 'Cannot build the model', where, why: `its architecture is "${name}"`,
    fix: `Known are ${Object.keys(architectures).join(', ')}`,
  })
}

function familyOf(f: Fields): Family {
  const named = f.raw('architectures')
  const classes = Array.isArray(named) ? named.map(String) : []
  const byClass = Object.entries(architectures).find(([, name]) => classes.includes(name))?.[0]
  const type = f.has('model_type') || classes.length === 0 ? f.text('model_type') : (byClass ?? classes[0])
  return Object.hasOwn(architectures, type) ? type as Family : refuseArchitecture(type, f.where)
}

/** Reads a config.json. `where` is its path. Throws ModelError. */
export function readHuggingFaceConfig(text: string, where: string): HuggingFaceConfig {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw notAConfig(text, where, cause)
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw notAConfig(text, where)
  const raw = json as Readonly<Record<string, unknown>>
  const f = fieldsOf(where, Object.keys(raw), (key) => raw[key])
  if (f.has('quantization_config')) {
    throw new ModelError({
      code: 'unsupported', what: 'Cannot build the model', where: `${where}, key "quantization_config"`,
      why: 'its safetensors are quantised in a way that this loader does not know',
      fix: 'Give the unquantised model, or a GGUF of it',
    })
  }
  const special = Object.fromEntries(['bos_token_id', 'eos_token_id', 'pad_token_id'].filter(f.has).map((key) => [key, raw[key]]))
  return { config: readers[familyOf(f)](f), special }
}

function notAConfig(text: string, where: string, cause?: unknown): ModelError {
  const [why, fix] = text.startsWith('version https://git-lfs')
    ? ['it is a git-LFS pointer, a short text that stands for the real file', 'Run `git lfs pull` in that repository']
    : /^\s*</.test(text)
      ? ['it is an HTML page, probably a login or error page saved under this name', 'Download the file itself, from its raw-file address']
      : [text.trim() === '' ? 'it is empty' : `it is not a JSON object (${listed([cause instanceof Error ? cause.message : 'another JSON value'])})`, 'Download config.json again']
  return new ModelError({ code: 'bad-config', what: 'Cannot read the model\'s config', where, why, fix }, { cause })
}

export type SaveDtype = 'F32' | 'F16' | 'BF16'
const torchDtype: Readonly<Record<SaveDtype, string>> = { F32: 'float32', F16: 'float16', BF16: 'bfloat16' }

/** A config.json that transformers 4 and 5 read as this model. */
export function writeHuggingFaceConfig(config: ModelConfig, dtype: SaveDtype, special: SpecialIds = {}): string {
  const common = {
    architectures: [architectures[config.family]],
    model_type: config.family,
    ...special,
    vocab_size: config.vocab,
    tie_word_embeddings: config.tied,
    torch_dtype: torchDtype[dtype],
  }
  return `${JSON.stringify({ ...common, ...sizesOf(config) }, null, 2)}\n`
}

function sizesOf(c: ModelConfig): Readonly<Record<string, unknown>> {
  if (c.family === 'gpt2') {
    return {
      n_embd: c.width, n_head: c.heads, n_layer: c.layers, n_positions: c.context, n_inner: c.inner,
      layer_norm_epsilon: c.eps, activation_function: c.activation, scale_attn_weights: c.scaleScores,
      scale_attn_by_inverse_layer_idx: c.scaleByLayer, attn_pdrop: 0, embd_pdrop: 0, resid_pdrop: 0,
    }
  }
  const shared = {
    hidden_size: c.width, intermediate_size: c.inner, num_hidden_layers: c.layers, num_attention_heads: c.heads,
    max_position_embeddings: c.context, hidden_act: c.activation, rope_scaling: writeScaling(c.rotary.scaling),
  }
  if (c.family === 'gpt_neox') {
    return {
      ...shared, layer_norm_eps: c.eps, rotary_pct: c.rotary.dims / (c.width / c.heads), rotary_emb_base: c.rotary.base,
      use_parallel_residual: c.parallel, attention_bias: c.attentionBias, attention_dropout: 0, hidden_dropout: 0,
    }
  }
  const decoder = {
    ...shared, num_key_value_heads: c.kvHeads, rms_norm_eps: c.eps, rope_theta: c.rotary.base, attention_dropout: 0,
  }
  return c.family === 'llama'
    ? { ...decoder, head_dim: c.headDim, attention_bias: c.attentionBias, mlp_bias: c.mlpBias }
    : { ...decoder, ...(c.headDim * c.heads === c.width ? {} : { head_dim: c.headDim }), use_sliding_window: false }
}
