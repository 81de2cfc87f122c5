/**
 * A plan under construction: what the lowerings append tf calls to, and what they say about a value in it.
 *
 * A value may be held smaller than it stands for: `broadcast` emits nothing, since tf's pointwise ops repeat their
 * operands anyway. So a Value has a shape that it stands for and the shape that its tf tensor has, which repeats to
 * the former; a pointwise op of small operands stays small. Who needs all elements calls `full`.
 *
 * One step is one tf op (some few are two): intermediates are values too, so that liveness frees them, and no
 * `tf.tidy` is needed.
 */
import type { Engine, Tensor } from '../run/engine.ts'
import { atRank, broadcastShapes, grouped, runs, sameShape, sizeOf, type Shape, type Spec } from './shapes.ts'

export interface Value extends Spec {
  readonly id: number
  /** Shape of the tf tensor: right-aligned with `shape`, every axis equal to its or 1. */
  readonly held: Shape
  /** The number that all elements are, where that is known. */
  readonly splat?: number
}

export type Call = (...x: Tensor[]) => Tensor
export type Calls = (...x: Tensor[]) => Tensor[]

export interface Step {
  readonly run: Calls
  readonly inputs: readonly number[]
  readonly outputs: readonly number[]
  /** Op and module path that it stems from, for messages. */
  readonly op: string
  readonly path: string
}

/** Values known when compiling; they are uploaded once and live as long as the executable. */
export interface Constant extends Spec {
  readonly id: number
  readonly data: Float32Array | Int32Array | Uint8Array
}

export interface Emitter {
  readonly tf: Engine['tf']
  readonly engine: Engine
  /** Appends a call whose tf tensor has the shape `held`. */
  call(x: readonly Value[], out: Spec, run: Call, held?: Shape): Value
  /** Appends a call with several results, all whole. */
  calls(x: readonly Value[], outs: readonly Spec[], run: Calls): Value[]
  /** A pointwise call on the operands as they are held. */
  pointwise(x: readonly Value[], out: Spec, run: Call): Value
  constant(s: Spec, values: ArrayLike<number>, held?: Shape): Value
  /** A value of which all elements are one number. */
  splat(value: number, s: Spec): Value
  /** The value with all elements held. */
  full(x: Value): Value
  /** The whole value's elements under another shape of the same size. */
  reshape(x: Value, shape: Shape): Value
  /** What `make` emitted when the key was first asked for: a mask that all layers share. */
  shared(key: string, make: () => Value): Value
}

/** The same tf tensor standing for another shape that its held shape also repeats to. */
export const stands = (x: Value, shape: Shape, held: Shape = x.held): Value => ({ ...x, shape, held })

/** Is every element held? Ones in front do not count. */
const isWhole = (x: Value): boolean => sizeOf(x.held) === sizeOf(x.shape)

/** Numbers in a dtype's array; f64 is rounded once. */
export const encoded = (
  dtype: Spec['dtype'],
  values: ArrayLike<number>,
): Float32Array | Int32Array | Uint8Array =>
  dtype === 'f32'
    ? Float32Array.from(values)
    : dtype === 'i32'
      ? Int32Array.from(values)
      : Uint8Array.from(values, (v) => (v ? 1 : 0))

export interface Recording extends Emitter {
  readonly steps: Step[]
  readonly constants: Constant[]
  /** How many values there are: their ids are below it. */
  count(): number
  /** A value that is given from outside. */
  input(s: Spec): Value
  /** What the steps that follow stem from. */
  op: string
  path: string
}

export function recording(engine: Engine): Recording {
  const { tf } = engine
  const known = new Map<string, Value>()
  const small = new Map<string, number>()
  let values = 0
  const e: Recording = {
    tf,
    engine,
    steps: [],
    constants: [],
    op: '',
    path: '',
    count: () => values,
    input: ({ shape, dtype }) => ({ id: values++, shape, dtype, held: shape }),
    call(x, { shape, dtype }, run, held = shape) {
      const id = values++
      const { op, path } = e
      const inputs = x.map((v) => v.id)
      e.steps.push({ run: (...t) => [run(...t)], inputs, outputs: [id], op, path })
      return { id, shape, dtype, held }
    },
    calls(x, outs, run) {
      const made = outs.map(({ shape, dtype }) => ({ id: values++, shape, dtype, held: shape }))
      const { op, path } = e
      e.steps.push({ run, inputs: x.map((v) => v.id), outputs: made.map((v) => v.id), op, path })
      return made
    },
    pointwise: (x, out, run) => e.call(x, out, run, broadcastShapes(x.map((v) => v.held))),
    constant({ shape, dtype }, numbers, held = shape) {
      const data = encoded(dtype, numbers)
      const key = data.length <= 64 ? `${dtype}|${held.join(',')}|${showAll(data)}` : undefined
      let id = key === undefined ? undefined : small.get(key)
      if (id === undefined) {
        id = values++
        e.constants.push({ id, shape: held, dtype, data })
        if (key !== undefined) small.set(key, id)
      }
      return { id, shape, dtype, held }
    },
    splat: (value, s) => ({ ...e.constant({ ...s, shape: [] }, [value]), shape: s.shape, splat: value }),
    full(x) {
      if (sameShape(x.held, x.shape)) return x
      if (isWhole(x)) return e.call([x], x, (t) => tf.reshape(t, [...x.shape]))
      if (x.splat !== undefined) {
        const [shape, value, dtype] = [[...x.shape], x.splat, engine.dtypes[x.dtype]]
        return e.call([], x, () => tf.fill(shape, value, dtype))
      }
      const held = atRank(x.held, x.shape.length)
      const parts = runs(x.shape.length, (a) => held[a] !== x.shape[a])
      const [from, to] = [grouped(held, parts), grouped(x.shape, parts)]
      const repeats = to.map((n, i) => (from[i] === n ? 1 : n / from[i]))
      const shape = [...x.shape]
      return e.call([x], x, (t) => {
        const lean = tf.reshape(t, from)
        const tiled = tf.tile(lean, repeats)
        lean.dispose()
        if (to.length === shape.length) return tiled
        const shaped = tf.reshape(tiled, shape)
        tiled.dispose()
        return shaped
      })
    },
    reshape(x, shape) {
      if (x.splat !== undefined) return stands(x, shape)
      const whole = isWhole(x) ? x : e.full(x)
      if (sameShape(whole.held, shape)) return stands(whole, shape)
      return e.call([whole], { ...x, shape }, (t) => tf.reshape(t, [...shape]))
    },
    shared(key, make) {
      const found = known.get(key) ?? make()
      known.set(key, found)
      return found
    },
  }
  return e
}

const showAll = (data: ArrayLike<number>): string =>
  Array.from(data, (v) => (Object.is(v, -0) ? '-0' : v)).join(',')
