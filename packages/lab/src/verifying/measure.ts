/**
 * What one backend makes of a probe set and one update: the metrics of every response before it, what the update
 * reports, by how much every log π(y|x) then moved, and on request the gradient of every parameter.
 */
import { lossProgram, type CausalLM, type ResponseMetrics } from '@ldyn/core'
import { grad, leaves, type Backend, type DeviceTensor, type HostArray, type Tree } from '@ldyn/tensor'
import { Evaluator, summarise } from '../observing/evaluator.ts'
import type { EncodedRow } from '../tokens/tokenise.ts'
import { disposeTree, type DeviceTree } from '../device/trees.ts'
import { StageRunner } from '../training/stage-runner.ts'
import { lossOf } from '../training/losses.ts'
import type { StageConfig, StageExample } from '../training/stage.ts'

export interface SameUpdate {
  readonly model: CausalLM
  readonly probes: readonly EncodedRow[]
  readonly stage: StageConfig
  /** The examples of the one update. */
  readonly examples: readonly StageExample[]
  /** Also the gradient of every parameter before the update. */
  readonly gradients?: boolean
}

export interface ObservedResponse {
  readonly example: number
  readonly type: string
  readonly metrics: ResponseMetrics
}

export interface Measurement {
  readonly before: readonly ObservedResponse[]
  /** `loss`, `grad_norm` and the loss's own metrics. */
  readonly update: Readonly<Record<string, number>>
  /** Σ_t log π after the update minus before it, in nats, in the order of `before`. */
  readonly change: readonly number[]
  readonly gradients?: ReadonlyMap<string, HostArray>
}

/** Takes `params` (they are donated to the update) and leaves nothing on the backend. */
export async function measureUpdate(
  backend: Backend,
  params: DeviceTree,
  setup: SameUpdate,
): Promise<Measurement> {
  const { model, probes, stage } = setup
  using evaluator = new Evaluator(backend, model, probes)
  const before = await observeAll(evaluator, params, model.vocab)
  using runner = oneUpdate(backend, setup)
  const state = await runner.freshState()
  const reference = await runner.reference(params)
  const [batch] = runner.batchesOf(0)
  let gradients: Map<string, HostArray> | undefined
  if (setup.gradients) {
    const objective = { model, shape: batch.shape, loss: lossOf(stage.loss) }
    const inputs = { params, batch: runner.batchInputs(batch, reference) }
    using executable = await backend.compile(grad(lossProgram(objective), { wrt: 'params', of: 'loss' }))
    const outputs = (await executable.run(inputs)) as { primal: DeviceTree; grads: { params: DeviceTree } }
    gradients = await readTree(backend, outputs.grads.params)
    disposeTree(outputs as unknown as Tree<DeviceTensor>)
  }
  const { weights, report } = await runner.update(0, { params, state }, reference)
  try {
    const after = await observeAll(evaluator, weights.params, model.vocab)
    const change = after.map((o, i) => o.metrics.logp - before[i].metrics.logp)
    return { before, update: report.metrics, change, ...(gradients ? { gradients } : {}) }
  } finally {
    disposeTree(weights.params)
    disposeTree(weights.state)
  }
}

/** A stage of one update that takes all examples at once. */
export const oneUpdate = (backend: Backend, { model, stage, examples }: SameUpdate): StageRunner =>
  new StageRunner({
    backend,
    model,
    stage: { ...stage, batch: examples.length, accumulate: 1 },
    examples,
    seed: 0,
    order: [examples.map((_, i) => i)],
  })

async function observeAll(evaluator: Evaluator, params: DeviceTree, vocab: number): Promise<ObservedResponse[]> {
  const found: ObservedResponse[] = []
  for await (const group of evaluator.evaluate(params)) {
    for (const o of group) found.push({ example: o.example, type: o.type, metrics: summarise(o, vocab) })
  }
  return found
}

async function readTree(backend: Backend, tree: DeviceTree): Promise<Map<string, HostArray>> {
  const read = new Map<string, HostArray>()
  for (const { path, value } of leaves(tree)) read.set(path, (await backend.read(value)).data)
  return read
}
