/**
 * A program as a plan: kernels in order, a place for every value, and what all of it needs in bytes. Nothing here
 * touches a device, so a plan can be made, counted and tested without one.
 */
import { isComposite, lowerable, sizeOf, type HostTensor, type NamedSpec, type Program, type Spec } from '@ldyn/tensor'
import type { Binding, Kernel, Limits } from '../kernels/kernel.ts'
import { nativeOn } from '../kernels/table.ts'
import { inMemory } from '../lower/kinds.ts'
import { normalised, stored, isEmpty, type Graph } from '../lower/program.ts'
import { stepsOf, type Step, type StepOptions } from '../lower/steps.ts'
import { layout, type Life } from './arenas.ts'

/** A part of a buffer of the run, by the buffer's number: see `Plan`. */
export interface Place { readonly buffer: number; readonly offset: number; readonly bytes: number }
/** `at`: of every binding its place. */
export interface BoundKernel { readonly kernel: Kernel; readonly at: readonly Place[] }

/** A run's buffers are numbered: first those of the inputs, then of outputs that own theirs, arenas, and constants. */
export interface Plan {
  readonly inputs: readonly NamedSpec[]
  /** An output may share the buffer of an input, a constant or an earlier output; −1 where it has no elements. */
  readonly outputs: readonly (NamedSpec & { readonly buffer: number })[]
  /** Bytes of outputs that own their buffer, and of arenas. */
  readonly owned: readonly number[]; readonly arenas: readonly number[]; readonly constants: readonly HostTensor[]
  readonly kernels: readonly BoundKernel[]; readonly bytes: PlanBytes
  readonly nodes: number; readonly simplifyMs: number; readonly lowerMs: number
}

/** What a run holds on the device, by purpose. */
export type PlanBytes = { readonly [K in 'inputs' | 'constants' | 'outputs' | 'arenas' | 'total']: number }
/** Bytes of a value's buffer: four for every element, bools included. */
export const deviceBytes = (s: Spec): number => Math.max(16, Math.ceil(sizeOf(s.shape) / 4) * 16)

export function planOf(program: Program, limits: Limits, options: StepOptions): Plan {
  const started = performance.now()
  const native = nativeOn(limits)
  const graph = normalised(lowerable(program, (op) => isComposite(op) && native.has(op)))
  const simplified = performance.now()
  const plan = placed(graph, stepsOf(graph, limits, options), limits)
  return { ...plan, simplifyMs: simplified - started, lowerMs: performance.now() - simplified }
}

function placed(graph: Graph, steps: readonly Step[], limits: Limits): Omit<Plan, 'simplifyMs' | 'lowerMs'> {
  const bytesOf = (v: number): number => deviceBytes(graph.values[v])
  const owned: number[] = []
  const buffers = new Map(graph.inputs.map(({ value }, i) => [value, i]))
  for (const { value } of graph.outputs) {
    const v = stored(graph, value)
    if (buffers.has(v) || isEmpty(graph.values[v]) || inMemory(graph, v)) continue
    buffers.set(v, graph.inputs.length + owned.push(bytesOf(v)) - 1)
  }

  // Lives of what is left: results of steps until their last reader, temporaries during their step.
  const lives: (Life & { to: number })[] = []
  const lifeOf = new Map<number, number>()
  steps.forEach((step, s) => {
    for (const v of step.inputs) if (lifeOf.has(v)) lives[lifeOf.get(v)!].to = s
    for (const v of step.outputs)
      if (!buffers.has(v)) lifeOf.set(v, lives.push({ bytes: bytesOf(v), from: s, to: s }) - 1)
  })
  const temporaries = steps.map((step, s) =>
    step.temporaries.map((words) => lives.push({ bytes: words * 4, from: s, to: s }) - 1))
  const { places, arenas } = layout(lives, limits.maxBufferBytes)

  const firstArena = graph.inputs.length + owned.length
  const inArena = (life: number): Place => {
    const { arena, offset } = places[life]
    return { buffer: firstArena + arena, offset, bytes: lives[life].bytes }
  }
  const constants: HostTensor[] = []
  const bufferOf = (v: number): number => {
    if (isEmpty(graph.values[v])) return -1
    const known = buffers.get(v)
    if (known !== undefined) return known
    const node = graph.maker[v]
    if (node.op !== 'constant') throw new Error(`value ${v} of ${node.op} is read and never written`)
    const made = firstArena + arenas.length + constants.push({ ...graph.values[v], data: node.attrs.values }) - 1
    buffers.set(v, made)
    return made
  }
  const placeOf = (v: number): Place =>
    lifeOf.has(v) ? inArena(lifeOf.get(v)!) : { buffer: bufferOf(v), offset: 0, bytes: bytesOf(v) }
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
    ({ path, spec: graph.values[value], buffer: bufferOf(stored(graph, value)) }))
  const inputs = graph.inputs.map(({ path, value }) => ({ path, spec: graph.values[value] }))
  const sum = (list: readonly number[]): number => list.reduce((n, b) => n + b, 0)
  const parts = {
    inputs: sum(inputs.map(({ spec }) => deviceBytes(spec))), constants: sum(constants.map(deviceBytes)),
    outputs: sum(owned), arenas: sum(arenas),
  }
  const bytes = { ...parts, total: sum(Object.values(parts)) }
  return { inputs, outputs, constants, owned, kernels, arenas, bytes, nodes: graph.nodes.length }
}
