import { describe, expect, it, vi } from 'vitest'
import { createFarCurves, decodeAll, decodeCurves, encodeCurves, type AskCurves, type FarCurve } from './far-curves.ts'

/** A curve whose mean at evaluation e is e, and so on. */
const part = (from: number, to: number): FarCurve => {
  const values = Array.from({ length: to - from }, (_, i) => from + i)
  return { n: 3, mean: values, se: values.map(v => v / 10), low: values.map(v => v - 1), high: values.map(v => v + 1) }
}
const request = { metric: 'logp', per: 'response', spread: 'se' } as const

const far = (ask: AskCurves) => {
  const state = { count: 3, changes: 0, trouble: undefined as unknown }
  const curves = createFarCurves(
    ask,
    () => state.count,
    trouble => {
      state.changes++
      state.trouble = trouble
    },
  )
  return { state, curves }
}

describe('curves that somebody else computes', () => {
  it('are asked for once, and then continued', async () => {
    const ask = vi.fn<AskCurves>(async (_, from, to) => new Map([['chosen', part(from, to)]]))
    const { state, curves } = far(ask)
    expect(curves.of(request, 'chosen')).toBeUndefined()
    expect(curves.of(request, 'rejected')).toBeUndefined()
    await curves.settled()
    expect(state.changes).toBe(1)
    expect(curves.of(request, 'chosen')!.mean).toEqual([0, 1, 2])
    expect(curves.of(request, 'rejected')).toBeUndefined()
    const put = await curves.extend(5, () => false)
    expect(curves.peek(request, 'chosen')!.mean).toEqual([0, 1, 2])
    state.count = 5
    put()
    expect(curves.of(request, 'chosen')!.high).toEqual([1, 2, 3, 4, 5])
    expect(ask.mock.calls.map(([, from, to]) => [from, to])).toEqual([
      [0, 3],
      [3, 5],
    ])
  })

  it('are shown when all is there, where the run grew while the answer came', async () => {
    const ask = vi.fn<AskCurves>(async (_, from, to) => {
      state.count = 4
      return new Map([['chosen', part(from, to)]])
    })
    const { state, curves } = far(ask)
    curves.of(request, 'chosen')
    await curves.settled()
    expect(curves.of(request, 'chosen')!.mean).toEqual([0, 1, 2, 3])
  })

  it('leave metrics whose rows are at hand alone, and catch up when they are asked for again', async () => {
    const ask = vi.fn<AskCurves>(async (_, from, to) => new Map([['chosen', part(from, to)]]))
    const { state, curves } = far(ask)
    curves.of(request, 'chosen')
    await curves.settled()
    ;(await curves.extend(6, () => true))()
    state.count = 6
    expect(ask).toHaveBeenCalledTimes(1)
    expect(curves.of(request, 'chosen')).toBeUndefined()
    await curves.settled()
    expect(curves.of(request, 'chosen')!.mean).toEqual([0, 1, 2, 3, 4, 5])
  })

  it('say why they do not come, and are asked for again only when somebody says so', async () => {
    let broken = true
    const ask = vi.fn<AskCurves>(async (_, from, to) => {
      if (broken) throw new Error('cut off')
      return new Map([['chosen', part(from, to)]])
    })
    const { state, curves } = far(ask)
    curves.of(request, 'chosen')
    await curves.settled()
    expect(state.trouble).toEqual(new Error('cut off'))
    broken = false
    expect(curves.of(request, 'chosen')).toBeUndefined()
    await curves.settled()
    expect(ask).toHaveBeenCalledTimes(1)
    curves.retry()
    curves.of(request, 'chosen')
    await curves.settled()
    expect(curves.of(request, 'chosen')!.n).toBe(3)
  })

  it('of several metrics come one behind the other', () => {
    const all = [
      new Map([['chosen', part(2, 7)]]),
      new Map<string, FarCurve>(),
      new Map([
        ['chosen', part(2, 7)],
        ['rejected', part(2, 7)],
      ]),
    ]
    const bytes = Buffer.concat(all.map(curves => encodeCurves(curves, 0, 5)))
    expect(decodeAll(bytes, 3)).toEqual(all)
    expect(() => decodeAll(bytes, 4)).toThrow()
  })

  it('are the same after their way as bytes', () => {
    const curves = new Map([
      ['chosen', part(0, 7)],
      ['y⁻ "quoted"\n', part(0, 7)],
    ])
    const bytes = encodeCurves(curves, 2, 7)
    const shifted = new Uint8Array(bytes.length + 3)
    shifted.set(bytes, 3)
    for (const given of [bytes, shifted.subarray(3)])
      expect(decodeCurves(given)).toEqual(
        new Map([
          ['chosen', part(2, 7)],
          ['y⁻ "quoted"\n', part(2, 7)],
        ]),
      )
  })
})
