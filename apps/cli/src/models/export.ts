/** A checkpoint saved as a Hugging Face directory, tensor by tensor: `ldyn model export`. */
import { openModel, saveModel } from '@ldyn/models/node'
import { leaves } from '@ldyn/tensor'
import type { SaveDtype } from '@ldyn/models'
import { explain } from '../contract/errors.ts'
import type { Reporter } from '../progress/reporter.ts'

export interface ExportRequest {
  readonly path: string
  readonly out: string
  readonly dtype: 'f32' | 'f16' | 'bf16'
  readonly force?: boolean
  readonly progress: Reporter
}

export interface Exported {
  readonly out: string
  readonly dtype: string
  readonly tensors: number
  readonly bytes: number
  /** Whether the tokenizer's files came along. */
  readonly tokenizer: boolean
}

/** Throws ModelError or FormatError; nothing is left behind then. A model without a tokenizer is saved without one. */
export async function exportHuggingFace({
  path,
  out,
  dtype,
  force,
  progress,
}: ExportRequest): Promise<Exported> {
  await using checkpoint = await openModel(path)
  const total = leaves(checkpoint.model.params).length
  let done = 0
  const tokenizer = await checkpoint.tokenizer().catch((error: unknown) => {
    if (explain(error)?.code === 'LD3207') return undefined
    throw error
  })
  const bytes = await saveModel(out, {
    model: checkpoint.model,
    params: async (name) => {
      const tensor = await checkpoint.tensor(name)
      progress.update({ task: 'export', done: ++done, total, unit: 'tensors' })
      return tensor
    },
    dtype: dtype.toUpperCase() as SaveDtype,
    tokenizerFiles: tokenizer?.files,
    special: checkpoint.special,
    overwrite: force,
  })
  return { out, dtype, tensors: total, bytes, tokenizer: tokenizer !== undefined }
}
