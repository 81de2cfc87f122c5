/** The identities of one step that need no oracle (contracts.md §5), in float64 on the toy model. */
import { leaves, mapTree, unflatten, type HostTensor, type Tree } from '@ldyn/tensor'
import { describe, expect, it } from 'vitest'
import { filled, numbers, pack, run, toyModel, V } from '../../test/toy.ts'
import { dpo } from '../losses/dpo.ts'
import { kto } from '../losses/kto.ts'
import type { Loss, LossValues } from '../losses/loss.ts'
import { rpo } from '../losses/rpo.ts'
import { sft } from '../losses/sft.ts'
import { adam, adamw } from '../optim/adam.ts'
import { rmsprop } from '../optim/rmsprop.ts'
import { CARRY_OVER, DECAY, type Optimizer } from '../optim/rule.ts'
import { sgd } from '../optim/sgd.ts'
import { stateSpecs } from '../optim/step.ts'
import { logProbProgram } from '../programs/forward.ts'
import { trainStep } from '../programs/train.ts'
import { attributeProgram, moduleName, moduleOf } from './modules.ts'
import { maskedProgram, predictProgram, probeProgram, segmentProgram } from './predict.ts'
import { gaussLegendre } from './quadrature.ts'
import { lossCotangent, lossParts, type SplitBy } from './terms.ts'
import { deltaProgram, moveProgram, partProgram, pullProgram, restProgram } from './update.ts'

const shape = { rows: 2, length: 8, reads: 11, sequences: 4, tokens: 3 }
const examples = [
  {
    prompt: [1, 2],
    responses: [
      [3, 4, 0],
      [5, 0],
    ],
  },
  {
    prompt: [6],
    responses: [
      [2, 2, 0],
      [1, 3, 0],
    ],
  },
]
const batch = pack(examples, shape)
const model = toyModel()
const params = filled(model.params, numbers(5))
const rows = (data: ArrayLike<number>): number[][] =>
  [0, 1, 2, 3].map((s) => Array.from(data).slice(3 * s, 3 * s + 3))
const logpAt = (at: Tree<HostTensor>): number[][] =>
  rows(run(logProbProgram(model, shape), { params: at, batch }).logp)
const ref = logpAt(filled(model.params, numbers(6)))
const values: LossValues = {
  logp: logpAt(params),
  mask: rows(batch.mask.data),
  ref,
  fields: { label: [1, 0, -1, 0] },
}
const host = (x: readonly (readonly number[])[]): HostTensor => ({
  shape: [x.length, x[0].length],
  dtype: 'f32',
  data: Float64Array.from(x.flat()),
})

/** The part of a run's outputs below `at`, as a tree like the parameters. */
const tree = (out: Record<string, number[]>, at: string, like: Tree<HostTensor> = params): Tree<HostTensor> =>
  mapTree<HostTensor, HostTensor>(like, (t, path) => ({
    ...t,
    data: Float64Array.from(out[`${at}.${path}`]),
  }))
const numbersOf = (t: Tree<HostTensor>): number[] => leaves(t).flatMap(({ value }) => Array.from(value.data))
const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((n, x, i) => n + x * b[i], 0)
const gradient = (cotangent: number[][]): Tree<HostTensor> =>
  tree(run(pullProgram({ model }, shape), { params, batch, cotangent: host(cotangent) }), 'grads')

const optimizers: readonly Optimizer[] = [
  sgd({ weightDecay: 0.3 }),
  sgd({ momentum: 0.9, dampening: 0.2 }),
  sgd({ momentum: 0.9, nesterov: true, weightDecay: 0.1 }),
  rmsprop({ momentum: 0.5, weightDecay: 0.2 }),
  rmsprop({ centered: true }),
  adam({ weightDecay: 0.2 }),
  adamw({ weightDecay: 0.5, decay: (_, { shape: s }) => s.length > 1 }),
]
const losses: readonly (readonly [Loss, number])[] = [
  [sft({ reduction: 'token-mean' }), 11],
  [dpo({ beta: 0.4, labelSmoothing: 0.1 }), 2],
  [rpo({ beta: 0.3, alpha: 0.7, reduction: 'mean' }), 2],
  [kto({ beta: 0.4 }), 2],
]

