/**
 * Between a file's order of numbers and ours: transposition, and rows put back where a converter moved them.
 * In tiles, so that neither side is walked against the cache for long; one array is made, and none where
 * nothing moves.
 */
import type { Stored } from './names.ts'

const TILE = 64

/** [rows, cols] → [cols, rows], taking row `rowOf(r)` for row r. */
function transposed(x: Float32Array, rows: number, cols: number, rowOf: (r: number) => number): Float32Array {
  const y = new Float32Array(x.length)
  for (let r0 = 0; r0 < rows; r0 += TILE) {
    const r1 = Math.min(rows, r0 + TILE)
    for (let c0 = 0; c0 < cols; c0 += TILE) {
      const c1 = Math.min(cols, c0 + TILE)
      for (let r = r0; r < r1; r++) {
        const from = rowOf(r) * cols
        for (let c = c0; c < c1; c++) y[c * rows + r] = x[from + c]
      }
    }
  }
  return y
}

const inOrder = (r: number): number => r

/** Values of a tensor as it lies on file → as the model takes them. */
export function arrange(x: Float32Array, { shape, transposed: flip, rowOf }: Stored): Float32Array {
  if (flip) return transposed(x, shape[1], shape[0], rowOf ?? inOrder)
  return rowOf ? Float32Array.from(x, (_, r) => x[rowOf(r)]) : x
}

/** The inverse, for saving. Only Hugging Face's order is written, so rows stay where they are. */
export const restore = (x: Float32Array, { shape, transposed: flip }: Stored): Float32Array =>
  flip ? transposed(x, shape[0], shape[1], inOrder) : x

/** The shape that the tensor has on file. */
export const fileShape = ({ shape, transposed: flip }: Stored): readonly number[] =>
  (flip ? [shape[1], shape[0]] : shape)
