import { describe, expect, it } from 'vitest'
import {
  add, exp, f32, hostTensor, i32, log, mul, scope, sub, sum, trace, watchFinite, type HostTensor,
} from '../index.ts'
import { evaluate } from '../reference/index.ts'

const p = trace(
  ({ x, i }) => {
    const h = scope('layers.0', () => exp(mul(x, 2)))
    const y = scope('layers.1', () => log(sub(h, 1)))
    return { loss: scope('head', () => sum(add(y, 1))), i }
  },
  { x: f32(2), i: i32(1) },
)

describe('watchFinite', () => {
  const { program, sites } = watchFinite(p)
  const firstBad = (...x: number[]) => {
    const { finite } = evaluate(program, { x: hostTensor(x, [2]), i: hostTensor([0], [1], 'i32') }) as {
      finite: HostTensor
    }
    expect(finite.data).toHaveLength(sites.length)
    const site = sites.find((_, n) => finite.data[n] === 0)
    return site && `${site.op} in ${site.path}`
  }
  it('names the op and the module where a number first stopped being finite', () => {
    expect(firstBad(1, 2)).toBeUndefined()
    expect(firstBad(1, 500)).toBe('exp in layers.0')
    expect(firstBad(1, -1)).toBe('log in layers.1')
    expect(firstBad(0, 1)).toBe('log in layers.1')
    expect(firstBad(NaN, 1)).toBe('input in x')
  })
  it('takes the inputs of the program and watches f32 values only', () => {
    expect(program.inputs.map(({ path }) => path)).toEqual(['x', 'i'])
    expect(sites.some(({ path }) => path === 'i')).toBe(false)
  })
  it('refuses a program without numbers to watch', () => {
    expect(() => watchFinite(trace(({ i }) => i, { i: i32(1) }))).toThrow(
      'watchFinite: the program has no f32 value',
    )
  })
})
