import { describe, expect, it } from 'vitest'
import { atOnce } from '../../data/sliced.ts'
import { NORMS, ORDERS } from '../../state/address.ts'
import { gramAt, gramFiles, gramProbes } from './gram.ts'
import { arranged, gramMaps } from './maps.ts'
import { clusterOrder, orderOf } from './order.ts'

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

const inPlace = (n: number): readonly number[] => [...Array(n).keys()]

describe('a Gram matrix', () => {
  it('is put in order by permutations alone: nothing is lost, whatever the order', () => {
    const values = made(12)
    for (const order of ORDERS) {
      const places = atOnce(orderOf(probes, values, order))
      expect([...places].sort((a, b) => a - b)).toEqual([...probes.keys()])
      const moved = atOnce(arranged(values, places, 'raw'))
      places.forEach((from, r) =>
        places.forEach((to, c) => expect(moved[r * 12 + c]).toBe(Math.fround(values[from * 12 + to]))),
      )
    }
    expect(atOnce(orderOf(probes, values, 'prompt')).map(i => probes[i].row)).toEqual([
      0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3,
    ])
  })

  it('in order of likeness has groups that are alike side by side', () => {
    // Even ones are alike, odd ones are alike, whatever their lengths.
    const n = 10
    const values = Float64Array.from({ length: n * n }, (_, i) => {
      const [r, c] = [Math.floor(i / n), i % n]
      return (1 + r) * (1 + c) * (r === c ? 1 : (r + c) % 2 === 0 ? 0.9 : -0.2)
    })
    const order = atOnce(clusterOrder(values, n))
    expect(new Set(order.slice(0, 5).map(i => i % 2)).size).toBe(1)
    expect(atOnce(clusterOrder(new Float64Array(9).fill(NaN), 3))).toHaveLength(3)
    expect(atOnce(clusterOrder([1], 1))).toEqual([0])
    expect(atOnce(clusterOrder([], 0))).toEqual([])
  })

  it('joins the nearest pair first and stands by it, as average linkage does', () => {
    // Directions in a plane, by their angles: 0° and 5° are nearest, 40° and 60° next; 170° joins last.
    const angles = [170, 0, 60, 5, 40].map(degrees => (degrees * Math.PI) / 180)
    const values = angles.flatMap(a => angles.map(b => Math.cos(a - b)))
    const order = atOnce(clusterOrder(values, 5))
    const at = (i: number): number => order.indexOf(i)
    expect(Math.abs(at(1) - at(3))).toBe(1)
    expect(Math.abs(at(2) - at(4))).toBe(1)
    expect([0, 4]).toContain(at(0))
  })

  it('normed has ones on the diagonal, or one mean of the diagonal', () => {
    const values = made(6)
    const in6 = (given: ArrayLike<number>, norm: (typeof NORMS)[number]) => atOnce(arranged(given, inPlace(6), norm))
    const cosine = in6(values, 'cosine')
    for (let i = 0; i < 6; i++) {
      for (let j = 0; j < 6; j++)
        expect(cosine[i * 6 + j]).toBeCloseTo(values[i * 6 + j] / Math.sqrt(values[i * 7] * values[j * 7]), 6)
    }
    for (let i = 0; i < 6; i++) expect(cosine[i * 7]).toBe(1)
    const trace = in6(values, 'trace')
    const mean = [...inPlace(6)].reduce((sum, i) => sum + trace[i * 7], 0) / 6
    expect(mean).toBeCloseTo(1, 6)
    const scaled = values.map(x => x * 40)
    in6(scaled, 'trace').forEach((x, i) => expect(x).toBeCloseTo(trace[i], 6))
    expect([...in6(values, 'raw')]).toEqual([...Float32Array.from(values)])
    expect([...atOnce(arranged([0, 0, 0, 1], [0, 1], 'cosine'))].map(Number.isNaN)).toEqual([true, true, true, false])
  })

  it('beside another has its order, their difference, and a scale from what is off the diagonals', () => {
    const [first, later] = [made(12), made(12).map((x, i) => x + (i % 13 === 0 ? 90 : Math.sin(i) / 50))]
    for (const norm of NORMS) {
      const [base, values] = [Float32Array.from(first), Float32Array.from(later)]
      const maps = atOnce(gramMaps(probes, values, base, norm, 'cluster'))
      expect(maps.ordered).toEqual(atOnce(orderOf(probes, base, 'cluster')))
      expect(maps.before).toEqual(atOnce(arranged(base, maps.ordered, norm)))
      maps.change!.forEach((x, i) => expect(x).toBeCloseTo(maps.now[i] - maps.before![i], 4))
      const off = [...maps.now, ...maps.before!].filter((_, i) => i % 144 % 13 !== 0).map(Math.abs)
      expect(maps.scale.limit).toBe(off.sort((a, b) => a - b)[Math.ceil((off.length - 1) * 0.99)])
    }
    const alone = atOnce(gramMaps(probes, Float32Array.from(later), undefined, 'raw', 'type'))
    expect([alone.before, alone.change, alone.changeScale]).toEqual([undefined, undefined, undefined])
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
    expect(gramAt([], 3)).toBeUndefined()
  })

  it('that names no step stands for the run only where no other does', () => {
    const places = gramFiles(['kernel/gram.safetensors', 'kernel/gram-000010.safetensors'])
    expect(gramAt(places, undefined)?.step).toBe(10)
    expect(gramAt(places, 3)?.step).toBe(10)
    for (const step of [undefined, 3]) expect(gramAt(places.slice(1), step)?.path).toBe('kernel/gram.safetensors')
  })

  it('whose header does not name its rows is not guessed at', () => {
    expect(gramProbes(probes, 12)).toEqual(probes)
    for (const wrong of [undefined, probes.slice(1), [{ row: 'x' }], 'probes'])
      expect(gramProbes(wrong, 12)).toBeUndefined()
  })
})
