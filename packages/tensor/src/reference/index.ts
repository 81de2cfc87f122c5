/**
 * The oracle: a Program's nodes one after the other, in f64, each by its entry in the op table.
 *
 * Composites run through their expansion, so what they mean stands in one place. Values are freed after their
 * last use. `onValue` sees every value as it is made; a non-finite one can be reported with its op and path.
 */
import type { Backend, DeviceTensor, Executable, RunInput } from '../backend.ts'
import { DeviceError, NonFiniteError, TraceError } from '../errors.ts'
import type { Node, Program } from '../program.ts'
import { byteSize, sameShape, show, sizeOf, type HostArray, type HostTensor, type Spec } from '../spec.ts'
import { expandComposites, rulesOf } from '../transforms/rebuild.ts'
import { dropDead } from '../transforms/simplify.ts'
import { leaves, matches, unflatten, type PathFilter, type Tree } from '../tree.ts'

export interface EvaluateOptions {
  /** Called with every node and value as it is made. */
  readonly onValue?: (node: Node, value: HostArray, spec: Spec) => void
  /** Throw NonFiniteError at the first NaN or infinity, naming op and module path. */
  readonly checkFinite?: boolean
}

/** What `evaluate` takes for a leaf. */
export type HostInput = HostTensor | number

/** Runs a program in f64 on host values. Throws TraceError where inputs are missing or do not fit. */
export function evaluate(
  program: Program,
  inputs: Tree<HostInput>,
  options: EvaluateOptions = {},
): Tree<HostTensor> {
  return interpret(dropDead(expandComposites(program, () => false)), inputs, options)
}

/** Host input → f64 array of the spec. */
function load(path: string, want: Spec, given: HostInput | undefined): HostArray {
  if (given === undefined) throw new TraceError(`input '${path}' (${show(want)}) is missing`)
  if (typeof given === 'number') {
    if (sizeOf(want.shape) !== 1)
      throw new TraceError(`input '${path}' is a number where the program takes ${show(want)}`)
    return want.dtype === 'f32'
      ? Float64Array.of(given)
      : want.dtype === 'i32'
        ? Int32Array.of(given)
        : Uint8Array.of(given)
  }
  if (given.dtype !== want.dtype || !sameShape(given.shape, want.shape)) {
    throw new TraceError(`input '${path}' is ${show(given)} where the program takes ${show(want)}`)
  }
  checkFilled(given, `input '${path}'`)
  return want.dtype === 'f32' ? Float64Array.from(given.data) : given.data
}

function checkFilled({ shape, dtype, data }: HostTensor, what: string): void {
  if (data.length !== sizeOf(shape))
    throw new TraceError(`${what} has ${data.length} values, which do not fill ${show({ shape, dtype })}`)
}

function interpret(
  program: Program,
  inputs: Tree<HostInput>,
  { onValue, checkFinite }: EvaluateOptions,
): Tree<HostTensor> {
  const given = new Map(leaves(inputs).map(({ path, value }) => [path, value]))
  const values: (HostArray | undefined)[] = []
  const last = lastUses(program)
  program.nodes.forEach((node, n) => {
    const specs = node.inputs.map((v) => program.values[v])
    const outs = node.outputs.map((v) => program.values[v])
    const results =
      node.op === 'input'
        ? [load(node.attrs.path, outs[0], given.get(node.attrs.path))]
        : rulesOf(node).evaluate!(
            node.inputs.map((v) => values[v]!),
            node.attrs,
            specs,
            outs,
          )
    node.outputs.forEach((v, i) => {
      onValue?.(node, results[i], outs[i])
      if (checkFinite && outs[i].dtype === 'f32' && !results[i].every(Number.isFinite))
        throw new NonFiniteError(nonFiniteSentence(node, results[i]))
      values[v] = results[i]
    })
    for (const v of node.inputs) if (last[v] === n) values[v] = undefined
  })
  return unflatten(
    program.outputs.map(({ path, value }) => ({
      path,
      value: { ...program.values[value], data: values[value]! },
    })),
  )
}

function nonFiniteSentence(node: Node, value: HostArray): string {
  const at = Array.from(value).findIndex((v) => !Number.isFinite(v))
  const where =
    node.op === 'input' ? `input '${node.attrs.path}'` : `${node.op}${node.path && ` in ${node.path}`}`
  return `${where} is ${value[at]} at element ${at}`
}

