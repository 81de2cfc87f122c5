/**
 * Gram matrices of gradients over N probes, streamed: blocks of gradients stay on the device while all later ones
 * pass by, so that no more than a memory budget of them is ever held (peers.md table 3, row 3a). Fewer parameters
 * (the last layers, a path filter) make gradients smaller and blocks larger; `sketchedGram` keeps k numbers of
 * each instead.
 */
import {
  dotsProgram,
  gradientProgram,
  gradientSpecs,
  sketchedInner,
  sketcher,
  type CausalLM,
  type Gram,
  type Sketch,
} from '@ldyn/core'
import {
  byteSize,
  leaves,
  type Backend,
  type DeviceTensor,
  type Executable,
  type PathFilter,
  type Tree,
} from '@ldyn/tensor'
import { fill, type BatchArrays } from '../packing/pack.ts'
import { costModel, planBatches, planDefaults, type PlannedBatch } from '../packing/plan.ts'
import type { Sequence } from '../tokens/tokenise.ts'
import { disposeTree, type DeviceTree } from '../device/trees.ts'
import { valuesOf } from '../device/programs.ts'
import type { Progress } from './side.ts'

export interface GramRequest {
  readonly backend: Backend
  readonly model: CausalLM
  readonly params: DeviceTree
  readonly probes: readonly Sequence[]
  /** `response`: gradients of Σ log π, nats. `token`: of the mean over the response's tokens. */
  readonly per: 'response' | 'token'
  readonly wrt?: PathFilter
  readonly progress?: Progress
}

export interface GramPlan {
  /** Parameters that count, and bytes of one gradient of them. */
  readonly parameters: number
  readonly gradientBytes: number
  /** Gradients held at once, beside the one that passes. */
  readonly block: number
  /** Gradients computed in all: N where everything fits, up to N(N+1)/2. */
  readonly gradients: number
  /** The least budget, in bytes: two gradients. */
  readonly least: number
}

/** What a Gram over n probes takes under a budget of `memory` bytes. `block` is 0 where the budget is too small. */
export function gramPlan(model: CausalLM, n: number, memory: number, wrt?: PathFilter): GramPlan {
  const specs = leaves(gradientSpecs(model, wrt))
  const gradientBytes = specs.reduce((sum, { value }) => sum + byteSize(value), 0)
  const block = Math.min(n, Math.max(0, Math.floor(memory / gradientBytes) - 1))
  let gradients = 0
  if (block > 0) for (let start = 0; start < n; start += block) gradients += n - start
  return { parameters: gradientBytes / 4, gradientBytes, block, gradients, least: 2 * gradientBytes }
}

export interface GramResult {
  readonly gram: Gram
  /** The same by top-level part: `embed`, `layers.0`, …, `norm`, `head`; they add up to the whole. */
  readonly parts: ReadonlyMap<string, Gram>
  readonly plan: GramPlan
}

/** A parameter's part of the model: its layer, or its own name outside the layers. */
export const partOf = (path: string): string => path.split('.').slice(0, path.startsWith('layers.') ? 2 : 1).join('.')

/** One program a length bucket, compiled when first needed. */
class Gradients implements Disposable {
  private readonly request: GramRequest
  private readonly batches: readonly PlannedBatch[]
  private readonly executables = new Map<object, Executable>()

  constructor(request: GramRequest) {
    this.request = request
    this.batches = planBatches(
      request.probes.map((sequence, example) => [{ example, sequences: [sequence] }]),
      costModel(request.model),
      planDefaults,
    ).batches
  }

  /** ∇ of probe i's score. The caller disposes of it. */
  async of(i: number): Promise<DeviceTree> {
    const { backend, model, params, per, wrt } = this.request
    const { packing, shape, members } = this.batches[i]
    let executable = this.executables.get(shape)
    if (!executable) {
      executable = await backend.compile(gradientProgram(model, { shape, view: 'logp' }, wrt))
      this.executables.set(shape, executable)
    }
    const { tokens, positions, segments, reads, targets }: BatchArrays = fill(packing, shape)
    const length = members[0].sequence.response.length
    const cotangent = new Float32Array(shape.reads).fill(per === 'token' ? 1 / length : 1, 0, length)
    const { grads } = (await executable.run({
      params,
      batch: { tokens, positions, segments, reads, targets },
      cotangent: { shape: [shape.reads], dtype: 'f32', data: cotangent },
    })) as { grads: Tree<DeviceTensor> }
    return grads
  }

