import { describe, expect, it } from 'vitest'
import { randomProgram, tinyTransformer } from '../cases/index.ts'
import {
  add, broadcast, constant, div, dropDead, exp, f32, grad, i32, iota, leaves, mul, neg, print, reshape, scope,
  simplify, slice, stopGradient, sub, sum, trace, transpose, cast, checkpoint, isFinite, select, topK,
  type HostTensor, type Program, type Tensor, type Tree,
} from '../index.ts'
import { evaluate } from '../reference/index.ts'

const unary = (f: (x: Tensor) => Tree<Tensor>, ...shape: number[]): Program =>
  trace(({ x }) => f(x), { x: f32(...shape) })
const opsOf = (p: Program): string[] => p.nodes.map(({ op }) => op).filter((op) => op !== 'input')
const simple = (f: (x: Tensor) => Tree<Tensor>, ...shape: number[]): string[] =>
  opsOf(simplify(unary(f, ...shape)))

describe('simplify', () => {
  it('merges equal nodes, of several outputs too', () => {
    expect(simple((x) => add(exp(x), exp(x)), 2)).toEqual(['exp', 'add'])
    expect(simple((x) => add(topK(x, 1).values, topK(x, 1).values), 2)).toEqual(['topK', 'add'])
  })
  it('tells nodes apart by attributes, order of operands and constants, −0 from 0', () => {
    expect(simple((x) => [sum(x, 0), sum(x, 1)], 2, 2)).toEqual(['sum', 'sum'])
    expect(simple((x) => [sub(x, exp(x)), sub(exp(x), x)], 2)).toEqual(['exp', 'sub', 'sub'])
    expect(simple(() => [constant([0, 1]), constant([-0, 1]), constant([0, 1])])).toEqual([
      'constant',
      'constant',
    ])
    expect(simple(() => [constant([0, 1]), constant([0, 1], [2], 'i32')])).toEqual(['constant', 'constant'])
  })
  it('tells large constants apart, and knows copies of one node by identity', () => {
    const large = (n: number) => Array.from({ length: 2000 }, (_, i) => (i === 1999 ? n : i))
    expect(simple(() => [constant(large(1)), constant(large(2))])).toEqual(['constant', 'constant'])
    const twice = unary((x) => checkpoint(() => exp(mul(x, constant(large(1))))), 2000)
    const gradient = simplify(
      grad(
        trace(({ x }) => sum(mul(exp(mul(x, constant(large(1)))), x)), { x: f32(2000) }),
        { wrt: 'x' },
      ),
    )
    expect(opsOf(gradient).filter((op) => op === 'constant').length).toBeLessThanOrEqual(2)
    expect(opsOf(simplify(twice))).toEqual(['constant', 'mul', 'exp'])
  })
  it('drops what nobody reads and keeps every input', () => {
    const p = trace(
      ({ x, y }) => {
        exp(y)
        return neg(x)
      },
      { x: f32(1), y: f32(1) },
    )
    expect(opsOf(dropDead(p))).toEqual(['neg'])
    expect(simplify(p).inputs.map(({ path }) => path)).toEqual(['x', 'y'])
  })
  it('folds constants', () => {
    expect(simple((x) => add(x, mul(constant(3), 4)), 2)).toEqual(['constant', 'broadcast', 'add'])
    const folded = simplify(unary(() => add(constant([1, 2]), transpose(constant([[3, 4]].flat()), [0]))))
    expect(leaves(evaluate(folded, { x: 1 }) as Tree<HostTensor>)[0].value.data).toEqual(
      Float64Array.of(4, 6),
    )
    expect(simple(() => cast(constant([1.5, 0]), 'i32'))).toEqual(['constant'])
  })
  it('does not fold what has no number', () => {
    expect(simple(() => div(constant(1), 0))).toContain('div')
  })
  it.each<[string, (x: Tensor) => Tensor, string[]]>([
    ['x·1', (x) => mul(1, x), []],
    ['x/1', (x) => div(x, 1), []],
    ['x + 0', (x) => add(x, 0), []],
    ['0 + x', (x) => add(0, x), []],
    ['x − 0', (x) => sub(x, 0), []],
    ['−(−x)', (x) => neg(neg(x)), []],
    ['x·(−1)', (x) => mul(x, -1), ['neg']],
    ['2·(3·x)', (x) => mul(2, mul(3, x)), ['constant', 'broadcast', 'mul']],
    ['((x·2)·3)·4', (x) => mul(mul(mul(x, 2), 3), 4), ['constant', 'broadcast', 'mul']],
    ['((x + 2) + 3) + 4', (x) => add(add(add(x, 2), 3), 4), ['constant', 'broadcast', 'add']],
    ['½·(2·x)', (x) => mul(0.5, mul(2, x)), []],
    ['reshapes', (x) => reshape(reshape(x, [4, 1]), [2, 2]), []],
    ['transposes', (x) => transpose(transpose(x, [1, 0]), [1, 0]), []],
    ['broadcasts', (x) => broadcast(broadcast(x, [1, 2, 2]), [3, 2, 2]), ['broadcast']],
    ['a sum over a size-1 axis', (x) => sum(reshape(x, [2, 1, 2]), 1), []],
  ])('knows that %s needs fewer', (_, f, expected) => {
    expect(simple(f, 2, 2)).toEqual(expected)
  })
  it('does not touch 0·x, or factors whose product f32 does not hold', () => {
    expect(simple((x) => mul(x, 0), 2)).toContain('mul')
    expect(simple((x) => mul(mul(x, 1e-20), 1e-20), 2).filter((op) => op === 'mul')).toHaveLength(2)
    expect(simple((x) => mul(mul(x, 1e20), 1e20), 2).filter((op) => op === 'mul')).toHaveLength(2)
  })
  it('keeps stopGradient until no derivative will be taken', () => {
    const p = unary((x) => mul(x, stopGradient(x)), 2)
    expect(opsOf(simplify(p))).toEqual(['stopGradient', 'mul'])
    expect(opsOf(simplify(p, { final: true }))).toEqual(['mul'])
  })
  it('leaves integers and masks alone', () => {
    const p = trace(({ i, x }) => ({ i: select(isFinite(x), i, iota([2], 0)), s: slice(i, [0], [1]) }), {
      i: i32(2),
      x: f32(2),
    })
    expect(opsOf(simplify(p))).toEqual(opsOf(p))
  })
  it('keeps module paths', () => {
    expect(simplify(unary((x) => scope('a', () => exp(mul(x, 1))), 2)).nodes.at(-1)!.path).toBe('a')
  })
})

