/**
 * A Program: a static-shape, first-order graph of pure ops, and the only thing that a backend sees.
 *
 * Values are numbered; `values[v]` is the spec of value v. Nodes are in topological order and each lists the
 * values it reads and the values it makes. A Program is plain data: it can be printed, hashed, posted to a
 * worker.
 */
import type { OpAttrs, OpName } from './ops/attrs.ts'
import { show, type Spec } from './spec.ts'
import type { Leaf } from './tree.ts'

export interface NodeOf<K extends OpName> {
  readonly op: K
  readonly attrs: OpAttrs[K]
  readonly inputs: readonly number[]
  readonly outputs: readonly number[]
  /** Module path where it was traced (`layers.3.attn`); a derivative's ends in `ᵀ` (vjp) or `˙` (jvp). */
  readonly path: string
  /** Checkpointed region that the node belongs to: its values are not kept for the backward pass. */
  readonly region?: number
  /** Set on a recomputed copy, so that no pass merges it with its original. */
  readonly remat?: number
}
export type Node = { [K in OpName]: NodeOf<K> }[OpName]

export interface Program {
  readonly values: readonly Spec[]
  readonly nodes: readonly Node[]
  /** One entry a leaf of the input tree, in order; the value is made by an `input` node. */
  readonly inputs: readonly Leaf<number>[]
  readonly outputs: readonly Leaf<number>[]
}

export const inputSpecs = (p: Program): Leaf<Spec>[] =>
  p.inputs.map(({ path, value }) => ({ path, value: p.values[value] }))
export const outputSpecs = (p: Program): Leaf<Spec>[] =>
  p.outputs.map(({ path, value }) => ({ path, value: p.values[value] }))

/** For every value, the index of the node that makes it. */
export function producers(p: Program): Int32Array {
  const made = new Int32Array(p.values.length).fill(-1)
  p.nodes.forEach((node, n) => node.outputs.forEach((v) => (made[v] = n)))
  return made
}

/** For every value, how many nodes and outputs read it. */
export function useCounts(p: Program): Int32Array {
  const uses = new Int32Array(p.values.length)
  for (const node of p.nodes) for (const v of node.inputs) uses[v]++
  for (const { value } of p.outputs) uses[value]++
  return uses
}

const replacer = (_: string, value: unknown): unknown =>
  ArrayBuffer.isView(value)
    ? { length: (value as Float64Array).length, hash: hashNumbers(value as Float64Array) }
    : value

/** One line a node: `%12 f32[4,8] = matmul(%3, %7) {"ta":false,"tb":true}  layers.0.mlp`. */
export function print(p: Program): string {
  const value = (v: number) => `%${v}`
  const lines = p.nodes.map((node) => {
    const out = node.outputs.map((v) => `${value(v)} ${show(p.values[v])}`).join(', ')
    const attrs = JSON.stringify(node.attrs, replacer)
    const tags = [node.path, node.remat === undefined ? '' : `(recomputed ${node.remat})`]
      .filter(Boolean)
      .join(' ')
    return `${out} = ${node.op}(${node.inputs.map(value).join(', ')})${attrs === '{}' ? '' : ` ${attrs}`}${tags && `  ${tags}`}`
  })
  return [...lines, ...p.outputs.map((o) => `return ${o.path || '.'} = ${value(o.value)}`)].join('\n')
}

/** A 53-bit content hash of the program, by which backends cache what they compiled. */
export function hash(p: Program): string {
  return hashText(print(p)).toString(36)
}

function hashText(text: string): number {
  let a = 0xdeadbeef
  let b = 0x41c6ce57
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    a = Math.imul(a ^ c, 2654435761)
    b = Math.imul(b ^ c, 1597334677)
  }
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909)
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909)
  return 4294967296 * (2097151 & b) + (a >>> 0)
}

function hashNumbers(values: ArrayLike<number>): number {
  const bytes = new Uint8Array(Float64Array.from(values).buffer)
  let text = ''
  for (let i = 0; i < bytes.length; i++) text += String.fromCharCode(bytes[i])
  return hashText(text)
}