describe('the parts of an update', () => {
  for (const [loss, count] of losses)
    for (const by of ['terms', 'examples'] as const)
      it(`${loss.name} by ${by}: their cotangents add up to the loss's`, () => {
        const parts = lossParts(loss, values, { count, by, exampleOf: ['0', '0', '1', '1'] })
        const whole = lossCotangent(loss, values, count)
        expect(parts.length).toBeGreaterThan(by === 'terms' ? 0 : 1)
        whole.forEach((row, s) =>
          row.forEach((x, l) => expect(parts.reduce((n, p) => n + p.cotangent[s][l], 0)).toBeCloseTo(x, 14)),
        )
      })

  for (const optimizer of optimizers)
    for (const by of ['terms', 'examples'] satisfies SplitBy[])
      it(`add up to the Δθ that trainStep applies: ${
        optimizer.name
      } (${optimizer.slots.join()}), by ${by}`, () => {
        const [loss, count] = losses[2]
        // A state as some steps leave it: nothing here is 0 or of the wrong sign.
        const before = mapTree<HostTensor, HostTensor>(
          filled(stateSpecs(optimizer, model.params) ?? {}, numbers(7)),
          (t, path) => ({
            ...t,
            data: Float64Array.from(t.data, (x) => (/^(v|square)/.test(path) ? 0.3 + x * x : 0.2 * x)),
          }),
        )
        const hyper = optimizer.hyper(3, 0.01)
        const step = { model, optimizer, maxGradNorm: 0.2 }
        const applied = run(trainStep({ ...step, shape, loss, delta: true }), {
          params,
          state: before,
          hyper,
          batch: { ...batch, ref: host(ref) },
        })
        const grads = gradient(lossCotangent(loss, values, count))
        const out = run(deltaProgram(step), { params, state: before, grads, hyper })
        const want = numbersOf(tree(applied, 'delta'))
        const got = numbersOf(tree(out, 'delta'))
        const scale = Math.max(...want.map(Math.abs))
        got.forEach((x, i) => expect(Math.abs(x - want[i]) / scale).toBeLessThan(1e-12))
        expect(out.factor[0]).toBeLessThan(0.9)

        const next = unflatten(
          leaves(before as Tree<HostTensor>).map(({ path, value }) => ({
            path,
            value: { ...value, data: Float64Array.from(out[`state.${path}`]) },
          })),
        )
        const parts = lossParts(loss, values, { count, by, exampleOf: ['0', '0', '1', '1'] }).map(
          ({ cotangent }) =>
            run(partProgram(step), {
              params,
              state: before,
              next,
              hyper,
              part: gradient(cotangent),
              factor: out.factor[0],
            }),
        )
        const rest = ([CARRY_OVER, DECAY] as const).flatMap((name) => {
          const program = restProgram(step, name)
          return program ? [run(program, { params, state: before, next, hyper })] : []
        })
        const all = [...parts, ...rest].map((o) => numbersOf(tree(o, 'delta')))
        want.forEach((x, i) => {
          const size = all.reduce((n, part) => n + Math.abs(part[i]), 0)
          expect(Math.abs(all.reduce((n, part) => n + part[i], 0) - x)).toBeLessThan(
            1e-10 * Math.max(size, 1e-12),
          )
        })
      })

  it('carry-over and decay are there where the optimizer has them, and only there', () => {
    const has = (optimizer: Optimizer) =>
      ([CARRY_OVER, DECAY] as const).map((name) => restProgram({ model, optimizer }, name) !== undefined)
    expect([sgd(), sgd({ momentum: 0.9 }), rmsprop({ weightDecay: 1 }), adamw()].map(has)).toEqual([
      [false, false],
      [true, false],
      [false, true],
      [true, true],
    ])
  })

  it('a micro-batch adds its gradient to what went before', () => {
    const cotangent = host(lossCotangent(losses[1][0], values, 2))
    const once = gradient(lossCotangent(losses[1][0], values, 2))
    const twice = run(pullProgram({ model }, shape, true), { params, batch, cotangent, grads: once })
    const want = numbersOf(once)
    numbersOf(tree(twice, 'grads')).forEach((x, i) => expect(x).toBeCloseTo(2 * want[i], 13))
  })
})

