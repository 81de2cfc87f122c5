/**
 * Arguments of a case: a spec with a rule for its values. All values are whole multiples of f32's precision,
 * so the
 * f64 reference and a backend that computes in f32 are given exactly the same numbers.
 */
import { hostTensor, sizeOf, type DType, type HostTensor, type Shape, type Spec } from '../spec.ts'
import { leaves, mapTree, type Branch, type Tree } from '../tree.ts'

/** Uniform in [0, 1). */
export type Random = () => number

/** Mulberry32: small, seeded, the same everywhere. */
export function randomFrom(seed: number): Random {
  let state = (seed * 0x9e3779b1) >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Standard normal (Box and Muller). */
export const gaussian = (random: Random): number =>
  Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())

/** A whole number from 0 to n − 1. */
export const below = (random: Random, n: number): number => Math.floor(random() * n)

/** 0 … n − 1 in random order (Fisher and Yates). */
export function permutation(random: Random, n: number): number[] {
  const order = Array.from({ length: n }, (_, i) => i)
  for (let i = n - 1; i > 0; i--) {
    const j = below(random, i + 1)
    ;[order[i], order[j]] = [order[j], order[i]]
  }
  return order
}

export interface Argument extends Spec {
  readonly values: (random: Random) => ArrayLike<number>
}

const each = (shape: Shape, dtype: DType, value: (random: Random) => number): Argument => ({
  shape,
  dtype,
  values: (random) => Array.from({ length: sizeOf(shape) }, () => value(random)),
})

export const normal = (...shape: number[]): Argument => each(shape, 'f32', gaussian)
/** Small, as weights are. */
export const small = (...shape: number[]): Argument => each(shape, 'f32', (r) => 0.3 * gaussian(r))
/** In [0.5, 2.5). */
export const positive = (...shape: number[]): Argument => each(shape, 'f32', (r) => 0.5 + 2 * r())
/** Either sign, at least 0.5 from 0. */
export const away = (...shape: number[]): Argument =>
  each(shape, 'f32', (r) => (r() < 0.5 ? -1 : 1) * (0.5 + Math.abs(gaussian(r))))
/** All different, at least 0.1 apart: no maximum is near a tie. */
export const apart = (...shape: number[]): Argument => ({
  shape,
  dtype: 'f32',
  values: (random) =>
    permutation(random, sizeOf(shape)).map((i) => 0.2 * (i - sizeOf(shape) / 2) + 0.1 * random()),
})
/** i32 in 0 … n − 1. */
export const indices = (n: number, ...shape: number[]): Argument => each(shape, 'i32', (r) => below(r, n))
/** i32 in 0 … n − 1, all different. */
export const different = (n: number, count: number): Argument => ({
  shape: [count],
  dtype: 'i32',
  values: (random) => permutation(random, n).slice(0, count),
})
export const mask = (...shape: number[]): Argument => each(shape, 'bool', (r) => (r() < 0.5 ? 1 : 0))
/** The values themselves. */
export const given = (
  values: readonly number[],
  shape: Shape = [values.length],
  dtype: DType = 'f32',
): Argument => ({ shape, dtype, values: () => values })

/** Host values for a tree of arguments, the same for the same seed. */
export function draw(args: Tree<Argument>, seed = 1): Branch<HostTensor> {
  const random = randomFrom(seed)
  return mapTree(args, (a) => hostTensor(a.values(random), a.shape, a.dtype)) as Branch<HostTensor>
}

/** Standard normal values for a tree of f32 specs. */
export const drawLike = (specs: Tree<Spec>, seed: number): Tree<HostTensor> =>
  draw(mapTree(specs, (s) => normal(...s.shape)) as Tree<Argument>, seed)

/** Σ over all leaves of a·b, in f64. Leaves are matched by path; what only one of them has counts as 0. */
export function dot(a: Tree<HostTensor>, b: Tree<HostTensor>): number {
  const right = new Map(leaves(b).map(({ path, value }) => [path, value.data]))
  let total = 0
  for (const { path, value } of leaves(a)) {
    const other = right.get(path)
    if (other) for (let i = 0; i < value.data.length; i++) total += value.data[i] * other[i]
  }
  return total
}

export const norm = (a: Tree<HostTensor>): number => Math.sqrt(dot(a, a))
