/**
 * A program as a plan: kernels in order, a place for every value, and what all of it needs in bytes. Nothing here
 * touches a device, so a plan can be made, counted and tested without one.
 */
import { sizeOf, type HostArray, type Program, type Spec } from '@ldyn/tensor'
import type { Kernel, Limits } from '../kernels/kernel.ts'
import { nativeOn } from '../kernels/table.ts'
import { inMemory } from '../lower/fuse.ts'
import { normalised, prepared, stored, isEmpty, type Graph } from '../lower/program.ts'
import { stepsOf, type Step, type StepOptions } from '../lower/steps.ts'
import { layout } from './arenas.ts'

/** A buffer by its role: of an input, a constant or an output (by number), or a place in an arena. */
export type Home =
  | { readonly kind: 'input' | 'constant' | 'output'; readonly index: number }
  | { readonly kind: 'arena'; readonly index: number; readonly offset: number }
  | { readonly kind: 'empty' }

export interface BoundKernel {
  readonly kernel: Kernel
  /** Of every binding: its buffer, and bytes from there. */
  readonly at: readonly { readonly home: Home; readonly offset: number; readonly bytes: number }[]
}

export interface Port {
  readonly path: string
  readonly spec: Spec
}

export interface Plan {
  readonly inputs: readonly Port[]
  /** An output is a buffer of its own, or shares that of an input, a constant, or an earlier output. */
  readonly outputs: readonly (Port & { readonly home: Home })[]
  readonly constants: readonly { readonly spec: Spec; readonly values: HostArray }[]
  /** Bytes of outputs that own their buffer, by their number in `Home`. */
  readonly owned: readonly number[]
  readonly kernels: readonly BoundKernel[]
  readonly arenas: readonly number[]
  readonly bytes: PlanBytes
  readonly nodes: number
}

/** What a run holds on the device, by purpose. */
export interface PlanBytes {
  readonly inputs: number
  readonly constants: number
  readonly outputs: number
  readonly arenas: number
  readonly total: number
}

/** Bytes of a value's buffer: four for every element, bools included. */
export const deviceBytes = (s: Spec): number => Math.max(16, Math.ceil(sizeOf(s.shape) / 4) * 16)

export interface PlanTimes {
  readonly simplifyMs: number
  readonly lowerMs: number
}

export function planOf(program: Program, limits: Limits, options: StepOptions): Plan & PlanTimes {
  const started = performance.now()
  const graph = normalised(prepared(program, nativeOn(limits)))
  const simplified = performance.now()
  const steps = stepsOf(graph, limits, options)
  const plan = placed(graph, steps, limits)
  return { ...plan, simplifyMs: simplified - started, lowerMs: performance.now() - simplified }
}

function placed(graph: Graph, steps: readonly Step[], limits: Limits): Plan {
  const homes = new Map<number, Home>()
  const constants: { spec: Spec; values: HostArray }[] = []
  const owned: number[] = []
  graph.inputs.forEach(({ value }, index) => homes.set(value, { kind: 'input', index }))
  const constantHome = (v: number): Home => {
    const node = graph.maker[v]
    if (node.op !== 'constant') throw new Error(`value ${v} of ${node.op} is read and never written`)
    constants.push({ spec: graph.values[v], values: node.attrs.values })
    return { kind: 'constant', index: constants.length - 1 }
  }
  const homeOf = (v: number): Home => {
    if (isEmpty(graph.values[v])) return { kind: 'empty' }
    const known = homes.get(v) ?? constantHome(v)
    homes.set(v, known)
    return known
  }
  for (const { value } of graph.outputs) {
    const v = stored(graph, value)
    if (homes.has(v) || isEmpty(graph.values[v]) || inMemory(graph, v)) continue
    homes.set(v, { kind: 'output', index: owned.push(deviceBytes(graph.values[v])) - 1 })
  }

  // Lives of what is left: results of steps until their last reader, temporaries during their step.
  const lives: { bytes: number; from: number; to: number }[] = []
  const lifeOf = new Map<number, number>()
  steps.forEach((step, s) => {
    for (const v of step.inputs) if (lifeOf.has(v)) lives[lifeOf.get(v)!].to = s
    for (const v of step.outputs) {
      if (homes.has(v)) continue
      lifeOf.set(v, lives.push({ bytes: deviceBytes(graph.values[v]), from: s, to: s }) - 1)
    }
  })
  const temporaries = steps.map((step, s) =>
    step.temporaries.map((words) => lives.push({ bytes: words * 4, from: s, to: s }) - 1))
  const { places, arenas } = layout(lives, limits.maxBufferBytes)
  const arenaHome = (life: number): Home =>
    ({ kind: 'arena', index: places[life].arena, offset: places[life].offset })
  for (const [v, life] of lifeOf) homes.set(v, arenaHome(life))

  const kernels = steps.flatMap((step, s) => step.kernels.map((kernel): BoundKernel => ({
    kernel,
    at: kernel.bindings.map(({ of, window }) => {
      const n = Number(/\d+$/.exec(of)![0])
      const life = temporaries[s][n]
      const home = of.startsWith('temp') ? arenaHome(life)
        : homeOf(of.startsWith('in') ? step.inputs[n] : step.outputs[n])
      const words = of.startsWith('temp') ? lives[life].bytes / 4
        : deviceBytes(graph.values[of.startsWith('in') ? step.inputs[n] : step.outputs[n]]) / 4
      const start = window?.at ?? 0
      return { home, offset: start * 4, bytes: (window ? Math.min(window.words, words - start) : words) * 4 }
    }),
  })))

  const outputs = graph.outputs.map(({ path, value }) => ({
    path, spec: graph.values[value], home: homeOf(stored(graph, value)),
  }))
  const inputs = graph.inputs.map(({ path, value }) => ({ path, spec: graph.values[value] }))
  const sum = (list: readonly number[]): number => list.reduce((n, b) => n + b, 0)
  const parts = {
    inputs: sum(inputs.map(({ spec }) => deviceBytes(spec))),
    constants: sum(constants.map(({ spec }) => deviceBytes(spec))),
    outputs: sum(owned),
    arenas: sum(arenas),
  }
  const bytes = { ...parts, total: sum(Object.values(parts)) }
  return { inputs, outputs, constants, owned, kernels, arenas, bytes, nodes: graph.nodes.length }
}
