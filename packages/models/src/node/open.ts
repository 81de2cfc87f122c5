/**
 * Opening a checkpoint on disk: a Hugging Face directory, a GGUF, or a directory that holds one GGUF.
 * Headers, config, names and shapes are checked at once; numbers are read when they are asked for.
 */
import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import type { TensorFile } from '@ldyn/formats'
import { openGgufFile, openSharded } from '@ldyn/formats/node'
import { readGgufConfig } from '../checkpoints/gguf-config.ts'
import { readHuggingFaceConfig, type SpecialIds } from '../checkpoints/hf-config.ts'
import { ggufNaming, huggingFaceNaming } from '../checkpoints/names.ts'
import { parametersOf, type Parameter, type Parameters } from '../checkpoints/parameters.ts'
import { ModelError } from '../error.ts'
import { buildModel } from '../families/build.ts'
import type { BuildOptions, LanguageModel } from '../families/model.ts'
import { tokenizerFromFiles, type Tokenizer } from '../tokenizer/tokenizer.ts'
import { ggufTokenizerFiles } from '../tokenizer/gguf.ts'
import { fingerprint } from './fingerprint.ts'

export interface Checkpoint extends AsyncDisposable {
  /** Last part of the path, without `.gguf`. */
  readonly name: string
  /** Absolute path of the directory or file. */
  readonly path: string
  readonly format: 'safetensors' | 'gguf'
  readonly model: LanguageModel
  /** How the tensors are stored: `['BF16']`, or several (`['Q4_1', 'Q8_0', 'F32']`). */
  readonly dtypes: readonly string[]
  /** bos_token_id and the like from config.json, as they stand there. */
  readonly special: SpecialIds
  /** Changes when the weights or the config do; see `fingerprint`. */
  readonly hash: string
  /** All parameters in the tree's order, one at a time; each is a fresh array. */
  tensors(): AsyncIterable<Parameter>
  /** One parameter. Throws RangeError for an unknown path. */
  tensor(path: string): Promise<Parameter['tensor']>
  /** Read on the first call. Throws ModelError `no-tokenizer`, `bad-tokenizer` or `unknown-pre-tokenizer`. */
  tokenizer(): Promise<Tokenizer>
  dispose(): Promise<void>
}

/** Files of a directory that make up its tokenizer; `saveModel` copies them. */
export const TOKENIZER_FILES = [
  'tokenizer.json', 'tokenizer_config.json', 'chat_template.jinja', 'special_tokens_map.json', 'added_tokens.json',
  'vocab.json', 'merges.txt', 'tokenizer.model', 'generation_config.json',
]

/**
 * Opens the checkpoint at `path`. Throws ModelError (no model there, config, architecture, tensors) or
 * FormatError (the bytes of a file).
 */
export async function openModel(path: string, options: BuildOptions = {}): Promise<Checkpoint> {
  const absolute = resolve(path)
  const kind = await stat(absolute).then((s) => (s.isDirectory() ? 'directory' : 'file'), () => undefined)
  if (kind === undefined) throw nothingAt(path, 'there is nothing at this path', 'Check the path')
  if (kind === 'file') {
    if (/\.gguf$/i.test(path)) return openGgufModel(absolute, undefined, options)
    throw nothingAt(path, 'it is a file, and not a .gguf', 'Give a Hugging Face directory or a .gguf file')
  }
  const names = await readdir(absolute)
  const ggufs = names.filter((name) => /\.gguf$/i.test(name))
  const weights = names.filter((name) => /\.safetensors(\.index\.json)?$/.test(name))
  if (weights.length === 0 && ggufs.length === 1) return openGgufModel(join(absolute, ggufs[0]), absolute, options)
  if (weights.length === 0 && ggufs.length > 1) {
    throw nothingAt(path, `it holds ${ggufs.length} GGUF files`, `Give one of them, for example ${join(path, ggufs[0])}`)
  }
  if (!names.includes('config.json')) throw nothingAt(path, 'the directory has no config.json', 'Give a directory that Hugging Face\'s save_pretrained wrote, or a .gguf file')
  return openHuggingFaceModel(absolute, options)
}

