/**
 * A whole backend in one file, as packages/testkit/README.md builds it up: tensors are Float32Arrays, a program is a
 * list of kernels. It begins with the op table's own f64 meaning of every op, rounded to f32, and replaces what it
 * does better: here addition, multiplication and the matrix product.
 */
import {
  byteSize, DeviceError, expandComposites, leaves, matches, NonFiniteError, primitives, sameShape, show, sizeOf,
  TraceError, unflatten, type Backend, type CompileOptions, type DeviceTensor, type Executable, type HostArray,
  type HostTensor, type PrimitiveAttrs, type PrimitiveName, type Program, type RunInput, type Spec, type Tree,
} from '@ldyn/tensor'

// #region tensors
/** A handle: what the caller holds. Data is f32 as Float32Array, i32 as Int32Array, bool as Uint8Array. */
class ArrayTensor implements DeviceTensor {
  readonly backend = 'arrays'
  readonly shape: Spec['shape']
  readonly dtype: Spec['dtype']
  readonly data: HostArray
  private readonly live: Set<ArrayTensor>
  constructor(live: Set<ArrayTensor>, { shape, dtype }: Spec, data: HostArray) {
    this.shape = shape
    this.dtype = dtype
    this.data = data
    this.live = live
    live.add(this)
  }
  get alive(): boolean {
    return this.live.has(this)
  }
  dispose(): void {
    this.live.delete(this)
  }
  [Symbol.dispose](): void {
    this.dispose()
  }
}

/** A copy of host values in the array that this backend keeps. Throws DeviceError where they do not fill the shape. */
function stored({ shape, dtype, data }: HostTensor, what: string): HostArray {
  if (data.length !== sizeOf(shape))
    throw new DeviceError(`${what} has ${data.length} values, which do not fill ${show({ shape, dtype })}`)
  return dtype === 'f32' ? Float32Array.from(data) : data.slice()
}
// #endregion

// #region kernels
type Specs = readonly Spec[]
type Kernel<A> = (x: readonly HostArray[], attrs: A, specs: Specs, outs: Specs) => readonly HostArray[]
type Kernels = { readonly [K in Exclude<PrimitiveName, 'input'>]: Kernel<PrimitiveAttrs[K]> }

/** The op table's meaning of an op, rounded to f32: right, slow, and there for every op. */
const fromTable = (op: PrimitiveName): Kernel<never> => (x, attrs, specs, outs) => {
  const results = primitives[op].evaluate!(x, attrs, specs, outs)
  return results.map((y, i) => (outs[i].dtype === 'f32' ? Float32Array.from(y) : y))
}

const pointwise = (f: (a: number, b: number) => number): Kernel<object> => ([a, b]) => {
  const y = new Float32Array(a.length)
  for (let i = 0; i < y.length; i++) y[i] = f(a[i], b[i])
  return [y]
}

/** op(a)·op(b) in row order, so that the inner loop reads and writes memory in sequence; sums are kept in f64. */
const matmul: Kernel<PrimitiveAttrs['matmul']> = ([a, b], { ta, tb }, [as, bs], [ys]) => {
  const [m, n] = ys.shape.slice(-2)
  const inner = as.shape.at(ta ? -2 : -1)!
  const batches = sizeOf(ys.shape.slice(0, -2))
  const y = new Float32Array(sizeOf(ys.shape))
  const row = new Float64Array(n)
  for (let z = 0; z < batches; z++) {
    const [a0, b0] = [z * m * inner, bs.shape.length === 2 ? 0 : z * inner * n]
    for (let i = 0; i < m; i++) {
      row.fill(0)
      for (let k = 0; k < inner; k++) {
        const v = a[a0 + (ta ? k * m + i : i * inner + k)]
        for (let j = 0; j < n; j++) row[j] += v * b[b0 + (tb ? j * inner + k : k * n + j)]
      }
      y.set(row, (z * m + i) * n)
    }
  }
  return [y]
}

const names = Object.keys(primitives).filter((op) => op !== 'input') as PrimitiveName[]
const kernels = {
  ...Object.fromEntries(names.map((op) => [op, fromTable(op)])),
  add: pointwise((a, b) => a + b),
  mul: pointwise((a, b) => a * b),
  matmul,
} as Kernels
// #endregion

