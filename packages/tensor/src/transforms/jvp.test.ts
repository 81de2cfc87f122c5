import { describe, expect, it } from 'vitest'
import { drawLike, tinyTransformer } from '../cases/index.ts'
import {
  argmax, exp, f32, grad, hostTensor, i32, inputSpecs, jvp, leaves, mapTree, mul, neg, outputSpecs, trace,
  unflatten, type Branch, type HostTensor, type Tree,
} from '../index.ts'
import { evaluate } from '../reference/index.ts'

const row = (...v: number[]): HostTensor => hostTensor(v, [v.length])
const data = (t: unknown): number[] => Array.from((t as HostTensor).data)
const p = trace(({ w, x, i }) => ({ y: mul(w, exp(x)), best: argmax(x), i }), {
  w: f32(2),
  x: f32(2),
  i: i32(1),
})

describe('jvp', () => {
  it('adds a tangent for every input that moves, and gives one for every f32 output', () => {
    const f = jvp(p, { wrt: 'x' })
    expect(inputSpecs(f).map(({ path }) => path)).toEqual(['w', 'x', 'i', 'tangent.x'])
    expect(outputSpecs(f).map(({ path }) => path)).toEqual([
      'primal.y',
      'primal.best',
      'primal.i',
      'tangent.y',
    ])
  })
  it('takes a path, a list or a predicate', () => {
    const tangents = (wrt: Parameters<typeof jvp>[1]['wrt']) =>
      inputSpecs(jvp(p, { wrt }))
        .map(({ path }) => path)
        .filter((s) => s.startsWith('tangent'))
    expect(tangents('')).toEqual(['tangent.w', 'tangent.x'])
    expect(tangents(['x', 'w'])).toEqual(['tangent.w', 'tangent.x'])
    expect(tangents((path) => path === 'w')).toEqual(['tangent.w'])
  })
  it('of n directions is n single ones, with one primal', () => {
    const { program, inputs } = tinyTransformer()
    const single = jvp(program, { wrt: 'params' })
    const many = jvp(program, { wrt: 'params', directions: 3 })
    const specs = many.inputs
      .filter(({ path }) => path.startsWith('tangent'))
      .map(({ path, value }) => ({ path: path.slice(8), value: many.values[value] }))
    const tangents = drawLike(unflatten(specs), 3)
    const together = evaluate(many, { ...inputs, tangent: tangents }) as {
      tangent: Record<string, HostTensor>
    }
    for (let n = 0; n < 3; n++) {
      const part = (t: HostTensor): HostTensor => {
        const size = t.data.length / 3
        return { shape: t.shape.slice(1), dtype: 'f32', data: t.data.slice(n * size, (n + 1) * size) }
      }
      const alone = evaluate(single, { ...inputs, tangent: mapTree(tangents, part) }) as {
        tangent: Record<string, HostTensor>
      }
      for (const name of ['loss', 'logp'])
        data(part(together.tangent[name])).forEach((v, i) =>
          expect(v).toBeCloseTo(data(alone.tangent[name])[i], 13),
        )
    }
    expect(many.nodes.filter(({ op, path }) => op === 'exp' && !path.includes('˙')).length).toBe(
      single.nodes.filter(({ op, path }) => op === 'exp' && !path.includes('˙')).length,
    )
  })
  it('gives zeros where nothing that moves arrives, with the direction axis too', () => {
    const q = trace(({ a, b }) => ({ a: neg(a), b: neg(b) }), { a: f32(2), b: f32(2) })
    expect(
      evaluate(jvp(q, { wrt: 'a' }), { a: row(1, 2), b: row(3, 4), tangent: { a: row(1, 1) } }),
    ).toMatchObject({ tangent: { b: { data: Float64Array.of(0, 0) } } })
    expect(outputSpecs(jvp(q, { wrt: 'a', directions: 4 })).at(-1)).toEqual({
      path: 'tangent.b',
      value: f32(4, 2),
    })
  })
  it('nests: the inner tangent keeps its name and the outer one is tangent2', () => {
    const cube = trace(({ x }) => mul(x, mul(x, x)), { x: f32() })
    const twice = jvp(jvp(cube, { wrt: 'x' }), { wrt: 'x' })
    expect(inputSpecs(twice).map(({ path }) => path)).toEqual(['x', 'tangent.x', 'tangent2.x'])
    const result = evaluate(twice, { x: 2, tangent: { x: 1 }, tangent2: { x: 1 } }) as {
      tangent: { primal: HostTensor; tangent: HostTensor }
    }
    expect([data(result.tangent.primal), data(result.tangent.tangent)]).toEqual([[12], [12]])
  })
  it('works where the input is the whole tree', () => {
    const f = jvp(
      trace((x) => mul(x, x), f32(1)),
      { wrt: '' },
    )
    expect(inputSpecs(f).map(({ path }) => path)).toEqual(['input', 'tangent'])
    expect(evaluate(f, { input: row(3), tangent: row(1) })).toMatchObject({
      primal: { data: Float64Array.of(9) },
      tangent: { data: Float64Array.of(6) },
    })
  })
  it('refuses what cannot move', () => {
    expect(() => jvp(p, { wrt: 'z' })).toThrow('jvp: wrt matches no f32 input; there are w, x, i')
    expect(() => jvp(p, { wrt: 'i' })).toThrow('wrt matches no f32 input')
  })
})

it('a jvp along −g predicts the change of a step to second order', () => {
  const { program, inputs } = tinyTransformer()
  const loss = (params: Tree<HostTensor>) =>
    data((evaluate(program, { ...inputs, params } as never) as { loss: HostTensor }).loss)[0]
  const { grads } = evaluate(grad(program, { wrt: 'params', of: 'loss' }), inputs) as {
    grads: { params: Branch<HostTensor> }
  }
  const slopes = new Map(leaves<HostTensor>(grads.params).map(({ path, value }) => [path, value.data]))
  const stepped = (eta: number) =>
    mapTree<HostTensor, HostTensor>(inputs.params, (t, path) => {
      const g = slopes.get(path)!
      return { ...t, data: Float64Array.from(t.data, (v, i) => v - eta * g[i]) }
    })
  const slope = -leaves<HostTensor>(grads.params).reduce(
    (s, { value }) => s + Array.from(value.data).reduce((a, v) => a + v * v, 0),
    0,
  )
  const residual = (eta: number) =>
    Math.abs(loss(stepped(eta)) - loss(inputs.params as Branch<HostTensor>) - eta * slope)
  for (const eta of [1e-4, 5e-5, 2.5e-5])
    expect(Math.log2(residual(eta) / residual(eta / 2))).toBeCloseTo(2, 1)
})
