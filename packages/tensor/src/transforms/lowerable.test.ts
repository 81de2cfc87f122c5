import { expect, it } from 'vitest'
import {
  add, concat, constant, exp, f32, i32, lowerable, matmul, mul, pad, rewrite, scatterAdd, scope, softmax, sum, trace,
  updateRows, type HostTensor, type Program,
} from '../index.ts'
import { evaluate } from '../reference/index.ts'

const opsOf = (p: Program): string[] => p.nodes.map(({ op }) => op).filter((op) => op !== 'input')

it('computes nothing on tensors without elements: what comes of them is known', () => {
  const program = trace(
    ({ x, none, rows, ids }) => ({
      empty: exp(none),
      sum: sum(none, 0),
      product: matmul(x, rows),
      padded: pad(none, [1, 0], [1, 0]),
      joined: concat([none, x, none], 0),
      scattered: scatterAdd(ids, none, 2),
      same: updateRows(x, ids, none),
    }),
    { x: f32(2, 3), none: f32(0, 3), rows: f32(3, 0), ids: i32(0) },
  )
  const p = lowerable(program, () => false)
  expect(new Set(opsOf(p))).toEqual(new Set(['constant', 'broadcast']))
  const nothing = new Float64Array(0)
  const inputs = {
    x: { ...f32(2, 3), data: Float64Array.of(1, 2, 3, 4, 5, 6) }, none: { ...f32(0, 3), data: nothing },
    rows: { ...f32(3, 0), data: nothing }, ids: { ...i32(0), data: new Int32Array(0) },
  }
  const [want, got] = [evaluate(program, inputs), evaluate(p, inputs)] as Record<string, HostTensor>[]
  for (const name of Object.keys(want)) expect([name, got[name]]).toEqual([name, want[name]])
})

it('an inner axis of no elements makes a product zero', () => {
  const p = lowerable(trace(({ a, b }) => matmul(a, b), { a: f32(2, 0), b: f32(0, 3) }), () => false)
  expect(opsOf(p)).toEqual(['constant', 'broadcast'])
})

it('keeps the composites that are asked for', () => {
  const program = trace(({ x }) => softmax(x), { x: f32(2, 3) })
  expect(opsOf(lowerable(program, (op) => op === 'softmax'))).toEqual(['softmax'])
  expect(opsOf(lowerable(program, () => false))).not.toContain('softmax')
})

it('rewrites nodes by a rule, at their place in the model, and copies the others', () => {
  const program = trace(({ x }) => scope('layer', () => add(exp(x), x)), { x: f32(2) })
  const doubled = rewrite(program, (node, x, copy) => (node.op === 'exp' ? [mul(copy(x)[0], constant(2))] : copy(x)))
  expect(opsOf(doubled)).toEqual(['exp', 'constant', 'broadcast', 'mul', 'add'])
  expect(doubled.nodes.find(({ op }) => op === 'mul')!.path).toBe('layer')
  const y = evaluate(doubled, { x: { ...f32(2), data: Float64Array.of(0, 1) } }) as HostTensor
  expect([...y.data]).toEqual([2, 2 * Math.E + 1])
})