  [Symbol.dispose](): void {
    for (const executable of this.executables.values()) executable.dispose()
    this.executables.clear()
  }
}

/**
 * K_ij = ⟨∇s_i, ∇s_j⟩, exact, holding at most `memory` bytes of gradients. Throws RangeError where two gradients
 * do not fit it, where `wrt` selects no parameter, and for a number that is not finite, with the probe.
 */
export async function gramMatrix(request: GramRequest & { readonly memory: number }): Promise<GramResult> {
  const { backend, model, probes, memory, wrt, progress = () => {} } = request
  const n = probes.length
  const plan = gramPlan(model, n, memory, wrt)
  if (plan.block === 0)
    throw new RangeError(
      `gramMatrix: a budget of ${memory} bytes does not hold two gradients of ${plan.gradientBytes} bytes`,
    )
  const specs = gradientSpecs(model, wrt)
  const paths = leaves(specs).map(({ path }) => partOf(path))
  const parts = new Map([...new Set(paths)].map((part) => [part, new Float64Array(n * n)]))
  const data = new Float64Array(n * n)
  using gradients = new Gradients(request)
  using dots = await backend.compile(dotsProgram(specs, 1))
  const dot = async (i: number, a: DeviceTree, j: number, b: DeviceTree): Promise<void> => {
    const { dots: each } = await valuesOf(backend, dots, { a: [a], b })
    let total = 0
    each.forEach((x: number, leaf: number) => {
      if (!Number.isFinite(x))
        throw new RangeError(`gramMatrix: ⟨∇${i}, ∇${j}⟩ is ${x} in ${leaves(specs)[leaf].path}`)
      total += x
      const part = parts.get(paths[leaf])!
      part[i * n + j] += x
      if (i !== j) part[j * n + i] += x
    })
    data[i * n + j] = data[j * n + i] = total
  }
  let done = 0
  for (let start = 0; start < n; start += plan.block) {
    const held: DeviceTree[] = []
    try {
      for (let j = start; j < n; j++) {
        progress(done, plan.gradients)
        const g = await gradients.of(j)
        try {
          for (const [k, h] of held.entries()) await dot(start + k, h, j, g)
          if (held.length < plan.block) await dot(j, g, j, g)
        } catch (error) {
          disposeTree(g)
          throw error
        }
        if (held.length < plan.block) held.push(g)
        else disposeTree(g)
        done++
      }
    } finally {
      held.forEach(disposeTree)
    }
  }
  progress(done, plan.gradients)
  return { gram: { n, data }, parts: new Map([...parts].map(([name, d]) => [name, { n, data: d }])), plan }
}

export interface SketchedGram {
  readonly gram: Gram
  /** Standard error of every entry; 0 on the diagonal, which is exact. */
  readonly se: Gram
  readonly k: number
}

/**
 * The same from sketches of k numbers: one gradient a probe, one held at a time, with a stated error beside each
 * entry.
 */
export async function sketchedGram(
  request: GramRequest & { readonly k: number; readonly seed: number },
): Promise<SketchedGram> {
  const { backend, probes, k, seed, progress = () => {} } = request
  const n = probes.length
  const sketches: Sketch[] = []
  using gradients = new Gradients(request)
  for (let i = 0; i < n; i++) {
    progress(i, n)
    const g = await gradients.of(i)
    try {
      const sketch = sketcher(k, seed)
      for (const { value } of leaves(g)) sketch.add((await backend.read(value)).data)
      sketches.push(sketch.done())
    } finally {
      disposeTree(g)
    }
  }
  progress(n, n)
  const [data, se] = [new Float64Array(n * n), new Float64Array(n * n)]
  sketches.forEach((a, i) =>
    sketches.forEach((b, j) => {
      const found = sketchedInner(a, b)
      data[i * n + j] = found.value
      se[i * n + j] = found.se
    }),
  )
  return { gram: { n, data }, se: { n, data: se }, k }
}
