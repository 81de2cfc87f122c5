/**
 * Saving a directory that transformers loads to the same model: config.json, model.safetensors and the
 * tokenizer's files.
 *
 * The directory is written beside its place and then renamed to it, so it is there whole or not at all.
 * Tensors are asked for one at a time, in the order of the file.
 */
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { FormatError, type TensorToWrite } from '@ldyn/formats'
import { makeFolder, writeSafetensorsFile } from '@ldyn/formats/node'
import { leaves, show, type HostTensor, type Tree } from '@ldyn/tensor'
import { fileShape, restore } from '../checkpoints/arrange.ts'
import { writeHuggingFaceConfig, type SaveDtype, type SpecialIds } from '../checkpoints/hf-config.ts'
import { huggingFaceNaming, type Stored } from '../checkpoints/names.ts'
import { ModelError } from '../error.ts'
import type { LanguageModel } from '../families/model.ts'

/** A parameter by its path: read from a device when it is asked for. */
export type ParameterLookup = (path: string) => HostTensor | Promise<HostTensor>

export interface SaveOptions {
  readonly model: LanguageModel
  /** All parameters as a tree, or a function that gives the one at a path. */
  readonly params: Tree<HostTensor> | ParameterLookup
  /** How numbers are stored; F32 unless given. F16 and BF16 round to nearest, ties to even. */
  readonly dtype?: SaveDtype
  /** Files by name, written as they are: `(await checkpoint.tokenizer()).files`. */
  readonly tokenizerFiles?: Readonly<Record<string, string>>
  /** Special ids for config.json: `checkpoint.special`. */
  readonly special?: SpecialIds
  /** Replace the directory if it is there; otherwise that is an error. */
  readonly overwrite?: boolean
}

/**
 * Writes the model to `directory`; returns the bytes of its weights. Throws ModelError `exists`,
 * `shape-mismatch` or `write-failed`, or FormatError (disk full, not writable, a number beyond F16); nothing
 * is left behind then.
 */
export async function saveModel(directory: string, options: SaveOptions): Promise<number> {
  const target = resolve(directory)
  const there = await whatIsAt(target)
  if (there === 'file' || (there === 'full directory' && !options.overwrite)) {
    throw new ModelError({
      code: 'exists', what: 'Cannot save the model', where: directory, why: `there is already a ${there} at this path`,
      fix: there === 'file' ? 'Choose another path' : 'Choose another path, or ask for it to be overwritten',
    })
  }
  const temporary = `${target}.${process.pid}.tmp`
  try {
    await makeFolder(dirname(target))
    await rm(temporary, { recursive: true, force: true })
    await mkdir(temporary)
    const bytes = await writeInto(temporary, options)
    await replace(temporary, target, there !== 'nothing')
    return bytes
  } catch (error) {
    await rm(temporary, { recursive: true, force: true }).catch(() => {})
    if (error instanceof ModelError || error instanceof FormatError || !(error instanceof Error && 'code' in error)) throw error
    throw new ModelError({
      code: 'write-failed', what: 'Cannot save the model', where: directory, why: `the system says ${String(error.code)}`,
      fix: 'Check that there is space and that you may write there',
    }, { cause: error })
  }
}

async function whatIsAt(path: string): Promise<'nothing' | 'file' | 'empty directory' | 'full directory'> {
  try {
    return (await readdir(path)).length > 0 ? 'full directory' : 'empty directory'
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'nothing' : 'file'
  }
}

/**
 * Rename cannot replace a directory that has files: the old one steps aside, and back if the new one fails.
 */
async function replace(temporary: string, target: string, old: boolean): Promise<void> {
  const aside = `${temporary}.old`
  if (old) await rename(target, aside)
  try {
    await rename(temporary, target)
  } catch (error) {
    if (old) await rename(aside, target)
    throw error
  }
  if (old) await rm(aside, { recursive: true, force: true })
}

async function writeInto(directory: string, options: SaveOptions): Promise<number> {
  const { model, params, dtype = 'F32', tokenizerFiles = {}, special } = options
  const lookup = typeof params === 'function' ? params : lookupIn(params)
  // `has` always true: written are the full names, with the family's prefix.
  const { stored } = huggingFaceNaming(model, { has: () => true })
  await writeFile(join(directory, 'config.json'), writeHuggingFaceConfig(model.config, dtype, special))
  for (const [name, text] of Object.entries(tokenizerFiles)) await writeFile(join(directory, name), text)
  const tensors = stored.map((place): TensorToWrite => ({
    name: place.name, shape: fileShape(place), dtype,
    data: async () => restore(valuesOf(await lookup(place.path), place), place),
  }))
  return writeSafetensorsFile(join(directory, 'model.safetensors'), tensors, { metadata: { format: 'pt' } })
}

function lookupIn(tree: Tree<HostTensor>): ParameterLookup {
  const byPath = new Map(leaves(tree).map(({ path, value }) => [path, value]))
  return (path) => {
    const tensor = byPath.get(path)
    if (tensor) return tensor
    throw new ModelError({
      code: 'missing-tensor', what: 'Cannot save the model', where: `parameter ${path}`, why: 'it was not given',
      fix: 'Give a value for every leaf of model.params',
    })
  }
}

function valuesOf(tensor: HostTensor, { path, shape }: Stored): Float32Array {
  if (tensor.dtype === 'f32' && tensor.shape.length === shape.length && tensor.shape.every((n, i) => n === shape[i])) {
    return tensor.data instanceof Float32Array ? tensor.data : Float32Array.from(tensor.data)
  }
  throw new ModelError({
    code: 'shape-mismatch', what: 'Cannot save the model', where: `parameter ${path}`,
    why: `it is ${show(tensor)} where the model has f32[${shape.join(',')}]`, fix: 'Give the parameters of this model',
  })
}
