/** K, its contractions and norms, against PyTorch's Jacobians in true float64 (tests/golden/kernel.json). */
import { dpo, summariseGram } from '@ldyn/core'
import {
  exactBlock,
  gramMatrix,
  gramPlan,
  kernelNorms,
  screenPairs,
  sketchedGram,
  tokenBlock,
  tokenKernel,
} from '@ldyn/lab'
import { describe, expect, it } from 'vitest'
import { backends, deviation, golden, goldenModel, paramsOf, sequence } from './support/golden.ts'

interface GoldenModel {
  vocab: number
  rows: Record<'chosen' | 'rejected' | 'observed', { prompt: number[]; response: number[] }>
  k: number[][]
  cotangents: number[]
  C: number[][]
  block: { trace: number; frobenius: number; singular: number[]; ids: number[]; entries: number[][] }
  own: { trace: number; eigen: number[] }
  gram: number[][]
  norm: number
  norm_centred: number
  trace: number
  ches: number
  ln_ches: number
  last_hidden: number
}
const { models } = golden<{ models: Record<string, GoldenModel> }>('kernel.json')
const ETA = 0.01

/** Sentences for every entry that is off by more than the tolerance of the largest one. */
const off = (what: string, got: ArrayLike<number>, want: readonly number[], tolerance: number): string[] => {
  expect(got.length, what).toBe(want.length)
  const scale = Math.max(...want.map(Math.abs))
  return want.flatMap((w, i) => deviation(`${what}[${i}]`, got[i], w, tolerance, scale) ?? [])
}

