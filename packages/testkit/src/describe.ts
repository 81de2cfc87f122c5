/**
 * describeBackend: the one suite that every backend must pass, ours or a stranger's, against the f64
 * reference.
 *
 *     describeBackend({ name: 'onnx', create: () => createBackend() })
 *
 * A backend that is not there is skipped and the reason printed; with LDYN_REQUIRE=onnx,webgpu it fails.
 * Single tests are skipped by name, each with a reason, and a name that fits no test is an error.
 */
import type { Backend, OpName } from '@ldyn/tensor'
import { opCases, wrtOf } from '@ldyn/tensor/cases'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkDerivatives, checkValues } from './checks.ts'
import { contract } from './contract.ts'
import { fuzz, programs } from './programs.ts'
import type { ConformanceTest } from './session.ts'

export interface Skip {
  /** Why it cannot pass; printed. */
  readonly reason: string
  /** Full names of tests (`topK: no rows`), or their beginnings up to a colon (`topK`, `vjp of topK`). */
  readonly tests: readonly string[]
}

export interface BackendUnderTest {
  readonly name: string
  create(): Backend | Promise<Backend>
  readonly skip?: readonly Skip[]
  /** How many random programs. Default 100. */
  readonly programs?: number
  /** Multiplies every tolerance. Default 1; say why where it is more. */
  readonly slack?: number
}

const eachCase = (Object.keys(opCases) as OpName[]).flatMap((op) => opCases[op].map((c) => ({ op, c })))

const groups = (count: number): { readonly [group: string]: readonly ConformanceTest[] } => ({
  'values of every op': eachCase.map(({ op, c }) => ({
    name: `${op}: ${c.title}`,
    run: (backend, slack) => checkValues(backend, op, c, slack),
  })),
  'derivatives of every op': eachCase
    .filter(({ c }) => wrtOf(c).length > 0)
    .map(({ op, c }) => ({
      name: `derivatives of ${op}: ${c.title}`,
      run: (backend, slack) => checkDerivatives(backend, op, c, slack),
    })),
  'the contract': contract,
  'whole programs': programs,
  'random programs': Array.from({ length: count }, (_, i) => fuzz(i + 1)),
})

const covers = (pattern: string, name: string): boolean => name === pattern || name.startsWith(`${pattern}: `)

/** The suite. Call it at the top level of a test file; it makes its own `describe` and tests. */
export function describeBackend({
  name,
  create,
  skip = [],
  programs: count = 100,
  slack = 1,
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

    const all = groups(count)
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
