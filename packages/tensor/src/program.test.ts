/** Programs are plain data: printed, hashed, posted to a worker. */
import { describe, expect, it } from 'vitest'
import { tinyTransformer } from './cases/index.ts'
import { add, constant, f32, grad, hash, mul, print, producers, scope, trace, useCounts } from './index.ts'
import { evaluate } from './reference/index.ts'

const program = (c: number[], path = 'head', input = 'x') =>
  trace((x) => ({ y: scope(path, () => add(mul(x[input], constant(c)), x[input])) }), {
    [input]: f32(c.length),
  })

it('prints one line a node', () => {
  const lines = print(program([1, 2])).split('\n')
  expect(lines[0]).toBe('%0 f32[2] = input() {"path":"x"}')
  expect(lines.slice(2)).toEqual([
    '%2 f32[2] = mul(%0, %1)  head',
    '%3 f32[2] = add(%2, %0)  head',
    'return y = %3',
  ])
})

describe('hash', () => {
  it('is the same for the same program', () => {
    expect(hash(program([1, 2]))).toBe(hash(program([1, 2])))
    expect(hash(structuredClone(program([1, 2])))).toBe(hash(program([1, 2])))
  })
  it("differs with a constant, however little, with a shape, a path and an input's name", () => {
    const all = [
      program([1, 2]),
      program([1, 2 + 2 ** -51]),
      program([-0, 2]),
      program([0, 2]),
      program([1, 2, 3]),
      program([1, 2], 'tail'),
      program([1, 2], 'head', 'z'),
      program(Array.from({ length: 3000 }, (_, i) => i)),
      program(Array.from({ length: 3000 }, (_, i) => i + Number(i === 2999))),
    ].map(hash)
    expect(new Set(all).size).toBe(all.length)
  })
})

it('knows who makes a value and how often it is read', () => {
  const p = program([1, 2])
  expect(Array.from(producers(p))).toEqual([0, 1, 2, 3])
  expect(Array.from(useCounts(p))).toEqual([2, 1, 1, 1])
})

it('survives a structured clone, as it is posted to a worker', () => {
  const { program: p, inputs } = tinyTransformer()
  const gradient = grad(p, { wrt: 'params', of: 'loss' })
  const copy = structuredClone(gradient)
  expect(hash(copy)).toBe(hash(gradient))
  expect(evaluate(copy, structuredClone(inputs))).toEqual(evaluate(gradient, inputs))
})
