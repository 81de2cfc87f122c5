/**
 * The conformance suite as plain data and functions, without a test runner: describe.ts gives it to vitest, a browser
 * page and `ldyn bench gpu` run it as it is.
 */
import type { Backend, OpName } from '@ldyn/tensor'
import { opCases, wrtOf } from '@ldyn/tensor/cases'
import { checkDerivatives, checkValues } from './checks.ts'
import { contract } from './contract.ts'
import { fuzz, programs } from './programs.ts'
import type { ConformanceTest } from './session.ts'
import { sizes } from './sizes.ts'

export interface Skip {
  /** Why it cannot pass; printed. */
  readonly reason: string
  /** Full names of tests (`topK: no rows`), or their beginnings up to a colon (`topK`, `vjp of topK`). */
  readonly tests: readonly string[]
}

/** Whether a pattern of `Skip.tests` means the test of that name. */
export const covers = (pattern: string, name: string): boolean => name === pattern || name.startsWith(`${pattern}: `)

const eachCase = (Object.keys(opCases) as OpName[]).flatMap((op) => opCases[op].map((c) => ({ op, c })))

/** All tests by group; `count` random programs. */
export const conformance = (count: number): Readonly<Record<string, readonly ConformanceTest[]>> => ({
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
  sizes,
})

export interface Outcome {
  readonly group: string
  readonly name: string
  readonly result: 'passed' | 'failed' | 'skipped'
  /** Why it failed, or was skipped. */
  readonly why?: string
}

export interface SuiteOptions {
  readonly skip?: readonly Skip[]
  /** Random programs. Default 100. */
  readonly programs?: number
  /** Multiplies every tolerance. Default 1. */
  readonly slack?: number
}

/** Runs every test in turn on a backend that the caller made, and tells of each; never throws for a failed one. */
export async function* runConformance(
  backend: Backend,
  { skip = [], programs: count = 100, slack = 1 }: SuiteOptions = {},
): AsyncGenerator<Outcome> {
  for (const [group, tests] of Object.entries(conformance(count))) {
    for (const { name, run } of tests) {
      const unwanted = skip.find((s) => s.tests.some((pattern) => covers(pattern, name)))
      if (unwanted) {
        yield { group, name, result: 'skipped', why: unwanted.reason }
        continue
      }
      try {
        await run(backend, slack)
        yield { group, name, result: 'passed' }
      } catch (error) {
        yield { group, name, result: 'failed', why: error instanceof Error ? error.message : String(error) }
      }
    }
  }
}
