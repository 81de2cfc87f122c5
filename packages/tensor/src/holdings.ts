/**
 * What every backend does alike: it gives out handles and executables, checks what comes back to it, and knows what
 * lives. A backend brings the values `V` of its device (a buffer, a block of memory, a tensor of a library), how they
 * are made and freed, and how a program computes with them; the rest of the contract (backend.ts) is here.
 */
import type { CompileOptions, CompileStats, DeviceTensor, Executable, Memory, RunInput } from './backend.ts'
import { DeviceError, NonFiniteError, TraceError } from './errors.ts'
import type { Program } from './program.ts'
import { byteSize, sameShape, show, sizeOf, type DType, type HostTensor, type Shape, type Spec } from './spec.ts'
import { leaves, matches, unflatten, type Tree } from './tree.ts'

/** The values of a device. */
export interface Store<V> {
  /** Copies host values, which fill their shape, to the device. */
  put(value: HostTensor): V
  free(value: V): void
}

/** An input or output of a compiled program. */
export interface NamedSpec {
  readonly path: string
  readonly spec: Spec
}

/** A program as a backend made it ready. */
export interface Compiled<V, S extends CompileStats> {
  readonly inputs: readonly NamedSpec[]
  readonly outputs: readonly NamedSpec[]
  readonly stats: S
  /**
   * One run over the values of its inputs, which the caller may free before it ends. Resolves to a value for every
   * output, each to be freed by itself; to undefined where `finite` is false, with nothing left behind.
   */
  run(inputs: readonly V[]): Promise<readonly V[] | undefined>
  /** Called once, when it was disposed of and nothing runs any more. */
  release(): void
}

/** A tensor on a device: a spec and the value that holds it. */
export class Handle<V> implements DeviceTensor {
  readonly backend: string
  readonly shape: Shape
  readonly dtype: DType
  readonly value: V
  alive = true
  private readonly ended: (handle: Handle<V>) => void

  constructor(backend: string, { shape, dtype }: Spec, value: V, ended: (handle: Handle<V>) => void) {
    this.backend = backend
    this.shape = shape
    this.dtype = dtype
    this.value = value
    this.ended = ended
  }

  dispose(): void {
    if (!this.alive) return
    this.alive = false
    this.ended(this)
  }

  [Symbol.dispose](): void {
    this.dispose()
  }
}

/** The handles and executables that a backend has given out. */
export interface Holdings<V> {
  readonly live: ReadonlySet<Handle<V>>
  /** Throws DeviceError once it was closed. */
  check(): void
  /** A handle of a value, which is freed with it. */
  handle(spec: Spec, value: V): DeviceTensor
  /** The handle's value on this device. Throws DeviceError where it is another backend's, or dead. */
  valueOf(tensor: DeviceTensor, path: string): V
  /** Host values on the device. Throws TraceError where they do not fill their shape. */
  put(value: HostTensor, name: string): V
  executable<S extends CompileStats>(
    program: Program, compiled: Compiled<V, S>, options: CompileOptions,
  ): Executable & { readonly stats: S }
  memory(): Pick<Memory, 'tensors' | 'bytes'>
  /** Waits for what runs, then disposes of all executables and tensors. */
  close(): Promise<void>
}

