/**
 * A training that runs alike in Node and in a browser page, over the browser-safe packages alone: five DPO updates of a
 * two-layer Llama, and log π of every response token before and after.
 */
import {
  dpo, evaluateProgram, replaced, rmsprop, stateSpecs, trainStep, zerosOf, type BatchShape,
} from '@ldyn/core'
import { buildModel, initParams } from '@ldyn/models'
import {
  hostTensor, leaves, mapTree, unflatten, type Backend, type DeviceTensor, type HostTensor, type Tree,
} from '@ldyn/tensor'

const model = buildModel({
  family: 'llama', vocab: 96, width: 32, context: 32, layers: 2, heads: 4, kvHeads: 2, headDim: 8, inner: 64,
  eps: 1e-5, tied: true, activation: 'silu', rotary: { dims: 8, base: 10000 }, attentionBias: false, mlpBias: false,
})

const [PROMPT, RESPONSE, SEQUENCES] = [5, 4, 4]
const LENGTH = PROMPT + RESPONSE - 1
const shape: BatchShape = {
  rows: SEQUENCES, length: LENGTH, reads: SEQUENCES * RESPONSE, sequences: SEQUENCES, tokens: RESPONSE,
}

/** A row for every sequence: chosen and rejected of two prompts. */
function batchArrays(): Record<string, HostTensor> {
  const id = (s: number, i: number): number => (i < PROMPT ? 7 * (s >> 1) + 11 * i : 5 + 13 * s + 17 * i) % model.vocab
  const each = <T>(f: (s: number, i: number) => T, width: number): T[] =>
    Array.from({ length: SEQUENCES * width }, (_, k) => f(Math.floor(k / width), k % width))
  const i32 = (values: number[], ...dims: number[]): HostTensor => hostTensor(values, dims, 'i32')
  return {
    tokens: i32(each(id, LENGTH), SEQUENCES, LENGTH),
    positions: i32(each((_, i) => i, LENGTH), SEQUENCES, LENGTH),
    segments: i32(each((_, i) => (i < PROMPT ? 0 : 1), LENGTH), SEQUENCES, LENGTH),
    reads: i32(each((s, t) => s * LENGTH + PROMPT - 1 + t, RESPONSE), shape.reads),
    targets: i32(each((s, t) => id(s, PROMPT + t), RESPONSE), shape.reads),
    grid: i32(each((s, t) => s * RESPONSE + t, RESPONSE), SEQUENCES, RESPONSE),
    mask: hostTensor(new Float32Array(shape.reads).fill(1), [SEQUENCES, RESPONSE]),
  }
}

export interface TrainedNumbers {
  readonly device: string
  readonly before: readonly number[]
  readonly after: readonly number[]
  readonly losses: readonly number[]
}

async function uploadTree(backend: Backend, tree: Tree<HostTensor>): Promise<Tree<DeviceTensor>> {
  const uploaded: { path: string; value: DeviceTensor }[] = []
  for (const { path, value } of leaves(tree)) uploaded.push({ path, value: await backend.upload(value) })
  return unflatten(uploaded)
}

export async function trainTiny(backend: Backend): Promise<TrainedNumbers> {
  const { grid, mask, ...reading } = batchArrays()
  const larger = (t: HostTensor): HostTensor => ({ ...t, data: t.data.map((x) => 8 * x) })
  const initial = mapTree<HostTensor, HostTensor>(initParams(model, 1), larger)
  let params = await uploadTree(backend, initial)
  using evaluation = await backend.compile(evaluateProgram(model, shape))
  const logps = async (): Promise<number[]> => {
    const stats = await evaluation.run({ params, batch: reading })
    const { logp } = stats as Record<string, DeviceTensor>
    const { data } = await backend.read(logp)
    for (const { value } of leaves(stats)) value.dispose()
    return [...data]
  }
  const before = await logps()
  const optimizer = rmsprop()
  const program = trainStep({ model, shape, loss: dpo({ beta: 0.1 }), optimizer, maxGradNorm: 10 })
  using step = await backend.compile(program, { donate: replaced(program) })
  let state = await uploadTree(backend, zerosOf(stateSpecs(optimizer, model.params)))
  const ref = hostTensor(before, [SEQUENCES, RESPONSE])
  const losses: number[] = []
  for (let u = 0; u < 5; u++) {
    const batch = { ...reading, grid, mask, ref }
    const inputs = { params, state, batch, hyper: optimizer.hyper(u, 1e-3) }
    const out = (await step.run(inputs)) as Record<string, Tree<DeviceTensor>>
    for (const { path, value } of leaves(out.metrics)) {
      if (path === 'loss') losses.push((await backend.read(value)).data[0])
      value.dispose()
    }
    ;(out.finite as DeviceTensor).dispose()
    params = out.params
    state = out.state
  }
  const after = await logps()
  for (const tree of [params, state]) for (const { value } of leaves(tree)) value.dispose()
  return { device: backend.capabilities.device, before, after, losses }
}
