/**
 * Which values are computed together. Every cluster becomes one kernel: its roots are written to memory, its other
 * members live in registers, and what is neither is read from memory.
 *
 * Values are visited from the last to the first, so that a value's readers are already placed. A view (reshape,
 * slice, …) is always computed where it is read; a pointwise value too, where one cluster reads it or it is cheap; a
 * reduction where its one reader goes over the same rows (so a softmax, a norm and both their derivatives are one
 * kernel each: loops over a row, one for every reduction that needs the one before). What several clusters read is
 * written by the one among them that has it at hand anyway, provided that none of the others comes before it.
 */
import { sizeOf, type Node, type OpName, type Shape } from '@ldyn/tensor'
import {
  along, flatten, mentions, readsOf, reductionCoords, render, strideOf, unflatten, type Address,
} from '@ldyn/tensor/indexing'
import { frameOf, inMemory, kindOf, type Frame } from './kinds.ts'
import { isEmpty, stored, type Graph } from './program.ts'

export interface Root {
  readonly value: number
  /** Written once a row (at o) or at every element (at `frame.full`). */
  readonly each: 'row' | 'element'
}

export interface Cluster {
  frame: Frame; roots: readonly Root[]
  /** Computed inside: the roots and all that lives in registers. */
  members: Set<number>
  /** Of every value that is computed or read inside: where, by the rendered coordinates. */
  access: Map<number, Map<string, readonly Address[]>>
}

export interface Fused {
  readonly clusters: readonly Cluster[]
  /** Nodes with kernels of their own that something needs. */
  readonly kernels: readonly Node[]
  /** Of every value: the clusters that read or compute it. */
  readonly readers: ReadonlyMap<number, ReadonlySet<Cluster>>
  /** Values that outputs and kernels of their own want in memory. */
  readonly wanted: ReadonlyMap<number, readonly Node[]>
}

const keyOf = (coords: readonly Address[]): string => coords.map(render).join(',')
const rowKey = (frame: Frame): string => render(along(frame.o))
/** Work of an op beside an addition's 1, and what is too much to do over and over. */
const weights: Partial<Record<OpName, number>> = { exp: 8, log: 8, tanh: 8, erf: 16, div: 2, sqrt: 2 }
const HEAVY = 8

/** Of every value: the work of one element from what lies in memory, and whether doing it twice costs little. */
function costs(graph: Graph): { work: number[]; cheap: boolean[] } {
  const work: number[] = []
  const leaves: (ReadonlySet<number> | undefined)[] = []
  const cheap: boolean[] = []
  for (const node of graph.nodes) {
    const kind = kindOf(node.op)
    for (const v of node.outputs) {
      const inside = (kind === 'view' || kind === 'pointwise') && !inMemory(graph, v)
      const own = kind === 'view' ? 0 : (weights[node.op] ?? 1)
      work[v] = inside ? node.inputs.reduce((n, i) => n + work[i], own) : 0
      const union = inside ? new Set(node.inputs.flatMap((i) => [...(leaves[i] ?? [i])])) : new Set([v])
      leaves[v] = union.size > 6 ? new Set([...node.inputs]) : union
      const half = sizeOf(graph.values[v].shape) / 2
      const large = [...union].filter((i) => sizeOf(graph.values[i].shape) > half).length
      cheap[v] = work[v] <= 4 && union.size <= 6 && large <= 1
    }
  }
  return { work, cheap }
}