describe('a jvp along −η·vjp', () => {
  const reads = { rows: 2, length: 8, reads: 11 }
  const cotangent = lossCotangent(losses[1][0], values, 2)
  const g = gradient(cotangent)
  const eta = 0.01
  const delta = mapTree<HostTensor, HostTensor>(g, (t) => ({
    ...t,
    data: Float64Array.from(t.data, (x) => -eta * x),
  }))
  const along = run(predictProgram(model, reads), { params, batch, tangent: { params: delta } })
  const materialised = Array.from({ length: 11 }, (_, n) => {
    const weights = {
      shape: [11],
      dtype: 'f32' as const,
      data: Float64Array.from({ length: 11 }, (__, i) => +(i === n)),
    }
    const { program } = attributeProgram(model, reads)
    return { weights, out: run(program, { params, batch, weights, delta }) }
  })

  it('is the contracted K, and the dot of materialised gradients', () => {
    const s = [0, 0, 0, 1, 1, 2, 2, 2, 3, 3, 3]
    const l = [0, 1, 2, 0, 1, 0, 1, 2, 0, 1, 2]
    const one = (n: number): number[][] =>
      [0, 1, 2, 3].map((a) => [0, 1, 2].map((b) => +(a === s[n] && b === l[n])))
    const gradients = Array.from({ length: 11 }, (_, n) => numbersOf(gradient(one(n))))
    for (let m = 0; m < 11; m++) {
      const dots = -eta * dot(gradients[m], numbersOf(g))
      // Σ_l k_ml·cotangent_l: K contracted with the residuals by log-prob.
      const contracted =
        -eta * gradients.reduce((n, u, k) => n + cotangent[s[k]][l[k]] * dot(gradients[m], u), 0)
      expect(Math.abs(along['tangent.logp'][m] - dots)).toBeLessThan(1e-10 * Math.abs(dots))
      expect(Math.abs(along['tangent.logp'][m] - contracted)).toBeLessThan(1e-10 * Math.abs(contracted))
    }
  })

  it('by tensor adds up to the whole', () => {
    materialised.forEach(({ out }, n) => {
      const sum = out.dots.reduce((a, b) => a + b, 0)
      expect(sum).toBeCloseTo(along['tangent.logp'][n], 14)
      expect(out.total[0]).toBeCloseTo(along['primal.logp'][n], 13)
    })
  })

  it('of a tied model tells the head from the embedding, whose gradients it adds up', () => {
    const tied = toyModel(true)
    const at = filled(tied.params, numbers(5))
    const d = filled(tied.params, numbers(9))
    const { program, modules } = attributeProgram(tied, reads)
    const weights = { shape: [11], dtype: 'f32' as const, data: new Float64Array(11).fill(1) }
    const out = run(program, { params: at, batch, weights, delta: d })
    const whole = run(predictProgram(tied, reads), { params: at, batch, tangent: { params: d } })[
      'tangent.logp'
    ]
    expect(modules.at(-1)).toEqual({ kind: 'head' })
    expect(modules.filter(({ kind }) => kind === 'head')).toHaveLength(1)
    expect(Math.abs(out.dots.at(-1)!)).toBeGreaterThan(1e-3)
    expect(out.dots.reduce((a, b) => a + b, 0)).toBeCloseTo(
      whole.reduce((a, b) => a + b, 0),
      11,
    )
  })

  it('with a mask keeps the tensors that it names, token by token', () => {
    const masked = (mask: readonly number[]): number[] =>
      run(maskedProgram(model, reads), {
        params,
        batch,
        delta,
        mask: { shape: [mask.length], dtype: 'f32', data: Float64Array.from(mask) },
      })['tangent.logp']
    const paths = leaves(model.params).map(({ path }) => path)
    const each = paths.map((_, i) => masked(paths.map((__, k) => +(k === i))))
    along['tangent.logp'].forEach((x, n) => expect(each.reduce((sum, m) => sum + m[n], 0)).toBeCloseTo(x, 14))
    materialised.forEach(({ out }, n) => out.dots.forEach((d, i) => expect(each[i][n]).toBeCloseTo(d, 14)))
  })
})

