/**
 * The Backend contract on TensorFlow.js: a program is a plan of tf ops (lower/), and a run carries it out (run/).
 *
 * tfjs computes on the calling thread on every backend for Node: while a run lasts, no timer or socket of this thread
 * is served; `spawnBackend` of @ldyn/tensor/node gives it a thread of its own.
 */
import {
  byteSize, composites, DeviceError, leaves, matches, NonFiniteError, sameShape, show, sizeOf, TraceError,
  unflatten, type Backend, type CompileOptions, type CompositeName, type DeviceTensor, type Executable,
  type HostArray, type RunInput, type Spec, type Tree,
} from '@ldyn/tensor'
import { composites as lowerings } from './lower/composites.ts'
import { lower, prepared, type Plan } from './lower/program.ts'
import { openEngine } from './load/open.ts'
import type { TfjsOptions } from './options.ts'
import type { Engine, Tensor } from './run/engine.ts'
import { interpret } from './run/interpret.ts'
import { isHandle, own, tensorOf, TfjsTensor, valuesOf } from './run/tensor.ts'

const native = (Object.keys(composites) as CompositeName[]).filter((op) => lowerings[op] !== 'expand')

interface Held {
  readonly engine: Engine
  readonly live: Set<TfjsTensor>
}

interface Compiled {
  readonly plan: Plan
  readonly constants: readonly Tensor[]
}

/** An input leaf as a tf tensor. Host values go to one that lives as long as the run. */
interface Fed {
  readonly tensor: Tensor
  readonly handle?: TfjsTensor
}

function feed({ engine, live }: Held, path: string, want: Spec, given: RunInput | undefined): Fed {
  if (given === undefined) throw new TraceError(`input '${path}' (${show(want)}) is missing`)
  if (typeof given === 'number') {
    if (sizeOf(want.shape) !== 1)
      throw new TraceError(`input '${path}' is a number where the program takes ${show(want)}`)
    return { tensor: tensorOf(engine, want, [given]) }
  }
  if (given.dtype !== want.dtype || !sameShape(given.shape, want.shape))
    throw new TraceError(`input '${path}' is ${show(given)} where the program takes ${show(want)}`)
  if (isHandle(given)) {
    const handle = own(live, given, path)
    return { tensor: handle.tensor, handle }
  }
  return { tensor: hosted(engine, `input '${path}'`, want, given.data) }
}

function hosted(engine: Engine, name: string, want: Spec, values: HostArray): Tensor {
  if (values.length !== sizeOf(want.shape))
    throw new TraceError(`${name} has ${values.length} values, which do not fill ${show(want)}`)
  return tensorOf(engine, want, values)
}

/** Everything of a run that must not be interleaved with another: inputs in, the plan, temporary inputs away. */
function compute(held: Held, { plan, constants }: Compiled, given: Map<string, RunInput>) {
  const fed: Fed[] = []
  try {
    return held.engine.within(() => {
      for (const port of plan.inputs) fed.push(feed(held, port.path, port.spec, given.get(port.path)))
      const inputs = fed.map((f) => f.tensor)
      return { fed, made: interpret(held.engine, plan, constants, inputs) }
    })
  } finally {
    for (const { tensor, handle } of fed) if (!handle) tensor.dispose()
  }
}

async function runOnce(
  held: Held,
  compiled: Compiled,
  { donate }: CompileOptions,
  inputs: Tree<RunInput>,
): Promise<Tree<DeviceTensor>> {
  const { plan } = compiled
  const given = new Map(leaves(inputs).map(({ path, value }) => [path, value]))
  const { fed, made } = compute(held, compiled, given)
  const finite = plan.outputs.findIndex(
    ({ path, spec }) => path === 'finite' && spec.dtype === 'bool' && spec.shape.length === 0,
  )
  if (finite >= 0 && (await valuesOf(made[finite], 'bool'))[0] === 0) {
    for (const tensor of made) tensor.dispose()
    throw new NonFiniteError("the program's output 'finite' is false; donated inputs are unchanged")
  }
  if (donate !== undefined)
    plan.inputs.forEach((p, i) => matches(donate, p.path) && fed[i].handle?.dispose())
  return unflatten(
    plan.outputs.map(({ path, spec }, i) => ({ path, value: new TfjsTensor(held.live, spec, made[i]) })),
  )
}

/**
 * TensorFlow.js as a Backend: on `options.tf` as it is, on the variant that is asked for, or on the best that is
 * installed. Rejects with UnsupportedError, in a sentence that says what to install, where there is none
 * (`available` asks without keeping it).
 */
export async function tfjsBackend(options: TfjsOptions = {}): Promise<Backend> {
  const { engine, device, version } = await openEngine(options)
  const held: Held = { engine, live: new Set() }
  const executables = new Set<() => void>()
  let disposed = false
  const alive = (): void => {
    if (disposed) throw new DeviceError('the tfjs backend was disposed of')
  }

  // Constants and tensors outlive the runs that use them.
  const running = new Set<Promise<unknown>>()
  const watched = <T>(run: Promise<T>): Promise<T> => {
    const done = (): void => void running.delete(run)
    running.add(run)
    run.then(done, done)
    return run
  }

  const dispose = async (): Promise<void> => {
    disposed = true
    await Promise.allSettled([...running])
    for (const close of executables) close()
    for (const tensor of held.live) tensor.dispose()
  }

  return {
    name: 'tfjs',
    capabilities: { device, version, composites: native, f64: false },
    async upload(value) {
      alive()
      const tensor = engine.within(() => hosted(engine, 'the uploaded tensor', value, value.data))
      return new TfjsTensor(held.live, value, tensor)
    },
    async read(tensor) {
      alive()
      const { shape, dtype, tensor: data } = own(held.live, tensor, 'tensor')
      return { shape, dtype, data: await valuesOf(data, dtype) }
    },
    async compile(program, compileOptions: CompileOptions = {}): Promise<Executable> {
      alive()
      const t0 = performance.now()
      const simple = prepared(program)
      const t1 = performance.now()
      const plan = lower(simple, engine)
      const t2 = performance.now()
      const constants = engine.within(() => plan.constants.map((c) => tensorOf(engine, c, c.data)))
      const stats = {
        simplifyMs: t1 - t0,
        lowerMs: t2 - t1,
        engineMs: performance.now() - t2,
        nodes: plan.steps.length,
      }
      let closed = false
      const close = (): void => {
        if (closed) return
        closed = true
        executables.delete(close)
        for (const tensor of constants) tensor.dispose()
      }
      executables.add(close)
      return {
        program,
        stats,
        async run(inputs) {
          alive()
          if (closed) throw new DeviceError('the executable was disposed of')
          return watched(runOnce(held, { plan, constants }, compileOptions, inputs))
        },
        dispose: close,
        [Symbol.dispose]: close,
      }
    },
    memory: () => ({
      tensors: held.live.size,
      bytes: [...held.live].reduce((n, t) => n + byteSize(t), 0),
      pooled: 0,
    }),
    dispose,
    [Symbol.asyncDispose]: dispose,
  }
}
