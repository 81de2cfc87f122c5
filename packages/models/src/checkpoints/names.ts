/**
 * How the files name what the families call `layers.3.attn.q.w`: one table per family for Hugging Face (names
 * of transformers' modules) and one for GGUF (names of gguf-py's tensor_mapping.py), and how the rows lie
 * there.
 *
 * Our linear weights are [in, out]. Hugging Face's Linear is [out, in]; GPT-2's Conv1D is [in, out]; GGUF is
 * always [out, in]. llama.cpp's converter also reorders rows: Llama's q and k so that the two numbers of a
 * rotated pair are neighbours, GPT-NeoX's qkv so that all q come before all k. Both are undone here.
 */
import { leaves } from '@ldyn/tensor'
import type { Family, LanguageModel, ModelConfig } from '../families/model.ts'

interface NameTable {
  /** Before every name but the head's; files of a bare base model lack it. */
  readonly prefix: string
  /** Modules outside the layers. */
  readonly top: Readonly<Record<string, string>>
  readonly head: string
  /** Name of layer n, with # for n. */
  readonly layer: string
  /** Modules of a layer. */
  readonly within: Readonly<Record<string, string>>
  readonly linear: 'in-out' | 'out-in'
  /** Names that carry no parameters: masks and tables that old versions saved. */
  readonly buffers?: RegExp
}

const llamaNames: NameTable = {
  prefix: 'model.',
  top: { embed: 'embed_tokens', norm: 'norm' },
  head: 'lm_head',
  layer: 'layers.#.',
  within: {
    attnNorm: 'input_layernorm', 'attn.q': 'self_attn.q_proj', 'attn.k': 'self_attn.k_proj',
    'attn.v': 'self_attn.v_proj', 'attn.out': 'self_attn.o_proj', mlpNorm: 'post_attention_layernorm',
    'mlp.gate': 'mlp.gate_proj', 'mlp.up': 'mlp.up_proj', 'mlp.down': 'mlp.down_proj',
  },
  linear: 'out-in',
  buffers: /\.rotary_emb\.inv_freq$/,
}

const huggingFaceNames: Readonly<Record<Family, NameTable>> = {
  gpt2: {
    prefix: 'transformer.',
    top: { embed: 'wte', positions: 'wpe', norm: 'ln_f' },
    head: 'lm_head',
    layer: 'h.#.',
    within: {
      attnNorm: 'ln_1', 'attn.qkv': 'attn.c_attn', 'attn.out': 'attn.c_proj',
      mlpNorm: 'ln_2', 'mlp.up': 'mlp.c_fc', 'mlp.down': 'mlp.c_proj',
    },
    linear: 'in-out',
    buffers: /\.attn\.(bias|masked_bias)$/,
  },
  gpt_neox: {
    prefix: 'gpt_neox.',
    top: { embed: 'embed_in', norm: 'final_layer_norm' },
    head: 'embed_out',
    layer: 'layers.#.',
    within: {
      attnNorm: 'input_layernorm', 'attn.qkv': 'attention.query_key_value', 'attn.out': 'attention.dense',
      mlpNorm: 'post_attention_layernorm', 'mlp.up': 'mlp.dense_h_to_4h', 'mlp.down': 'mlp.dense_4h_to_h',
    },
    linear: 'out-in',
    buffers: /\.attention\.(bias|masked_bias|rotary_emb\.inv_freq)$/,
  },
  llama: llamaNames,
  qwen2: llamaNames,
}

const ggufTable = (within: NameTable['within']): NameTable => ({
  prefix: '',
  top: { embed: 'token_embd', positions: 'position_embd', norm: 'output_norm' },
  head: 'output',
  layer: 'blk.#.',
  within: {
    ...within, attnNorm: 'attn_norm', 'attn.out': 'attn_output', mlpNorm: 'ffn_norm', 'mlp.up': 'ffn_up',
    'mlp.down': 'ffn_down',
  },
  linear: 'out-in',
})
const ggufFused = ggufTable({ 'attn.qkv': 'attn_qkv' })
const ggufSplit = ggufTable({ 'attn.q': 'attn_q', 'attn.k': 'attn_k', 'attn.v': 'attn_v', 'mlp.gate': 'ffn_gate' })

const ggufNames: Readonly<Record<Family, NameTable>> = {
  gpt2: ggufFused, gpt_neox: ggufFused, llama: ggufSplit, qwen2: ggufSplit,
}

/** Where a parameter lies in a file, and how. */
export interface Stored {
  /** Path in the parameter tree. */
  readonly path: string
  /** Our shape. */
  readonly shape: readonly number[]
  readonly name: string
  /** On file it is [out, in] where ours is [in, out]. */
  readonly transposed: boolean
  /** Row of the file (an output of the map) that holds our output r. */
  readonly rowOf?: (r: number) => number
}

type RowOrder = (config: ModelConfig, module: string) => ((r: number) => number) | undefined

/**
 * What llama.cpp's convert_hf_to_gguf.py did to rows (LlamaModel.permute, GPTNeoXModel.modify_tensors),
 * undone.
 */
const ggufRows: RowOrder = (config, module) => {
  if (config.family === 'llama' && (module === 'attn.q' || module === 'attn.k')) {
    const size = config.headDim
    const half = size / 2
    return (r) => {
      const inHead = r % size
      return r - inHead + 2 * (inHead % half) + Math.floor(inHead / half)
    }
  }
  if (config.family === 'gpt_neox' && module === 'attn.qkv') {
    const size = config.width / config.heads
    return (r) => (Math.floor(r / size) % 3) * config.width + Math.floor(r / (3 * size)) * size + (r % size)
  }
  return undefined
}

const suffixes: Readonly<Record<string, string>> = { w: '.weight', b: '.bias' }

function storedBy(table: NameTable, prefix: string, model: LanguageModel, rows?: RowOrder): Stored[] {
  return leaves(model.params).map(({ path, value: { shape } }) => {
    const [, layer, rest] = /^(?:layers\.(\d+)\.)?(.*)$/.exec(path)!
    const [, module, kind] = /^(.*?)(?:\.([wb]))?$/.exec(rest)!
    const suffix = kind ? suffixes[kind] : '.weight'
    const name = layer !== undefined ? prefix + table.layer.replace('#', layer) + table.within[module]
      : module === 'head' ? table.head : prefix + table.top[module]
    const transposed = table.linear === 'out-in' && kind === 'w' && shape.length === 2
    return { path, shape, name: name + suffix, transposed, rowOf: rows?.(model.config, module) }
  })
}

export interface Naming {
  readonly stored: readonly Stored[]
  /** Names in the file that may be there and are not read. */
  ignored(name: string): boolean
}

/** Where a model's parameters lie in a Hugging Face file, given the names that it has. */
export function huggingFaceNaming(model: LanguageModel, names: { has(name: string): boolean }): Naming {
  const table = huggingFaceNames[model.family]
  const bare = !names.has(`${table.prefix}${table.top.embed}.weight`) && names.has(`${table.top.embed}.weight`)
  return {
    stored: storedBy(table, bare ? '' : table.prefix, model),
    ignored: (name) => (table.buffers?.test(name) ?? false) || (model.tied && name === `${table.head}.weight`),
  }
}

/** The same for a GGUF. */
export function ggufNaming(model: LanguageModel): Naming {
  const table = ggufNames[model.family]
  return {
    stored: storedBy(table, table.prefix, model, ggufRows),
    ignored: (name) => model.tied && name === `${table.head}.weight`,
  }
}