describe('a probe', () => {
  const reads = { rows: 2, length: 8, reads: 11 }
  const watch = { shape: [2], dtype: 'i32' as const, data: Int32Array.from([0, 4]) }
  const out = run(probeProgram(model, reads, { watched: 2 }), { params, batch: { ...batch, watch } })

  it("splits log π into the token's own centred logit and the normaliser", () => {
    // From the watched log π of all entries: z̃_v = log π_v − mean log π, whatever constant the logits have.
    ;[0, 4].forEach((n, w) => {
      const all = out.watched.slice(w * V, (w + 1) * V)
      const centred = out.logp[n] - all.reduce((a, b) => a + b, 0) / V
      expect(out.own[n]).toBeCloseTo(centred, 13)
      expect(all[batch.targets.data[n]]).toBeCloseTo(out.logp[n], 13)
    })
  })

  it('along a segment integrates to the change itself, and begins with the jvp', () => {
    const delta = filled(
      model.params,
      (() => {
        const next = numbers(11)
        return () => 0.2 * next()
      })(),
    )
    const at = (t: number) =>
      run(segmentProgram(model, reads), { params, delta, t, batch, tangent: { t: 1 } })
    const first = run(predictProgram(model, reads), { params, batch, tangent: { params: delta } })[
      'tangent.logp'
    ]
    const moved = tree(run(moveProgram({ model }), { params, delta, t: 1 }), 'params')
    const after = run(probeProgram(model, reads), { params: moved, batch }).logp
    at(0)['tangent.logp'].forEach((x, n) => expect(x).toBeCloseTo(first[n], 13))
    at(1)['primal.logp'].forEach((x, n) => expect(x).toBeCloseTo(after[n], 13))
    const gap = (predicted: readonly number[]) =>
      Math.hypot(...after.map((x, n) => x - out.logp[n] - predicted[n]))
    const integral = (nodes: number): number[] =>
      gaussLegendre(nodes)
        .map(({ t, weight }) => at(t)['tangent.logp'].map((x) => weight * x))
        .reduce((a, b) => a.map((x, n) => x + b[n]))
    expect(gap(integral(4))).toBeLessThan(1e-3 * gap(first))
    expect(gap(integral(8))).toBeLessThan(1e-6 * gap(first))
  })
})

describe('modules', () => {
  it('are known from paths', () => {
    const names = [
      'embed',
      'positions',
      'layers.3.attnNorm.w',
      'layers.3.attn.q.w',
      'layers.12.mlp.down.b',
      'norm.w',
      'head',
    ]
    expect(names.map((path) => moduleName(moduleOf(path)))).toEqual([
      'embedding',
      'embedding',
      '3.norm',
      '3.attention',
      '12.mlp',
      'norm',
      'head',
    ])
  })
})

it('Gauss–Legendre nodes integrate polynomials of degree 2n − 1 exactly', () => {
  for (const n of [1, 2, 3, 5, 8])
    for (let degree = 0; degree < 2 * n; degree++)
      expect(gaussLegendre(n).reduce((sum, { t, weight }) => sum + weight * t ** degree, 0)).toBeCloseTo(
        1 / (degree + 1),
        13,
      )
})