/** For every value, the index of the last node that reads it; outputs live on. */
function lastUses(program: Program): Float64Array {
  const last = new Float64Array(program.values.length).fill(-1)
  program.nodes.forEach((node, n) => node.inputs.forEach((v) => (last[v] = n)))
  for (const { value } of program.outputs) last[value] = Infinity
  return last
}

class ReferenceTensor implements DeviceTensor {
  readonly backend = 'reference'
  alive = true
  readonly shape: readonly number[]
  readonly dtype: Spec['dtype']
  readonly data: HostArray
  private readonly live: Set<ReferenceTensor>
  constructor(live: Set<ReferenceTensor>, { shape, dtype, data }: HostTensor) {
    this.live = live
    this.shape = shape
    this.dtype = dtype
    this.data = data
    live.add(this)
  }
  belongsTo(live: Set<ReferenceTensor>): boolean {
    return this.live === live
  }
  dispose(): void {
    this.alive = false
    this.live.delete(this)
  }
  [Symbol.dispose](): void {
    this.dispose()
  }
}

/** The reference as a Backend: f64, single-threaded, no limits but patience. */
export function referenceBackend(options: EvaluateOptions = {}): Backend {
  const live = new Set<ReferenceTensor>()
  let open = true
  const needOpen = (): void => {
    if (!open) throw new DeviceError('the reference backend was disposed')
  }
  const close = async (): Promise<void> => {
    open = false
    for (const t of live) t.dispose()
  }
  const own = (t: DeviceTensor, path: string): ReferenceTensor => {
    if (!(t instanceof ReferenceTensor) || !t.belongsTo(live)) {
      throw new DeviceError(
        `'${path}' lives on ${t.backend}${t.backend === 'reference' ? ' (another one)' : ''}; read it there and upload it here`,
      )
    }
    if (!t.alive) throw new DeviceError(`'${path}' was disposed of or donated`)
    return t
  }
  const hostOf = (leaf: RunInput, path: string): HostInput =>
    typeof leaf === 'object' && 'backend' in leaf ? own(leaf, path) : leaf

  return {
    name: 'reference',
    capabilities: { device: 'CPU, one thread', version: 'f64 loops', composites: [], f64: true },
    upload: async (value) => {
      needOpen()
      checkFilled(value, 'the value to upload')
      return new ReferenceTensor(live, {
        ...value,
        data: value.dtype === 'f32' ? Float64Array.from(value.data) : value.data.slice(),
      })
    },
    read: async (tensor) => {
      const { shape, dtype, data } = own(tensor, 'tensor')
      return { shape, dtype, data: data.slice() }
    },
    compile: async (program, { donate = [] }: { donate?: PathFilter } = {}): Promise<Executable> => {
      needOpen()
      const started = performance.now()
      const plain = dropDead(expandComposites(program, () => false))
      let alive = true
      const dispose = (): void => {
        alive = false
      }
      return {
        program,
        stats: {
          simplifyMs: performance.now() - started,
          lowerMs: 0,
          engineMs: 0,
          nodes: plain.nodes.length,
        },
        run: async (inputs) => {
          needOpen()
          if (!alive) throw new DeviceError('the executable was disposed; compile the program again')
          const given = leaves(inputs)
          const host = unflatten(given.map(({ path, value }) => ({ path, value: hostOf(value, path) })))
          const outputs = leaves(interpret(plain, host, options))
          const finite = outputs.find(({ path }) => path === 'finite')
          if (finite && !finite.value.data[0])
            throw new NonFiniteError("the program's output 'finite' is false; donated inputs are unchanged")
          for (const { path, value } of given)
            if (matches(donate, path) && typeof value === 'object' && 'backend' in value) value.dispose()
          // Values may share storage (reshape is free); handles must not.
          return unflatten(
            outputs.map(({ path, value }) => ({
              path,
              value: new ReferenceTensor(live, { ...value, data: value.data.slice() }),
            })),
          )
        },
        dispose,
        [Symbol.dispose]: dispose,
      }
    },
    memory: () => ({ tensors: live.size, bytes: [...live].reduce((n, t) => n + byteSize(t), 0), pooled: 0 }),
    dispose: close,
    [Symbol.asyncDispose]: close,
  }
}

/** The name by which every backend's package exports its factory. */
export { referenceBackend as createBackend }
