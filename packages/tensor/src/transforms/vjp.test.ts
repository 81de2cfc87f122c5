import { describe, expect, it } from 'vitest'
import {
  add, argmax, f32, grad, hostTensor, i32, inputSpecs, jvp, matmul, mul, neg, outputSpecs, stopGradient, sum,
  take, trace, vjp, type HostTensor,
} from '../index.ts'
import { evaluate } from '../reference/index.ts'

const row = (...v: number[]): HostTensor => hostTensor(v, [v.length])
const data = (t: unknown): number[] => Array.from((t as HostTensor).data)

describe('vjp', () => {
  const p = trace(({ x, y, i }) => ({ a: mul(x, x), b: neg(x), best: argmax(y), i }), {
    x: f32(2),
    y: f32(2),
    i: i32(1),
  })
  it('takes a cotangent for every f32 output and gives a gradient for every input that is asked for', () => {
    const r = vjp(p, { wrt: ['x', 'y'] })
    expect(inputSpecs(r).map(({ path }) => path)).toEqual(['x', 'y', 'i', 'cotangent.a', 'cotangent.b'])
    expect(outputSpecs(r).map(({ path }) => path)).toEqual([
      'primal.a',
      'primal.b',
      'primal.best',
      'primal.i',
      'grads.x',
      'grads.y',
    ])
    const given = { x: row(1, 2), y: row(1, 2), i: hostTensor([3], [1], 'i32') }
    const { grads } = evaluate(r, { ...given, cotangent: { a: row(1, 1), b: row(10, 10) } }) as {
      grads: Record<string, HostTensor>
    }
    expect([data(grads.x), data(grads.y)]).toEqual([
      [-8, -6],
      [0, 0],
    ])
  })
  it('pulls back the outputs that are asked for alone', () => {
    expect(inputSpecs(vjp(p, { wrt: 'x', of: 'b' })).map(({ path }) => path)).toEqual([
      'x',
      'y',
      'i',
      'cotangent.b',
    ])
  })
  it('adds up what arrives by two ways: a tied weight', () => {
    const tied = trace(({ embed, head, t }) => sum(matmul(take(embed, t), head, false, true)), {
      embed: f32(3, 2),
      head: f32(3, 2),
      t: i32(2),
    })
    const one = trace(({ w, t }) => sum(matmul(take(w, t), w, false, true)), { w: f32(3, 2), t: i32(2) })
    const w = hostTensor([1, 2, 3, 4, 5, 6], [3, 2])
    const t = hostTensor([0, 2], [2], 'i32')
    const two = (
      evaluate(grad(tied, { wrt: ['embed', 'head'] }), { embed: w, head: w, t }) as {
        grads: { embed: HostTensor; head: HostTensor }
      }
    ).grads
    const both = (evaluate(grad(one, { wrt: 'w' }), { w, t }) as { grads: { w: HostTensor } }).grads.w
    expect(data(both)).toEqual(data(two.embed).map((v, i) => v + data(two.head)[i]))
  })
  it('reaches an input that is itself an output, once for each time', () => {
    const same = trace(({ x }) => ({ a: x, b: x, c: add(x, x) }), { x: f32(1) })
    const result = evaluate(vjp(same, { wrt: 'x' }), {
      x: row(5),
      cotangent: { a: row(1), b: row(10), c: row(100) },
    })
    expect(result).toMatchObject({ grads: { x: { data: Float64Array.of(211) } } })
  })
  it('stops at stopGradient', () => {
    const p = trace(({ x }) => sum(mul(x, stopGradient(x))), { x: f32(2) })
    expect(evaluate(grad(p, { wrt: 'x' }), { x: row(3, 4) })).toMatchObject({
      grads: { x: { data: Float64Array.of(3, 4) } },
    })
  })
  it('marks what it adds by the path of what it came from', () => {
    const paths = grad(
      trace(({ x }) => sum(mul(x, x)), { x: f32(2) }),
      { wrt: 'x' },
    ).nodes.map(({ path }) => path)
    expect(paths.some((path) => path.endsWith('ᵀ'))).toBe(true)
  })
  it('works where the input is the whole tree, and beside an input that is called cotangent', () => {
    const lone = vjp(
      trace((x) => mul(x, x), f32(1)),
      { wrt: '' },
    )
    expect(evaluate(lone, { input: row(3), cotangent: row(1) })).toMatchObject({
      grads: { data: Float64Array.of(6) },
    })
    const taken = vjp(
      trace(({ cotangent }) => neg(cotangent), { cotangent: f32(1) }),
      { wrt: '' },
    )
    expect(inputSpecs(taken).map(({ path }) => path)).toEqual(['cotangent', 'cotangent2'])
  })
  it('refuses what matches nothing', () => {
    expect(() => vjp(p, { wrt: 'z' })).toThrow('vjp: wrt matches no f32 input; there are x, y, i')
    expect(() => vjp(p, { wrt: 'x', of: 'best' })).toThrow(
      'vjp: of matches no f32 output; there are a, b, best, i',
    )
  })
})

describe('grad', () => {
  const p = trace(({ x }) => ({ loss: sum(mul(x, x)), y: mul(x, x) }), { x: f32(2) })
  it('is the vjp of one scalar with cotangent 1', () => {
    const r = grad(p, { wrt: 'x', of: 'loss' })
    expect(outputSpecs(r).map(({ path }) => path)).toEqual(['primal.loss', 'primal.y', 'grads.x'])
    expect(evaluate(r, { x: row(1, 2) })).toMatchObject({
      primal: { loss: { data: Float64Array.of(5) } },
      grads: { x: { data: Float64Array.of(2, 4) } },
    })
  })
  it('refuses several outputs, and one that is no scalar', () => {
    expect(() => grad(p, { wrt: 'x' })).toThrow(
      'grad: takes one f32 scalar; of = everything selects loss[], y[2]',
    )
    expect(() => grad(p, { wrt: 'x', of: 'y' })).toThrow('of = y selects y[2]')
  })
  it('of a gradient is a Hessian product: reverse over reverse', () => {
    const g = grad(
      trace(({ x }) => sum(mul(x, mul(x, x))), { x: f32(2) }),
      { wrt: 'x' },
    )
    const hv = vjp(g, { wrt: 'x', of: 'grads.x' })
    expect(evaluate(hv, { x: row(1, 2), cotangent: { grads: { x: row(1, 10) } } })).toMatchObject({
      grads: { x: { data: Float64Array.of(6, 120) } },
    })
    const forward = jvp(g, { wrt: 'x' })
    expect(evaluate(forward, { x: row(1, 2), tangent: { x: row(1, 10) } })).toMatchObject({
      tangent: { grads: { x: { data: Float64Array.of(6, 120) } } },
    })
  })
})