/** Partitions the graph. `bindings`: how many buffers a kernel may touch. Without `fusion` each op is a cluster. */
export function fuse(graph: Graph, bindings: number, windowsOf: (value: number) => number, fusion = true): Fused {
  const { work, cheap } = costs(graph)
  const readers = new Map<number, Set<Cluster>>()
  const wanted = new Map<number, Node[]>()
  /** Of every value in memory that a cluster writes: which. */
  const writer = new Map<number, Cluster>()
  const clusters: Cluster[] = []
  const kernels: Node[] = []
  const want = (value: number, ...by: readonly Node[]): void => {
    const v = stored(graph, value)
    wanted.set(v, [...(wanted.get(v) ?? []), ...by])
  }
  const shapeOf = (v: number): Shape => graph.values[v].shape
  const size = (v: number): number => sizeOf(shapeOf(v))
  const isReduction = (v: number): boolean => kindOf(graph.maker[v].op) === 'reduction'
  const readersOf = (v: number): Cluster[] => [...(readers.get(v) ?? [])]

  /** Adds an access; follows it inside where the value is a member. False where a reduction is not at its row. */
  function visit(k: Cluster, v: number, coords: readonly Address[]): boolean {
    let known = k.access.get(v)
    if (!known) k.access.set(v, (known = new Map()))
    const key = keyOf(coords)
    if (known.has(key)) return true
    known.set(key, coords)
    if (k.members.has(v)) return follow(k, v, coords)
    readers.set(v, (readers.get(v) ?? new Set()).add(k))
    return true
  }
  function follow(k: Cluster, v: number, coords: readonly Address[]): boolean {
    const node = graph.maker[v]
    if (isReduction(v)) {
      if (!k.frame.r || render(flatten(coords, shapeOf(v))) !== rowKey(k.frame)) return false
      if (size(v) !== k.frame.o.size || size(node.inputs[0]) !== k.frame.o.size * k.frame.r.size) return false
      return visit(k, node.inputs[0], reductionCoords(node, shapeOf(node.inputs[0]), k.frame))
    }
    const index = (value: number, where: readonly Address[]): string => `v${value}[${keyOf(where)}]`
    return readsOf(graph.values, node, coords, index).every((read) => visit(k, read.value, read.coords))
  }
  const rootCoords = (k: Cluster, { value, each }: Root): Address[] =>
    unflatten(each === 'row' ? along(k.frame.o) : k.frame.full!, shapeOf(value))

  /** The accesses anew, after a change of frame or members; false (and nothing changed) where it does not fit. */
  function refit(k: Cluster, frame: Frame, roots: readonly Root[], member: number): boolean {
    const trial: Cluster = { frame, roots, members: new Set(k.members).add(member), access: new Map() }
    const fits = roots.every((root) => visit(trial, root.value, rootCoords(trial, root)))
    if (fits) for (const v of k.access.keys()) readers.get(v)?.delete(k)
    for (const v of trial.access.keys()) if (readers.get(v)?.delete(trial) && fits) readers.get(v)!.add(k)
    if (fits) Object.assign(k, trial)
    return fits
  }

  /** Of every value what must be read for it if nothing but views is computed on the way. */
  const sources: number[][] = []
  for (const node of graph.nodes) {
    const through = kindOf(node.op) === 'view' && !inMemory(graph, node.outputs[0])
    for (const v of node.outputs) sources[v] = through ? [...new Set(node.inputs.flatMap((i) => sources[i]))] : [v]
  }
  /** Whether computing v inside keeps the number of buffers within what a kernel may touch. */
  function affordable(k: Cluster, v: number, asRoot: boolean): boolean {
    const outside = new Set<number>()
    const count = (u: number): void => void (k.members.has(u) || sources[u].forEach((s) => outside.add(s)))
    for (const u of k.access.keys()) if (u !== v) count(u)
    for (const u of graph.maker[v].inputs) count(u)
    const written = [...k.roots.map(({ value }) => value), ...(asRoot ? [v] : [])]
    const used = [...outside, ...written].reduce((n, u) => n + windowsOf(u), 0)
    if (used > bindings || (k.access.get(v)?.size ?? 0) > 32) return false
    // Every reduction of a level has an array in workgroup memory.
    return !isReduction(v) || [...k.members].filter(isReduction).length < 8
  }

  /** The frame in which k can also compute the reduction v, one for each of its outputs. */
  function framesFor(k: Cluster, v: number): { frame: Frame; roots: readonly Root[] }[] {
    const own = frameOf(graph, graph.maker[v])
    const { o, r } = k.frame
    if (r) return o.size === own.o.size && r.size === own.r!.size ? [{ frame: k.frame, roots: k.roots }] : []
    if (o.size === own.o.size) return [{ frame: own, roots: k.roots }]
    const rowsSuffice = own.o.size >= (strideOf(own.full!, 'r') === 1 ? 32 : 4096) || o.size <= 16384
    if (o.size !== own.o.size * own.r!.size || !rowsSuffice) return []
    return [{ frame: own, roots: k.roots.map(({ value }) => ({ value, each: 'element' })) }]
  }

  /** Is another reader of v upstream of k? None of them comes before v, so nothing before it need be looked at. */
  function afterAnother(k: Cluster, v: number): boolean {
    const others = new Set<Cluster | Node>([...readersOf(v), ...(wanted.get(v) ?? [])].filter((other) => other !== k))
    // A set is walked in the order of what is added to it, also while it is walked.
    const seen = new Set(k.roots.map((root) => root.value))
    for (const u of seen) {
      const by = writer.get(u)
      if (others.has(graph.maker[u]) || (by && others.has(by))) return true
      const before = [...graph.maker[u].inputs, ...(by && by !== k ? by.roots.map((root) => root.value) : [])]
      for (const i of before) if (i > v) seen.add(i)
    }
    return false
  }

  /** v as one more root of k, where k has it at hand and no cycle arises. */
  function join(k: Cluster, v: number): boolean {
    if (!affordable(k, v, true) || afterAnother(k, v)) return false
    if (isReduction(v))
      return framesFor(k, v).some(({ frame, roots }) => refit(k, frame, [...roots, { value: v, each: 'row' }], v))
    const flat = [...(k.access.get(v)?.values() ?? [])].map((c) => render(flatten(c, shapeOf(v))))
    const each =
      size(v) === k.frame.o.size && flat.includes(rowKey(k.frame)) ? 'row'
      : k.frame.r && size(v) === k.frame.o.size * k.frame.r.size && flat.includes(render(k.frame.full!)) ? 'element'
      : undefined
    return each !== undefined && refit(k, k.frame, [...k.roots, { value: v, each }], v)
  }

  /** v in memory: written by a cluster that reads it or what it reads, else by one of its own. */
  function place(v: number): void {
    const node = graph.maker[v]
    const siblings = isReduction(v) ? readersOf(node.inputs[0]).filter((k) => k.frame.r) : []
    const home = fusion ? [...readersOf(v), ...siblings].find((k) => join(k, v)) : undefined
    writer.set(v, home ?? alone(v, isReduction(v) ? frameOf(graph, node) : { o: { name: 'o', size: size(v) } }))
  }
  function alone(v: number, frame: Frame): Cluster {
    const k: Cluster = { frame, roots: [{ value: v, each: 'row' }], members: new Set([v]), access: new Map() }
    visit(k, v, rootCoords(k, k.roots[0]))
    clusters.push(k)
    return k
  }

  /** Computes v inside every cluster that reads it; false where one of them cannot. */
  function inline(v: number, near: readonly Cluster[]): boolean {
    if (!near.every((k) => affordable(k, v, false))) return false
    const kind = kindOf(graph.maker[v].op)
    if (!fusion && kind !== 'view') return false
    if (kind === 'reduction')
      return near.length === 1 && framesFor(near[0], v).some(({ frame, roots }) => refit(near[0], frame, roots, v))
    if (kind === 'pointwise' && ((near.length > 1 && !cheap[v]) || near.some((k) => repeated(k, v)))) return false
    for (const k of near) {
      k.members.add(v)
      for (const coords of [...k.access.get(v)!.values()]) follow(k, v, coords)
    }
    return true
  }
  /** Would a small, costly value be computed over and over? */
  function repeated(k: Cluster, v: number): boolean {
    if (work[v] < HEAVY) return false
    // What stands on a reduction of these very rows will be computed once a row, as soon as that joins.
    const ofRows = (u: number): boolean => isReduction(u) && size(graph.maker[u].inputs[0]) === k.frame.o.size
    if (!k.frame.r && graph.maker[v].inputs.flatMap((i) => sources[i]).some(ofRows)) return false
    let times = 0
    for (const coords of k.access.get(v)!.values()) {
      const inner = k.frame.r && coords.some((c) => mentions(c, 'r'))
      times += k.frame.o.size * (inner ? k.frame.r!.size : 1)
    }
    return times > 4 * size(v)
  }

  for (const { value } of graph.outputs) want(value)
  for (const node of graph.nodes.toReversed()) {
    const kind = kindOf(node.op)
    if (kind === 'kernel') {
      if (!node.outputs.some((v) => wanted.has(v) || readers.get(v)?.size)) continue
      kernels.push(node)
      for (const v of node.inputs) want(v, node)
      continue
    }
    const [v] = node.outputs
    if (kind === 'input' || inMemory(graph, v) || isEmpty(graph.values[v])) continue
    const near = readersOf(v)
    if (!wanted.has(v) && near.length === 0) continue
    if (wanted.has(v)) {
      place(v)
      // A view that is in memory for one reader is still cheaper to look through for the others.
      if (kind === 'view') for (const k of readersOf(v)) if (!k.members.has(v)) inline(v, [k])
    } else if (!inline(v, near)) {
      if (node.op !== 'reshape') place(v)
      else {
        // Another name for its operand, which is what must be in memory.
        want(v)
        const source = stored(graph, v)
        readers.set(source, new Set([...readersOf(source), ...near]))
      }
    }
  }
  return { clusters, kernels, readers, wanted }
}
