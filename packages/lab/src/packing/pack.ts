/**
 * Packing: one row of the batch holds a prompt once and all of its responses after it. Positions restart after the
 * prompt and segments keep responses from seeing each other, so every response sees exactly what it would see alone.
 *
 * A response's last token is never an input (nothing is asked of the state after it), and the head runs on one
 * state a response token: the prompt's last state for the first, the response's own for the rest.
 */
import type { BatchShape } from '@ldyn/core'
import { hostTensor, type HostTensor } from '@ldyn/tensor'
import type { Sequence } from '../tokens/tokenise.ts'

/** Sequences that share a prompt, with their numbers in the batch. */
export interface PackedRow {
  readonly prompt: Int32Array
  readonly responses: readonly { readonly sequence: number; readonly ids: Int32Array }[]
}

export interface Packing {
  readonly rows: readonly PackedRow[]
  /** Sequences in the batch; number s is the s-th that was given. */
  readonly sequences: number
  /** What it needs before rounding up to a bucket. */
  readonly shape: BatchShape
}

const inputLength = (row: PackedRow): number =>
  row.prompt.length + row.responses.reduce((n, r) => n + r.ids.length - 1, 0)

const sameIds = (a: Int32Array, b: Int32Array): boolean =>
  a === b || (a.length === b.length && a.every((id, i) => id === b[i]))

/**
 * Puts sequences into rows: those that share a prompt into one, up to `maxLength` input tokens a row
 * (a longer row costs more attention than it saves). `shared: false` gives every sequence a row of its own.
 */
export function pack(sequences: readonly Sequence[], { maxLength = 1024, shared = true } = {}): Packing {
  const rows: { prompt: Int32Array; length: number; responses: { sequence: number; ids: Int32Array }[] }[] = []
  sequences.forEach(({ prompt, response }, sequence) => {
    const extra = response.length - 1
    let row = shared ? rows.find((r) => r.length + extra <= maxLength && sameIds(r.prompt, prompt)) : undefined
    if (!row) rows.push((row = { prompt, length: prompt.length, responses: [] }))
    row.responses.push({ sequence, ids: response })
    row.length += extra
  })
  return {
    rows,
    sequences: sequences.length,
    shape: {
      rows: rows.length,
      length: Math.max(1, ...rows.map(inputLength)),
      reads: sequences.reduce((n, s) => n + s.response.length, 0),
      sequences: sequences.length,
      tokens: Math.max(1, ...sequences.map((s) => s.response.length)),
    },
  }
}

export interface BatchArrays {
  readonly tokens: HostTensor
  readonly positions: HostTensor
  readonly segments: HostTensor
  readonly reads: HostTensor
  readonly targets: HostTensor
  readonly grid: HostTensor
  readonly mask: HostTensor
}

/** Fits a packing into the arrays of a (larger or equal) shape. Throws RangeError where it does not fit. */
export function fill(packing: Packing, shape: BatchShape): BatchArrays {
  for (const key of ['rows', 'length', 'reads', 'sequences', 'tokens'] as const) {
    if (packing.shape[key] > shape[key])
      throw new RangeError(`packing needs ${key} = ${packing.shape[key]}, the bucket has ${shape[key]}`)
  }
  const { rows: b, length: t, reads: n, sequences: s, tokens: l } = shape
  const tokens = new Int32Array(b * t)
  const positions = new Int32Array(b * t)
  // Padding sees the prompt and itself: finite, and nothing that counts sees it.
  const segments = new Int32Array(b * t).fill(-1)
  const reads = new Int32Array(n)
  const targets = new Int32Array(n)
  const grid = new Int32Array(s * l).fill(n)
  const mask = new Float32Array(s * l)
  let read = 0
  packing.rows.forEach((row, r) => {
    const base = r * t
    let at = base
    const put = (id: number, position: number, segment: number): void => {
      tokens[at] = id
      positions[at] = position
      segments[at] = segment
      at++
    }
    row.prompt.forEach((id, p) => put(id, p, 0))
    const lastOfPrompt = at - 1
    row.responses.forEach(({ sequence, ids }, k) => {
      const start = at
      ids.forEach((id, j) => {
        reads[read] = j === 0 ? lastOfPrompt : start + j - 1
        targets[read] = id
        grid[sequence * l + j] = read
        mask[sequence * l + j] = 1
        read++
        if (j < ids.length - 1) put(id, row.prompt.length + j, k + 1)
      })
    })
  })
  return {
    tokens: hostTensor(tokens, [b, t], 'i32'),
    positions: hostTensor(positions, [b, t], 'i32'),
    segments: hostTensor(segments, [b, t], 'i32'),
    reads: hostTensor(reads, [n], 'i32'),
    targets: hostTensor(targets, [n], 'i32'),
    grid: hostTensor(grid, [s, l], 'i32'),
    mask: hostTensor(mask, [s, l]),
  }
}

/** Where each sequence's reads begin among the batch's: `fill` lays them out row after row. */
export function firstReads({ rows, sequences }: Packing): Int32Array {
  const first = new Int32Array(sequences)
  let read = 0
  for (const { responses } of rows) {
    for (const { sequence, ids } of responses) {
      first[sequence] = read
      read += ids.length
    }
  }
  return first
}
