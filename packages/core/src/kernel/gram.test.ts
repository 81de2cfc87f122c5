import { leaves, unflatten, type HostTensor, type Tree } from '@ldyn/tensor'
import { describe, expect, it } from 'vitest'
import { close, f64, gramOf } from '../../test/kernels.ts'
import { filled, numbers, pack, run, toyModel, V } from '../../test/toy.ts'
import { cosines, driftOf, summariseGram } from './gram.ts'
import { matrix, transposed } from './matrix.ts'
import { sketchedInner, sketcher } from './sketch.ts'
import { dotsProgram, gradientProgram, gradientSpecs } from './tangent-kernel.ts'

describe('Gram matrices', () => {
  const model = toyModel()
  const params = filled(model.params, numbers(11))
  const shape = { rows: 1, length: 8, reads: 4, sequences: 1, tokens: 4 }
  const side = { shape, view: 'logp' as const }
  const probes = [1, 2, 3, 4, 5].map((seed) => {
    const next = numbers(seed)
    const token = (): number => Math.floor((next() + 1) * 3.5) % V
    return pack([{ prompt: [token(), token()], responses: [[token(), token(), token(), token()]] }], shape)
  })
  const gradients = probes.map((batch) =>
    run(gradientProgram(model, side), { params, batch, cotangent: f64([1, 1, 1, 1], 4) }),
  )
  const asTree = (g: Record<string, number[]>): Tree<HostTensor> =>
    unflatten(
      leaves(gradientSpecs(model)).map(({ path, value }) => ({
        path,
        value: { ...value, data: Float64Array.from(g[`grads.${path}`]) },
      })),
    )
  const exact = gramOf(
    gradients.map((g) => Object.values(g).flat()),
    gradients.map((g) => Object.values(g).flat()),
  )

  it('are the dots of gradients, parameter by parameter', () => {
    const { dots } = run(dotsProgram(gradientSpecs(model), 5), { a: gradients.map(asTree), b: asTree(gradients[2]) })
    const n = leaves(gradientSpecs(model)).length
    close(
      exact.map((_, i) => dots.slice(i * n, (i + 1) * n).reduce((a, b) => a + b)),
      exact.map((row) => row[2]),
    )
  })

  it('are symmetric and positive semidefinite, with cosines in [−1, 1]', () => {
    const gram = { n: 5, data: Float64Array.from(exact.flat()) }
    close(transposed(matrix(5, 5, gram.data)).data, gram.data, 1e-13)
    const { leastShare, trace, effectiveRank } = summariseGram(gram)
    expect(leastShare).toBeGreaterThan(-1e-12)
    close([trace], [exact.reduce((n, row, i) => n + row[i], 0)])
    expect(effectiveRank).toBeGreaterThan(1)
    expect(effectiveRank).toBeLessThanOrEqual(5)
    const c = cosines(gram).data
    expect(Math.max(...c)).toBeLessThanOrEqual(1 + 1e-12)
    close([c[0], c[6]], [1, 1])
  })

  it('sketched lie within a few stated standard errors, which are neither too small nor too large', () => {
    const flat = gradients.map((g) => Object.values(g))
    const z: number[] = []
    for (let seed = 0; seed < 60; seed++) {
      const sketches = flat.map((leavesOf) => {
        const s = sketcher(64, seed)
        leavesOf.forEach((leaf) => s.add(leaf))
        return s.done()
      })
      for (let i = 0; i < 5; i++)
        for (let j = 0; j < i; j++) {
          const { value, se } = sketchedInner(sketches[i], sketches[j])
          z.push((value - exact[i][j]) / se)
        }
      close([sketches[1].square], [exact[1][1]])
    }
    const spread = Math.sqrt(z.reduce((n, x) => n + x * x, 0) / z.length)
    expect(Math.max(...z.map(Math.abs))).toBeLessThan(5)
    // Dominant coordinates (a toy has 100 parameters) make the truth better than stated, never worse.
    expect(spread).toBeLessThan(1.1)
    expect(spread).toBeGreaterThan(0.5)
    expect(Math.abs(z.reduce((a, b) => a + b) / z.length)).toBeLessThan(0.15)
  })

  it('refuse what is not finite, and sizes that do not fit', () => {
    expect(() => sketcher(8, 0).add([1, NaN])).toThrow('the gradient is not finite after coordinate 0')
    expect(() => sketcher(0, 0)).toThrow('k is 0')
    expect(() => driftOf({ n: 1, data: Float64Array.of(1) }, { n: 2, data: new Float64Array(4) })).toThrow(
      '1 probes before and 2 after',
    )
  })
})

describe('drift between two kernels', () => {
  const next = numbers(4)
  const n = 6
  const before = { n, data: Float64Array.from({ length: n * n }, next) }

  it('is a change of size alone where the kernel was scaled: alignment and ranks stay', () => {
    const after = { n, data: before.data.map((x) => 3 * x) }
    const drift = driftOf(before, after)
    expect(drift.relative).toBeCloseTo(2, 12)
    expect(drift.alignment).toBeCloseTo(1, 12)
    expect(drift.meanStability).toBeCloseTo(1, 12)
  })

  it('ranks |K_uo| over the other probes: a reversed ranking has stability −1', () => {
    const after = { n, data: before.data.map((x) => 1 / x) }
    const { stability, meanStability } = driftOf(before, after)
    expect(stability).toHaveLength(n)
    expect(meanStability).toBeCloseTo(-1, 12)
  })
})