// #region run
/** One run: values by number, each node's kernel in turn. `input` gives the stored array of an input's path. */
function execute(
  { nodes, values: specs, outputs }: Program,
  input: (path: string, spec: Spec) => HostArray,
): HostArray[] {
  const values: HostArray[] = []
  for (const node of nodes) {
    const outs = node.outputs.map((v) => specs[v])
    const kernel = node.op === 'input' ? undefined : (kernels[node.op as keyof Kernels] as Kernel<unknown>)
    const results = kernel
      ? kernel(node.inputs.map((v) => values[v]), node.attrs, node.inputs.map((v) => specs[v]), outs)
      : [input((node.attrs as { path: string }).path, outs[0])]
    node.outputs.forEach((v, i) => (values[v] = results[i]))
  }
  return outputs.map(({ value }) => values[value])
}
// #endregion

// #region backend
export function createBackend(): Backend {
  const live = new Set<ArrayTensor>()
  let open = true
  const mustBeOpen = (): void => {
    if (!open) throw new DeviceError("the backend 'arrays' was disposed of")
  }
  const own = (tensor: DeviceTensor, path: string): ArrayTensor => {
    if (!(tensor instanceof ArrayTensor)) throw new DeviceError(`'${path}' lives on ${tensor.backend}; upload it here`)
    if (!live.has(tensor)) throw new DeviceError(`'${path}' was disposed of or donated`)
    return tensor
  }
  const isHandle = (leaf: RunInput | undefined): leaf is DeviceTensor => typeof leaf === 'object' && 'backend' in leaf

  /** The array of a leaf, checked against what the program takes. */
  function arrayOf(leaf: RunInput | undefined, path: string, spec: Spec): HostArray {
    if (leaf === undefined) throw new TraceError(`input '${path}' (${show(spec)}) is missing`)
    if (typeof leaf === 'number') {
      if (sizeOf(spec.shape) !== 1) throw new TraceError(`input '${path}' is a number where ${show(spec)} is taken`)
      return spec.dtype === 'f32' ? Float32Array.of(leaf) : spec.dtype === 'i32' ? Int32Array.of(leaf) : Uint8Array.of(leaf)
    }
    if (leaf.dtype !== spec.dtype || !sameShape(leaf.shape, spec.shape))
      throw new TraceError(`input '${path}' is ${show(leaf)} where the program takes ${show(spec)}`)
    return isHandle(leaf) ? own(leaf, path).data : stored(leaf, `input '${path}'`)
  }

  function compile(program: Program, { donate = [] }: CompileOptions = {}): Executable {
    const plain = expandComposites(program, () => false)
    let closed = false
    const dispose = (): void => void (closed = true)
    async function run(inputs: Tree<RunInput>): Promise<Tree<DeviceTensor>> {
      mustBeOpen()
      if (closed) throw new DeviceError('the executable was disposed of')
      const given = new Map(leaves(inputs).map(({ path, value }) => [path, value]))
      const results = execute(plain, (path, spec) => arrayOf(given.get(path), path, spec))
      const finite = program.outputs.findIndex(({ path }) => path === 'finite')
      if (finite >= 0 && !results[finite][0]) throw new NonFiniteError("the output 'finite' is false; donated inputs live on")
      // From here on nothing can fail: what was donated is consumed, and outputs get arrays of their own.
      for (const [path, leaf] of given) if (matches(donate, path) && isHandle(leaf)) own(leaf, path).dispose()
      return unflatten(
        program.outputs.map(({ path, value }, i) => ({
          path,
          value: new ArrayTensor(live, program.values[value], results[i].slice()),
        })),
      )
    }
    const stats = { simplifyMs: 0, lowerMs: 0, engineMs: 0, nodes: plain.nodes.length }
    return { program, stats, run, dispose, [Symbol.dispose]: dispose }
  }

  const dispose = async (): Promise<void> => {
    open = false
    live.clear()
  }
  return {
    name: 'arrays',
    capabilities: { device: 'CPU, one thread of JavaScript', version: 'example 1', composites: [], f64: false },
    upload: async (value) => {
      mustBeOpen()
      return new ArrayTensor(live, value, stored(value, 'the uploaded tensor'))
    },
    read: async (tensor) => {
      const { shape, dtype, data } = own(tensor, 'tensor')
      return { shape, dtype, data: data.slice() }
    },
    compile: async (program, options) => {
      mustBeOpen()
      return compile(program, options)
    },
    memory: () => ({ tensors: live.size, bytes: [...live].reduce((n, t) => n + byteSize(t), 0), pooled: 0 }),
    dispose,
    [Symbol.asyncDispose]: dispose,
  }
}
// #endregion
