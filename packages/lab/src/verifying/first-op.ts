/**
 * The first op that two backends disagree on. The program is cut into pieces; both backends compute every value of
 * a piece from the *same* inputs, those of the first backend, so that rounding does not pile up from piece to piece.
 * Where a value is off, its op is run by itself on both: only one that is still off then is named.
 *
 * Every value is an output here, so ops are not fused with each other as they are in the whole program. A
 * disagreement that exists only in fused ops is not found in this way, and `watched` says so by finding nothing.
 */
import {
  leaves,
  show,
  sizeOf,
  unflatten,
  type Backend,
  type DeviceTensor,
  type HostTensor,
  type Leaf,
  type Node,
  type Program,
  type RunInput,
  type Tree,
} from '@ldyn/tensor'
import { distance, relativeDistance } from './compare.ts'

export interface Site {
  readonly op: string
  /** Module path (`layers.3.attn`). */
  readonly path: string
  readonly result: string
  /** ‖x − r‖₂ / ‖r‖₂ (of a sum: over its larger operand's norm); of i32 and bool the share of elements that differ. */
  readonly deviation: number
}

export interface FirstOp {
  /** How many values were compared. */
  readonly values: number
  /** The op that is off by itself, given the same inputs. */
  readonly found?: Site
  /** The value that was furthest off before that. */
  readonly largest: Site | undefined
}

export interface Side {
  readonly backend: Backend
  /** Inputs of the program, on that backend or on the host. */
  readonly inputs: Tree<RunInput>
}

interface FirstOpOptions {
  readonly tolerance: number
  /** Bytes of a piece's values, at most, where it has more than one node. */
  readonly bytes?: number
  readonly progress?: (done: number, total: number) => void
}

/** Nodes of a piece, at most: errors within one may add up. */
const PIECE = 40
/** Ties are broken differently by rounding: this share of an i32 or bool value may differ. */
const TIES = 0.01

/** Throws what the backends throw. `expected` is the side whose values are taken for right. */
export async function firstDisagreement(
  program: Program,
  actual: Side,
  expected: Side,
  { tolerance, bytes = 2 ** 28, progress = () => {} }: FirstOpOptions,
): Promise<FirstOp> {
  const known = new Map<number, HostTensor>()
  const lastUse = lastUses(program)
  let values = 0
  let largest: Site | undefined
  for (const [from, to] of pieces(program, bytes)) {
    const piece = cut(program, program.nodes.slice(from, to))
    const want = await compute(piece, expected, known)
    const got = await compute(piece, actual, known)
    for (const node of piece.made) {
      for (const v of node.outputs) {
        values++
        const operands = node.inputs.map((i) => want.get(i) ?? known.get(i))
        const site = compared(node, v, program, got.get(v)!, want.get(v)!, operands)
        if (!largest || site.deviation > largest.deviation) largest = site
        if (site.deviation <= tolerance) continue
        for (const [id, tensor] of want) known.set(id, tensor)
        const found = await alone(node, v, program, actual, known, want.get(v)!)
        if (found.deviation > tolerance) return { values, found, largest }
      }
    }
    for (const [v, tensor] of want) if (lastUse[v] >= to) known.set(v, tensor)
    for (const v of known.keys()) if (lastUse[v] < to) known.delete(v)
    progress(to, program.nodes.length)
  }
  return { values, largest }
}

async function alone(
  node: Node,
  v: number,
  program: Program,
  side: Side,
  known: ReadonlyMap<number, HostTensor>,
  want: HostTensor,
): Promise<Site> {
  const got = await compute(cut(program, [node]), side, known)
  const operands = node.inputs.map((i) => known.get(i))
  return compared(node, v, program, got.get(v)!, want, operands)
}

