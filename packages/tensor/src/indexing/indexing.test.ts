import { describe, expect, it } from 'vitest'
import { broadcast, concat, f32, pad, reshape, sizeOf, slice, trace, transpose, type HostTensor, type Tensor } from '../index.ts'
import { evaluate } from '../reference/index.ts'
import { along, at, flatten, readsOf, render, reshaped, unflatten, type Address } from './index.ts'

describe('an address', () => {
  const i = { name: 'i', size: 24 }
  it('splits into coordinates and merges again', () => {
    expect(unflatten(along(i), [2, 3, 4]).map(render)).toEqual(['(i / 12u)', '((i / 4u) % 3u)', '(i % 4u)'])
    expect(render(flatten(unflatten(along(i), [2, 3, 4]), [2, 3, 4]))).toBe('i')
    expect(render(flatten(reshaped(unflatten(along(i), [2, 3, 4]), [2, 3, 4], [6, 4]), [6, 4]))).toBe('i')
    expect(render(flatten(reshaped(unflatten(along(i), [4, 6]), [4, 6], [3, 8]), [3, 8]))).toBe('i')
  })
  it('keeps an offset apart, and divides what it cannot split', () => {
    const shifted = { ...along(i), offset: 5 }
    expect(render(shifted)).toBe('i + 5u')
    expect(unflatten(shifted, [5, 7]).map(render)).toEqual(['((i + 5u) / 7u)', '((i + 5u) % 7u)'])
    expect(render(at(3))).toBe('3u')
  })
})

/** The number that an address is where its only variable is o. */
const valueAt = ({ terms, offset }: Address, o: number): number => terms.reduce((sum, { base, div, mod, mul }) => {
  expect(base.name).toBe('o')
  return sum + mul * (Math.floor(o / div) % mod)
}, offset)

describe('what an op reads', () => {
  const x = f32(4, 6)
  const ops: Record<string, (x: Tensor) => Tensor> = {
    transpose: (t) => transpose(t, [1, 0]),
    reshape: (t) => reshape(t, [2, 2, 3, 2]),
    broadcast: (t) => broadcast(t, [3, 4, 6]),
    slice: (t) => slice(t, [1, 2], [4, 5]),
    pad: (t) => pad(t, [1, 0], [0, 2]),
    concat: (t) => concat([t, t], 0),
  }
  it.each(Object.entries(ops))('%s: the element that the reference takes', (_, op) => {
    const program = trace(({ x }) => op(x), { x })
    const data = Float64Array.from({ length: 24 }, (_, i) => i + 1)
    const node = program.nodes.at(-1)!
    const { shape } = program.values[node.outputs[0]]
    const coords = unflatten(along({ name: 'o', size: sizeOf(shape) }), shape)
    const reads = readsOf(program.values, node, coords, () => '')
    const want = (evaluate(program, { x: { ...x, data } }) as HostTensor).data
    want.forEach((value, o) => {
      // Of several operands, and where there is padding, the one in whose bounds the coordinates are.
      const found = reads.map((read) => read.coords.map((c) => valueAt(c, o)))
        .find((place) => place.every((c, a) => c >= 0 && c < x.shape[a]))
      expect(found ? data[found[0] * 6 + found[1]] : 0).toBe(value)
    })
  })
})
