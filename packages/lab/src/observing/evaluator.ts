/**
 * Evaluates a fixed set of responses under given parameters, as often as asked: batches are planned, filled and
 * uploaded once, programs are compiled once for each shape.
 */
import {
  evaluateProgram,
  readSpecs,
  responseMetrics,
  type CausalLM,
  type ReadShape,
  type ResponseMetrics,
} from '@ldyn/core'
import type { Backend, DeviceTensor, Executable, HostArray, Tree } from '@ldyn/tensor'
import {
  costModel,
  groupForEvaluation,
  planBatches,
  planDefaults,
  type Plan,
  type PlanOptions,
  type PlannedBatch,
} from '../packing/plan.ts'
import { costOf } from '../packing/buckets.ts'
import { fill, type BatchArrays } from '../packing/pack.ts'
import type { EncodedRow } from '../tokens/tokenise.ts'

/** One response's tokens under some parameters: what the model thought of each, in the response's order. */
export interface TokenObservation {
  /** Index among the rows that were given, and the response's type. */
  readonly example: number
  readonly type: string
  readonly ids: Int32Array
  readonly logp: HostArray
  readonly argmaxLogp: HostArray
  readonly restLogp: HostArray
  readonly entropy: HostArray
  readonly piSquared: HostArray
  readonly pError: HostArray
  /** The most probable token at every position. */
  readonly argmax: HostArray
}

/** An observation summed up over its tokens (contracts.md §4). `vocab` is the model's. */
export const summarise = (o: TokenObservation, vocab: number): ResponseMetrics =>
  responseMetrics(o, Array.from(o.ids.keys()), { vocab, targets: o.ids })

const STATS = ['logp', 'argmaxLogp', 'restLogp', 'entropy', 'piSquared', 'pError', 'argmax'] as const

interface Prepared {
  readonly batch: PlannedBatch
  readonly arrays: Tree<DeviceTensor>
  readonly executable: Executable
}

/** Owns compiled programs and uploaded batches; dispose of it when done. */
export class Evaluator implements Disposable {
  readonly plan: Plan
  private readonly backend: Backend
  private readonly model: CausalLM
  private readonly prepared: Prepared[] = []
  private readonly executables = new Map<string, Executable>()

  constructor(
    backend: Backend,
    model: CausalLM,
    rows: readonly EncodedRow[],
    options: PlanOptions & { tokensPerRun?: number } = planDefaults,
  ) {
    this.backend = backend
    this.model = model
    this.plan = planBatches(groupForEvaluation(rows, options.tokensPerRun), costModel(model), options)
  }

  /** Compiles and uploads; called by the first `evaluate` where the caller did not. */
  async prepare(): Promise<void> {
    if (this.prepared.length > 0) return
    for (const batch of this.plan.batches) {
      const { rows, length, reads }: ReadShape = batch.shape
      const key = `${rows} ${length} ${reads}`
      let executable = this.executables.get(key)
      if (!executable)
        this.executables.set(
          key,
          (executable = await this.backend.compile(evaluateProgram(this.model, batch.shape))),
        )
      const host = fill(batch.packing, batch.shape)
      const names = Object.keys(readSpecs(batch.shape)) as (keyof BatchArrays)[]
      const entries = await Promise.all(
        names.map(async (name) => [name, await this.backend.upload(host[name])] as const),
      )
      this.prepared.push({ batch, arrays: Object.fromEntries(entries), executable })
    }
  }

  /** Seconds that the largest batch takes, compiled and warm. */
  async time(params: Tree<DeviceTensor>): Promise<{ compile: number; run: number; flops: number }> {
    const cost = costModel(this.model)
    const largest = this.plan.batches.reduce((a, b) => (costOf(cost, b.shape) > costOf(cost, a.shape) ? b : a))
    const started = performance.now()
    await this.prepare()
    const compiled = performance.now()
    const { arrays, executable } = this.prepared.find((p) => p.batch === largest)!
    const once = async (): Promise<number> => {
      const from = performance.now()
      const outputs = (await executable.run({ params, batch: arrays })) as Record<string, DeviceTensor>
      for (const t of Object.values(outputs)) t.dispose()
      return performance.now() - from
    }
    const first = await once()
    const run = await once()
    return {
      compile: (compiled - started + Math.max(0, first - run)) / 1000,
      run: run / 1000,
      flops: costOf(cost, largest.shape),
    }
  }

  /** Yields after every batch, so that a caller can show progress and stop between them. */
  async *evaluate(params: Tree<DeviceTensor>): AsyncGenerator<readonly TokenObservation[]> {
    await this.prepare()
    for (const { batch, arrays, executable } of this.prepared) {
      const outputs = (await executable.run({ params, batch: arrays })) as Record<
        (typeof STATS)[number],
        DeviceTensor
      >
      const read = await Promise.all(STATS.map(async (name) => (await this.backend.read(outputs[name])).data))
      for (const name of STATS) outputs[name].dispose()
      const firstRead = readsBySequence(batch)
      yield batch.members.map(({ example, sequence }, s) => {
        const own = read.map((data) => data.slice(firstRead[s], firstRead[s] + sequence.response.length))
        const stats = Object.fromEntries(STATS.map((name, i) => [name, own[i]])) as Record<
          (typeof STATS)[number],
          HostArray
        >
        return { example, type: sequence.type, ids: sequence.response, ...stats }
      })
    }
  }

  [Symbol.dispose](): void {
    for (const { arrays } of this.prepared)
      for (const t of Object.values(arrays as Record<string, DeviceTensor>)) t.dispose()
    for (const executable of this.executables.values()) executable.dispose()
    this.prepared.length = 0
    this.executables.clear()
  }
}

/** Where each sequence's reads begin: `fill` lays them out row after row. */
function readsBySequence({ packing }: PlannedBatch): Int32Array {
  const first = new Int32Array(packing.sequences)
  let read = 0
  for (const row of packing.rows) {
    for (const { sequence, ids } of row.responses) {
      first[sequence] = read
      read += ids.length
    }
  }
  return first
}
