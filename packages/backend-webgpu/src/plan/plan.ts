/**
 * A program as a plan: kernels in order, a place for every value, and what all of it needs in bytes. Nothing here
 * touches a device, so a plan can be made, counted and tested without one.
 */
import { sizeOf, type HostArray, type Program, type Spec } from '@ldyn/tensor'
import type { Binding, Kernel, Limits } from '../kernels/kernel.ts'
import { nativeOn } from '../kernels/table.ts'
import { inMemory } from '../lower/access.ts'
import { normalised, prepared, stored, isEmpty, type Graph } from '../lower/program.ts'
import { stepsOf, type Step, type StepOptions } from '../lower/steps.ts'
import { layout, type Life } from './arenas.ts'

/** A buffer by its role: of an input, a constant, an output or an arena (by number). */
export type Home =
  | { readonly kind: 'input' | 'constant' | 'output' | 'arena'; readonly index: number }
  | { readonly kind: 'empty' }

/** Of every binding: its buffer, the bytes from there, and where they begin. */
export interface BoundKernel {
  readonly kernel: Kernel
  readonly at: readonly { readonly home: Home; readonly offset: number; readonly bytes: number }[]
}

export interface Port { readonly path: string; readonly spec: Spec }

export interface Plan {
  readonly inputs: readonly Port[]
  /** An output is a buffer of its own, or shares that of an input, a constant, or an earlier output. */
  readonly outputs: readonly (Port & { readonly home: Home })[]
  readonly constants: readonly { readonly spec: Spec; readonly values: HostArray }[]
  /** Bytes of outputs that own their buffer, by their number in `Home`, and of arenas. */
  readonly owned: readonly number[]
  readonly arenas: readonly number[]; readonly kernels: readonly BoundKernel[]; readonly bytes: PlanBytes
  readonly nodes: number; readonly simplifyMs: number; readonly lowerMs: number
}

/** What a run holds on the device, by purpose. */
export type PlanBytes = { readonly [K in 'inputs' | 'constants' | 'outputs' | 'arenas' | 'total']: number }
/** Bytes of a value's buffer: four for every element, bools included. */
export const deviceBytes = (s: Spec): number => Math.max(16, Math.ceil(sizeOf(s.shape) / 4) * 16)

export function planOf(program: Program, limits: Limits, options: StepOptions): Plan {
  const started = performance.now()
  const graph = normalised(prepared(program, nativeOn(limits)))
  const simplified = performance.now()
  const plan = placed(graph, stepsOf(graph, limits, options), limits)
  return { ...plan, simplifyMs: simplified - started, lowerMs: performance.now() - simplified }
}

function placed(graph: Graph, steps: readonly Step[], limits: Limits): Omit<Plan, 'simplifyMs' | 'lowerMs'> {
  const bytesOf = (v: number): number => deviceBytes(graph.values[v])
  const constants: { spec: Spec; values: HostArray }[] = []
  const owned: number[] = []
  const homes = new Map<number, Home>(graph.inputs.map(({ value }, index) => [value, { kind: 'input', index }]))
  for (const { value } of graph.outputs) {
    const v = stored(graph, value)
    if (homes.has(v) || isEmpty(graph.values[v]) || inMemory(graph, v)) continue
    homes.set(v, { kind: 'output', index: owned.push(bytesOf(v)) - 1 })
  }

  // Lives of what is left: results of steps until their last reader, temporaries during their step.
  const lives: (Life & { to: number })[] = []
  const lifeOf = new Map<number, number>()
  steps.forEach((step, s) => {
    for (const v of step.inputs) if (lifeOf.has(v)) lives[lifeOf.get(v)!].to = s
    for (const v of step.outputs)
      if (!homes.has(v)) lifeOf.set(v, lives.push({ bytes: bytesOf(v), from: s, to: s }) - 1)
  })
  const temporaries = steps.map((step, s) =>
    step.temporaries.map((words) => lives.push({ bytes: words * 4, from: s, to: s }) - 1))
  const { places, arenas } = layout(lives, limits.maxBufferBytes)

  /** Where a value or a temporary lies. */
  interface Place { readonly home: Home; readonly offset: number; readonly bytes: number }
  const inArena = (life: number): Place => {
    const { arena: index, offset } = places[life]
    return { home: { kind: 'arena', index }, offset, bytes: lives[life].bytes }
  }
  const homeOf = (v: number): Home => {
    if (isEmpty(graph.values[v])) return { kind: 'empty' }
    const known = homes.get(v)
    if (known) return known
    const node = graph.maker[v]
    if (node.op !== 'constant') throw new Error(`value ${v} of ${node.op} is read and never written`)
    const home: Home = { kind: 'constant', index: constants.push({ spec: graph.values[v], values: node.attrs.values }) - 1 }
    homes.set(v, home)
    return home
  }
  const placeOf = (v: number): Place =>
    lifeOf.has(v) ? inArena(lifeOf.get(v)!) : { home: homeOf(v), offset: 0, bytes: bytesOf(v) }
  const bound = (step: Step, s: number, { of, window }: Binding): Place => {
    const [, kind, n] = /([a-z]+)(\d+)/.exec(of)!
    const all = kind === 'temp' ? inArena(temporaries[s][+n]) : placeOf((kind === 'in' ? step.inputs : step.outputs)[+n])
    if (!window) return all
    const [start, bytes] = [window.at * 4, window.words * 4]
    return { ...all, offset: all.offset + start, bytes: Math.min(bytes, all.bytes - start) }
  }
  const kernels = steps.flatMap((step, s) =>
    step.kernels.map((kernel) => ({ kernel, at: kernel.bindings.map((binding) => bound(step, s, binding)) })))

  const outputs = graph.outputs.map(({ path, value }) =>
    ({ path, spec: graph.values[value], home: homeOf(stored(graph, value)) }))
  const inputs = graph.inputs.map(({ path, value }) => ({ path, spec: graph.values[value] }))
  const sum = (list: readonly number[]): number => list.reduce((n, b) => n + b, 0)
  const ofSpecs = (list: readonly { readonly spec: Spec }[]): number => sum(list.map(({ spec }) => deviceBytes(spec)))
  const parts = { inputs: ofSpecs(inputs), constants: ofSpecs(constants), outputs: sum(owned), arenas: sum(arenas) }
  const bytes = { ...parts, total: sum(Object.values(parts)) }
  return { inputs, outputs, constants, owned, kernels, arenas, bytes, nodes: graph.nodes.length }
}
