/**
 * Rotary settings in config.json, in both dialects: `rope_parameters` as transformers 5 writes it,
 * `rope_theta` (GPT-NeoX: `rotary_emb_base`, `rotary_pct`) and `rope_scaling` as 4 did. Source: transformers'
 * modeling_rope_utils.py.
 */
import { ModelError } from '../error.ts'
import type { Rotary, RotaryScaling } from '../families/blocks.ts'
import { fieldsOf, type Fields } from './fields.ts'

const part = (f: Fields, key: string): Fields | undefined => {
  const raw = f.raw(key)
  if (raw == null) return undefined
  if (typeof raw !== 'object' || Array.isArray(raw)) throw f.fail(key, 'its value is no object', 'Give an object or null')
  const object = raw as Readonly<Record<string, unknown>>
  return fieldsOf(`${f.where}, ${key}`, Object.keys(object), (name) => object[name])
}

function scalingOf(f: Fields | undefined): RotaryScaling | undefined {
  if (!f) return undefined
  const type = f.text('rope_type', f.has('type') ? f.text('type') : 'default')
  if (type === 'default') return undefined
  if (type === 'linear') return { type, factor: f.number('factor') }
  if (type === 'llama3') {
    return {
      type,
      factor: f.number('factor'),
      lowFreqFactor: f.number('low_freq_factor'),
      highFreqFactor: f.number('high_freq_factor'),
      originalContext: f.size('original_max_position_embeddings'),
    }
  }
  throw new ModelError({
    code: 'unsupported', what: 'Cannot build the model', where: f.where,
    why: `the rotary scaling "${type}" is not supported`,
    fix: 'Supported are default, linear and llama3; without scaling the model would compute something else',
  })
}

/** Keys and defaults that differ between the families in transformers 4's dialect. */
export interface RotaryKeys {
  readonly base: string
  readonly fraction?: { readonly key: string, readonly fallback: number }
}

/** Rotary settings for heads of `headDim`. */
export function readRotary(f: Fields, headDim: number, keys: RotaryKeys): Rotary {
  const modern = part(f, 'rope_parameters')
  const base = modern?.has('rope_theta') ? modern.number('rope_theta') : f.number(keys.base, 10000)
  const whole = keys.fraction?.fallback ?? 1
  const fraction = modern?.has('partial_rotary_factor') ? modern.number('partial_rotary_factor')
    : keys.fraction ? f.number(keys.fraction.key, whole) : f.number('partial_rotary_factor', 1)
  const dims = Math.trunc(headDim * fraction)
  if (dims < 2 || dims % 2 !== 0 || dims > headDim) {
    throw f.fail(keys.fraction?.key ?? 'head_dim', `${dims} of ${headDim} dimensions of a head would be turned, and they turn in pairs`, 'Check the sizes in the config')
  }
  return { base, dims, scaling: scalingOf(modern ?? part(f, 'rope_scaling')) }
}

/** `rope_scaling` as transformers 4 and 5 both read it. */
export function writeScaling(scaling: RotaryScaling | undefined): Readonly<Record<string, unknown>> | null {
  if (!scaling) return null
  if (scaling.type === 'linear') return { rope_type: 'linear', factor: scaling.factor }
  return {
    rope_type: 'llama3',
    factor: scaling.factor,
    low_freq_factor: scaling.lowFreqFactor,
    high_freq_factor: scaling.highFreqFactor,
    original_max_position_embeddings: scaling.originalContext,
  }
}
