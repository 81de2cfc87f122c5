/** A one-layer attention model of 7 words, small enough for finite differences over every parameter; its batches. */
import {
  add,
  attention,
  f32,
  hostTensor,
  layerNorm,
  leaves,
  mapTree,
  matmul,
  reshape,
  sizeOf,
  take,
  transpose,
  type HostTensor,
  type Program,
  type Spec,
  type Tensor,
  type Tree,
} from '@ldyn/tensor'
import { evaluate, type HostInput } from '@ldyn/tensor/reference'
import type { BatchShape } from '../src/batch.ts'
import type { CausalLM } from '../src/model.ts'

export const V = 7
const D = 4
const LENGTH = 8

/** Like a tied model where `tied`: the head is the embedding. */
export function toyModel(tied = false): CausalLM {
  const params: Record<string, Tree<Spec>> = {
    embed: f32(V, D),
    place: f32(LENGTH, D),
    layer: { qkv: [f32(D, D), f32(D, D), f32(D, D)], norm: { scale: f32(D), bias: f32(D) } },
    ...(tied ? {} : { head: f32(V, D) }),
  }
  return {
    vocab: V,
    width: D,
    context: LENGTH,
    params,
    hidden: (given, { tokens, positions, segments }) => {
      const at = new Map(leaves(given).map(({ path, value }) => [path, value]))
      const p = (path: string): Tensor => at.get(path)!
      const [b, t] = tokens.shape
      const x = add(take(p('embed'), tokens), take(p('place'), positions))
      const heads = [0, 1, 2].map((i) => {
        const flat = matmul(reshape(x, [b * t, D]), p(`layer.qkv.${i}`))
        return transpose(reshape(flat, [b, t, 1, D]), [0, 2, 1, 3])
      })
      const seen = attention(heads[0], heads[1], heads[2], { scale: 0.5, causal: true, segments })
      const sum = add(x, reshape(transpose(seen, [0, 2, 1, 3]), [b, t, D]))
      return layerNorm(sum, p('layer.norm.scale'), p('layer.norm.bias'), 1e-5)
    },
    head: (given) => (given as Record<string, Tensor>)[tied ? 'embed' : 'head'],
  }
}

/** Reproducible numbers in (−1, 1). */
export function numbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 31 - 1
  }
}

/** f64 values for f32 specs: the reference keeps their digits. */
export function filled(specs: Tree<Spec>, next: () => number): Tree<HostTensor> {
  return mapTree<Spec, HostTensor>(specs, (s) => ({
    ...s,
    data: Float64Array.from({ length: sizeOf(s.shape) }, next),
  }))
}

export interface Example {
  readonly prompt: readonly number[]
  readonly responses: readonly (readonly number[])[]
}

/** One row an example, prompt followed by its responses; `shape` may leave room for padding everywhere. */
export function pack(examples: readonly Example[], shape: BatchShape): Record<string, HostTensor> {
  const { rows, length, reads, sequences, tokens } = shape
  const cells = (fill: number): number[] => new Array<number>(rows * length).fill(fill)
  const [ids, positions, segments] = [cells(0), cells(0), cells(99)]
  const read: number[] = []
  const target: number[] = []
  const grid = new Array<number>(sequences * tokens).fill(reads)
  const mask = new Array<number>(sequences * tokens).fill(0)
  let s = 0
  examples.forEach(({ prompt, responses }, row) => {
    let at = row * length
    const put = (id: number, position: number, segment: number): void => {
      ids[at] = id
      positions[at] = position
      segments[at++] = segment
    }
    prompt.forEach((id, i) => put(id, i, 0))
    const last = at - 1
    responses.forEach((response, r) => {
      response.forEach((id, l) => {
        grid[s * tokens + l] = read.length
        mask[s * tokens + l] = 1
        read.push(l === 0 ? last : at - 1)
        target.push(id)
        put(id, prompt.length + l, r + 1)
      })
      s++
    })
  })
  const padded = (x: readonly number[]): number[] => [...x, ...new Array<number>(reads - x.length).fill(0)]
  return {
    tokens: hostTensor(ids, [rows, length], 'i32'),
    positions: hostTensor(positions, [rows, length], 'i32'),
    segments: hostTensor(segments, [rows, length], 'i32'),
    reads: hostTensor(padded(read), [reads], 'i32'),
    targets: hostTensor(padded(target), [reads], 'i32'),
    grid: hostTensor(grid, [sequences, tokens], 'i32'),
    mask: hostTensor(mask, [sequences, tokens]),
  }
}

/** Runs in f64; outputs by path. */
export function run(program: Program, inputs: Tree<HostInput>): Record<string, number[]> {
  return Object.fromEntries(
    leaves(evaluate(program, inputs)).map(({ path, value }) => [path, Array.from(value.data)]),
  )
}
