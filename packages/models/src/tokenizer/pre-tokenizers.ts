/**
 * Pre-tokenizers that a GGUF only names (`tokenizer.ggml.pre`), each as the regular expressions that its
 * tokenizer.json has, applied one after the other. Sources: the tokenizer.json of the models named, and
 * llama.cpp's `llama_vocab::impl::load`. A name that is not here is an error: a wrong split gives other ids
 * without a sound.
 */
import { ModelError } from '../error.ts'
import { GPT2_SPLIT } from './splits.ts'

export interface PreTokenizer {
  readonly splits: readonly string[]
  /** Text is put into NFC first. */
  readonly nfc?: boolean
  /** A word that is in the vocabulary is taken whole, whatever the merges say. */
  readonly ignoreMerges?: boolean
  /** BOS comes first where the file does not say. */
  readonly addsBos?: boolean
}

const LLAMA3 = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
const QWEN2 = LLAMA3.replace('\\p{N}{1,3}', '\\p{N}')
const TEKKEN = '[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+'
  + '|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*'
  + '|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+'

const gpt2: PreTokenizer = { splits: [GPT2_SPLIT] }
const neox: PreTokenizer = { splits: [GPT2_SPLIT], nfc: true }
const llama3: PreTokenizer = { splits: [LLAMA3], ignoreMerges: true, addsBos: true }
const qwen2: PreTokenizer = { splits: [QWEN2], nfc: true }

export const preTokenizers: Readonly<Record<string, PreTokenizer>> = {
  'gpt-2': gpt2,
  'phi-2': gpt2,
  // GPT-NeoX-20B's tokenizer: Pythia and OLMo 1.
  'gpt-neox': neox,
  gptneox: neox,
  olmo: neox,
  // Each digit alone, then GPT-2's split: SmolLM, StarCoder, Refact.
  smollm: { splits: ['\\p{N}', GPT2_SPLIT] },
  starcoder: { splits: ['\\p{N}', GPT2_SPLIT] },
  refact: { splits: ['\\p{N}', GPT2_SPLIT] },
  qwen2,
  'deepseek-r1-qwen': qwen2,
  llama3,
  'llama-v3': llama3,
  'llama-bpe': llama3,
  // Mistral Nemo and later.
  tekken: { splits: [TEKKEN], ignoreMerges: true, addsBos: true },
}

/** What files without a name mean, by architecture: for these there was only one tokenizer to begin with. */
const unnamed: Readonly<Record<string, string>> = { gpt2: 'gpt-2', gptneox: 'gpt-neox', qwen2: 'qwen2' }

/** The pre-tokenizer by its name in the file. Throws ModelError `unknown-pre-tokenizer`. */
export function preTokenizerOf(name: unknown, architecture: string, where: string): PreTokenizer {
  const named = name === undefined || name === 'default' ? unnamed[architecture] : name
  if (typeof named === 'string' && Object.hasOwn(preTokenizers, named)) return preTokenizers[named]
  throw new ModelError({
    code: 'unknown-pre-tokenizer', what: 'Cannot read the tokenizer', where,
    why: name === undefined ? 'the file does not name its pre-tokenizer' : `its pre-tokenizer is "${String(name)}", which is not known`,
    fix: `Known are ${Object.keys(preTokenizers).join(', ')}; or put the model's tokenizer.json beside the GGUF in a directory of `
      + `their own and give that directory`,
  })
}