const nothingAt = (path: string, why: string, fix: string): ModelError =>
  new ModelError({ code: 'not-found', what: 'Cannot open the model', where: path, why, fix })

async function openHuggingFaceModel(directory: string, options: BuildOptions): Promise<Checkpoint> {
  const configPath = join(directory, 'config.json')
  const text = await readFile(configPath, 'utf8')
  const { config, special } = readHuggingFaceConfig(text, configPath)
  const model = buildModel(config, options)
  const file = await openSharded(directory)
  return owning(() => file.close(), async () => {
    const files = (await readdir(directory)).filter((name) => /^model.*\.safetensors$/.test(name)).sort()
    return checkpoint({
      path: directory, name: basename(directory), format: 'safetensors', model, special, dtypes: dtypesOf(file),
      hash: await fingerprint(files.map((name) => join(directory, name)), text),
      parameters: parametersOf(file, huggingFaceNaming(model, file.tensors)),
      tokenizer: async () => tokenizerFromFiles(await tokenizerFilesIn(directory), directory),
      close: () => file.close(),
    })
  })
}

async function openGgufModel(path: string, directory: string | undefined, options: BuildOptions): Promise<Checkpoint> {
  const gguf = await openGgufFile(path)
  return owning(() => gguf.close(), async () => {
    const model = buildModel(readGgufConfig(gguf), options)
    const own = async (): Promise<Tokenizer> => tokenizerFromFiles(ggufTokenizerFiles(gguf), path)
    return checkpoint({
      path, name: basename(path).replace(/\.gguf$/i, ''), format: 'gguf', model,
      special: specialIdsOf(gguf.metadata), dtypes: dtypesOf(gguf),
      hash: await fingerprint([path]),
      parameters: parametersOf(gguf, ggufNaming(model)),
      // A tokenizer.json beside the GGUF was put there for a reason, when its directory is what was opened.
      tokenizer: async () => {
        const files = directory === undefined ? {} : await tokenizerFilesIn(directory)
        return files['tokenizer.json'] === undefined ? own() : tokenizerFromFiles(files, directory!)
      },
      close: () => gguf.close(),
    })
  })
}

const dtypesOf = (file: TensorFile): string[] => [...new Set([...file.tensors.values()].map(({ dtype }) => dtype))]

const specialIdsOf = (metadata: ReadonlyMap<string, unknown>): SpecialIds => Object.fromEntries(
  [['bos_token_id', 'bos'], ['eos_token_id', 'eos'], ['pad_token_id', 'padding']].flatMap(([key, name]) => {
    const id = metadata.get(`tokenizer.ggml.${name}_token_id`)
    return id === undefined ? [] : [[key, id]]
  }))

/** The tokenizer's files in a directory, by name; those that are there. */
export async function tokenizerFilesIn(directory: string): Promise<Record<string, string>> {
  const present = new Set(await readdir(directory))
  const names = TOKENIZER_FILES.filter((name) => present.has(name) && !name.endsWith('.model'))
  return Object.fromEntries(await Promise.all(names.map(async (name) => [name, await readFile(join(directory, name), 'utf8')])))
}

async function owning<T>(close: () => Promise<void>, make: () => Promise<T>): Promise<T> {
  try {
    return await make()
  } catch (error) {
    await close()
    throw error
  }
}

interface Parts extends Pick<Checkpoint, 'name' | 'path' | 'format' | 'model' | 'dtypes' | 'special' | 'hash' | 'tokenizer'> {
  readonly parameters: Parameters
  close(): Promise<void>
}

function checkpoint({ parameters, tokenizer, close, ...rest }: Parts): Checkpoint {
  let read: Promise<Tokenizer> | undefined
  let closed: Promise<void> | undefined
  const dispose = (): Promise<void> => (closed ??= close())
  return {
    ...rest,
    tensors: () => parameters.all(),
    tensor: (path) => parameters.one(path),
    tokenizer: () => (read ??= tokenizer()),
    dispose,
    [Symbol.asyncDispose]: dispose,
  }
}
