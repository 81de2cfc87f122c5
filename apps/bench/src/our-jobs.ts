/** Our side's jobs, through the packages as a user of @ldyn/lab runs them, on ONNX Runtime. */
import { performance } from 'node:perf_hooks'
import { isDeepStrictEqual } from 'node:util'
import { onnxBackend } from '@ldyn/backend-onnx'
import { attributeProgram, logProbProgram } from '@ldyn/core'
import {
  disposeTree, Evaluator, fill, pack, StageRunner, summarise, uploadAll, type DeviceTree, type ReferenceLogps,
  type Weights,
} from '@ldyn/lab'
import { buildModel, initParams, uniform, type LanguageModel } from '@ldyn/models'
import { openModel } from '@ldyn/models/node'
import {
  f32, hostTensor, jvp, leaves, mapTree, matmul, sizeOf, trace, type Backend, type DeviceTensor, type Executable,
  type HostTensor, type Spec, type Tree,
} from '@ldyn/tensor'
import { watchEngine, type EngineClock } from './engine-clock.ts'
import { peakRssMb, resetPeak } from './memory.ts'
import type { Answer, CompiledProgram, Engaged, MatmulAnswer, ProbeAnswer, Ready, StepAnswer } from './protocol.ts'
import { dpoStage, pairs, probeRow, SHAPES, type ShapeName } from './shapes.ts'

const SEED = 1024
const MOST_UPDATES = 256

export interface OurOptions {
  readonly shape: ShapeName
  readonly threads: number
  readonly spin: boolean
  /** A Hugging Face directory to load instead of seeded random weights. */
  readonly weights?: string
}

interface Prepared extends AsyncDisposable {
  /** Does the job once; what it returns goes into the answer. */
  run(): Promise<object>
}

/** Owns a backend, a model's weights and whatever its jobs have compiled. */
export class Ours {
  readonly ready: Ready
  private readonly backend: Backend
  private readonly engine: EngineClock
  private readonly model: LanguageModel
  private readonly compiled: CompiledProgram[]
  private readonly prepared = new Map<string, Prepared>()
  private params: DeviceTree
  private readonly makers: Readonly<Record<string, (size: number) => Promise<Prepared>>>

  private constructor(parts: {
    readonly ready: Ready
    readonly backend: Backend
    readonly engine: EngineClock
    readonly model: LanguageModel
    readonly params: DeviceTree
    readonly compiled: CompiledProgram[]
  }) {
    this.ready = parts.ready
    this.backend = parts.backend
    this.engine = parts.engine
    this.model = parts.model
    this.params = parts.params
    this.compiled = parts.compiled
    this.makers = {
      matmul: (n) => this.matmul(n),
      probe: () => this.probe(),
      dpo: () => this.dpo(),
      forward: () => this.logProbs(0),
      jvp: () => this.logProbs(1),
      jvp2: () => this.logProbs(2),
      dot: () => this.gradientDot(),
    }
  }

  /** Throws UnsupportedError without onnxruntime-node, ModelError where the weights are not the shape's. */
  static async open({ shape, threads, spin, weights }: OurOptions): Promise<Ours> {
    const engine = await watchEngine()
    const compiled: CompiledProgram[] = []
    const backend = noting(await onnxBackend({ threads, spin, arena: false }), compiled)
    const { model, params } = weights ? await loaded(backend, shape, weights) : await random(backend, shape)
    const parameters = leaves(model.params).reduce((n, { value }) => n + sizeOf(value.shape), 0)
    const versions = { node: process.versions.node, 'onnxruntime-node': engine.version }
    const from = weights ?? `random, seed ${SEED}`
    const ready: Ready = { ready: true, shape, threads, weights: from, parameters, versions }
    return new Ours({ ready, backend, engine, model, params, compiled })
  }

  /** Does a job: `matmul 2048`, `probe`, `dpo`, `forward`, `jvp`, `jvp2`, `dot`, `release <job>`. Throws for others. */
  async do(line: string): Promise<Partial<Answer & Engaged>> {
    const [name, argument] = line.split(/\s+/)
    if (name === 'release') return this.release(argument)
    const make = this.makers[name]
    if (!make) throw new Error(`there is no job '${name}'; there are ${Object.keys(this.makers).join(', ')}, release, quit`)
    this.compiled.length = 0
    resetPeak()
    const began = performance.now()
    let job = this.prepared.get(name)
    if (!job) this.prepared.set(name, (job = await make(Number(argument ?? 2048))))
    const from = performance.now()
    const before = this.engine.seconds()
    const result = await job.run()
    return {
      prepare_seconds: (from - began) / 1000,
      seconds: (performance.now() - from) / 1000,
      engine_seconds: this.engine.seconds() - before,
      compiled: [...this.compiled],
      peak_rss_mb: peakRssMb(),
      ...result,
    }
  }

