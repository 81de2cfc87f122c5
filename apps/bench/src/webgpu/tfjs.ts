/** TensorFlow.js on its WebGPU backend and the same adapter: eager, its only way. */
import * as tf from '@tensorflow/tfjs'
import '@tensorflow/tfjs-backend-webgpu'
import {
  block, causalMask, initial, modelLoss, RATE, tokensOf, values, type Numbers, type Shape, type Side,
} from './model.ts'

type T = tf.Tensor

function numbers({ length, vocabulary }: Shape, tokens?: T, targets?: T): Numbers<T> {
  const mask = tf.tensor2d(causalMask(length), [length, length])
  const o: Numbers<T> = {
    matmul: (a, b, ta, tb) => tf.matMul(a, b, ta, tb),
    add: (a, b) => tf.add(a, b),
    reshape: (a, shape) => tf.reshape(a, shape),
    swap: (a) => tf.transpose(a, [1, 0, 2]),
    attention: (q, k, v) => {
      const scores = tf.mul(tf.matMul(q, k, false, true), q.shape[2]! ** -0.5)
      return tf.matMul(tf.softmax(tf.add(scores, mask)), v)
    },
    silu: (a) => tf.mul(a, tf.sigmoid(a)),
    rmsNorm: (a, g) => tf.mul(tf.div(a, tf.sqrt(tf.add(tf.mean(tf.square(a), -1, true), 1e-6))), g),
    embed: (table) => tf.gather(table, tokens as tf.Tensor1D),
    loss: (hidden, table) => {
      const logp = tf.logSoftmax(tf.matMul(hidden, table, false, true))
      const hot = tf.cast(tf.oneHot(targets as tf.Tensor1D, vocabulary), 'float32')
      return tf.mul(tf.sum(tf.mul(logp, hot)), -1 / length)
    },
    meanSquare: (a) => tf.mean(tf.square(a)),
  }
  return o
}

const weights = (s: Shape, whole: boolean): Record<string, T> =>
  Object.fromEntries(Object.entries(initial(s, whole)).map(([name, { shape, data }]) => [name, tf.tensor(data, shape)]))

/** Throws where it finds no WebGPU. */
export async function openTfjs(): Promise<Side> {
  if (!(await tf.setBackend('webgpu'))) throw new Error('TensorFlow.js finds no WebGPU device')
  await tf.ready()
  /** Value and gradients of a scalar function of named tensors. */
  type Named = Record<string, T>
  const slopes = (f: (p: Named) => T, p: Named): { value: tf.Scalar; grads: Named } => {
    const names = Object.keys(p)
    const both = tf.valueAndGrads((...x: T[]) => f(Object.fromEntries(names.map((n, i) => [n, x[i]]))) as tf.Scalar)
    const { value, grads } = both(Object.values(p))
    return { value: value as tf.Scalar, grads: Object.fromEntries(names.map((n, i) => [n, grads[i]])) }
  }
  return {
    name: 'tfjs-webgpu',
    async matmul(n) {
      const [a, b] = [tf.tensor2d(values(n * n, 1, 1), [n, n]), tf.tensor2d(values(n * n, 2, 1), [n, n])]
      return {
        async run() {
          const y = tf.matMul(a, b)
          const [value] = await y.data()
          y.dispose()
          return value
        },
      }
    },
    async block(s) {
      const o = numbers(s)
      const p = { ...weights(s, false), x: tf.tensor2d(values(s.length * s.width, 9, 1), [s.length, s.width]) as T }
      return {
        async run() {
          const value = tf.tidy(() => slopes(({ x, ...w }) => o.meanSquare(block(o, s, w, x, 0)), p).value)
          const [number] = await value.data()
          value.dispose()
          return number
        },
      }
    },
    async step(s) {
      const o = numbers(s, tf.tensor1d(tokensOf(s, 1), 'int32'), tf.tensor1d(tokensOf(s, 2), 'int32'))
      let p = weights(s, true)
      return {
        async run() {
          const { value, moved } = tf.tidy(() => {
            const { value, grads } = slopes((w) => modelLoss(o, s, w), p)
            return {
              value,
              moved: Object.fromEntries(
                Object.entries(p).map(([name, w]) => [name, tf.sub(w, tf.mul(grads[name], RATE))]),
              ),
            }
          })
          tf.dispose(p)
          p = moved
          const [loss] = await value.data()
          value.dispose()
          return loss
        },
      }
    },
  }
}
