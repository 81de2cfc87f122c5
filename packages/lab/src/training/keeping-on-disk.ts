/** What a session keeps, in its run's directory: `checkpoints/` and `reference/` (checkpoint.ts). */
import { join } from 'node:path'
import { makeFolder } from '@ldyn/formats/node'
import {
  loadCheckpoint,
  loadReference,
  saveCheckpoint,
  saveReference,
  tidyCheckpoints,
  type SavedCheckpoint,
} from './checkpoint.ts'
import type { TrainJob } from './job.ts'
import type { Keeping } from './keeping.ts'

/** `saved` is the checkpoint that the session goes on from, if it does. */
export const keepingOnDisk = (
  { backend, checkpoint, tokenizer, out, save }: TrainJob,
  saved: SavedCheckpoint | undefined,
): Keeping => ({
  async load() {
    if (!saved) throw new RangeError('keepingOnDisk: there is no checkpoint to go on from')
    return loadCheckpoint(backend, saved, checkpoint.model)
  },
  reference: (stage) => loadReference(out, stage),
  async keepReference(stage, reference) {
    await makeFolder(join(out, 'reference'))
    await saveReference(out, stage, reference)
  },
  async save(at, weights) {
    const { model } = checkpoint
    const { directory } = await saveCheckpoint({
      ...at,
      run: out,
      backend,
      model,
      source: checkpoint,
      tokenizer,
      weights,
    })
    await tidyCheckpoints(out, save.keep)
    return { directory, path: directory.slice(out.length + 1) }
  },
})
