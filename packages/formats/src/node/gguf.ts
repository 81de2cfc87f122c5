// A GGUF on disk.
import { openGguf } from '../gguf/read.ts'
import type { Gguf } from '../gguf/read.ts'
import { openFile } from './file.ts'

export type OpenedGguf = Gguf & AsyncDisposable & { close(): Promise<void> }

/** Opens a GGUF file; dispose of it with `await using` or `close()`. Throws FormatError. */
export const openGgufFile = async (path: string): Promise<OpenedGguf> => {
  const file = await openFile(path)
  try {
    return { ...await openGguf(file), close: file.close, [Symbol.asyncDispose]: file.close }
  } catch (error) {
    await file.close()
    throw error
  }
}