  private async release(name: string): Promise<object> {
    await this.prepared.get(name)?.[Symbol.asyncDispose]()
    this.prepared.delete(name)
    return {}
  }

  async dispose(): Promise<void> {
    for (const name of [...this.prepared.keys()]) await this.release(name)
    disposeTree(this.params)
    await this.backend.dispose()
  }

  private async matmul(n: number): Promise<Prepared> {
    const { backend } = this
    const program = trace(({ a, b }) => matmul(a, b), { a: f32(n, n), b: f32(n, n) })
    const executable = await backend.compile(program)
    const random = uniform(SEED, 'matmul')
    const operand = (): Promise<DeviceTensor> =>
      backend.upload(hostTensor(Float32Array.from({ length: n * n }, () => random() - 0.5), [n, n]))
    const inputs = { a: await operand(), b: await operand() }
    return {
      run: async (): Promise<Pick<MatmulAnswer, 'gflops'>> => {
        let best = Infinity
        for (let i = 0; i < 8; i++) {
          const from = performance.now()
          const out = (await executable.run(inputs)) as DeviceTensor
          best = Math.min(best, performance.now() - from)
          out.dispose()
        }
        return { gflops: (2 * n ** 3) / best / 1e6 }
      },
      [Symbol.asyncDispose]: async () => {
        disposeTree(inputs)
        executable.dispose()
      },
    }
  }

  private async probe(): Promise<Prepared> {
    const { backend, model } = this
    const evaluator = new Evaluator(backend, model, [probeRow(model.vocab)])
    await evaluator.prepare()
    return {
      run: async (): Promise<Pick<ProbeAnswer, 'mean' | 'updates'>> => {
        const responses: Record<string, number>[] = []
        for await (const batch of evaluator.evaluate(this.params))
          responses.push(...batch.map((o) => ({ ...summarise(o, model.vocab) })))
        const mean = (key: string): number => responses.reduce((n, r) => n + r[key], 0) / responses.length
        return { mean: Object.fromEntries(Object.keys(responses[0]).map((key) => [key, mean(key)])), updates: 0 }
      },
      [Symbol.asyncDispose]: async () => evaluator[Symbol.dispose](),
    }
  }

  private async dpo(): Promise<Prepared> {
    const { backend, model } = this
    const examples = pairs(model.vocab)
    const order = Array.from({ length: MOST_UPDATES }, () => examples.map((_, i) => i))
    const stage = dpoStage(MOST_UPDATES)
    const runner = new StageRunner({ backend, model, stage, examples, seed: SEED, order })
    const reference: ReferenceLogps = await runner.reference(this.params)
    let weights: Weights = { params: this.params, state: await runner.freshState() }
    let updates = 0
    return {
      run: async (): Promise<Pick<StepAnswer, 'loss' | 'grad_norm' | 'mean' | 'updates'>> => {
        const done = await runner.update(updates++, weights, reference)
        weights = done.weights
        this.params = weights.params
        const { loss, grad_norm, ...rest } = done.report.metrics
        const logp = (rest['logps/chosen'] + rest['logps/rejected']) / 2
        return { loss, grad_norm, mean: { logp }, updates }
      },
      [Symbol.asyncDispose]: async () => {
        disposeTree(weights.state)
        runner[Symbol.dispose]()
      },
    }
  }

