import { leaves, mapTree, f32, type HostTensor } from '@ldyn/tensor'
import { evaluate, referenceBackend } from '@ldyn/tensor/reference'
import { mlp } from '@ldyn/models'
import { traceAs } from '@ldyn/core'
import type { Spec, Tensor, Tree } from '@ldyn/tensor'
import { describe, expect, it } from 'vitest'
import { anchorKernel, classNorms, jacobianProgram, meanDrift, meanNorm, rankAgreement } from './class-kernel.ts'
import { drawDigits, IMAGE_SIDE } from './digits.ts'
import { studyDigits, type DigitsRequest } from './digits-study.ts'

const SIZE = IMAGE_SIDE ** 2
const wave = (specs: Tree<Spec>): Tree<HostTensor> => {
  let i = 0
  return mapTree<Spec, HostTensor>(specs, (s) => ({
    ...s,
    data: Float64Array.from({ length: s.shape.reduce((a, b) => a * b, 1) }, () => 0.7 * Math.sin(++i * i)),
  }))
}

describe('drawn digits', () => {
  it('are the same for the same seed, inside the frame, ink on paper', () => {
    const { pixels, labels } = drawDigits(3, 5)
    expect(drawDigits(3, 5).pixels).toEqual(pixels)
    expect(drawDigits(3, 6).pixels).not.toEqual(pixels)
    expect(drawDigits(3, 5, 'test').pixels).not.toEqual(pixels)
    expect(Array.from(labels.slice(0, 12))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1])
    for (let n = 0; n < 30; n++) {
      const image = pixels.subarray(n * SIZE, (n + 1) * SIZE)
      expect(Math.min(...image)).toBe(0)
      expect(Math.max(...image)).toBe(1)
      const ink = image.reduce((a, b) => a + b, 0) / SIZE
      expect(ink).toBeGreaterThan(0.02)
      expect(ink).toBeLessThan(0.3)
    }
  })

  it('can be told apart, 4 and 9 less than others', () => {
    const [train, test] = [drawDigits(30, 1), drawDigits(20, 1, 'test')]
    const centres = Array.from({ length: 10 }, (_, c) => {
      const sum = new Float64Array(SIZE)
      for (let n = c; n < 300; n += 10) for (let i = 0; i < SIZE; i++) sum[i] += train.pixels[n * SIZE + i] / 30
      return sum
    })
    const away = (a: ArrayLike<number>, b: Float64Array): number => b.reduce((s, v, i) => s + (v - a[i]) ** 2, 0)
    const guess = (n: number): number => {
      const image = test.pixels.subarray(n * SIZE, (n + 1) * SIZE)
      const far = centres.map((c) => away(image, c))
      return far.indexOf(Math.min(...far))
    }
    const right = Array.from({ length: 200 }, (_, n) => guess(n) === test.labels[n]).filter(Boolean).length
    expect(right / 200).toBeGreaterThan(0.6)
    const pairs = centres.flatMap((a, i) => centres.slice(0, i).map((b) => away(a, b)))
    pairs.sort((a, b) => a - b)
    expect(away(centres[4], centres[9])).toBeLessThan(pairs[Math.floor(pairs.length / 2)])
  })
})

