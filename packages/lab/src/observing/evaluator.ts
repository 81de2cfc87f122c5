/**
 * Evaluates a fixed set of responses under given parameters, as often as asked: batches are planned, filled and
 * uploaded once, programs are compiled once for each shape.
 */
import {
  BAND_METRICS,
  evaluateProgram,
  readSpecs,
  responseMetrics,
  type BandMetric,
  type CausalLM,
  type ReadShape,
  type ResponseMetrics,
} from '@ldyn/core'
import {
  leaves,
  type Backend,
  type DeviceTensor,
  type Executable,
  type HostArray,
  type Tree,
} from '@ldyn/tensor'
import {
  costModel,
  groupForEvaluation,
  planBatches,
  planDefaults,
  type Plan,
  type PlanOptions,
  type PlannedBatch,
} from '../packing/plan.ts'
import { fill, firstReads, type BatchArrays } from '../packing/pack.ts'
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
  /** Probability of ranks 1, 2–5, 6–20, 21–100 and the rest, token after token [T·5]; where `bands` was asked for. */
  readonly mass?: HostArray
}

/** An observation summed up over its tokens (contracts.md §4). `vocab` is the model's. */
export const summarise = (o: TokenObservation, vocab: number): ResponseMetrics =>
  responseMetrics(o, Array.from(o.ids.keys()), { vocab, targets: o.ids })

/** Means over tokens of the mass in each band; undefined where it was not asked for. */
export function bandsOf({ mass, ids }: TokenObservation): Record<BandMetric, number> | undefined {
  if (!mass) return undefined
  const width = BAND_METRICS.length
  const mean = (band: number): number => {
    let total = 0
    for (let t = 0; t < ids.length; t++) total += mass[t * width + band]
    return total / ids.length
  }
  return Object.fromEntries(BAND_METRICS.map((name, band) => [name, mean(band)])) as Record<BandMetric, number>
}

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
  private readonly bands: boolean
  private readonly prepared: Prepared[] = []
  private readonly executables = new Map<string, Executable>()

  constructor(
    backend: Backend,
    model: CausalLM,
    rows: readonly EncodedRow[],
    options: PlanOptions & { tokensPerRun?: number; bands?: boolean } = planDefaults,
  ) {
    this.backend = backend
    this.model = model
    this.bands = options.bands ?? false
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
          (executable = await this.backend.compile(evaluateProgram(this.model, batch.shape, { bands: this.bands }))),
        )
      const host = fill(batch.packing, batch.shape)
      const names = Object.keys(readSpecs(batch.shape)) as (keyof BatchArrays)[]
      const entries = await Promise.all(
        names.map(async (name) => [name, await this.backend.upload(host[name])] as const),
      )
      this.prepared.push({ batch, arrays: Object.fromEntries(entries), executable })
    }
  }

  /**
   * Seconds to get ready, and seconds of one evaluation: one batch of every shape is run twice (shapes are static, so
   * all batches of a shape take equally long), the first time to warm up.
   */
  async time(params: Tree<DeviceTensor>): Promise<{ ready: number; evaluation: number }> {
    const started = performance.now()
    await this.prepare()
    let ready = (performance.now() - started) / 1000
    let evaluation = 0
    for (const executable of new Set(this.prepared.map((p) => p.executable))) {
      const alike = this.prepared.filter((p) => p.executable === executable)
      const once = async (): Promise<number> => {
        const from = performance.now()
        const outputs = await executable.run({ params, batch: alike[0].arrays })
        for (const { value } of leaves(outputs)) value.dispose()
        return (performance.now() - from) / 1000
      }
      const first = await once()
      const second = await once()
      ready += Math.max(0, first - second)
      evaluation += alike.length * second
    }
    return { ready, evaluation }
  }

  /** Yields after every batch, so that a caller can show progress and stop between them. */
  async *evaluate(params: Tree<DeviceTensor>): AsyncGenerator<readonly TokenObservation[]> {
    await this.prepare()
    for (const { batch, arrays, executable } of this.prepared) {
      const outputs = (await executable.run({ params, batch: arrays })) as Record<
        (typeof STATS)[number],
        DeviceTensor
      > & { readonly mass?: DeviceTensor }
      const read = await Promise.all(STATS.map(async (name) => (await this.backend.read(outputs[name])).data))
      const mass = outputs.mass && (await this.backend.read(outputs.mass)).data
      for (const { value } of leaves(outputs as Tree<DeviceTensor>)) value.dispose()
      const firstRead = firstReads(batch.packing)
      yield batch.members.map(({ example, sequence }, s) => {
        const own = read.map((data) => data.slice(firstRead[s], firstRead[s] + sequence.response.length))
        const stats = Object.fromEntries(STATS.map((name, i) => [name, own[i]])) as Record<
          (typeof STATS)[number],
          HostArray
        >
        const width = BAND_METRICS.length
        const [from, to] = [firstRead[s], firstRead[s] + sequence.response.length]
        return {
          example,
          type: sequence.type,
          ids: sequence.response,
          ...stats,
          ...(mass ? { mass: mass.slice(from * width, to * width) } : {}),
        }
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