  /** Log-probs of the probe row, and their derivatives along so many fixed random directions. */
  private async logProbs(directions: number): Promise<Prepared> {
    const { backend, model } = this
    const packing = pack(probeRow(model.vocab).sequences)
    const forward = logProbProgram(model, packing.shape)
    const several = directions > 1 ? { directions } : {}
    const program = directions === 0 ? forward : jvp(forward, { wrt: 'params', ...several })
    const executable: Executable = await backend.compile(program)
    const batch = await uploadAll(backend, each({ ...fill(packing, packing.shape) }))
    const along = (spec: Spec, path: string): HostTensor =>
      small(directions > 1 ? stacked(spec, directions) : spec, path)
    const tangents = directions === 0 ? undefined : mapTree<Spec, HostTensor>(model.params, along)
    const direction = await uploadAll(backend, each(tangents))
    return {
      run: async () => {
        const moving = directions === 0 ? {} : { tangent: { params: direction } }
        const out = await executable.run({ params: this.params, batch, ...moving })
        return { sums: await this.sumsOf(out) }
      },
      [Symbol.asyncDispose]: async () => {
        disposeTree(batch)
        disposeTree(direction)
        executable.dispose()
      },
    }
  }

  /**
   * The other way to the derivative of one token's log-prob along a direction: its gradient, dotted with it. The
   * response stands alone behind its prompt, so that nothing is computed for the others.
   */
  private async gradientDot(): Promise<Prepared> {
    const { backend, model } = this
    const packing = pack(probeRow(model.vocab).sequences.slice(0, 1))
    const { shape } = packing
    const executable: Executable = await backend.compile(attributeProgram(model, shape).program)
    const batch = await uploadAll(backend, each({ ...fill(packing, shape) }))
    const delta = await uploadAll(backend, each(mapTree<Spec, HostTensor>(model.params, small)))
    const token = Float32Array.from({ length: shape.reads }, (_, i) => (i === shape.reads >> 1 ? 1 : 0))
    const weights = hostTensor(token, [shape.reads])
    return {
      run: async () => {
        const out = await executable.run({ params: this.params, batch, weights, delta })
        return { sums: await this.sumsOf(out) }
      },
      [Symbol.asyncDispose]: async () => {
        disposeTree(batch)
        disposeTree(delta)
        executable.dispose()
      },
    }
  }

  /** Reads all outputs; each as the sum of its numbers. Throws where one is not finite. */
  private async sumsOf(out: DeviceTree): Promise<Record<string, number>> {
    const sums: Record<string, number> = {}
    for (const { path, value } of leaves(out)) {
      const { data } = await this.backend.read(value)
      sums[path] = Array.from(data).reduce((a, b) => a + b, 0)
      if (!Number.isFinite(sums[path])) throw new Error(`${path} of the probes is not finite`)
      value.dispose()
    }
    return sums
  }
}

const stacked = ({ shape, dtype }: Spec, n: number): Spec => ({ shape: [n, ...shape], dtype })

/** A direction's tensor: uniform numbers of about the size of an early update. */
const small = ({ shape, dtype }: Spec, path: string): HostTensor => {
  const random = uniform(SEED, path)
  return { shape, dtype, data: Float32Array.from({ length: sizeOf(shape) }, () => (random() - 0.5) * 1e-5) }
}

async function* each(tree: Tree<HostTensor>): AsyncGenerator<{ path: string; tensor: HostTensor }> {
  for (const { path, value } of leaves(tree)) yield { path, tensor: value }
}

/** The backend, with a note of every program that it compiles. */
const noting = (backend: Backend, compiled: CompiledProgram[]): Backend => ({
  ...backend,
  async compile(program, options) {
    const executable = await backend.compile(program, options)
    const { simplifyMs, lowerMs, engineMs, nodes } = executable.stats
    compiled.push({ passes: simplifyMs / 1000, lowering: lowerMs / 1000, engine: engineMs / 1000, nodes })
    return executable
  },
})

async function random(backend: Backend, shape: ShapeName): Promise<{ model: LanguageModel; params: DeviceTree }> {
  const model = buildModel(SHAPES[shape])
  return { model, params: await uploadAll(backend, each(initParams(model, SEED))) }
}

async function loaded(
  backend: Backend,
  shape: ShapeName,
  directory: string,
): Promise<{ model: LanguageModel; params: DeviceTree }> {
  await using checkpoint = await openModel(directory)
  const { model } = checkpoint
  // FLOPs are counted by the shape's own config, so it must be the one that runs. (Through JSON: absent is undefined.)
  const [is, wanted] = [model.config, SHAPES[shape]].map((config) => JSON.stringify(config))
  if (!isDeepStrictEqual(JSON.parse(is), JSON.parse(wanted)))
    throw new Error(`${directory} is not ${shape}: its config is ${is}, not ${wanted}`)
  return { model, params: await uploadAll(backend, checkpoint.tensors()) }
}
