import { driftOf, symmetricEigen } from '@ldyn/core'
import { describe, expect, it } from 'vitest'
import {
  clusterOrder,
  cosines,
  driftBetween,
  gramAt,
  gramFiles,
  gramProbes,
  normed,
  offDiagonal,
  orderOf,
  reorder,
  stableUntil,
  topEigenvalues,
} from './gram.ts'

/** XᵀX of made-up gradients: symmetric, positive. */
const made = (n: number, d = 7): Float64Array => {
  let seed = 11
  const next = (): number => (seed = (seed * 48271) % 2147483647) / 2147483647 - 0.5
  const x = Array.from({ length: n }, () => Array.from({ length: d }, next))
  return Float64Array.from({ length: n * n }, (_, i) =>
    x[Math.floor(i / n)].reduce((sum, a, k) => sum + a * x[i % n][k], 0),
  )
}
const probes = Array.from({ length: 12 }, (_, i) => ({
  row: i % 4,
  type: ['b', 'a', 'c'][Math.floor(i / 4)],
  tokens: 3,
}))

describe('a Gram matrix', () => {
  it('is put in order by permutations alone: nothing is lost, whatever the order', () => {
    const values = made(12)
    for (const order of ['type', 'cluster', 'prompt'] as const) {
      const places = orderOf(probes, values, order)
      expect([...places].sort((a, b) => a - b)).toEqual([...probes.keys()])
      const moved = reorder(values, places)
      places.forEach((from, r) =>
        places.forEach((to, c) => expect(moved[r * 12 + c]).toBe(values[from * 12 + to])),
      )
    }
    expect(orderOf(probes, values, 'prompt').map(i => probes[i].row)).toEqual([
      0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3,
    ])
  })

  it('in order of likeness has groups that are alike side by side', () => {
    // Even ones are alike, odd ones are alike.
    const n = 10
    const likeness = Float64Array.from({ length: n * n }, (_, i) =>
      (Math.floor(i / n) + (i % n)) % 2 === 0 ? 0.9 : -0.2,
    )
    const order = clusterOrder(likeness, n)
    expect(new Set(order.slice(0, 5).map(i => i % 2)).size).toBe(1)
    expect(
      clusterOrder(
        Float64Array.from({ length: 9 }, () => NaN),
        3,
      ),
    ).toHaveLength(3)
    expect(clusterOrder([1], 1)).toEqual([0])
    expect(clusterOrder([], 0)).toEqual([])
  })

  it('normed has ones on the diagonal, or one mean of the diagonal', () => {
    const values = made(6)
    const cosine = cosines(values, 6)
    for (let i = 0; i < 6; i++) expect(cosine[i * 7]).toBeCloseTo(1, 12)
    expect(cosine.every(x => Math.abs(x) <= 1 + 1e-12)).toBe(true)
    const scaled = normed(
      values.map(x => x * 40),
      6,
      'trace',
    )
    normed(values, 6, 'trace').forEach((x, i) => expect(scaled[i]).toBeCloseTo(x, 12))
    expect([...normed(values, 6, 'raw')]).toEqual([...values])
    expect([...cosines([0, 0, 0, 1], 2)].map(Number.isNaN)).toEqual([true, true, true, false])
  })

  it('is scaled by what is off its diagonal', () => {
    expect([...offDiagonal(2, [9, 1, 2, 9], [8, 3, 4, 8])]).toEqual([1, 2, 3, 4])
    expect(offDiagonal(1, [5])).toHaveLength(0)
  })

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

  it('is found among the files of a run, and the one meant by a step', () => {
    const places = gramFiles([
      'kernel/gram-000040.safetensors',
      'kernel/gram.safetensors',
      'kernel/gram-000000.safetensors',
      'kernel/tokens.safetensors',
      'run.json',
    ])
    expect(places.map(({ step }) => step)).toEqual([0, 40, undefined])
    expect(gramAt(places.slice(0, 2), undefined)?.step).toBe(40)
    expect(gramAt(places.slice(0, 2), 39)?.step).toBe(0)
    expect(gramAt(places, 1000)?.step).toBe(40)
    expect(gramAt(places.slice(1, 2), 3)?.step).toBe(40)
  })

  it('whose header does not name its rows is not guessed at', () => {
    expect(gramProbes(probes, 12)).toEqual(probes)
    for (const wrong of [undefined, probes.slice(1), [{ row: 'x' }], 'probes'])
      expect(gramProbes(wrong, 12)).toBeUndefined()
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
