import { f32, grad, type HostTensor, type Tensor } from '@ldyn/tensor'
import { describe, expect, it } from 'vitest'
import { distance, golden } from '../../test/golden.ts'
import { numbers, run } from '../../test/toy.ts'
import { traceAs } from '../programs/forward.ts'
import { dpo, dpoC } from './dpo.ts'
import { ipo, ipoC } from './ipo.ts'
import { lossValue, type Loss } from './loss.ts'
import { sft } from './sft.ts'

type Rows = readonly (readonly number[])[]
interface Case {
  readonly loss: string
  readonly beta: number
  readonly label_smoothing: number
  readonly reference_free: boolean
  readonly value: number
  readonly grad_chosen_logp: Rows
  readonly grad_rejected_logp?: Rows
  readonly h?: readonly number[]
  readonly c_plus?: readonly number[]
  readonly c_minus?: readonly number[]
}
const { inputs, cases } = golden<{ inputs: Readonly<Record<string, Rows>>; cases: readonly Case[] }>(
  'losses.json',
)

/** y⁺ and y⁻ in turn. */
const interleave = (plus: Rows, minus: Rows): Rows => plus.flatMap((row, i) => [row, minus[i]])
const matrix = (rows: Rows): HostTensor => ({
  ...f32(rows.length, rows[0].length),
  data: Float64Array.from(rows.flat()),
})

interface Values {
  readonly logp: Rows
  readonly mask: Rows
  readonly ref: Rows
}
const pairs: Values = {
  logp: interleave(inputs.chosen_logp, inputs.rejected_logp),
  mask: interleave(inputs.chosen_mask, inputs.rejected_mask),
  ref: interleave(inputs.ref_chosen_logp, inputs.ref_rejected_logp),
}
const chosen: Values = { logp: inputs.chosen_logp, mask: inputs.chosen_mask, ref: inputs.ref_chosen_logp }

/** Value, gradient by token log-prob, count and metrics. */
function valueAndGrad(loss: Loss, { logp, mask, ref }: Values): Record<string, number[]> {
  const spec = f32(logp.length, logp[0].length)
  type Inputs = { logp: Tensor; mask: Tensor; ref: Tensor }
  const program = traceAs<Inputs>(
    (args) => ({
      value: lossValue(loss, { ...args, fields: {} }),
      count: loss.count({ ...args, fields: {} }),
      ...loss.metrics?.({ ...args, fields: {} }),
    }),
    { logp: spec, mask: spec, ref: spec },
  )
  return run(grad(program, { wrt: 'logp', of: 'value' }), {
    logp: matrix(logp),
    mask: matrix(mask),
    ref: matrix(ref),
  })
}

function lossOf({
  loss,
  beta,
  label_smoothing: labelSmoothing,
  reference_free: referenceFree,
}: Case): Loss | undefined {
  if (loss === 'sft_sum') return sft({ reduction: 'sum' })
  if (loss === 'sft_token_mean') return sft({ reduction: 'token-mean' })
  if (/^c?dpo/.test(loss)) return dpo({ beta, labelSmoothing, referenceFree })
  if (loss.startsWith('ipo'))
    return ipo({ beta, reduction: loss.startsWith('ipo_sum') ? 'sum' : 'mean', referenceFree })
  return undefined
}

/** Largest distance of −c/count from the gradient, over the largest |c| or β. */
function closedFormError(loss: Loss, values: Values, beta: number): number {
  const out = valueAndGrad(loss, values)
  const c = loss.c(values).flat()
  const scale = Math.max(...c.map(Math.abs), beta)
  return Math.max(...c.map((v, i) => Math.abs(v + out['grads.logp'][i] * out['primal.count'][0]))) / scale
}

describe('losses equal PyTorch in float64', () => {
  const known = cases.filter((c) => lossOf(c))

  known.forEach((wanted) =>
    it(`${wanted.loss}${wanted.beta ? `, β = ${wanted.beta}` : ''}: value and cotangent`, () => {
      const loss = lossOf(wanted)!
      const values = wanted.grad_rejected_logp ? pairs : chosen
      const out = valueAndGrad(loss, values)
      expect(distance(out['primal.value'], [wanted.value])).toBeLessThan(1e-13)
      const gradient = wanted.grad_rejected_logp
        ? interleave(wanted.grad_chosen_logp, wanted.grad_rejected_logp)
        : wanted.grad_chosen_logp
      expect(distance(out['grads.logp'], gradient.flat())).toBeLessThan(1e-12)
      expect(
        distance(
          loss
            .c(values)
            .flat()
            .map((c) => -c / out['primal.count'][0]),
          gradient.flat(),
        ),
      ).toBeLessThan(1e-9)
    }),
  )

  it("leaves out only the mean over per-sequence means, which is neither the released code's nor TRL's", () => {
    expect(cases.filter((c) => !known.includes(c)).map((c) => c.loss)).toEqual(['sft_mean_per_sequence'])
  })

  known
    .filter((c) => c.c_plus)
    .forEach((wanted) =>
      it(`${wanted.loss}, β = ${wanted.beta}: c± of every pair by the closed form in h`, () => {
        const { beta, label_smoothing: labelSmoothing } = wanted
        const own = wanted.h!.map((h) =>
          wanted.loss.startsWith('ipo') ? ipoC(h, { beta }) : dpoC(h, { beta, labelSmoothing }),
        )
        expect(distance(own, wanted.c_plus!)).toBeLessThan(1e-13)
        expect(
          distance(
            own.map((c) => -c),
            wanted.c_minus!,
          ),
        ).toBeLessThan(1e-13)
      }),
    )
})

