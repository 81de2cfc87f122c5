/**
 * What is timed on a backend: matrix products, and one DPO update of a model. Every figure is the fastest of several
 * runs, from handing in the inputs to having the result on the host, after others that warm up: a card that was idle
 * needs a third of a second to raise its clock.
 */
import { costOf, costModel, disposeTree, StageRunner, uploadAll, type Sequence, type StageConfig } from '@ldyn/lab'
import { buildModel, initParams, uniform } from '@ldyn/models'
import {
  f32,
  hostTensor,
  leaves,
  mapTree,
  matmul,
  mul,
  sizeOf,
  sum,
  trace,
  type Backend,
  type CompileStats,
  type DeviceTensor,
  type HostTensor,
  type Spec,
  type Tree,
} from '@ldyn/tensor'
import { SHAPES, type ShapeName } from './shapes.ts'

export interface MatmulTiming {
  readonly size: number
  /** f32 multiply-adds count as two. */
  readonly gflops: number
}

export interface StepTiming {
  readonly shape: ShapeName
  readonly parameters: number
  /** Of the first update; beside the others' it says that the same was computed. */
  readonly loss: number
  readonly ms: number
  /** Passes, lowering and the engine's own compiler. */
  readonly compileMs: number
  /** Forward FLOPs times three, in a second. */
  readonly gflops: number
  readonly dispatches?: number
  /** Bytes that the backend planned for the step. */
  readonly plannedBytes?: number
}

export interface StepSize {
  readonly pairs: number
  readonly prompt: number
  readonly response: number
}

/** Products in one run, so that starting it and reading back do not count: at most 64, or so many FLOP. */
const productsIn = (n: number, flop: number): number => Math.max(1, Math.min(64, Math.round(flop / (2 * n ** 3))))
/** Seconds of a run in which its ends still count, and of warming up. */
const [SHORT, WARM] = [0.05, 0.3]

/** n×n f32 products, each of the last one's result: a·b·b·b… scaled so that the numbers stay of one size. */
export async function timeMatmul(backend: Backend, n: number, repeat: number): Promise<MatmulTiming> {
  const few = await timeProducts(backend, n, productsIn(n, 2e9), repeat)
  // On a card that was over at once: as many as take a while by that rate.
  const more = productsIn(n, few.gflops * 1e9 * 4 * SHORT)
  const timed = few.seconds < SHORT && more > productsIn(n, 2e9) ? await timeProducts(backend, n, more, repeat) : few
  return { size: n, gflops: timed.gflops }
}

async function timeProducts(
  backend: Backend,
  n: number,
  products: number,
  repeat: number,
): Promise<{ gflops: number; seconds: number }> {
  const program = trace(
    ({ a, b }) => {
      let c = a
      for (let i = 0; i < products; i++) c = mul(matmul(c, b), Math.sqrt(3 / n))
      return { total: sum(c) }
    },
    { a: f32(n, n), b: f32(n, n) },
  )
  const random = uniform(7, 'matmul')
  const operand = (): Promise<DeviceTensor> => {
    const drawn = Float32Array.from({ length: Math.min(n * n, 2 ** 20) }, () => 2 * random() - 1)
    return backend.upload(hostTensor(repeated(drawn, n * n), [n, n]))
  }
  using executable = await backend.compile(program)
  using a = await operand()
  using b = await operand()
  const seconds = await fastest(repeat, async () => {
    const { total } = (await executable.run({ a, b })) as { total: DeviceTensor }
    await backend.read(total)
    total.dispose()
  })
  return { gflops: (products * 2 * n ** 3) / seconds / 1e9, seconds }
}

/** So many numbers, these over and over: to draw all takes longer than a card needs for the work. */
function repeated(drawn: Float32Array, count: number): Float32Array {
  const data = new Float32Array(count)
  for (let at = 0; at < count; at += drawn.length) data.set(drawn.subarray(0, count - at), at)
  return data
}

async function fastest(repeat: number, run: () => Promise<void>): Promise<number> {
  const begun = performance.now()
  do await run()
  while (performance.now() - begun < WARM * 1000)
  let best = Infinity
  for (let i = 0; i < repeat; i++) {
    const from = performance.now()
    await run()
    best = Math.min(best, performance.now() - from)
  }
  return best / 1000
}

