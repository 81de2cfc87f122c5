import { driftOf, symmetricEigen } from '@ldyn/core'
import { describe, expect, it } from 'vitest'
import { driftBetween, stableUntil, topEigenvalues } from './drift.ts'

/** XᵀX of made-up gradients: symmetric, positive. */
const made = (n: number, d = 7): Float64Array => {
  let seed = 11
  const next = (): number => (seed = (seed * 48271) % 2147483647) / 2147483647 - 0.5
  const x = Array.from({ length: n }, () => Array.from({ length: d }, next))
  return Float64Array.from({ length: n * n }, (_, i) =>
    x[Math.floor(i / n)].reduce((sum, a, k) => sum + a * x[i % n][k], 0),
  )
}

describe('a kernel that moves', () => {
  it('has the same largest eigenvalues by Lanczos as in full', async () => {
    const n = 200
    const values = made(n, 30)
    const full = symmetricEigen({ n, data: values }).values
    ;(await topEigenvalues(values, n, 10)).forEach((value, i) => expect(value / full[i]).toBeCloseTo(1, 8))
    expect(await topEigenvalues(made(5), 5, 10)).toHaveLength(5)
  })

  it('drifts as core says, with pauses, and of a large one with some of its rows', async () => {
    const n = 24
    const [before, after] = [made(n), made(n).map((x, i) => x + Math.sin(i * i) / 4)]
    let pauses = 0
    const found = await driftBetween(before, after, n, async () => void pauses++)
    const known = driftOf({ n, data: before }, { n, data: after })
    expect(found.relative).toBeCloseTo(known.relative, 12)
    expect(found.alignment).toBeCloseTo(known.alignment, 12)
    expect(found.stability).toBeCloseTo(known.meanStability!, 12)
    expect(pauses).toBe(3)
    const [large, wide] = [300, made(300)]
    expect((await driftBetween(wide, wide, large)).stability).toBeCloseTo(1, 12)
  })
})

it('the kernel counts as stable up to the last step before its ranking broke', () => {
  const at = (step: number, stability: number | undefined) => ({
    step,
    stability,
    fromFirst: 0,
    fromLast: 0,
    alignment: 1,
    eigenvalues: [],
  })
  expect(stableUntil([at(0, 1), at(10, 0.95), at(20, 0.7), at(30, 0.99)])).toBe(10)
  expect(stableUntil([at(0, 1), at(10, undefined)])).toBe(10)
  expect(stableUntil([at(5, 0.2)])).toBeUndefined()
})