describe('the closed form c', () => {
  const next = numbers(11)
  const draw = (scale: number): Values => {
    const rows = (f: () => number): Rows => Array.from({ length: 6 }, () => Array.from({ length: 4 }, f))
    const mask = [4, 2, 1, 3, 4, 4].map((n) => Array.from({ length: 4 }, (_, l) => (l < n ? 1 : 0)))
    return { logp: rows(() => -Math.abs(next()) * scale), ref: rows(() => -Math.abs(next()) * scale), mask }
  }
  const beta = 0.3
  const losses = [
    sft({ reduction: 'sum' }),
    sft({ reduction: 'token-mean' }),
    dpo({ beta }),
    dpo({ beta, labelSmoothing: 0.2 }),
    dpo({ beta, referenceFree: true }),
    ipo({ beta, reduction: 'sum' }),
    ipo({ beta, reduction: 'mean' }),
    ipo({ beta, reduction: 'mean', referenceFree: true }),
  ]

  it("is autodiff's to 1e-9 of max(|c|, β), from mild margins to saturated ones", () => {
    for (const loss of losses)
      for (const scale of [0.1, 3, 100]) expect(closedFormError(loss, draw(scale), beta)).toBeLessThan(1e-9)
  })

  it('is the sum of its named directions, to 1e-10 of their sizes', () => {
    for (const loss of losses) {
      const values = draw(3)
      const directions = loss.directions(values)
      expect(Object.keys(directions)).toEqual(loss.terms)
      const parts = loss.terms.map((term) => directions[term]!.flat())
      loss
        .c(values)
        .flat()
        .forEach((c, i) => {
          const size = parts.reduce((n, part) => n + Math.abs(part[i]), 0)
          const sum = parts.reduce((n, part) => n + part[i], 0)
          expect(Math.abs(c - sum)).toBeLessThanOrEqual(1e-10 * size)
        })
    }
  })

  it('pulls y⁺ up and y⁻ down, and at h = 0 is β/2 for DPO and 1/β for IPO', () => {
    expect(dpoC(0, { beta: 0.1 })).toBeCloseTo(0.05, 15)
    expect(ipoC(0, { beta: 0.1 })).toBeCloseTo(10, 13)
    const c = dpo({ beta: 0.1 }).c(pairs)
    expect(c[0][0]).toBeGreaterThan(0)
    expect(c[1][0]).toBe(-c[0][0])
  })
})

describe('a batch with padding', () => {
  const none = [0, 0, 0, 0, 0]
  const padded = (values: Values, rows: number): Values => ({
    logp: [...values.logp, ...Array.from({ length: rows }, () => none)],
    mask: [...values.mask, ...Array.from({ length: rows }, () => none)],
    ref: [...values.ref, ...Array.from({ length: rows }, () => none)],
  })

  it('has the value and metrics of the batch without it: a padded pair is no pair with h = 0', () => {
    for (const loss of [
      sft({ reduction: 'sum' }),
      sft({ reduction: 'token-mean' }),
      dpo({ beta: 0.1 }),
      ipo({ beta: 0.1, reduction: 'mean' }),
    ]) {
      const [plain, more] = [valueAndGrad(loss, pairs), valueAndGrad(loss, padded(pairs, 4))]
      for (const [path, values] of Object.entries(plain))
        if (path !== 'grads.logp') expect(distance(more[path], values)).toBeLessThan(1e-14)
      expect(more['grads.logp'].slice(30)).satisfy(
        (g: number[]) => g.length === 20 && g.every((v) => v === 0),
      )
    }
  })
})

describe('metrics', () => {
  it("are TRL's: rewards β·r, accuracies of strict order, sums of log-probs", () => {
    const out = valueAndGrad(dpo({ beta: 0.1 }), pairs)
    const total = (rows: Rows, mask: Rows, s: number): number =>
      rows[s].reduce((n, v, l) => n + v * mask[s][l], 0)
    const [up, down] = [0, 1].map((side) => [0, 1, 2].map((i) => total(pairs.logp, pairs.mask, 2 * i + side)))
    const [rUp, rDown] = [0, 1].map((side) =>
      [0, 1, 2].map(
        (i) =>
          0.1 * (total(pairs.logp, pairs.mask, 2 * i + side) - total(pairs.ref, pairs.mask, 2 * i + side)),
      ),
    )
    const mean = (x: readonly number[]): number => x.reduce((a, b) => a + b) / x.length
    expect(out['primal.logps/chosen'][0]).toBeCloseTo(mean(up), 12)
    expect(out['primal.logps/rejected'][0]).toBeCloseTo(mean(down), 12)
    expect(out['primal.rewards/chosen'][0]).toBeCloseTo(mean(rUp), 12)
    expect(out['primal.rewards/rejected'][0]).toBeCloseTo(mean(rDown), 12)
    expect(out['primal.rewards/margins'][0]).toBeCloseTo(mean(rUp) - mean(rDown), 12)
    expect(out['primal.rewards/accuracies'][0]).toBeCloseTo(
      mean(rUp.map((r, i) => (r > rDown[i] ? 1 : 0))),
      12,
    )
  })

  it('count a tie as wrong, as TRL does at the first step', () => {
    const out = valueAndGrad(dpo({ beta: 0.1 }), { ...pairs, ref: pairs.logp })
    expect(out['primal.rewards/accuracies']).toEqual([0])
    expect(out['primal.value'][0]).toBeCloseTo(Math.log(2), 14)
  })
})

describe('options out of range', () => {
  it('are refused by name', () => {
    expect(() => dpo({ beta: 0 })).toThrow(/beta is 0/)
    expect(() => dpo({ beta: 0.1, labelSmoothing: 0.5 })).toThrow(/labelSmoothing is 0.5/)
    expect(() => ipo({ beta: NaN, reduction: 'sum' })).toThrow(/beta is NaN/)
  })
})
