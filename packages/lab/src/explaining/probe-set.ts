/**
 * Probe responses as the explainer needs them: packed and uploaded once, read back token by token, with programs
 * compiled as they are first needed and let go of by kind.
 */
import {
  attributeProgram,
  maskedProgram,
  predictProgram,
  probeProgram,
  readSpecs,
  segmentProgram,
  type CausalLM,
  type Module,
  type ReadShape,
} from '@ldyn/core'
import {
  hostTensor,
  type Backend,
  type DeviceTensor,
  type Executable,
  type HostTensor,
  type Program,
  type RunInput,
  type Tree,
} from '@ldyn/tensor'
import {
  costModel,
  groupForEvaluation,
  planBatches,
  planDefaults,
  type PlanOptions,
  type PlannedBatch,
} from '../packing/plan.ts'
import { fill, firstReads, type BatchArrays } from '../packing/pack.ts'
import { DataError } from '../rows/row.ts'
import type { EncodedRow } from '../tokens/tokenise.ts'
import { disposeTree, type DeviceTree } from '../device/trees.ts'
import { Programs } from '../device/programs.ts'

export interface ProbeResponse {
  /** Index among the rows that were given. */
  readonly example: number
  readonly type: string
  readonly ids: Int32Array
}

/** A position of one response of which the whole vocabulary is wanted; `token` counts from 0 in the response. */
export interface Watch {
  readonly response: number
  readonly token: number
}

/** What was computed of every response, in the order of `responses`, token by token. */
export interface ProbeValues {
  /** log π(y_t), or its change. */
  readonly logp: readonly Float64Array[]
  /** The token's own logit, centred over the vocabulary, or its change; log π less this is minus the log-normaliser. */
  readonly own: readonly Float64Array[]
  /** log π of every vocabulary entry, or its change, in the order of `watch`. */
  readonly watched: readonly Float64Array[]
}

export interface ProbeSetOptions {
  readonly plan?: PlanOptions
  readonly tokensPerRun?: number
  readonly watch?: (responses: readonly ProbeResponse[]) => readonly Watch[]
}

interface Placed {
  readonly batch: PlannedBatch
  readonly arrays: Tree<DeviceTensor>
  /** For every member its response's index and where its reads begin. */
  readonly members: readonly { readonly response: number; readonly first: number; readonly tokens: number }[]
  /** Watched reads, and which entry of `watch` each is. */
  readonly watched: readonly { readonly read: number; readonly watch: number }[]
}

/** Owns uploaded batches and compiled programs; dispose of it when done. */
export class ProbeSet implements Disposable {
  readonly responses: readonly ProbeResponse[]
  readonly watch: readonly Watch[]
  private readonly backend: Backend
  private readonly model: CausalLM
  private readonly rows: readonly EncodedRow[]
  private readonly options: ProbeSetOptions
  private readonly programs: Programs
  private together: Promise<readonly Placed[]> | undefined
  private alone: Promise<readonly Placed[]> | undefined

  /** Throws DataError where a watched position does not exist. */
  constructor(backend: Backend, model: CausalLM, rows: readonly EncodedRow[], options: ProbeSetOptions = {}) {
    this.backend = backend
    this.programs = new Programs(backend)
    this.model = model
    this.rows = rows
    this.options = options
    this.responses = rows.flatMap(({ sequences }, example) =>
      sequences.map(({ type, response }) => ({ example, type, ids: response })),
    )
    this.watch = options.watch?.(this.responses) ?? []
    for (const { response, token } of this.watch) {
      const { ids, type } = this.responses[response]
      if (token < 0 || token >= ids.length)
        throw new DataError(`there is no token ${token} to watch in the response '${type}'`, {
          where: rows[this.responses[response].example].row.where,
          why: `it has ${ids.length} tokens, counting from 0`,
          fix: `watch a position from 0 to ${ids.length - 1}`,
        })
    }
  }

  /** Values under `params`. */
  async evaluate(params: DeviceTree): Promise<ProbeValues> {
    const runs = await this.runAll('evaluate', { params }, (shape, watched) =>
      probeProgram(this.model, shape, { watched }),
    )
    return this.gather(runs, (name) => name)
  }

  /** Values under `params`, and their change along `tangent` (a tree like the parameters) to first order. */
  async along(
    params: DeviceTree,
    tangent: DeviceTree,
  ): Promise<{ primal: ProbeValues; tangent: ProbeValues }> {
    const runs = await this.runAll('along', { params, tangent: { params: tangent } }, (shape, watched) =>
      predictProgram(this.model, shape, { watched }),
    )
    return this.pair(runs)
  }

  /** Values at params + t·delta, and their derivative by t there. */
  async onSegment(
    params: DeviceTree,
    delta: DeviceTree,
    t: number,
  ): Promise<{ primal: ProbeValues; tangent: ProbeValues }> {
    const runs = await this.runAll('segment', { params, delta, t, tangent: { t: 1 } }, (shape, watched) =>
      segmentProgram(this.model, shape, { watched }),
    )
    return this.pair(runs)
  }

