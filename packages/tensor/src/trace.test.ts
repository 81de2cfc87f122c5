import { describe, expect, it } from 'vitest'
import {
  add, call, checkpoint, constant, f32, grad, hostTensor, i32, inputSpecs, mul, neg, outputSpecs, scope, sum,
  trace, TraceError, type HostTensor, type Tensor, type Tree,
} from './index.ts'
import { evaluate } from './reference/index.ts'

const row = (...v: number[]): HostTensor => hostTensor(v, [v.length])

describe('trace', () => {
  it('gives inputs and outputs as trees, in order', () => {
    const p = trace(({ b, a }) => ({ y: [add(a[0], b), neg(b)], z: a[1] }), {
      b: f32(2),
      a: [f32(2), i32(3)] as const,
    })
    expect(inputSpecs(p)).toEqual([
      { path: 'b', value: f32(2) },
      { path: 'a.0', value: f32(2) },
      { path: 'a.1', value: i32(3) },
    ])
    expect(outputSpecs(p).map(({ path }) => path)).toEqual(['y.0', 'y.1', 'z'])
  })
  it('takes a lone tensor, nothing at all, and branches without leaves', () => {
    expect(
      evaluate(
        trace((x: Tensor) => neg(x), f32(1)),
        row(2),
      ),
    ).toMatchObject({ data: Float64Array.of(-2) })
    expect(
      evaluate(
        trace(() => constant(1), {}),
        undefined,
      ),
    ).toMatchObject({ data: Float64Array.of(1) })
    const p = trace(
      ({ w, layers, opt }) => (layers as readonly Tensor[]).reduce((h, l) => add(h, l), opt ? neg(w) : w),
      { w: f32(1), layers: [], opt: undefined },
    )
    expect(evaluate(p, { w: row(3) })).toMatchObject({ data: Float64Array.of(3) })
  })
  it('refuses ops outside a trace', () => {
    expect(() => constant(1)).toThrow(
      new TraceError('ops build a program and run nowhere by themselves; call them inside trace(…)'),
    )
    expect(() => scope('x', () => 1)).toThrow(TraceError)
  })
  it('refuses a tensor of another trace, as an operand and as an output', () => {
    let kept!: Tensor
    trace(({ x }) => (kept = x), { x: f32(2) })
    expect(() => neg(kept)).toThrow(TraceError)
    expect(() => trace(({ x }) => scope('attn', () => add(x, kept)), { x: f32(2) })).toThrow(
      'add in attn was given a tensor of another trace; pass it in as an input',
    )
    expect(() => trace(() => ({ y: kept }), {})).toThrow("output 'y' belongs to another trace")
  })
  it('refuses an output that is no tensor, and a spec that is none', () => {
    expect(() => trace(() => ({ a: { b: 3 } }) as never, {})).toThrow(
      "output 'a.b' is not a tensor; wrap numbers in constant(…)",
    )
    expect(() => trace(({ x }) => x, { x: f32(2, -1) })).toThrow(
      "input 'x' needs a spec of whole sizes ≥ 0, got f32[2,-1]",
    )
    expect(() => trace(({ x }) => x as never, { x: 3 })).toThrow("input 'x' needs a spec")
  })
  it('leaves the outer trace as it was when an inner one fails', () => {
    const p = trace(
      ({ x }) => {
        expect(() =>
          trace(() => {
            throw new Error('inner')
          }, {}),
        ).toThrow('inner')
        expect(() =>
          scope('a', () => {
            throw new Error('scoped')
          }),
        ).toThrow('scoped')
        return neg(x)
      },
      { x: f32(1) },
    )
    expect(p.nodes.map(({ op, path }) => [op, path])).toEqual([
      ['input', ''],
      ['neg', ''],
    ])
  })
  it('names nodes by their scopes', () => {
    const p = trace(({ x }) => scope('layers', () => scope(3, () => scope('attn', () => neg(x)))), {
      x: f32(1),
    })
    expect(p.nodes.at(-1)!.path).toBe('layers.3.attn')
  })
})

describe('call', () => {
  const square = trace(({ x, k }) => scope('inner', () => ({ y: mul(mul(x, x), k) })), {
    x: f32(2),
    k: f32(),
  })
  const outer = (inputs: (x: Tensor) => Tree<Tensor>) =>
    trace(({ x }) => scope('outer', () => call(square, inputs(x)) as { y: Tensor }), { x: f32(2) })

  it('puts a program into another, under its path', () => {
    const p = outer((x) => ({ x, k: constant(3) }))
    expect(evaluate(p, { x: row(2, 5) })).toMatchObject({ y: { data: Float64Array.of(12, 75) } })
    expect(p.nodes.filter(({ op }) => op === 'mul').map(({ path }) => path)).toEqual([
      'outer.inner',
      'outer.inner',
    ])
  })
  it('composes with derivatives', () => {
    const loss = trace(({ x }) => sum((call(square, { x, k: constant(3) }) as { y: Tensor }).y), {
      x: f32(2),
    })
    expect(evaluate(grad(loss, { wrt: 'x' }), { x: row(2, 5) })).toMatchObject({
      grads: { x: { data: Float64Array.of(12, 30) } },
    })
  })
  it('refuses inputs that are missing or do not fit', () => {
    expect(() => outer((x) => ({ x }))).toThrow("call: input 'k' (f32[]) is missing; given are x")
    expect(() => outer(() => undefined)).toThrow("call: input 'x' (f32[2]) is missing; given are none")
    expect(() => outer((x) => ({ x, k: x }))).toThrow(
      "call: input 'k' is f32[2] where the program takes f32[]",
    )
  })
  it('keeps checkpointed regions apart, and inside an outer one they are part of it', () => {
    const inner = trace(({ x }) => checkpoint(() => neg(neg(x))), { x: f32(1) })
    const regions = (f: (x: Tensor) => Tensor) =>
      trace(({ x }) => f(x), { x: f32(1) })
        .nodes.slice(1)
        .map((n) => n.region)
    const use = (x: Tensor) => call(inner, { x }) as Tensor
    expect(regions((x) => use(use(x)))).toEqual([0, 0, 1, 1])
    expect(regions((x) => checkpoint(() => neg(use(use(x)))))).toEqual([0, 0, 0, 0, 0])
  })
})
