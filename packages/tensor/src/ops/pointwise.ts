/**
 * Pointwise ops: y[i] = f(a[i], …). As ops they take equal shapes; the functions below take anything that
 * broadcasts, and plain numbers, and insert `broadcast`.
 */
import { ShapeError } from '../errors.ts'
import { currentGraph, Tensor } from '../graph.ts'
import { sameShape, type HostArray, type Spec } from '../spec.ts'
import type { OpAttrs } from './attrs.ts'
import {
  emit, need, needFloat, Refusal, type JvpArgs, type Maybe, type Op, type Ops, type VjpArgs,
} from './op.ts'
import { broadcast, broadcastShapes, zerosLike } from './movement.ts'
import { constant } from './structure.ts'
import { erf as erf64 } from '../reference/erf.ts'

type None = OpAttrs['neg']

/** f'(x)·ẋ serves both modes, since a pointwise Jacobian is diagonal. */
function unary(
  doc: string,
  f: (x: number) => number,
  times: (v: Tensor, x: Tensor, y: Tensor) => Tensor,
): Op<None> {
  return {
    doc,
    infer: (s) => {
      needFloat(s)
      return [s[0]]
    },
    jvp: ({ x, y, t }) => [times(t[0]!, x[0], y[0])],
    vjp: ({ x, y, g }) => [times(g[0]!, x[0], y[0])],
    evaluate: ([x]) => [Float64Array.from(x, f)],
  }
}

const equalShapes = (s: readonly Spec[]): void =>
  need(
    s.every((x) => sameShape(x.shape, s[0].shape)),
    'shapes must be equal (the functions broadcast, the ops do not)',
  )

const zip = (a: HostArray, b: HostArray, f: (x: number, y: number) => number): Float64Array => {
  const y = new Float64Array(a.length)
  for (let i = 0; i < y.length; i++) y[i] = f(a[i], b[i])
  return y
}

interface BinaryRules {
  jvp(args: JvpArgs<None>): Maybe
  vjp(args: VjpArgs<None>): readonly Maybe[]
}
function binary(doc: string, f: (a: number, b: number) => number, rules: BinaryRules): Op<None> {
  return {
    doc,
    infer: (s) => {
      needFloat(s)
      equalShapes(s)
      return [s[0]]
    },
    jvp: (args) => [rules.jvp(args)],
    vjp: rules.vjp,
    evaluate: ([a, b]) => [zip(a, b, f)],
  }
}

const compare = (doc: string, f: (a: number, b: number) => boolean): Op<None> => ({
  doc,
  infer: (s) => {
    equalShapes(s)
    need(s[0].dtype === s[1].dtype, `dtypes ${s[0].dtype} and ${s[1].dtype} differ`)
    return [{ shape: s[0].shape, dtype: 'bool' }]
  },
  evaluate: ([a, b]) => [Uint8Array.from({ length: a.length }, (_, i) => (f(a[i], b[i]) ? 1 : 0))],
})

/** ȧ ± ḃ where either may be zero. */
const plus = (a: Maybe, b: Maybe): Maybe => (a && b ? add(a, b) : (a ?? b))
const minus = (a: Maybe, b: Maybe): Maybe => (a && b ? sub(a, b) : b ? neg(b) : a)

export const pointwise: Ops<
  | 'neg'
  | 'exp'
  | 'log'
  | 'sqrt'
  | 'tanh'
  | 'erf'
  | 'isFinite'
  | 'add'
  | 'sub'
  | 'mul'
  | 'div'
  | 'maximum'
  | 'less'
  | 'equal'
  | 'select'