describe('on random programs and their gradients', () => {
  it.each(Array.from({ length: 60 }, (_, i) => i + 1))(
    'values stay, and a second time changes nothing: %d',
    (seed) => {
      const { program, inputs } = randomProgram(seed, 14)
      for (const p of [program, grad(program, { wrt: '', of: 'loss' })]) {
        const s = simplify(p)
        expect(s.nodes.length).toBeLessThanOrEqual(p.nodes.length)
        expect(print(simplify(s))).toBe(print(s))
        const [want, got] = [leaves(evaluate(p, inputs)), leaves(evaluate(s, inputs))]
        want.forEach(({ path, value }, n) => {
          expect(got[n].path).toBe(path)
          value.data.forEach((v, i) =>
            expect(Math.abs(got[n].value.data[i] - v)).toBeLessThanOrEqual(1e-11 * Math.max(1, Math.abs(v))),
          )
        })
      }
    },
  )
})

it('makes the gradient of a transformer smaller by a sixth or more, with the same values', () => {
  const { program, inputs } = tinyTransformer()
  const gradient = grad(program, { wrt: 'params', of: 'loss' })
  const s = simplify(gradient, { final: true })
  expect(s.nodes.length).toBeLessThan((gradient.nodes.length * 5) / 6)
  const [want, got] = [leaves(evaluate(gradient, inputs)), leaves(evaluate(s, inputs))]
  want.forEach(({ value }, n) =>
    value.data.forEach((v, i) => expect(got[n].value.data[i]).toBeCloseTo(v, 12)),
  )
})
