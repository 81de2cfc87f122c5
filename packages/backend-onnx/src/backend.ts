/**
 * The Backend contract on ONNX Runtime: a program is one session, a step one call.
 *
 * Tensors are host memory. Parameters and optimizer state go in as inputs and come out into pooled blocks that were
 * allocated before, so that nothing is copied or serialised between steps. Note that onnxruntime-node computes on
 * the calling thread: while a run lasts, no timer, signal handler or socket of this thread is served.
 */
import { availableParallelism, cpus } from 'node:os'
import {
  byteSize,
  composites,
  DeviceError,
  leaves,
  matches,
  NonFiniteError,
  sameShape,
  show,
  sizeOf,
  TraceError,
  unflatten,
  type Backend,
  type CompileOptions,
  type CompositeName,
  type DeviceTensor,
  type Executable,
  type HostArray,
  type HostTensor,
  type RunInput,
  type Spec,
  type Tree,
} from '@ldyn/tensor'
import type { Tensor as OrtTensor } from 'onnxruntime-node'
import { dialectOf } from './lower/dialect.ts'
import { loadEngine, type Engine } from './runtime/engine.ts'
import { handover, type Handover } from './runtime/handover.ts'
import type { OnnxOptions } from './runtime/options.ts'
import { pool, type Block, type Pool } from './runtime/pool.ts'
import { sessions, type Compiled } from './runtime/sessions.ts'
import { fill, isHandle, own, OnnxTensor, view } from './runtime/tensor.ts'

const ORT_TYPE = { f32: 'float32', i32: 'int32', bool: 'bool' } as const

interface Memory {
  readonly pool: Pool
  readonly live: Set<OnnxTensor>
}

/** An input leaf as a block that the run reads. Host values go to a block that lives as long as the run. */
interface Fed {
  readonly block: Block
  readonly tensor?: OnnxTensor
}

function feed({ pool: blocks, live }: Memory, path: string, want: Spec, given: RunInput | undefined): Fed {
  if (given === undefined) throw new TraceError(`input '${path}' (${show(want)}) is missing`)
  if (typeof given === 'number') {
    if (sizeOf(want.shape) !== 1)
      throw new TraceError(`input '${path}' is a number where the program takes ${show(want)}`)
    return hosted(
      blocks,
      `input '${path}'`,
      want,
      Float64Array.of(want.dtype === 'i32' ? Math.trunc(given) : given),
    )
  }
  if (given.dtype !== want.dtype || !sameShape(given.shape, want.shape)) {
    throw new TraceError(`input '${path}' is ${show(given)} where the program takes ${show(want)}`)
  }
  if (!isHandle(given)) return hosted(blocks, `input '${path}'`, want, given.data)
  const tensor = own(live, given, path)
  return { block: tensor.block, tensor }
}

function hosted(blocks: Pool, name: string, want: Spec, values: HostArray): Fed {
  if (values.length !== sizeOf(want.shape)) {
    throw new TraceError(`${name} has ${values.length} values, which do not fill ${show(want)}`)
  }
  const block = blocks.take(byteSize(want))
  fill(want.dtype, block, values)
  return { block }
}

const ortTensor = (ort: Engine, s: Spec, block: Block): OrtTensor =>
  new ort.Tensor(ORT_TYPE[s.dtype], view(s.dtype, block) as Float32Array, s.shape)

interface Engaged extends Memory {
  readonly ort: Engine
  readonly results: Handover
}

/** One run into fresh blocks; the caller owns them. Inputs stay pinned until it ends. */
async function compute(
  engaged: Engaged,
  { session, lowered }: Compiled,
  fed: readonly Fed[],
): Promise<Block[]> {
  const { ort, results, pool: blocks } = engaged
  const made: Block[] = []
  for (const { block } of fed) blocks.pin(block)
  try {
    for (const port of lowered.outputs) made.push(blocks.take(byteSize(port.spec)))
    const feeds = Object.fromEntries(
      lowered.inputs.map((p, i) => [p.name, ortTensor(ort, p.spec, fed[i].block)]),
    )
    const fetches = Object.fromEntries(
      lowered.outputs.map((p, i) => [p.name, ortTensor(ort, p.spec, made[i])]),
    )
    await results.run(session, feeds, fetches)
    return made
  } catch (error) {
    for (const block of made) blocks.free(block)
    throw new DeviceError(
      `ONNX Runtime failed to run the program: ${error instanceof Error ? error.message : String(error)}`,
    )
  } finally {
    for (const { block } of fed) blocks.unpin(block)
  }
}