describe('the kernel between classes', () => {
  const model = mlp([2, 4, 3])
  const params = wave(model.params)
  const program = jacobianProgram(model)
  const jacobianAt = (x: readonly number[]): Float64Array => {
    const out = evaluate(program, { params, x: { ...f32(1, 2), data: Float64Array.from(x) } }) as {
      jacobian: HostTensor
    }
    return Float64Array.from(out.jacobian.data)
  }
  const anchors = [
    { label: 0, jacobian: jacobianAt([0.3, -1]) },
    { label: 0, jacobian: jacobianAt([0.5, -0.8]) },
    { label: 1, jacobian: jacobianAt([-1, 0.4]) },
    { label: 2, jacobian: jacobianAt([0.1, 0.2]) },
  ]

  it('comes from the Jacobian of the logits, as finite differences have it', () => {
    const logits = (given: Tree<HostTensor>): ArrayLike<number> =>
      leaves(
        evaluate(
          traceAs<{ params: Tree<Tensor>; x: Tensor }>((t) => ({ z: model.logits(t.params, t.x) }), {
            params: model.params,
            x: f32(1, 2),
          }),
          { params: given, x: { ...f32(1, 2), data: Float64Array.of(0.3, -1) } },
        ),
      )[0].value.data
    let column = 0
    const width = anchors[0].jacobian.length / 3
    for (const { path, value } of leaves(params))
      for (let i = 0; i < value.data.length; i++, column++) {
        const nudged = (by: number): ArrayLike<number> =>
          logits(
            mapTree<HostTensor, HostTensor>(params, (t, at) =>
              at === path ? { ...t, data: Float64Array.from(t.data, (v, j) => (j === i ? v + by : v)) } : t,
            ),
          )
        const [up, down] = [nudged(1e-5), nudged(-1e-5)]
        for (let c = 0; c < 3; c++)
          expect(anchors[0].jacobian[c * width + column]).toBeCloseTo((up[c] - down[c]) / 2e-5, 8)
      }
    expect(column).toBe(width)
  })

  it('is symmetric by class and leaves out an image with itself', () => {
    const kernel = anchorKernel(anchors, 3)
    const norms = classNorms(kernel)
    norms.forEach((row, o) => row.forEach((v, u) => expect(v).toBe(norms[u][o])))
    const size = (o: number, u: number): number => Math.sqrt(kernel.blocks[o][u].reduce((n, v) => n + v * v, 0))
    expect(norms[0][0]).toBe(size(1, 0))
    expect(norms[1][0]).toBeCloseTo((size(2, 0) + size(2, 1)) / 2, 13)
    expect(norms[1][1]).toBe(0)
    expect(meanNorm(kernel)).toBeCloseTo(
      (size(1, 0) + size(2, 0) + size(2, 1) + size(3, 0) + size(3, 1) + size(3, 2)) / 6,
      13,
    )
    expect(meanDrift(kernel, kernel)).toBe(0)
  })

  it('agrees in ranking with itself, and not with its reverse', () => {
    const m = [0, 1, 2, 3].map((o) => [0, 1, 2, 3].map((u) => o + 10 * u))
    expect(rankAgreement(m, m)).toBe(1)
    expect(rankAgreement(m, m.map((row) => row.map((v) => -v)))).toBe(-1)
  })
})

describe('the study of drawn digits', () => {
  it('looks at the kernel between updates, and is an ordinary simulation', async () => {
    const request: DigitsRequest = {
      perClass: 2,
      epochs: 1,
      batch: 10,
      lr: 0.05,
      momentum: 0.9,
      weightDecay: 5e-4,
      test: 2,
      anchors: 2,
      every: 2,
      seed: 1,
    }
    const { looks, rankWithLast, confusion, simulation } = await studyDigits(referenceBackend(), request)
    expect(looks.map(({ step }) => step)).toEqual([0, 2])
    expect(looks[0]).not.toHaveProperty('drift')
    expect(looks[1].drift).toBeGreaterThan(0)
    expect(rankWithLast.at(-1)).toBe(1)
    confusion.forEach((row) => expect(row.reduce((a, b) => a + b)).toBeCloseTo(1, 12))
    expect(simulation.rows).toHaveLength(20)
    expect(simulation.types).toContain('as 9')
    expect(simulation.frames.map(({ values }) => values?.length)).toEqual([200, undefined, 200])
    expect(Object.keys(simulation.frames[2].scalars!)).toEqual([
      'learning_rate',
      'loss',
      'grad_norm',
      'accuracy',
      'kernel_norm',
      'kernel_drift',
      'kernel_rank',
    ])
    await expect(studyDigits(referenceBackend(), { ...request, anchors: 1 })).rejects.toThrow(/at least 2/)
  }, 120_000)
})