function compared(
  { op, path }: Node,
  v: number,
  program: Program,
  x: HostTensor,
  r: HostTensor,
  operands: readonly (HostTensor | undefined)[],
): Site {
  const { error, norm: own } = distance(x.data, r.data)
  // What is left of nearly equal terms has the terms' rounding.
  const terms = op === 'add' || op === 'sub' ? operands.map((t) => (t ? distance(t.data, t.data).norm : 0)) : []
  const norm = Math.max(own, ...terms)
  const differing = (): number => {
    const share = Array.from(r.data).filter((value, i) => value !== x.data[i]).length / Math.max(1, r.data.length)
    return share <= TIES ? 0 : share
  }
  const deviation = r.dtype === 'f32' ? relativeDistance(error, norm) : differing()
  return { op, path, result: show(program.values[v]), deviation }
}

/** For every value, the last node that reads it; −1 for none. */
function lastUses(program: Program): Int32Array {
  const last = new Int32Array(program.values.length).fill(-1)
  program.nodes.forEach(({ inputs }, n) => inputs.forEach((v) => (last[v] = n)))
  return last
}

/** Spans of nodes: at most PIECE nodes and so many bytes, and always one. */
export function pieces({ nodes, values }: Program, bytes: number): [number, number][] {
  const spans: [number, number][] = []
  let from = 0
  let held = 0
  nodes.forEach((node, n) => {
    const size = node.op === 'input' ? 0 : node.outputs.reduce((sum, v) => sum + 4 * sizeOf(values[v].shape), 0)
    if (n > from && (held + size > bytes || n - from >= PIECE)) {
      spans.push([from, n])
      from = n
      held = 0
    }
    held += size
  })
  if (from < nodes.length) spans.push([from, nodes.length])
  return spans
}

interface Piece {
  readonly program: Program
  /** The nodes whose values are its outputs. */
  readonly made: readonly Node[]
}

const COPIED: ReadonlySet<string> = new Set(['constant', 'iota'])
const nameOf = (v: number): string => `value${v}`

/**
 * Some nodes as a program: what they read of others becomes an input `value<v>` (a program's own input keeps its
 * path, a constant is copied), and all that they make becomes an output `value<v>`.
 */
export function cut(program: Program, chosen: readonly Node[]): Piece {
  const inside = chosen.filter(({ op }) => op !== 'input' && !COPIED.has(op))
  const own = new Set(inside.flatMap(({ outputs }) => outputs))
  const makers = new Map(program.nodes.flatMap((node) => node.outputs.map((v) => [v, node] as const)))
  const numbers = new Map<number, number>()
  const values: Program['values'][number][] = []
  const nodes: Node[] = []
  const inputs: Leaf<number>[] = []
  const number = (v: number): number => {
    const next = numbers.get(v) ?? values.length
    if (!numbers.has(v)) values.push(program.values[v])
    numbers.set(v, next)
    return next
  }
  const add = (node: Node): void => {
    nodes.push({ ...node, inputs: node.inputs.map(number), outputs: node.outputs.map(number) } as Node)
  }
  for (const v of new Set(inside.flatMap((node) => node.inputs))) {
    if (own.has(v)) continue
    const maker = makers.get(v)!
    if (COPIED.has(maker.op)) {
      add(maker)
      continue
    }
    const path = maker.op === 'input' ? maker.attrs.path : nameOf(v)
    nodes.push({ op: 'input', attrs: { path }, inputs: [], outputs: [number(v)], path })
    inputs.push({ path, value: number(v) })
  }
  inside.forEach(add)
  const outputs = [...own].map((v) => ({ path: nameOf(v), value: number(v) }))
  return { program: { values, nodes, inputs, outputs }, made: inside }
}

async function compute(
  { program }: Piece,
  { backend, inputs }: Side,
  known: ReadonlyMap<number, HostTensor>,
): Promise<Map<number, HostTensor>> {
  const read = new Map<number, HostTensor>()
  if (program.outputs.length === 0) return read
  using executable = await backend.compile(program)
  const passed = program.inputs.flatMap(({ path }) => {
    const value = /^value(\d+)$/.exec(path)
    return value ? [{ path, value: known.get(Number(value[1]))! as RunInput }] : []
  })
  const outputs = await executable.run({ ...(inputs as object), ...(unflatten(passed) as object) })
  for (const { path, value } of leaves(outputs)) {
    read.set(Number(path.slice('value'.length)), await backend.read(value as DeviceTensor))
    value.dispose()
  }
  return read
}
