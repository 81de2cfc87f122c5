/** The oracle by itself: what it reports, and what it refuses. As a Backend it is tested by @ldyn/testkit. */
import { describe, expect, it } from 'vitest'
import {
  all, bool, constant, DeviceError, f32, hostTensor, i32, isFinite, log, mul, NonFiniteError, reshape, scope,
  softmax, sub, trace, TraceError, type DeviceTensor, type HostTensor,
} from '../index.ts'
import { evaluate, referenceBackend } from './index.ts'

const row = (...v: number[]): HostTensor => hostTensor(v, [v.length])

describe('evaluate', () => {
  it('computes in f64', () => {
    const p = trace(({ x }) => mul(x, constant(0.1)), { x: f32() })
    expect((evaluate(p, { x: 3 }) as HostTensor).data).toEqual(Float64Array.of(3 * 0.1))
  })
  it('shows every value as it is made', () => {
    const seen: string[] = []
    evaluate(
      trace(({ x }) => scope('m', () => softmax(x)), { x: f32(2) }),
      { x: row(1, 2) },
      { onValue: ({ op, path }) => seen.push(`${op} ${path}`) },
    )
    expect(seen[0]).toBe('input ')
    expect(seen).toContain('exp m')
  })
  it('names the op, the module and the element where a number first stopped being finite', () => {
    const p = trace(({ x }) => scope('head', () => log(x)), { x: f32(3) })
    expect(() => evaluate(p, { x: row(1, -1, 2) }, { checkFinite: true })).toThrow(
      new NonFiniteError('log in head is NaN at element 1'),
    )
    expect(() => evaluate(p, { x: row(1, 2, Infinity) }, { checkFinite: true })).toThrow(
      "input 'x' is Infinity at element 2",
    )
    expect(evaluate(p, { x: row(1, -1, 2) })).toMatchObject({ data: Float64Array.of(0, NaN, Math.log(2)) })
  })
  it('refuses inputs that are missing or do not fit', () => {
    const p = trace(({ a: { w } }) => w, { a: { w: f32(2) } })
    const refuse = (inputs: unknown, message: string) =>
      expect(() => evaluate(p, inputs as never)).toThrow(new TraceError(message))
    refuse({}, "input 'a.w' (f32[2]) is missing")
    refuse({ a: { w: row(1, 2, 3) } }, "input 'a.w' is f32[3] where the program takes f32[2]")
    refuse({ a: { w: 1 } }, "input 'a.w' is a number where the program takes f32[2]")
    refuse(
      { a: { w: { shape: [2], dtype: 'f32', data: Float32Array.of(1) } } },
      "input 'a.w' has 1 values, which do not fill f32[2]",
    )
  })
  it('takes numbers as scalars of any dtype', () => {
    const p = trace((x) => x, { f: f32(), i: i32(), b: bool() })
    expect(evaluate(p, { f: 0.5, i: 2, b: 1 })).toMatchObject({
      f: { data: Float64Array.of(0.5) },
      i: { data: Int32Array.of(2) },
      b: { data: Uint8Array.of(1) },
    })
  })
  it("never gives away a program's own constants", () => {
    const p = trace(() => constant([1, 2], [2], 'i32'), {})
    ;(evaluate(p, {}) as HostTensor).data[0] = 9
    expect((evaluate(p, {}) as HostTensor).data[0]).toBe(1)
  })
})

describe('the reference as a backend', () => {
  const step = trace(
    ({ w, g }) => {
      const next = sub(w, g)
      return { w: next, flat: reshape(next, [2, 1]), finite: all(isFinite(next)) }
    },
    { w: f32(2), g: f32(2) },
  )

  it('consumes what is donated when a run succeeds, and nothing when it ends with finite false', async () => {
    const backend = referenceBackend()
    const executable = await backend.compile(step, { donate: (path) => path === 'w' })
    const w = await backend.upload(row(1, 2))
    await expect(executable.run({ w, g: row(0, Infinity) })).rejects.toThrow(NonFiniteError)
    expect((await backend.read(w)).data).toEqual(Float64Array.of(1, 2))
    const out = (await executable.run({ w, g: row(1, 1) })) as Record<string, DeviceTensor>
    expect(w.alive).toBe(false)
    await expect(backend.read(w)).rejects.toThrow(new DeviceError("'tensor' was disposed of or donated"))
    for (const t of Object.values(out)) t.dispose()
    expect(backend.memory()).toEqual({ tensors: 0, bytes: 0, pooled: 0 })
  })
  it("refuses another reference's tensors, and everything after its end", async () => {
    const [backend, other] = [referenceBackend(), referenceBackend()]
    const foreign = await other.upload(row(1, 2))
    const executable = await backend.compile(step)
    await expect(executable.run({ w: foreign, g: row(1, 1) })).rejects.toThrow(
      "'w' lives on reference (another one); read it there and upload it here",
    )
    await backend.dispose()
    for (const attempt of [
      () => backend.upload(row(1)),
      () => backend.compile(step),
      () => executable.run({ w: row(1, 2), g: row(1, 1) }),
    ]) {
      await expect(attempt()).rejects.toThrow(new DeviceError('the reference backend was disposed'))
    }
  })
})