describe.each(backends)('on $name', ({ create, tolerance: base }) => {
  // Products of two Jacobians have twice their error.
  const tolerance = 3 * base
  describe.each(Object.keys(models))('%s', (name) => {
    const want = models[name]
    const rows = Object.fromEntries(
      Object.entries(want.rows).map(([type, { prompt, response }]) => [type, sequence(type, prompt, response)]),
    ) as Record<keyof GoldenModel['rows'], ReturnType<typeof sequence>>
    const pair = [rows.chosen, rows.rejected]
    const open = async () => {
      const backend = await create()
      await using checkpoint = await goldenModel(name)
      return { backend, params: await paramsOf(backend, checkpoint), model: checkpoint.model }
    }

    it('token × token: k, cotangents and C, and ΣC over l is the contracted kernel', async () => {
      const { backend, model, params } = await open()
      const loss = dpo({ beta: 0.1 })
      const made = await tokenKernel({ backend, model, params, update: pair, observe: rows.observed, loss, eta: ETA })
      // Fewer update tokens than observed ones takes the other way round.
      const short = await tokenKernel({
        backend, model, params, update: [rows.rejected, sequence('r', [...rows.rejected.prompt], [5])], observe: rows.observed, loss, eta: ETA,
      })
      expect([
        ...off('k', made.kernel.flatMap((r) => [...r]), want.k.flat(), tolerance),
        ...off('cotangent', made.update.map((t) => -t.pull), want.cotangents, tolerance),
        ...off('C', made.C.flatMap((r) => [...r]), want.C.flat(), tolerance),
        ...off('sum over l', made.byObserved, want.C.map((r) => r.reduce((a, b) => a + b)), 10 * tolerance),
        ...off('k by rejected', short.kernel.flatMap((r) => [...r.slice(0, 3)]), want.k.flatMap((r) => r.slice(4)), tolerance),
      ]).toEqual([])
      await backend.dispose()
    })

    it('one V×V block, factored: trace, norm, singular values, entries; = the exact block', async () => {
      const { backend, model, params } = await open()
      const at = { observe: { sequence: rows.observed, token: 1 }, update: { sequence: rows.chosen, token: 2 } }
      const made = await tokenBlock({ backend, model, params, ...at, top: model.vocab })
      const exact = await exactBlock({ backend, model, params, ...at })
      const entry = (v: number, w: number): number =>
        made.entries.data[made.observe.ids.indexOf(v) * model.vocab + made.update.ids.indexOf(w)]
      const ids = Array.from({ length: model.vocab }, (_, v) => v)
      const { block } = want
      expect([
        ...off('trace', [made.block.trace], [block.trace], tolerance),
        ...off('frobenius', [made.block.frobenius], [block.frobenius], tolerance),
        ...off('singular', made.block.spectrum(false).values.slice(0, 6), block.singular, 10 * tolerance),
        ...off('golden entries', block.ids.flatMap((v) => block.ids.map((w) => entry(v, w))), block.entries.flat(), tolerance),
        ...off('exact', ids.flatMap((v) => ids.map((w) => entry(v, w))), Array.from(exact.data), tolerance),
        ...off('k', [made.k.total], [want.k[1][2]], 10 * tolerance),
      ]).toEqual([])
      expect(made.symmetric).toBe(false)
      expect(made.k.head + made.k.body + made.k.cross).toBeCloseTo(made.k.total, 6)
      await backend.dispose()
    })

    it('one block of a token by itself is symmetric and positive semidefinite', async () => {
      const { backend, model, params } = await open()
      const at = { sequence: rows.chosen, token: 2 }
      const { block, symmetric } = await tokenBlock({ backend, model, params, observe: at, update: at, top: 3 })
      expect(symmetric).toBe(true)
      const { values, multiplicity } = block.spectrum(true)
      expect(values.length + multiplicity).toBe(model.vocab)
      expect(off('eigenvalues', values.slice(0, 6), want.own.eigen, 10 * tolerance)).toEqual([])
      expect(off('trace', [block.trace], [want.own.trace], tolerance)).toEqual([])
      expect(values.at(-1)).toBeGreaterThan(-10 * tolerance * values[0])
      await backend.dispose()
    })

    it('Grams: all parameters, in blocks of any size, of chosen parameters, and sketched', async () => {
      const { backend, model, params } = await open()
      const probes = [rows.chosen, rows.rejected, rows.observed]
      const request = { backend, model, params, probes, per: 'response' } as const
      const { gradientBytes } = gramPlan(model, 3, Infinity)
      const grams = []
      for (const block of [1, 2, 3]) {
        const made = await gramMatrix({ ...request, memory: (block + 1) * gradientBytes })
        expect([made.plan.block, made.plan.gradients]).toEqual([block, [6, 4, 3][block - 1]])
        grams.push(...off(`gram in blocks of ${block}`, made.gram.data, want.gram.flat(), tolerance))
        const none = new Array<number>(9).fill(0)
        const parts = [...made.parts.values()].reduce((n, { data }) => n.map((x, k) => x + data[k]), none)
        grams.push(...off('parts', parts, want.gram.flat(), tolerance))
        expect(summariseGram(made.gram).leastShare).toBeGreaterThan(-tolerance)
      }
      expect(grams).toEqual([])
      const last = await gramMatrix({ ...request, wrt: ['layers.1', 'norm'], memory: Infinity })
      expect([...last.parts.keys()]).toEqual(['layers.1', 'norm'])
      expect(last.gram.data[0]).toBeLessThan(want.gram[0][0])
      const perToken = await gramMatrix({ ...request, per: 'token', memory: Infinity })
      expect(perToken.gram.data[1]).toBeCloseTo(want.gram[0][1] / 12, 3)
      await expect(gramMatrix({ ...request, memory: gradientBytes })).rejects.toThrow('does not hold two gradients')
      await expect(gramMatrix({ ...request, wrt: 'layers.9', memory: Infinity })).rejects.toThrow('selects none')

      const { gram, se } = await sketchedGram({ ...request, k: 2048, seed: 3 })
      expect(off('diagonal', [0, 4, 8].map((k) => gram.data[k]), [0, 1, 2].map((i) => want.gram[i][i]), tolerance)).toEqual([])
      for (const k of [1, 2, 5]) {
        const error = Math.abs(gram.data[k] - want.gram.flat()[k])
        expect(error).toBeLessThan(4 * se.data[k])
        expect(se.data[k]).toBeLessThan(0.05 * Math.sqrt(gram.data[0] * gram.data[8]) + 0.05 * gram.data[4])
      }
      await backend.dispose()
    })

    it('‖K‖_F and tr K by random vectors, within their stated errors', async () => {
      const { backend, model, params } = await open()
      const { norms, traces } = await kernelNorms({
        backend, model, params, probes: [rows.chosen, rows.observed], draws: 24, seed: 1,
      })
      expect(Math.abs(norms[0][1].value - want.norm)).toBeLessThan(4 * norms[0][1].se)
      expect(Math.abs(traces[0].value - want.trace)).toBeLessThan(4 * traces[0].se)
      expect(norms[0][1].se).toBeLessThan(0.4 * want.norm)
      const centred = await kernelNorms({
        backend, model, params, probes: [rows.chosen, rows.observed], draws: 24, seed: 1, centred: true,
      })
      const [, between] = centred.norms[0]
      expect(Math.abs(between.value - want.norm_centred)).toBeLessThan(4 * between.se)
      expect(centred.norms[1][0]).toEqual(between)
      await backend.dispose()
    })

    it('displacement scores are those of transformers’ hidden states', async () => {
      const { backend, model, params } = await open()
      const [scores] = await screenPairs({
        backend, model, params, pairs: [{ chosen: rows.chosen, rejected: rows.rejected }],
      })
      expect([
        ...off('ches', [scores.ches], [want.ches], tolerance),
        ...off('ln_ches', [scores.ln_ches], [want.ln_ches], tolerance),
        ...off('last_hidden', [scores.last_hidden], [want.last_hidden], tolerance),
      ]).toEqual([])
      await backend.dispose()
    })
  })
})