  /**
   * The change of every response's Σ log π along `delta` by module, to first order: one vjp a response. The modules
   * add up to the whole.
   */
  async byModule(
    params: DeviceTree,
    delta: DeviceTree,
    progress: (done: number, total: number) => void = () => {},
  ): Promise<readonly (readonly { readonly module: Module; readonly change: number }[])[]> {
    const found: { module: Module; change: number }[][] = this.responses.map(() => [])
    this.alone ??= this.place(
      this.rows.flatMap(({ sequences }, example) =>
        sequences.map((sequence) => [{ example, sequences: [sequence] }]),
      ),
      [],
    )
    let done = 0
    for (const placed of await this.alone) {
      const { modules, program } = attributeProgram(this.model, placed.batch.shape)
      const executable = await this.compiled('modules', placed.batch.shape, 0, () => program)
      const [{ response, first, tokens }] = placed.members
      const weights = new Float32Array(placed.batch.shape.reads).fill(1, first, first + tokens)
      const { dots } = await this.programs.read(executable, {
        params,
        delta,
        batch: placed.arrays,
        weights: hostTensor(weights, [weights.length]),
      })
      found[response] = modules.map((module, i) => ({ module, change: dots[i] }))
      progress(++done, this.responses.length)
    }
    return found
  }

  /** The change of every token along those tensors of `delta` that `mask` (one factor a parameter, in order) keeps. */
  async masked(
    params: DeviceTree,
    delta: DeviceTree,
    mask: readonly number[],
  ): Promise<readonly Float64Array[]> {
    const inputs = { params, delta, mask: hostTensor(Float32Array.from(mask), [mask.length]) }
    const runs = await this.runAll('masked', inputs, (shape) => maskedProgram(this.model, shape), false)
    return this.split(runs, 'tangent.logp')
  }

  /** Lets go of compiled programs. */
  release(): void {
    this.programs.release()
  }

  [Symbol.dispose](): void {
    this.release()
    for (const placed of [this.together, this.alone])
      void placed?.then((all) => all.forEach(({ arrays }) => disposeTree(arrays)))
    this.together = undefined
    this.alone = undefined
  }

  private async place(
    groups: readonly (readonly { readonly example: number; readonly sequences: EncodedRow['sequences'] }[])[],
    watch: readonly Watch[],
  ): Promise<Placed[]> {
    const { plan: options = planDefaults } = this.options
    const { batches } = planBatches(groups, costModel(this.model), options)
    const placed: Placed[] = []
    for (const batch of batches) {
      const reads = firstReads(batch.packing)
      const members = batch.members.map(({ example, sequence }, s) => ({
        response: this.responses.findIndex((r) => r.example === example && r.type === sequence.type),
        first: reads[s],
        tokens: sequence.response.length,
      }))
      const watched = watch.flatMap(({ response, token }, i) => {
        const member = members.find((m) => m.response === response)
        return member ? [{ read: member.first + token, watch: i }] : []
      })
      const host = fill(batch.packing, batch.shape)
      const names = Object.keys(readSpecs(batch.shape)) as (keyof BatchArrays)[]
      const wanted: [string, HostTensor][] = names.map((name) => [name, host[name]])
      if (watched.length > 0)
        wanted.push([
          'watch',
          hostTensor(
            Int32Array.from(watched, ({ read }) => read),
            [watched.length],
            'i32',
          ),
        ])
      const arrays: [string, DeviceTensor][] = []
      for (const [name, tensor] of wanted) arrays.push([name, await this.backend.upload(tensor)])
      placed.push({ batch, members, watched, arrays: Object.fromEntries(arrays) })
    }
    return placed
  }

  private compiled(
    kind: string,
    shape: ReadShape,
    watched: number,
    build: () => Program,
  ): Promise<Executable> {
    return this.programs.get(`${kind} ${shape.rows} ${shape.length} ${shape.reads} ${watched}`, build)
  }

  private async runAll(
    kind: string,
    inputs: { readonly [key: string]: Tree<RunInput> },
    build: (shape: ReadShape, watched: number) => Program,
    watching = true,
  ): Promise<Run[]> {
    this.together ??= this.place(groupForEvaluation(this.rows, this.options.tokensPerRun), this.watch)
    const runs: Run[] = []
    for (const placed of await this.together) {
      const { shape } = placed.batch
      const watched = watching ? placed.watched.length : 0
      const executable = await this.compiled(kind, shape, watched, () => build(shape, watched))
      runs.push({ placed, out: await this.programs.read(executable, { ...inputs, batch: placed.arrays }) })
    }
    return runs
  }

  private pair(runs: readonly Run[]): { primal: ProbeValues; tangent: ProbeValues } {
    return {
      primal: this.gather(runs, (name) => `primal.${name}`),
      tangent: this.gather(runs, (name) => `tangent.${name}`),
    }
  }

  private gather(runs: readonly Run[], named: (name: string) => string): ProbeValues {
    const watched = this.watch.map(() => new Float64Array(0))
    for (const { placed, out } of runs) {
      placed.watched.forEach(({ watch }, w) => {
        watched[watch] = out[named('watched')].slice(w * this.model.vocab, (w + 1) * this.model.vocab)
      })
    }
    return { logp: this.split(runs, named('logp')), own: this.split(runs, named('own')), watched }
  }

  /** One output by response. Throws DataError for a number that is not finite. */
  private split(runs: readonly Run[], name: string): readonly Float64Array[] {
    const found = this.responses.map(() => new Float64Array(0))
    for (const { placed, out } of runs)
      for (const { response, first, tokens } of placed.members) {
        found[response] = out[name].slice(first, first + tokens)
        const bad = found[response].findIndex((x) => !Number.isFinite(x))
        if (bad >= 0) throw this.notFinite(response, bad, name)
      }
    return found
  }

  private notFinite(response: number, token: number, name: string): DataError {
    const { example, type } = this.responses[response]
    return new DataError(`the model gives a number that is not finite for '${type}'`, {
      where: this.rows[example].row.where,
      why: `${name} of token ${token}`,
      fix: 'check the checkpoint, or lower the learning rate',
    })
  }
}

interface Run {
  readonly placed: Placed
  readonly out: Readonly<Record<string, Float64Array>>
}
