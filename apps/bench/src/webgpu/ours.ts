/** Our side of the WebGPU benchmark: programs on @ldyn/backend-webgpu. */
import { webgpuBackend, type WebgpuOptions, type WebgpuStats } from '@ldyn/backend-webgpu'
import {
  add, attention, call, f32, grad, i32, leaves, matmul, mean, mul, neg, reshape, rmsNorm, silu, square, sub, take,
  tokenLogProb, trace, transpose, type DeviceTensor, type Executable, type Program, type Tensor, type Tree,
} from '@ldyn/tensor'
import {
  block, initial, modelLoss, RATE, tokensOf, values, type Job, type Numbers, type Shape, type Side,
} from './model.ts'

const numbers = (tokens?: Tensor, targets?: Tensor): Numbers<Tensor> => ({
  matmul, add, reshape, silu,
  swap: (a) => transpose(a, [1, 0, 2]),
  attention: (q, k, v) => {
    const one = (x: Tensor): Tensor => reshape(x, [1, ...x.shape])
    return reshape(attention(one(q), one(k), one(v), { scale: q.shape[2] ** -0.5, causal: true }), q.shape)
  },
  rmsNorm: (a, g) => rmsNorm(a, g, 1e-6),
  embed: (table) => take(table, tokens!),
  loss: (hidden, table) => neg(mean(tokenLogProb(hidden, table, targets!))),
  meanSquare: (a) => mean(square(a)),
})

type Handles = Record<string, DeviceTensor>

interface Slopes {
  readonly primal: Tensor
  readonly grads: { readonly p: Record<string, Tensor> }
}

/** One step of SGD: {p, tokens, targets} → {loss, p}. */
function descended(loss: Program, s: Shape): Program {
  const slope = grad(loss, { wrt: 'p' })
  const specs = Object.fromEntries(Object.entries(initial(s, true)).map(([name, { shape }]) => [name, f32(...shape)]))
  return trace(({ p, tokens, targets }: { p: Record<string, Tensor>; tokens: Tensor; targets: Tensor }) => {
    const out = call(slope, { p, tokens, targets }) as unknown as Slopes
    const moved = Object.entries(p).map(([name, w]) => [name, sub(w, mul(out.grads.p[name], RATE))])
    return { loss: out.primal, p: Object.fromEntries(moved) as Record<string, Tensor> }
  }, { p: specs, tokens: i32(s.length), targets: i32(s.length) })
}

const disposeAll = (tree: Tree<DeviceTensor>): void => leaves(tree).forEach(({ value }) => value.dispose())

/** Host times and dispatches of what ran last, where the backend counts them. */
export interface Counted extends Job {
  readonly stats: WebgpuStats
}

/** Our side, whose jobs count. */
export interface Ours extends Side {
  readonly device: string
  readonly gpu: GPUDevice
  step(shape: Shape): Promise<Counted>
  close(): Promise<void>
}

export async function openOurs(options: WebgpuOptions = {}): Promise<Ours> {
  const backend = await webgpuBackend(options)
  const put = (shape: number[], data: Float32Array | Int32Array): Promise<DeviceTensor> =>
    backend.upload({ shape, dtype: data instanceof Int32Array ? 'i32' : 'f32', data })
  const first = async (x: DeviceTensor): Promise<number> => (await backend.read(x)).data[0]
  const counted = (executable: Executable, run: () => Promise<number>): Counted =>
    ({ run, stats: executable.stats as WebgpuStats })
  const specs = (shapes: Record<string, { shape: number[] }>) =>
    Object.fromEntries(Object.entries(shapes).map(([name, { shape }]) => [name, f32(...shape)]))
  const uploaded = async (s: Shape, whole: boolean): Promise<Handles> =>
    Object.fromEntries(await Promise.all(Object.entries(initial(s, whole)).map(async ([name, { shape, data }]) =>
      [name, await put(shape, data)] as const)))

  return {
    name: 'ldyn',
    device: backend.capabilities.device,
    gpu: backend.device,
    close: () => backend.dispose(),
    async matmul(n) {
      const run = await backend.compile(trace(({ a, b }) => matmul(a, b), { a: f32(n, n), b: f32(n, n) }))
      const [a, b] = [await put([n, n], values(n * n, 1, 1)), await put([n, n], values(n * n, 2, 1))]
      return counted(run, async () => {
        const y = (await run.run({ a, b })) as DeviceTensor
        const value = await first(y)
        y.dispose()
        return value
      })
    },
    async block(s) {
      const program: Program = trace(
        ({ p, x }: { p: Record<string, Tensor>; x: Tensor }) => numbers().meanSquare(block(numbers(), s, p, x, 0)),
        { p: specs(initial(s, false)), x: f32(s.length, s.width) },
      )
      const run = await backend.compile(grad(program, { wrt: (path) => path === 'x' || path.startsWith('p') }))
      const x = await put([s.length, s.width], values(s.length * s.width, 9, 1))
      const inputs = { p: await uploaded(s, false), x }
      return counted(run, async () => {
        const out = (await run.run(inputs)) as unknown as { primal: DeviceTensor; grads: Tree<DeviceTensor> }
        const value = await first(out.primal)
        disposeAll(out as unknown as Tree<DeviceTensor>)
        return value
      })
    },
    async step(s) {
      const loss = trace(
        ({ p, tokens, targets }: { p: Record<string, Tensor>; tokens: Tensor; targets: Tensor }) =>
          modelLoss(numbers(tokens, targets), s, p),
        { p: specs(initial(s, true)), tokens: i32(s.length), targets: i32(s.length) },
      )
      const run = await backend.compile(descended(loss, s), { donate: 'p' })
      let p = await uploaded(s, true)
      const [tokens, targets] = [await put([s.length], tokensOf(s, 1)), await put([s.length], tokensOf(s, 2))]
      return counted(run, async () => {
        const out = (await run.run({ p, tokens, targets })) as unknown as { loss: DeviceTensor; p: Handles }
        p = out.p
        const value = await first(out.loss)
        out.loss.dispose()
        return value
      })
    },
  }
}
