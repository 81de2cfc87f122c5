/** Plans: few calls, every value freed at its last reader, axes joined as far as they go. */
import { createRequire } from 'node:module'
import {
  add, attention, broadcast, f32, linear, logSoftmax, reshape, scope, sliceAxis, softmax, trace, transpose,
  type Program,
} from '@ldyn/tensor'
import { describe, expect, it } from 'vitest'
import { lower, prepared, type Plan } from '../src/lower/program.ts'
import { blocks, compactTranspose, runs } from '../src/lower/shapes.ts'
import { engineOf, type Tf } from '../src/run/engine.ts'

const require = createRequire(import.meta.url)
const tf = require('@tensorflow/tfjs-core') as Tf
require('@tensorflow/tfjs-backend-cpu')
const engine = engineOf(tf, 'cpu', 'cpu')
const planOf = (program: Program): Plan => lower(prepared(program), engine)
const calls = (program: Program): string[] => planOf(program).steps.map((s) => s.op)

describe('the plan of a program', () => {
  it('has one call for an op that tf has, however broadcast its operands are', () => {
    expect(calls(trace(({ x }) => softmax(x), { x: f32(2, 3) }))).toEqual(['softmax'])
    const biased = trace(({ x, b }) => add(x, broadcast(b, [4, 3])), { x: f32(4, 3), b: f32(3) })
    expect(calls(biased)).toEqual(['add'])
    expect(calls(trace(({ x, w, b }) => linear(x, w, b), { x: f32(4, 3), w: f32(3, 5), b: f32(5) }))).toEqual([
      'linear',
    ])
  })
  it('makes the mask of all layers once', () => {
    const layers = (n: number) =>
      trace(
        ({ q }) => {
          let x = q
          for (let i = 0; i < n; i++)
            x = scope(`layers.${i}`, () => attention(x, x, x, { scale: 0.5, causal: true }))
          return x
        },
        { q: f32(1, 2, 3, 4) },
      )
    const [one, two, three] = [1, 2, 3].map((n) => calls(layers(n)).length)
    expect(three - two).toBe(two - one)
    expect(two - one).toBeLessThan(one)
    expect(one).toBeLessThanOrEqual(13)
  })
  it('frees every intermediate once, at its last reader, and nothing that is given or handed out', () => {
    const plan = planOf(
      trace(({ x }) => ({ y: logSoftmax(sliceAxis(reshape(transpose(x, [1, 0, 2]), [6, 4]), 0, 1, 4)), x }), {
        x: f32(2, 3, 4),
      }),
    )
    const freed = plan.frees.flat()
    const made = plan.steps.flatMap((s) => s.outputs)
    const kept = plan.outputs.map((o) => o.id)
    expect(new Set(freed).size).toBe(freed.length)
    expect([...freed, ...made.filter((v) => kept.includes(v))].sort()).toEqual([...made].sort())
    plan.steps.forEach(({ inputs }, n) => {
      const gone = plan.frees.slice(0, n).flat()
      expect(inputs.filter((v) => gone.includes(v))).toEqual([])
    })
  })
})

describe('axes that act as one', () => {
  it('joins neighbours that move together', () => {
    expect(compactTranspose([2, 3, 4, 5], [2, 3, 0, 1])).toEqual({ shape: [6, 20], perm: [1, 0] })
    expect(compactTranspose([2, 1, 4, 5], [3, 1, 0, 2])).toEqual({ shape: [8, 5], perm: [1, 0] })
    expect(compactTranspose([2, 3, 4], [2, 1, 0])).toEqual({ shape: [2, 3, 4], perm: [2, 1, 0] })
    expect(compactTranspose([1, 3, 1], [2, 0, 1])).toEqual({ shape: [3], perm: [0] })
  })
  it('groups runs and what follows a cut', () => {
    expect(runs(4, (a) => a < 2)).toEqual([[0, 1], [2, 3]])
    expect(blocks(4, (a) => a !== 1)).toEqual([[0], [1, 2, 3]])
  })
})
