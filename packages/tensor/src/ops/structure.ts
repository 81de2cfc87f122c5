/** Ops that bring values into a program or only relabel them: input, constant, iota, stopGradient, cast. */
import type { Tensor } from '../graph.ts'
import { sizeOf, stridesOf, type DType, type Shape } from '../spec.ts'
import { emit, fromEnd, need, needAxis, type Ops } from './op.ts'

export const structure: Ops<'input' | 'constant' | 'iota' | 'stopGradient' | 'cast'> = {
  input: {
    doc: "A leaf of the program's input tree. Made by `trace`, never by hand.",
    infer: () => {
      throw new Error('inputs are made by Graph.input')
    },
  },
  constant: {
    doc: 'Values known while tracing, kept in f64.',
    infer: (_, { values, shape, dtype }) => {
      need(values.length === sizeOf(shape), `${values.length} values do not fill shape [${shape.join(',')}]`)
      return [{ shape, dtype }]
    },
    evaluate: (_, { values, dtype }) => [dtype === 'f32' ? Float64Array.from(values) : values.slice()],
  },
  iota: {
    doc: 'i32 counting 0, 1, … along `axis`, the same along all others.',
    infer: (_, { shape, axis }) => {
      needAxis(axis, shape.length)
      return [{ shape, dtype: 'i32' }]
    },
    evaluate: (_, { shape, axis }) => {
      const stride = stridesOf(shape)[axis]
      return [Int32Array.from({ length: sizeOf(shape) }, (__, i) => Math.floor(i / stride) % shape[axis])]
    },
  },
  stopGradient: {
    doc: 'The same values with no derivative: jvp 0, vjp 0.',
    infer: ([x]) => [x],
    evaluate: ([x]) => [x],
  },
  cast: {
    doc: 'To another dtype. f32 → i32 truncates towards 0; anything → bool is x ≠ 0. f32 → f32 passes derivatives.',
    infer: ([x], { dtype }) => [{ shape: x.shape, dtype }],
    jvp: ({ t, attrs }) => (attrs.dtype === 'f32' ? t : [undefined]),
    vjp: ({ g, x }) => (x[0].dtype === 'f32' ? g : [undefined]),
    evaluate: ([x], { dtype }) => {
      if (dtype === 'f32') return [Float64Array.from(x)]
      return [dtype === 'i32' ? Int32Array.from(x, Math.trunc) : Uint8Array.from(x, (v) => (v !== 0 ? 1 : 0))]
    },
  },
}

/** A constant tensor. A lone number is a scalar; give a shape for more. Values are kept in f64. */
export function constant(values: number | ArrayLike<number>, shape?: Shape, dtype: DType = 'f32'): Tensor {
  const list = typeof values === 'number' ? [values] : values
  const data =
    dtype === 'f32'
      ? Float64Array.from(list)
      : dtype === 'i32'
        ? Int32Array.from(list)
        : Uint8Array.from(list)
  const full = shape ?? (typeof values === 'number' ? [] : [list.length])
  return emit('constant', structure.constant, [], { values: data, shape: full, dtype })[0]
}

export const iota = (shape: Shape, axis: number): Tensor =>
  emit('iota', structure.iota, [], { shape, axis: fromEnd(axis, shape.length) })[0]

export const stopGradient = (x: Tensor): Tensor => emit('stopGradient', structure.stopGradient, [x], {})[0]

export const cast = (x: Tensor, dtype: DType): Tensor =>
  x.dtype === dtype ? x : emit('cast', structure.cast, [x], { dtype })[0]
