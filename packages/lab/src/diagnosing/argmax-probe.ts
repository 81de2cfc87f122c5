/**
 * Where the mass goes, predicted: d Σ log max π along a direction in parameters. At every position of the followed
 * responses the likeliest token is looked up once; its log π is then a probe like any other, on the response's own
 * context. Exact to first order as long as no other token overtakes it.
 */
import { evaluateProgram, predictProgram, type CausalLM } from '@ldyn/core'
import { hostTensor, type Backend, type DeviceTensor, type Tree } from '@ldyn/tensor'
import { Programs } from '../device/programs.ts'
import {
  costModel,
  groupForEvaluation,
  planBatches,
  planDefaults,
  type PlannedBatch,
} from '../packing/plan.ts'
import { fill } from '../packing/pack.ts'
import type { EncodedRow } from '../tokens/tokenise.ts'
import { disposeTree, type DeviceTree } from '../device/trees.ts'

interface Placed {
  readonly batch: PlannedBatch
  readonly arrays: Tree<DeviceTensor>
}

const READS = ['tokens', 'positions', 'segments', 'reads', 'targets'] as const

/** Owns uploaded batches and compiled programs; dispose of it when done. */
export class ArgmaxProbe implements Disposable {
  private readonly programs: Programs
  private readonly backend: Backend
  private readonly model: CausalLM
  private readonly rows: readonly EncodedRow[]
  private placed: Placed[] = []

  /** Follows the responses of one type of the rows. */
  constructor(backend: Backend, model: CausalLM, rows: readonly EncodedRow[], type: string) {
    this.programs = new Programs(backend)
    this.backend = backend
    this.model = model
    this.rows = rows.map((row) => ({ ...row, sequences: row.sequences.filter((one) => one.type === type) }))
  }

  /** Looks up the likeliest tokens under `params`: once, before `along`. */
  async look(params: DeviceTree): Promise<void> {
    const { batches } = planBatches(groupForEvaluation(this.rows), costModel(this.model), planDefaults)
    for (const batch of batches) {
      const host = fill(batch.packing, batch.shape)
      const inputs = Object.fromEntries(READS.map((name) => [name, host[name]]))
      const executable = await this.programs.get(`look ${JSON.stringify(batch.shape)}`, () =>
        evaluateProgram(this.model, batch.shape),
      )
      const { argmax } = await this.programs.read(executable, { params, batch: inputs })
      const targets = hostTensor(Int32Array.from(argmax), host.targets.shape, 'i32')
      const arrays: [string, DeviceTensor][] = []
      for (const name of READS) {
        arrays.push([name, await this.backend.upload(name === 'targets' ? targets : host[name])])
      }
      this.placed.push({ batch, arrays: Object.fromEntries(arrays) })
    }
    this.programs.release('look')
  }

  /** The change of Σ log max π along `delta` to first order, by row; nats. Rows without the type are left out. */
  async along(params: DeviceTree, delta: DeviceTree): Promise<ReadonlyMap<number, number>> {
    const found = new Map<number, number>()
    for (const { batch, arrays } of this.placed) {
      const executable = await this.programs.get(`along ${JSON.stringify(batch.shape)}`, () =>
        predictProgram(this.model, batch.shape),
      )
      const out = await this.programs.read(executable, { params, tangent: { params: delta }, batch: arrays })
      const change = out['tangent.logp']
      let read = 0
      for (const row of batch.packing.rows) {
        for (const { sequence, ids } of row.responses) {
          let sum = 0
          for (let t = 0; t < ids.length; t++) sum += change[read++]
          found.set(batch.members[sequence].example, sum)
        }
      }
    }
    return found
  }

  [Symbol.dispose](): void {
    this.programs[Symbol.dispose]()
    for (const { arrays } of this.placed) disposeTree(arrays)
    this.placed = []
  }
}
