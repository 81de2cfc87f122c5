/**
 * The Backend contract on ONNX Runtime: a program is one session, a step one call.
 *
 * Tensors are host memory. Parameters and optimizer state go in as inputs and come out into pooled blocks that were
 * allocated before, so that nothing is copied or serialised between steps. Note that onnxruntime-node computes on
 * the calling thread: while a run lasts, no timer, signal handler or socket of this thread is served.
 */
import { availableParallelism, cpus } from 'node:os'
import {
  byteSize, composites, DeviceError, finiteOf, holdings, type Backend, type CompositeName, type Executable, type Spec,
} from '@ldyn/tensor'
import type { Tensor as OrtTensor } from 'onnxruntime-node'
import { dialectOf } from './lower/dialect.ts'
import { loadEngine, type Engine } from './runtime/engine.ts'
import { handover, type Handover } from './runtime/handover.ts'
import type { OnnxOptions } from './runtime/options.ts'
import { pool, type Block, type Pool } from './runtime/pool.ts'
import { sessions, type Compiled } from './runtime/sessions.ts'
import { fill, view } from './runtime/values.ts'

const ORT_TYPE = { f32: 'float32', i32: 'int32', bool: 'bool' } as const

const ortTensor = (ort: Engine, s: Spec, block: Block): OrtTensor =>
  new ort.Tensor(ORT_TYPE[s.dtype], view(s.dtype, block) as Float32Array, s.shape)

interface Engaged {
  readonly ort: Engine
  readonly results: Handover
  readonly blocks: Pool
}

/** One run into fresh blocks; the caller owns them. Inputs stay pinned until it ends. */
async function compute(
  { ort, results, blocks }: Engaged,
  { session, lowered: { inputs, outputs } }: Compiled,
  fed: readonly Block[],
): Promise<Block[] | undefined> {
  const made: Block[] = []
  const drop = (): void => made.forEach((block) => blocks.free(block))
  for (const block of fed) blocks.pin(block)
  try {
    for (const { spec } of outputs) made.push(blocks.take(byteSize(spec)))
    const feeds = Object.fromEntries(inputs.map((p, i) => [p.name, ortTensor(ort, p.spec, fed[i])]))
    const fetches = Object.fromEntries(outputs.map((p, i) => [p.name, ortTensor(ort, p.spec, made[i])]))
    await results.run(session, feeds, fetches)
  } catch (error) {
    drop()
    throw new DeviceError(
      `ONNX Runtime failed to run the program: ${error instanceof Error ? error.message : String(error)}`,
    )
  } finally {
    for (const block of fed) blocks.unpin(block)
  }
  const finite = finiteOf(outputs)
  if (finite < 0 || new Uint8Array(made[finite].buffer)[0] !== 0) return made
  drop()
  return undefined
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
  const blocks = pool()
  const engaged: Engaged = { ort, results, blocks }
  const held = holdings<Block>('onnx', {
    put(value) {
      const block = blocks.take(byteSize(value))
      fill(value.dtype, block, value.data)
      return block
    },
    free: (block) => blocks.free(block),
  })
  const open = sessions(ort, results, options)
  const threads = options.threads ?? availableParallelism()

  const dispose = async (): Promise<void> => {
    await held.close()
    blocks.clear()
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
    async upload(value) {
      held.check()
      return held.handle(value, held.put(value, 'the uploaded tensor'))
    },
    async read(tensor) {
      held.check()
      const { shape, dtype } = tensor
      return { shape, dtype, data: view(dtype, held.valueOf(tensor, 'tensor')).slice() }
    },
    async compile(program, compileOptions = {}): Promise<Executable> {
      held.check()
      const { compiled, release } = await open.acquire(program)
      const { lowered, stats } = compiled
      const run = (fed: readonly Block[]): Promise<Block[] | undefined> => compute(engaged, compiled, fed)
      const { inputs, outputs } = lowered
      return held.executable(program, { inputs, outputs, stats, run, release: () => void release() }, compileOptions)
    },
    memory: () => ({ ...held.memory(), pooled: blocks.pooled() }),
    dispose,
    [Symbol.asyncDispose]: dispose,
  }
}