const dpoStage = (pairs: number, updates: number): StageConfig => ({
  name: 'bench',
  loss: { name: 'dpo', beta: 0.1, labelSmoothing: 0, referenceFree: false },
  targets: [],
  updates,
  batch: pairs,
  accumulate: 1,
  lr: 5e-7,
  schedule: { name: 'constant', warmup: 0 },
  optimizer: { name: 'rmsprop', alpha: 0.99, eps: 1e-8, weightDecay: 0 },
  maxGradNorm: 10,
  shuffle: false,
  dropLast: false,
})

/** The same DPO update over and over: `pairs` pairs on a model with random weights. Throws what the backend throws. */
export async function timeStep(
  backend: Backend,
  shape: ShapeName,
  { pairs, prompt, response }: StepSize,
  repeat: number,
): Promise<StepTiming> {
  const model = buildModel(SHAPES[shape])
  const stats: CompileStats[] = []
  const noting: Backend = {
    name: backend.name,
    capabilities: backend.capabilities,
    upload: (value) => backend.upload(value),
    read: (tensor) => backend.read(tensor),
    memory: () => backend.memory(),
    dispose: () => backend.dispose(),
    [Symbol.asyncDispose]: () => backend.dispose(),
    async compile(program, options) {
      const executable = await backend.compile(program, options)
      stats.push(executable.stats)
      return executable
    },
  }
  const ids = (seed: number, length: number): Int32Array => {
    const random = uniform(seed, 'tokens')
    return Int32Array.from({ length }, () => Math.floor(random() * model.vocab))
  }
  const examples = Array.from({ length: pairs }, (_, p) => {
    const sequence = (type: string, nth: number): Sequence => ({
      type,
      prompt: ids(p, prompt),
      response: ids(1000 + 2 * p + nth, response),
      truncated: 0,
    })
    return { row: p, sequences: [sequence('chosen', 0), sequence('rejected', 1)] }
  })
  const stage = dpoStage(pairs, 1)
  const order = [examples.map((_, i) => i)]
  using runner = new StageRunner({ backend: noting, model, stage, examples, seed: 0, order })
  const parameters = leaves(model.params).reduce((n, { value }) => n + sizeOf(value.shape), 0)
  let weights = {
    params: await uploadAll(backend, randomParameters(model.params)),
    state: await runner.freshState(),
  }
  try {
    let loss: number | undefined
    const reference = runner.emptyReference()
    const seconds = await fastest(repeat, async () => {
      const done = await runner.update(0, weights, reference)
      loss ??= done.report.metrics.loss
      weights = done.weights
    })
    const { simplifyMs, lowerMs, engineMs, dispatches, bytes } = stats.at(-1)!
    const [batch] = runner.batchesOf(0)
    return {
      shape,
      parameters,
      loss: loss!,
      ms: seconds * 1000,
      compileMs: simplifyMs + lowerMs + engineMs,
      gflops: (3 * costOf(costModel(model), batch.shape)) / seconds / 1e9,
      ...(dispatches === undefined ? {} : { dispatches }),
      ...(bytes === undefined ? {} : { plannedBytes: bytes }),
    }
  } finally {
    disposeTree(weights.params)
    disposeTree(weights.state)
  }
}

/** Random weights, every 64 rows the same. */
async function* randomParameters(specs: Tree<Spec>): AsyncGenerator<{ path: string; tensor: HostTensor }> {
  const short = (shape: Spec['shape']): number[] => [Math.min(64, shape[0]), ...shape.slice(1)]
  const few = mapTree<Spec, Spec>(specs, ({ shape, dtype }) => ({ shape: short(shape), dtype }))
  const drawn = leaves(initParams({ params: few }, 1))
  for (const [i, { path, value: { shape, dtype } }] of leaves(specs).entries()) {
    yield { path, tensor: { shape, dtype, data: repeated(drawn[i].value.data as Float32Array, sizeOf(shape)) } }
  }
}
