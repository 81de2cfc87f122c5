/**
 * Random programs: a dozen ops drawn from the table, on small random shapes, each result free to be read
 * again.
 * Values stay near 1 (logarithms and roots of what is positive, quotients of what is away from 0), so that
 * two
 * backends differ by rounding alone; ties, where a rule may choose, come with probability 0.
 */
import { gelu, logSigmoid, sigmoid, silu, softplus } from '../composites/activations.ts'
import { layerNorm, rmsNorm } from '../composites/norms.ts'
import { logSoftmax, logSumExp, softmax, takeAlong } from '../composites/softmax.ts'
import { checkpoint, scope, type Tensor } from '../graph.ts'
import { scatterAdd, take } from '../ops/indexing.ts'
import { matmul } from '../ops/linear.ts'
import { broadcast, concat, pad, reshape, sliceAxis, transpose } from '../ops/movement.ts'
import {
  add, div, erf, exp, less, log, maximum, mul, neg, select, sqrt, square, sub, tanh,
} from '../ops/pointwise.ts'
import { max, mean, sum } from '../ops/reductions.ts'
import { constant, stopGradient } from '../ops/structure.ts'
import type { Program } from '../program.ts'
import { sizeOf, type HostTensor } from '../spec.ts'
import { trace } from '../trace.ts'
import type { Branch } from '../tree.ts'
import { below, draw, gaussian, normal, permutation, randomFrom, type Random } from './argument.ts'

export interface RandomProgram {
  readonly program: Program
  readonly inputs: Branch<HostTensor>
}

const pick = <T>(random: Random, list: readonly T[]): T => list[below(random, list.length)]

/** Keeps values near 1 however often ops are chained. */
const tame = (x: Tensor): Tensor => mul(tanh(mul(x, 0.25)), 2)

type Step = (x: Tensor, other: Tensor, random: Random) => Tensor | undefined

const anyAxis = (x: Tensor, random: Random): number => below(random, x.shape.length)
const numbers = (random: Random, n: number, most: number) =>
  constant(
    Array.from({ length: n }, () => below(random, most)),
    [n],
    'i32',
  )

const steps: readonly Step[] = [
  (x) => neg(x),
  (x) => exp(tanh(x)),
  (x) => log(add(square(x), 0.5)),
  (x) => sqrt(add(square(x), 0.25)),
  (x) => tanh(x),
  (x) => erf(x),
  (x) => sigmoid(x),
  (x) => silu(x),
  (x, _, r) => gelu(x, pick(r, ['erf', 'tanh'])),
  (x) => softplus(x),
  (x) => logSigmoid(x),
  (x, y) => add(x, y),
  (x, y) => sub(x, y),
  (x, y) => mul(x, y),
  (x, y) => div(x, add(square(y), 1)),
  (x, y) => maximum(x, add(y, 0.01)),
  (x, y) => select(less(x, y), mul(x, 2), y),
  // What `simplify` looks for: chains of factors, identities, constants to fold.
  (x, _, r) => mul(mul(mul(x, pick(r, [2, -1, 1])), pick(r, [0.5, 1])), -1),
  (x) => add(add(neg(neg(x)), 0), mul(constant(2), 0.25)),
  (x) => add(mul(x, 0.5), mul(x, 0.5)),
  (x, _, r) => (x.shape.length ? sum(x, anyAxis(x, r), r() < 0.5) : undefined),
  (x, _, r) => (x.shape.length ? mean(x, anyAxis(x, r)) : undefined),
  (x, _, r) => (x.shape.length ? max(x, anyAxis(x, r), r() < 0.5) : undefined),
  (x) => (x.shape.length ? softmax(x) : undefined),
  (x) => (x.shape.length ? logSoftmax(x) : undefined),
  (x) => (x.shape.length ? logSumExp(x) : undefined),
  (x) =>
    x.shape.length
      ? layerNorm(x, add(zerosOf(x.shape.at(-1)!), 1), zerosOf(x.shape.at(-1)!), 0.1)
      : undefined,
  (x) => (x.shape.length ? rmsNorm(x, add(zerosOf(x.shape.at(-1)!), 0.5), 0.1) : undefined),
  (x, _, r) =>
    x.shape.length >= 2
      ? matmul(
          x,
          x,
          ...pick(r, [
            [true, false],
            [false, true],
          ] as const),
        )
      : undefined,
  (x, _, r) => transpose(x, permutation(r, x.shape.length)),
  (x) => reshape(x, [sizeOf(x.shape)]),
  (x) => reshape(x, [1, sizeOf(x.shape), 1]),
  (x, _, r) => (sizeOf(x.shape) <= 64 ? broadcast(x, [1 + below(r, 3), ...x.shape]) : undefined),
  (x, _, r) => {
    if (x.shape.length === 0) return undefined
    const axis = anyAxis(x, r)
    const from = below(r, x.shape[axis])
    return sliceAxis(x, axis, from, from + 1 + below(r, x.shape[axis] - from))
  },
  (x, _, r) =>
    pad(
      x,
      x.shape.map(() => below(r, 2)),
      x.shape.map(() => below(r, 2)),
    ),
  (x, _, r) => (x.shape.length ? concat([x, neg(x)], anyAxis(x, r)) : undefined),
  (x, _, r) => (x.shape.length ? take(x, numbers(r, 3, x.shape[0])) : undefined),
  (x, _, r) => (x.shape.length ? scatterAdd(numbers(r, x.shape[0], 3), x, 3) : undefined),
  (x, _, r) => (x.shape.length === 2 ? takeAlong(x, numbers(r, x.shape[0], x.shape[1])) : undefined),
  (x, y) => (sizeOf(y.shape) === 1 ? mul(x, stopGradient(reshape(y, []))) : undefined),
]

const zerosOf = (n: number): Tensor => broadcast(constant(0), [n])
const broadcastable = (a: readonly number[], b: readonly number[]): boolean =>
  Array.from({ length: Math.min(a.length, b.length) }, (_, i) => [a.at(-1 - i)!, b.at(-1 - i)!]).every(
    ([p, q]) => p === q || p === 1 || q === 1,
  )
const tooLarge = 4096

/**
 * A program of about `length` ops, the same for the same seed: inputs {a, b, c} → {y, loss}, with their
 * values.
 */
export function randomProgram(seed: number, length = 12): RandomProgram {
  const random = randomFrom(seed)
  const size = (): number => pick(random, [1, 2, 3, 5])
  const specs = {
    a: normal(size(), size()),
    b: normal(size()),
    c: normal(pick(random, [2, 3]), size(), size()),
  }
  const program = trace((inputs) => {
    const known: Tensor[] = Object.values(inputs)
    const grow = (): void => {
      const x = pick(random, known)
      const fits = known.filter(({ shape }) => broadcastable(x.shape, shape))
      const y = pick(random, steps)(x, pick(random, fits), random)
      if (y && sizeOf(y.shape) <= tooLarge) known.push(tame(y))
    }
    for (let i = 0; i < length; i++) {
      if (random() < 0.2) scope(`part${i}`, () => checkpoint(() => [0, 1].forEach(grow)))
      else grow()
    }
    const weighted = known.map((x) => sum(mul(x, gaussian(random))))
    return { y: known.at(-1)!, loss: weighted.reduce((p, q) => add(p, q)) }
  }, specs)
  return { program, inputs: draw(specs, seed + 1) }
}
