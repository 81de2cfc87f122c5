/** Shapes as the lowerings reason about them: numpy's broadcasting, and adjacent axes that act as one. */
import type { Shape } from '@ldyn/tensor'

export { sameShape, sizeOf, type DType, type Shape, type Spec } from '@ldyn/tensor'

/** The common shape of shapes that are known to fit, right-aligned. */
export function broadcastShapes(shapes: readonly Shape[]): Shape {
  const rank = Math.max(0, ...shapes.map((s) => s.length))
  return Array.from({ length: rank }, (_, a) => {
    const sizes = shapes.map((s) => s[a - (rank - s.length)] ?? 1)
    return sizes.find((n) => n !== 1) ?? 1
  })
}

/** Ones in front, up to a rank. */
export const atRank = (shape: Shape, rank: number): Shape => [
  ...Array<number>(rank - shape.length).fill(1),
  ...shape,
]

/**
 * Runs of neighbouring axes for which `kind` is the same, as lists of axes. Ops that treat such a run alike see it
 * as one axis: tfjs kernels stop at rank 4 to 6, and programs do not.
 */
export function runs(axes: number, kind: (axis: number) => unknown): number[][] {
  const out: number[][] = []
  for (let a = 0; a < axes; a++) {
    if (a > 0 && kind(a) === kind(a - 1)) out.at(-1)!.push(a)
    else out.push([a])
  }
  return out
}

/** Every axis that is cut or padded, together with the untouched axes that follow it. */
export function blocks(axes: number, untouched: (axis: number) => boolean): number[][] {
  const out: number[][] = []
  for (let a = 0; a < axes; a++) {
    if (a > 0 && untouched(a)) out.at(-1)!.push(a)
    else out.push([a])
  }
  return out
}

/** The size of every group of axes. */
export const grouped = (shape: Shape, groups: readonly (readonly number[])[]): number[] =>
  groups.map((axes) => axes.reduce((n, a) => n * shape[a], 1))

export interface Permutation {
  /** The operand's shape with its moving parts alone. */
  readonly shape: readonly number[]
  readonly perm: readonly number[]
}

/** A transposition of as few axes as possible: those of size 1 dropped, those that move together as one. */
export function compactTranspose(shape: Shape, perm: readonly number[]): Permutation {
  const kept = perm.filter((a) => shape[a] !== 1)
  const order = [...kept].sort((a, b) => a - b)
  const ranked = kept.map((a) => order.indexOf(a))
  const parts = runs(ranked.length, (i) => ranked[i] - i)
  const first = parts.map((part) => ranked[part[0]])
  const sorted = parts.map((_, i) => i).sort((i, j) => first[i] - first[j])
  return {
    shape: sorted.map((i) => parts[i].reduce((n, p) => n * shape[kept[p]], 1)),
    perm: parts.map((_, i) => sorted.indexOf(i)),
  }
}
