/** jax-js on the same adapter: everything under `jit`, as its documentation advises. */
import { defaultDevice, init, jit, nn, numpy as np, valueAndGrad } from '@jax-js/jax'
import {
  block, causalMask, initial, modelLoss, RATE, tokensOf, values, type Numbers, type Params, type Shape, type Side,
} from './model.ts'

type A = np.Array
/** jax-js consumes its operands; a reference is an operand to spare. */
const kept = (x: A): A => x.ref

function numbers({ length, vocabulary }: Shape, tokens?: A, targets?: A): Numbers<A> {
  const turned = (x: A, by?: boolean): A => (by ? np.swapaxes(kept(x), -1, -2) : kept(x))
  const o: Numbers<A> = {
    matmul: (a, b, ta, tb) => np.matmul(turned(a, ta), turned(b, tb)),
    add: (a, b) => np.add(kept(a), kept(b)),
    reshape: (a, shape) => np.reshape(kept(a), shape),
    swap: (a) => np.transpose(kept(a), [1, 0, 2]),
    attention: (q, k, v) => {
      const scores = np.multiply(o.matmul(q, k, false, true), q.shape[2] ** -0.5)
      const mask = np.array(causalMask(length)).reshape([length, length])
      return np.matmul(nn.softmax(np.add(scores, mask), -1), kept(v))
    },
    silu: (a) => nn.silu(kept(a)),
    rmsNorm: (a, g) => {
      const square = np.mean(np.multiply(kept(a), kept(a)), -1, { keepdims: true })
      return np.multiply(np.divide(kept(a), np.sqrt(np.add(square, 1e-6))), kept(g))
    },
    embed: (table) => np.take(kept(table), kept(tokens!), 0),
    loss: (hidden, table) => {
      const logp = nn.logSoftmax(o.matmul(hidden, table, false, true), -1)
      return np.multiply(np.sum(np.multiply(logp, nn.oneHot(kept(targets!), vocabulary))), -1 / length)
    },
    meanSquare: (a) => np.mean(np.multiply(kept(a), kept(a))),
  }
  return o
}

const put = (shape: readonly number[], data: Float32Array | Int32Array): A =>
  np.array(data as Float32Array<ArrayBuffer>).reshape([...shape])
const weights = (s: Shape, whole: boolean): Record<string, A> =>
  Object.fromEntries(Object.entries(initial(s, whole)).map(([name, { shape, data }]) => [name, put(shape, data)]))
const references = (p: Record<string, A>): Record<string, A> =>
  Object.fromEntries(Object.entries(p).map(([name, x]) => [name, kept(x)]))

/** Throws where jax-js finds no WebGPU. */
export async function openJax(): Promise<Side> {
  if (!(await init('webgpu')).includes('webgpu')) throw new Error('jax-js finds no WebGPU device')
  defaultDevice('webgpu')
  return {
    name: 'jax-js',
    async matmul(n) {
      const f = jit((a: A, b: A) => np.matmul(a, b))
      const [a, b] = [put([n, n], values(n * n, 1, 1)), put([n, n], values(n * n, 2, 1))]
      return { run: async () => (await f(kept(a), kept(b)).data())[0] }
    },
    async block(s) {
      const o = numbers(s)
      const f = jit(valueAndGrad((all: { p: Record<string, A>; x: A }) =>
        o.meanSquare(block(o, s, all.p as Params<A>, all.x, 0))))
      const [p, x] = [weights(s, false), put([s.length, s.width], values(s.length * s.width, 9, 1))]
      return {
        async run() {
          const [value, slopes] = f({ p: references(p), x: kept(x) }) as unknown as [A, { p: Record<string, A>; x: A }]
          for (const slope of [...Object.values(slopes.p), slopes.x]) slope.dispose()
          return (await value.data())[0]
        },
      }
    },
    async step(s) {
      const f = jit((p: Record<string, A>, tokens: A, targets: A) => {
        const o = numbers(s, tokens, targets)
        const [loss, slopes] = valueAndGrad((w: Record<string, A>) => modelLoss(o, s, w))(references(p)) as unknown as
          [A, Record<string, A>]
        const moved = Object.entries(p).map(([name, w]) => [name, np.subtract(w, np.multiply(slopes[name], RATE))])
        return [loss, Object.fromEntries(moved)] as unknown as [A, Record<string, A>]
      })
      let p = weights(s, true)
      const [tokens, targets] = [put([s.length], tokensOf(s, 1)), put([s.length], tokensOf(s, 2))]
      return {
        async run() {
          const [loss, moved] = f(p, kept(tokens), kept(targets)) as unknown as [A, Record<string, A>]
          p = moved
          return (await loss.data())[0]
        },
      }
    },
  }
}
