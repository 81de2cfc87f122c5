/**
 * From a file's tensors to a model's parameters: every name and shape is checked before the first number is
 * read, and then tensors come one at a time, so that no more than one (and its transpose) is held beside what
 * the caller keeps.
 */
import type { TensorFile } from '@ldyn/formats'
import type { HostTensor } from '@ldyn/tensor'
import { listed, ModelError, nearest } from '../error.ts'
import { arrange, fileShape } from './arrange.ts'
import type { Naming, Stored } from './names.ts'

export interface Parameter {
  /** Path in the parameter tree: `layers.3.attn.q.w`. */
  readonly path: string
  /** f32, in the model's own order; a fresh array that belongs to the caller. */
  readonly tensor: HostTensor & { readonly data: Float32Array }
}

export interface Parameters {
  /** All parameters, in the tree's order. */
  all(): AsyncIterable<Parameter>
  /** One of them. Throws RangeError for a path that the model does not have. */
  one(path: string): Promise<Parameter['tensor']>
}

/**
 * Throws ModelError `missing-tensor`, `unexpected-tensor` or `shape-mismatch`, naming at most five tensors.
 */
function checkTensors(file: TensorFile, { stored, ignored }: Naming): void {
  const expected = new Set(stored.map(({ name }) => name))
  const unexpected = [...file.tensors.keys()].filter((name) => !expected.has(name) && !ignored(name))
  const missing = [...expected].filter((name) => !file.tensors.has(name))
  const what = 'Cannot load the model'
  if (missing.length > 0) {
    const near = nearest(missing[0], unexpected)
    throw new ModelError({
      code: 'missing-tensor', what, where: file.name,
      why: `${missing.length} of ${expected.size} tensors are missing: ${listed(missing)}`,
      fix: near ? `The nearest that it does have is ${near}: check that config and weights belong together`
        : 'Check that config and weights belong together and that the download is complete',
    })
  }
  if (unexpected.length > 0) {
    throw new ModelError({
      code: 'unexpected-tensor', what, where: file.name,
      why: `${unexpected.length} tensors have no place in this model: ${listed(unexpected)}`,
      fix: `The nearest that the model has is ${nearest(unexpected[0], [...expected])}: check that config and weights belong together`,
    })
  }
  for (const place of stored) {
    const { shape } = file.tensors.get(place.name)!
    const want = fileShape(place)
    if (shape.length === want.length && shape.every((n, i) => n === want[i])) continue
    throw new ModelError({
      code: 'shape-mismatch', what, where: `${file.name}, tensor ${place.name}`,
      why: `its shape is [${shape.join(', ')}] where the config asks for [${want.join(', ')}]`,
      fix: 'Check that config and weights belong together',
    })
  }
}

/** The parameters in `file`, checked. */
export function parametersOf(file: TensorFile, naming: Naming): Parameters {
  checkTensors(file, naming)
  const read = async (place: Stored): Promise<Parameter['tensor']> =>
    ({ shape: place.shape, dtype: 'f32', data: arrange(await file.readF32(place.name), place) })
  return {
    async *all() {
      for (const place of naming.stored) yield { path: place.path, tensor: await read(place) }
    },
    async one(path) {
      const place = naming.stored.find((s) => s.path === path)
      if (!place) throw new RangeError(`the model has no parameter '${path}'; the nearest is '${nearest(path, naming.stored.map((s) => s.path))}'`)
      return read(place)
    },
  }
}
