/**
 * describeBackend: the one suite that every backend must pass, ours or a stranger's, against the f64
 * reference.
 *
 *     describeBackend({ name: 'onnx', create: () => createBackend() })
 *
 * A backend that is not there is skipped and the reason printed; with LDYN_REQUIRE=onnx,webgpu it fails.
 * Single tests are skipped by name, each with a reason, and a name that fits no test is an error.
 */
import { DeviceError, f32, hostTensor, mul, trace, type Backend } from '@ldyn/tensor'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { conformance, covers, type Skip } from './suite.ts'

export interface BackendUnderTest {
  readonly name: string
  create(): Backend | Promise<Backend>
  readonly skip?: readonly Skip[]
  /** How many random programs. Default LDYN_RANDOM_PROGRAMS of the environment, else 100. */
  readonly programs?: number
  /** Multiplies every tolerance. Default 1; say why where it is more. */
  readonly slack?: number
  /** Takes the device of a backend away, for backends whose device can be lost: what follows must be a DeviceError. */
  lose?(backend: Backend): void | Promise<void>
}

/** The suite. Call it at the top level of a test file; it makes its own `describe` and tests. */
export function describeBackend({
  name,
  create,
  skip = [],
  programs: count = Number(process.env['LDYN_RANDOM_PROGRAMS'] ?? 100),
  slack = 1,
  lose,
}: BackendUnderTest): void {
  describe(`the backend '${name}'`, () => {
    let backend: Backend | undefined
    let absent = ''
    const say = (line: string): void => {
      // eslint-disable-next-line no-console -- a skip that nobody sees is a test that nobody misses
      console.warn(`describeBackend('${name}'): ${line}`)
    }

    beforeAll(async () => {
      try {
        backend = await create()
      } catch (error) {
        absent = error instanceof Error ? error.message : String(error)
        const required = (process.env['LDYN_REQUIRE'] ?? '').split(',').includes(name)
        if (required)
          throw new Error(`LDYN_REQUIRE names '${name}', which is not there: ${absent}`, { cause: error })
        say(`skipped, because ${absent}`)
      }
      for (const { reason, tests } of skip) say(`skips ${tests.join(', ')}, because ${reason}`)
    })
    afterAll(() => backend?.dispose())

    const all = conformance(count)
    for (const [group, tests] of Object.entries(all)) {
      describe(group, () => {
        for (const test of tests) {
          it(test.name, async ({ skip: pass }) => {
            const unwanted = skip.find((s) => s.tests.some((pattern) => covers(pattern, test.name)))
            if (unwanted) return pass(unwanted.reason)
            if (!backend) return pass(absent)
            await test.run(backend, slack)
          })
        }
      })
    }

    it('skips only what there is', () => {
      const names = Object.values(all)
        .flat()
        .map((test) => test.name)
      for (const pattern of skip.flatMap((s) => s.tests)) {
        expect(
          names.some((known) => covers(pattern, known)),
          `no test is called '${pattern}'`,
        ).toBe(true)
      }
    })
    const loses = 'says that the device was lost, in every call from then on'
    if (lose) it(loses, async ({ skip: pass }) => {
      if (!backend) return pass(absent)
      const lost = await create()
      try {
        const program = trace(({ x }) => ({ y: mul(x, 2) }), { x: f32(3) })
        const executable = await lost.compile(program)
        const x = await lost.upload(hostTensor([1, 2, 3], [3]))
        await lose(lost)
        for (const call of [() => executable.run({ x }), () => lost.upload(hostTensor([1], [1])), () => lost.read(x)]) {
          await expect(call()).rejects.toThrow(DeviceError)
        }
      } finally {
        await lost.dispose()
      }
    })
    it('has nothing left in memory after all of it, and is gone once disposed of', async ({ skip: pass }) => {
      if (!backend) return pass(absent)
      expect(backend.memory()).toMatchObject({ tensors: 0, bytes: 0 })
      await backend.dispose()
      await expect(backend.upload({ shape: [], dtype: 'f32', data: Float32Array.of(1) })).rejects.toThrow(
        /dispos/,
      )
      backend = undefined
    })
  })
}
