/**
 * A check of a backend that takes a second: a two-layer Llama evaluates a small packed batch and makes one DPO update,
 * beside the f64 reference. What is compared: log-probs, loss, gradient norm, and the parameters after the update.
 */
import { dpo, sgd, trainStep, evaluateProgram, replaced, stateSpecs, zerosOf } from '@ldyn/core'
import { fill, pack, type Sequence } from '@ldyn/lab'
import { buildModel, initParams } from '@ldyn/models'
import {
  hostTensor,
  leaves,
  mapTree,
  type Backend,
  type DeviceTensor,
  type HostTensor,
  type Tree,
} from '@ldyn/tensor'
import { referenceBackend } from '@ldyn/tensor/reference'

const model = buildModel({
  family: 'llama',
  vocab: 96,
  width: 32,
  context: 64,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headDim: 8,
  inner: 64,
  eps: 1e-5,
  tied: true,
  activation: 'silu',
  rotary: { dims: 8, base: 10000 },
  attentionBias: false,
  mlpBias: false,
})

const ids = (from: number, length: number): Int32Array =>
  Int32Array.from({ length }, (_, i) => (from * 7 + i * 11) % 96)
const response = (type: string, prompt: Int32Array, from: number, length: number): Sequence => ({
  type,
  prompt,
  response: ids(from, length),
  truncated: 0,
})
const pair = (from: number): Sequence[] => {
  const prompt = ids(from, 6)
  return [response('chosen', prompt, from + 1, 5), response('rejected', prompt, from + 2, 7)]
}

export interface TinyResult {
  /** Largest |difference| over max(1, |value|), by what is compared. */
  readonly deviations: Readonly<Record<string, number>>
  readonly seconds: number
}

/** What f32 may differ from f64 by on this model. */
export const TOLERANCE = 1e-4

/** Throws what the backend throws. */
export async function tinyCheck(backend: Backend): Promise<TinyResult> {
  const started = performance.now()
  const got = await compute(backend)
  const seconds = (performance.now() - started) / 1000
  await using reference = referenceBackend()
  const want = await compute(reference)
  return {
    deviations: Object.fromEntries(
      Object.entries(want).map(([name, values]) => [name, deviation(got[name], values)]),
    ),
    seconds,
  }
}

const deviation = (got: ArrayLike<number>, want: ArrayLike<number>): number => {
  let most = 0
  for (let i = 0; i < want.length; i++) {
    const d = Math.abs(got[i] - want[i]) / Math.max(1, Math.abs(want[i]))
    if (!(d <= most)) most = Number.isNaN(d) ? Infinity : d
  }
  return most
}

async function compute(backend: Backend): Promise<Record<string, ArrayLike<number>>> {
  const packing = pack([...pair(1), ...pair(5)])
  const { shape } = packing
  const arrays = fill(packing, shape)
  const host = mapTree<HostTensor, HostTensor>(initParams(model, 1), (t) => ({
    ...t,
    data: t.data.map((x) => 8 * x),
  }))
  const params = await upload(backend, host)

  const { grid, mask, ...reading } = arrays
  const forward = await backend.compile(evaluateProgram(model, shape))
  const stats = (await forward.run({ params, batch: reading })) as Record<string, DeviceTensor>
  const read = async (tensor: DeviceTensor): Promise<ArrayLike<number>> => (await backend.read(tensor)).data
  const result: Record<string, ArrayLike<number>> = {
    logp: await read(stats.logp),
    entropy: await read(stats.entropy),
  }

  const optimizer = sgd({ momentum: 0.9 })
  const ref = hostTensor(new Float32Array(shape.sequences * shape.tokens), [shape.sequences, shape.tokens])
  const step = trainStep({ model, shape, loss: dpo({ beta: 0.1 }), optimizer, maxGradNorm: 10 })
  const train = await backend.compile(step, { donate: replaced(step) })
  const state = await upload(backend, zerosOf(stateSpecs(optimizer, model.params)))
  const batch = { ...reading, grid, mask, ref }
  const out = (await train.run({ params, state, batch, hyper: optimizer.hyper(0, 1e-2) })) as Record<
    string,
    Tree<DeviceTensor>
  >
  for (const { path, value } of leaves(out.metrics)) {
    if (path === 'loss' || path === 'grad_norm') result[path] = await read(value)
  }
  const embed = leaves(out.params).find(({ path }) => path === 'embed')!
  result.updated = await read(embed.value)
  forward.dispose()
  train.dispose()
  return result
}

async function upload(backend: Backend, tree: Tree<HostTensor>): Promise<Tree<DeviceTensor>> {
  const handles = new Map<string, DeviceTensor>()
  for (const { path, value } of leaves(tree)) handles.set(path, await backend.upload(value))
  return mapTree<HostTensor, DeviceTensor>(tree, (_, path) => handles.get(path)!)
}