> = {
  neg: unary(
    '−x.',
    (x) => -x,
    (v) => neg(v),
  ),
  exp: unary('eˣ. f′ = y.', Math.exp, (v, _, y) => mul(v, y)),
  log: unary('ln x. f′ = 1/x.', Math.log, (v, x) => div(v, x)),
  sqrt: unary('√x. f′ = 1/(2y).', Math.sqrt, (v, _, y) => div(v, mul(y, 2))),
  tanh: unary('tanh x. f′ = 1 − y².', Math.tanh, (v, _, y) => mul(v, sub(1, mul(y, y)))),
  erf: unary('erf x. f′ = 2/√π · e^(−x²).', erf64, (v, x) =>
    mul(v, mul(exp(neg(mul(x, x))), 2 / Math.sqrt(Math.PI))),
  ),
  isFinite: {
    doc: 'bool: neither NaN nor ±∞. Backends decide it by the bits.',
    infer: (s) => {
      needFloat(s)
      return [{ shape: s[0].shape, dtype: 'bool' }]
    },
    evaluate: ([x]) => [Uint8Array.from(x, (v) => (Number.isFinite(v) ? 1 : 0))],
  },
  add: binary('a + b.', (a, b) => a + b, { jvp: ({ t }) => plus(t[0], t[1]), vjp: ({ g }) => [g[0], g[0]] }),
  sub: binary('a − b.', (a, b) => a - b, {
    jvp: ({ t }) => minus(t[0], t[1]),
    vjp: ({ g, needs }) => [g[0], needs[1] ? neg(g[0]!) : undefined],
  }),
  mul: binary('a·b.', (a, b) => a * b, {
    jvp: ({ x, t }) => plus(t[0] && mul(t[0], x[1]), t[1] && mul(x[0], t[1])),
    vjp: ({ x, g, needs }) => [
      needs[0] ? mul(g[0]!, x[1]) : undefined,
      needs[1] ? mul(g[0]!, x[0]) : undefined,
    ],
  }),
  div: binary('a/b. ẏ = (ȧ − y·ḃ)/b.', (a, b) => a / b, {
    jvp: ({ x, y, t }) => {
      const numerator = minus(t[0], t[1] && mul(y[0], t[1]))
      return numerator && div(numerator, x[1])
    },
    vjp: ({ x, y, g, needs }) => {
      const scaled = div(g[0]!, x[1])
      return [scaled, needs[1] ? neg(mul(scaled, y[0])) : undefined]
    },
  }),
  maximum: binary(
    'max(a, b); at a tie the derivative goes to a.',
    (a, b) => (a !== a || b !== b ? NaN : Math.max(a, b)),
    {
      jvp: ({ x, t }) => select(less(x[0], x[1]), t[1] ?? zerosLike(x[1]), t[0] ?? zerosLike(x[0])),
      vjp: ({ x, g, needs }) => {
        const second = less(x[0], x[1])
        const zero = zerosLike(x[0])
        return [
          needs[0] ? select(second, zero, g[0]!) : undefined,
          needs[1] ? select(second, g[0]!, zero) : undefined,
        ]
      },
    },
  ),
  less: compare('bool: a < b.', (a, b) => a < b),
  equal: compare('bool: a = b.', (a, b) => a === b),
  select: {
    doc: 'c ? a : b, with c bool.',
    infer: (s) => {
      equalShapes(s)
      need(s[0].dtype === 'bool', `the condition must be bool, got ${s[0].dtype}`)
      need(s[1].dtype === s[2].dtype, `dtypes ${s[1].dtype} and ${s[2].dtype} differ`)
      return [s[1]]
    },
    jvp: ({ x, t }) => [
      x[1].dtype === 'f32' ? select(x[0], t[1] ?? zerosLike(x[1]), t[2] ?? zerosLike(x[2])) : undefined,
    ],
    vjp: ({ x, g, needs }) => {
      const zero = zerosLike(x[1])
      return [
        undefined,
        needs[1] ? select(x[0], g[0]!, zero) : undefined,
        needs[2] ? select(x[0], zero, g[0]!) : undefined,
      ]
    },
    evaluate: ([c, a, b]) => {
      const y = a.slice()
      for (let i = 0; i < y.length; i++) if (!c[i]) y[i] = b[i]
      return [y]
    },
  },
}

export type Operand = Tensor | number

/** Operands of one op as tensors of one shape; numbers become scalars of the tensors' dtype. */
function aligned(op: string, operands: readonly Operand[]): Tensor[] {
  const dtype = operands.find((x): x is Tensor => x instanceof Tensor && x.dtype !== 'bool')?.dtype ?? 'f32'
  const fraction = operands.find((x) => typeof x === 'number' && dtype === 'i32' && !Number.isInteger(x))
  if (fraction !== undefined) {
    const given = operands.filter((x): x is Tensor => x instanceof Tensor)
    throw new ShapeError(
      op,
      given,
      `the number ${fraction} beside i32 is no whole number`,
      currentGraph().site.path,
    )
  }
  const tensors = operands.map((x) => (x instanceof Tensor ? x : constant(x, [], dtype)))
  try {
    const shape = broadcastShapes(tensors.map((x) => x.shape))
    return tensors.map((x) => broadcast(x, shape))
  } catch (error) {
    if (error instanceof Refusal) throw new ShapeError(op, tensors, error.message, currentGraph().site.path)
    throw error
  }
}

type Unary = 'neg' | 'exp' | 'log' | 'sqrt' | 'tanh' | 'erf' | 'isFinite'
type Binary = 'add' | 'sub' | 'mul' | 'div' | 'maximum' | 'less' | 'equal'
const one =
  (op: Unary) =>
  (x: Tensor): Tensor =>
    emit(op, pointwise[op], [x], {})[0]
const two =
  (op: Binary) =>
  (a: Operand, b: Operand): Tensor =>
    emit(op, pointwise[op], aligned(op, [a, b]), {})[0]

export const neg = one('neg')
export const exp = one('exp')
export const log = one('log')
export const sqrt = one('sqrt')
export const tanh = one('tanh')
export const erf = one('erf')
/** bool of the same shape. */
export const isFinite = one('isFinite')
export const add = two('add')
export const sub = two('sub')
export const mul = two('mul')
export const div = two('div')
export const maximum = two('maximum')
export const less = two('less')
export const equal = two('equal')
/** min(a, b) = −max(−a, −b); at a tie the derivative goes to a. */
export const minimum = (a: Operand, b: Operand): Tensor =>
  neg(maximum(a instanceof Tensor ? neg(a) : -a, b instanceof Tensor ? neg(b) : -b))
/** c ? a : b. */
export const select = (c: Tensor, a: Operand, b: Operand): Tensor =>
  emit('select', pointwise.select, aligned('select', [c, a, b]), {})[0]
export const square = (x: Tensor): Tensor => mul(x, x)
/** Logic on masks. */
export const and = (a: Tensor, b: Tensor): Tensor => select(a, b, constant(0, [], 'bool'))
export const or = (a: Tensor, b: Tensor): Tensor => select(a, constant(1, [], 'bool'), b)
export const not = (a: Tensor): Tensor => equal(a, constant(0, [], 'bool'))
