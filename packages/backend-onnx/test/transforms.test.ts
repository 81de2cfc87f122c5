import {
  jvp,
  trace,
  vjp,
  tokenStats,
  f32,
  i32,
  hostTensor,
  type Backend,
  type HostTensor,
  leaves,
} from '@ldyn/tensor'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { onnxBackend } from '../src/index.ts'
import { forward, gradient, step } from './block.ts'
import { expectClose, expectLikeReference, runOn } from './compare.ts'
import { inputsOf, uniform } from './random.ts'

let backend: Backend
beforeAll(async () => {
  backend = await onnxBackend({ spin: false })
})
afterAll(() => backend.dispose())

describe('a small transformer and its derivatives are those of the f64 reference', () => {
  const tolerance = { relative: 2e-5, absolute: 2e-6 }
  it.each([
    ['forward', forward()],
    ['gradient', gradient()],
    ['gradient with checkpointed layers', gradient(true)],
    ['jvp along all weights', jvp(forward(), { wrt: 'params' })],
    ['jvp in three directions at once', jvp(forward(), { wrt: 'params', directions: 3 })],
    ['vjp of token log-probabilities', vjp(forward(), { wrt: 'params' })],
    ['vjp of a jvp', vjp(jvp(forward(), { wrt: 'params' }), { wrt: 'params' })],
    ['a momentum step', step()],
  ])('%s', async (_, program) => {
    await expectLikeReference(backend, program, inputsOf(program, 3), tolerance)
  })

  it('checkpointing changes no bit of a gradient', async () => {
    const inputs = inputsOf(gradient(), 5)
    expectClose(await runOn(backend, gradient(true), inputs), await runOn(backend, gradient(), inputs), {
      relative: 1e-6,
    })
  })
})

describe('token statistics keep their digits', () => {
  const [N, V] = [6, 50]
  // One hidden value per row times a head [V, 1]: rows from flat to a mass of 1 − e⁻⁹⁰ on one token.
  const program = trace(({ h, w, y }) => ({ ...tokenStats(h, w, y) }), {
    h: f32(N, 1),
    w: f32(V, 1),
    y: i32(N),
  })
  const random = uniform(11)
  const head = hostTensor(
    Array.from({ length: V }, (_, i) => (i === 7 ? 1 : Math.fround(-random()))),
    [V, 1],
  )
  const run = async (target: number): Promise<Map<string, HostTensor>> => {
    const inputs = {
      h: hostTensor([0, 1, 5, 20, 60, 90], [N, 1]),
      w: head,
      y: hostTensor(Array(N).fill(target), [N], 'i32'),
    }
    await expectLikeReference(backend, program, inputs, { relative: 2e-6, absolute: 1e-6 })
    return new Map(leaves(await runOn(backend, program, inputs)).map((l) => [l.path, l.value]))
  }

  it('log(1 − max π) falls on in a straight line long after π has rounded to 1, and nothing is infinite', async () => {
    const stats = await run(7)
    expect(stats.get('restLogp')!.data[5]).toBeLessThan(-80)
    for (const { data } of stats.values()) expect(Array.from(data).every(Number.isFinite)).toBe(true)
  })

  it('‖π − e_y‖ of a near-certain right token is its own size, not a rounded 0', async () => {
    const stats = await run(7)
    const rest = Math.exp(stats.get('restLogp')!.data[3])
    expect(stats.get('pError')!.data[3]).toBeGreaterThan(rest)
    expect(stats.get('pError')!.data[3]).toBeLessThan(2 * rest)
  })

  it('‖π − e_y‖ of a wrong token under a near-certain one is √2', async () => {
    const stats = await run(3)
    expect(stats.get('pError')!.data[5]).toBeCloseTo(Math.SQRT2, 6)
  })
})