async function runOnce(
  engaged: Engaged,
  compiled: Compiled,
  { donate }: CompileOptions,
  inputs: Tree<RunInput>,
): Promise<Tree<DeviceTensor>> {
  const { inputs: ports, outputs } = compiled.lowered
  const given = new Map(leaves(inputs).map(({ path, value }) => [path, value]))
  const fed: Fed[] = []
  try {
    for (const port of ports) fed.push(feed(engaged, port.path, port.spec, given.get(port.path)))
    const made = await compute(engaged, compiled, fed)
    const finite = outputs.findIndex(
      ({ path, spec }) => path === 'finite' && spec.dtype === 'bool' && spec.shape.length === 0,
    )
    if (finite >= 0 && new Uint8Array(made[finite].buffer)[0] === 0) {
      for (const block of made) engaged.pool.free(block)
      throw new NonFiniteError("the program's output 'finite' is false; donated inputs are unchanged")
    }
    if (donate !== undefined) ports.forEach((p, i) => matches(donate, p.path) && fed[i].tensor?.dispose())
    return unflatten(
      outputs.map(({ path, spec }, i) => ({
        path,
        value: new OnnxTensor(engaged.pool, engaged.live, spec, made[i]),
      })),
    )
  } finally {
    for (const { block, tensor } of fed) if (!tensor) engaged.pool.free(block)
  }
}

/**
 * ONNX Runtime as a Backend. Rejects with UnsupportedError, in a sentence that says what to install, where
 * onnxruntime-node or the execution provider is missing (`available` asks without trying).
 */
export async function onnxBackend(options: OnnxOptions = {}): Promise<Backend> {
  const { ort, version } = await loadEngine(options)
  const provider = options.executionProvider ?? 'cpu'
  const dialect = dialectOf(provider)
  const native = (Object.keys(composites) as CompositeName[]).filter((op) => dialect.composites[op] !== 'expand')
  const results = await handover(ort)
  const memory: Engaged = { pool: pool(), live: new Set(), ort, results }
  const open = sessions(ort, results, options)
  const threads = options.threads ?? availableParallelism()
  let disposed = false
  const alive = (): void => {
    if (disposed) throw new DeviceError('the onnx backend was disposed of')
  }

  // Sessions and tensors outlive the runs that use them.
  const running = new Set<Promise<unknown>>()
  const watched = <T>(run: Promise<T>): Promise<T> => {
    const done = (): void => void running.delete(run)
    running.add(run)
    run.then(done, done)
    return run
  }
  const settled = (): Promise<unknown> => Promise.allSettled([...running])

  const dispose = async (): Promise<void> => {
    disposed = true
    await settled()
    for (const tensor of memory.live) tensor.dispose()
    memory.pool.clear()
    await open.dispose()
  }

  return {
    name: 'onnx',
    capabilities: {
      device: provider === 'cpu' ? `${cpus()[0]?.model ?? 'CPU'}, ${threads} threads` : provider,
      version: `onnxruntime-node ${version}`,
      composites: native,
      f64: false,
    },
    async upload(value: HostTensor) {
      alive()
      const { block } = hosted(memory.pool, 'the uploaded tensor', value, value.data)
      return new OnnxTensor(memory.pool, memory.live, value, block)
    },
    async read(tensor) {
      alive()
      return own(memory.live, tensor, 'tensor').read()
    },
    async compile(program, compileOptions: CompileOptions = {}): Promise<Executable> {
      alive()
      const { compiled, release } = await open.acquire(program)
      let closed = false
      const close = (): void => {
        closed = true
        void settled().then(release)
      }
      return {
        program,
        stats: compiled.stats,
        async run(inputs) {
          alive()
          if (closed) throw new DeviceError('the executable was disposed of')
          return watched(runOnce(memory, compiled, compileOptions, inputs))
        },
        dispose: close,
        [Symbol.dispose]: close,
      }
    },
    memory: () => ({
      tensors: memory.live.size,
      bytes: [...memory.live].reduce((n, t) => n + byteSize(t), 0),
      pooled: memory.pool.pooled(),
    }),
    dispose,
    [Symbol.asyncDispose]: dispose,
  }
}
