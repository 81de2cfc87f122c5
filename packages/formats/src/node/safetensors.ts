// Safetensors on disk: model directories to read, files to write atomically.
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { openShardedFrom } from '../safetensors/sharded.ts'
import { openSafetensors } from '../safetensors/read.ts'
import type { Safetensors } from '../safetensors/read.ts'
import { writeSafetensors } from '../safetensors/write.ts'
import type { SafetensorsWriteOptions, TensorToWrite } from '../safetensors/write.ts'
import { writeAtomically } from './atomic.ts'
import { openFile } from './file.ts'
import type { OpenedFile } from './file.ts'

export type OpenedSafetensors = Safetensors & AsyncDisposable & { close(): Promise<void> }

const owning = async (
  make: (open: (path: string) => Promise<OpenedFile>) => Promise<Safetensors>,
): Promise<OpenedSafetensors> => {
  const files: OpenedFile[] = []
  const close = async () => {
    await Promise.all(files.splice(0).map(file => file.close()))
  }
  try {
    const tensors = await make(async path => {
      const file = await openFile(path)
      files.push(file)
      return file
    })
    return { ...tensors, close, [Symbol.asyncDispose]: close }
  } catch (error) {
    await close()
    throw error
  }
}

const exists = (path: string) => stat(path).then(() => true, () => false)

/** Opens a model directory (`model.safetensors`, or shards with their index). Throws FormatError. */
export const openSharded = (directory: string): Promise<OpenedSafetensors> =>
  owning(open => openShardedFrom({
    name: directory,
    open: async file => await exists(join(directory, file)) ? open(join(directory, file)) : undefined,
  }))

/** Opens one safetensors file. Throws FormatError. */
export const openSafetensorsFile = (path: string): Promise<OpenedSafetensors> =>
  owning(async open => openSafetensors(await open(path)))

/**
 * Writes a safetensors file that is there whole or not at all; returns its size in bytes. Throws
 * FormatError.
 */
export const writeSafetensorsFile = (
  path: string, tensors: readonly TensorToWrite[], options?: SafetensorsWriteOptions,
): Promise<number> => writeAtomically(path, sink => writeSafetensors(sink, tensors, options))