/** Nothing given out yet, by a backend of this name. `alive` throws where its device is gone. */
export function holdings<V>(backend: string, store: Store<V>, alive: () => void = () => undefined): Holdings<V> {
  const live = new Set<Handle<V>>()
  const running = new Set<Promise<unknown>>()
  const executables = new Set<() => void>()
  let closed = false
  const check = (): void => {
    if (closed) throw new DeviceError(`the ${backend} backend was disposed of`)
    alive()
  }
  const idle = (): Promise<unknown> => Promise.allSettled([...running])
  const ended = (handle: Handle<V>): void => {
    live.delete(handle)
    store.free(handle.value)
  }
  const handle = (spec: Spec, value: V): Handle<V> => {
    const made = new Handle(backend, spec, value, ended)
    live.add(made)
    return made
  }

  function own(tensor: DeviceTensor, path: string): Handle<V> {
    const mine = tensor instanceof Handle && tensor.backend === backend
    if (!mine || (tensor.alive && !live.has(tensor as Handle<V>)))
      throw new DeviceError(
        `'${path}' lives on another backend (${tensor.backend}); read it there and upload it here`)
    if (!tensor.alive) throw new DeviceError(`'${path}' was disposed of or donated`)
    return tensor as Handle<V>
  }

  function put(value: HostTensor, name: string): V {
    if (value.data.length !== sizeOf(value.shape))
      throw new TraceError(`${name} has ${value.data.length} values, which do not fill ${show(value)}`)
    return store.put(value)
  }

  /** What a run is given for an input; the value of host numbers is the run's own. */
  function feed({ path, spec }: NamedSpec, given: RunInput | undefined): { value: V; handle?: Handle<V> } {
    const name = `input '${path}'`
    if (given === undefined) throw new TraceError(`${name} (${show(spec)}) is missing`)
    if (typeof given === 'number') {
      if (sizeOf(spec.shape) !== 1) throw new TraceError(`${name} is a number where the program takes ${show(spec)}`)
      const { shape, dtype } = spec
      return { value: store.put({ shape, dtype, data: Float64Array.of(dtype === 'i32' ? Math.trunc(given) : given) }) }
    }
    if (given.dtype !== spec.dtype || !sameShape(given.shape, spec.shape))
      throw new TraceError(`${name} is ${show(given)} where the program takes ${show(spec)}`)
    if (!('backend' in given)) return { value: put(given, name) }
    const tensor = own(given, path)
    return { value: tensor.value, handle: tensor }
  }

  function executable<S extends CompileStats>(
    program: Program, { inputs, outputs, stats, run, release }: Compiled<V, S>, { donate }: CompileOptions,
  ): Executable & { readonly stats: S } {
    const donated = inputs.map(({ path }) => donate !== undefined && matches(donate, path))
    let over = false

    async function once(tree: Tree<RunInput>): Promise<Tree<DeviceTensor>> {
      const given = new Map(leaves(tree).map(({ path, value }) => [path, value]))
      const fed: ReturnType<typeof feed>[] = []
      try {
        for (const port of inputs) fed.push(feed(port, given.get(port.path)))
        const made = await run(fed.map(({ value }) => value))
        if (!made) throw new NonFiniteError("the program's output 'finite' is false; donated inputs are unchanged")
        donated.forEach((yes, i) => yes && fed[i].handle?.dispose())
        return unflatten(outputs.map(({ path, spec }, i) => ({ path, value: handle(spec, made[i]) as DeviceTensor })))
      } finally {
        for (const { value, handle: of } of fed) if (!of) store.free(value)
      }
    }

    const dispose = (): void => {
      if (over) return
      over = true
      executables.delete(dispose)
      if (running.size === 0) release()
      else void idle().then(release)
    }
    executables.add(dispose)
    return {
      program,
      stats,
      async run(tree) {
        check()
        if (over) throw new DeviceError('the executable was disposed of')
        const started = once(tree)
        const done = (): void => void running.delete(started)
        running.add(started)
        started.then(done, done)
        return started
      },
      dispose,
      [Symbol.dispose]: dispose,
    }
  }

  return {
    live, check, handle, put, executable,
    valueOf: (tensor, path) => own(tensor, path).value,
    memory: () => ({ tensors: live.size, bytes: [...live].reduce((n, t) => n + byteSize(t), 0) }),
    async close() {
      closed = true
      await idle()
      for (const dispose of executables) dispose()
      for (const tensor of live) tensor.dispose()
    },
  }
}

/** Where `finite` is among a program's outputs, a bool scalar that says whether a run counts; −1 where it has none. */
export const finiteOf = (outputs: readonly NamedSpec[]): number =>
  outputs.findIndex(({ path, spec }) => path === 'finite' && spec.dtype === 'bool' && spec.shape.length === 0)
