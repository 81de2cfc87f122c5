import { describe, expect, it } from 'vitest'
import {
  add, f32, hostTensor, i32, matmul, reassociate, scatterAdd, sizeOf, sum, take, trace, type HostTensor, type Program,
} from '../index.ts'
import { evaluate } from '../reference/index.ts'

const drawn = (shape: number[], seed = 1): HostTensor => ({
  shape, dtype: 'f32', data: Float64Array.from({ length: sizeOf(shape) }, (_, i) => Math.sin(seed + 7 * i)),
})
const values = (p: Program, inputs: Record<string, HostTensor>): number[] =>
  Array.from((evaluate(p, inputs) as HostTensor).data)
const same = (p: Program, inputs: Record<string, HostTensor>): Program => {
  const q = reassociate(p)
  const [got, want] = [values(q, inputs), values(p, inputs)]
  got.forEach((x, i) => expect(x).toBeCloseTo(want[i], 12))
  return q
}
const largest = (p: Program): number =>
  Math.max(...p.nodes.flatMap((n) => n.outputs.map((v) => sizeOf(p.values[v].shape))))

describe('reassociate', () => {
  const flags = [false, true]
  const cases = flags.flatMap((ta) => flags.flatMap((tb) => flags.flatMap((tx) => flags.map((ty) => [ta, tb, tx, ty]))))
  it.each(cases)('a·(X·Y) with few rows is (a·X)·Y, whatever is transposed (%s %s %s %s)', (ta, tb, tx, ty) => {
    const inner = tb ? 11 : 9
    const specs = {
      a: f32(...(ta ? [inner, 2] : [2, inner])),
      x: f32(...(tx ? [3, 9] : [9, 3])),
      y: f32(...(ty ? [11, 3] : [3, 11])),
    }
    const p = trace(({ a, x, y }) => matmul(a, matmul(x, y, tx, ty), ta, tb), specs)
    const [a, x, y] = [specs.a, specs.x, specs.y].map(({ shape }, i) => drawn([...shape], i + 1))
    const q = same(p, { a, x, y })
    expect(largest(p)).toBe(99)
    expect(largest(q)).toBeLessThan(99)
  })

  it('keeps batch axes on the left', () => {
    const specs = { a: f32(2, 2, 9), x: f32(3, 9), y: f32(3, 11) }
    const p = trace(({ a, x, y }) => matmul(a, matmul(x, y, true, false)), specs)
    const q = same(p, { a: drawn([2, 2, 9]), x: drawn([3, 9], 2), y: drawn([3, 11], 3) })
    expect(largest(q)).toBeLessThan(99)
  })

  it('leaves a product alone that something else needs, or that is the smaller one', () => {
    const twice = trace(({ a, x, y }) => {
      const xy = matmul(x, y)
      return add(sum(matmul(a, xy)), sum(xy))
    }, { a: f32(2, 9), x: f32(9, 3), y: f32(3, 11) })
    expect(reassociate(twice)).toEqual(twice)
    const small = trace(({ a, x, y }) => matmul(a, matmul(x, y)), { a: f32(50, 2), x: f32(2, 60), y: f32(60, 3) })
    expect(reassociate(small)).toEqual(small)
  })

  it('takes rows of a scattered table by comparing ids, repeated ones too', () => {
    const p = trace(({ i, u, j }) => take(scatterAdd(i, u, 40), j), { i: i32(1, 4), u: f32(1, 4, 3), j: i32(2, 2) })
    const q = same(p, {
      i: hostTensor([7, 39, 7, 0], [1, 4], 'i32'), u: drawn([1, 4, 3]), j: hostTensor([7, 0, 5, 39], [2, 2], 'i32'),
    })
    expect(largest(p)).toBe(120)
    expect(largest(q)).toBeLessThan(40)
  })
})
