import { f32, grad, type HostTensor, type Tensor } from '@ldyn/tensor'
import { describe, expect, it } from 'vitest'
import { distance, golden } from '../../test/golden.ts'
import { numbers, run } from '../../test/toy.ts'
import { traceAs } from '../programs/forward.ts'
import { calDpo } from './cal-dpo.ts'
import { dpo } from './dpo.ts'
import { dpop } from './dpop.ts'
import { gateOf, gateRejected } from './gate.ts'
import { ipo } from './ipo.ts'
import { kto, ktoKl } from './kto.ts'
import { lossValue, type Loss, type LossValues } from './loss.ts'
import type { NllOptions } from './nll.ts'
import { orpo } from './orpo.ts'
import { rpo } from './rpo.ts'
import { sft } from './sft.ts'
import { simpo } from './simpo.ts'
import { slic } from './slic.ts'
import { sppo, sppoC } from './sppo.ts'

type Rows = readonly (readonly number[])[]
interface Case {
  readonly loss: string
  readonly options: Readonly<Record<string, number | boolean | string>>
  readonly value: number
  readonly kl?: number
  readonly grad_chosen_logp: Rows
  readonly grad_rejected_logp: Rows
}
const { inputs, cases } = golden<{ inputs: Readonly<Record<string, Rows>>; cases: readonly Case[] }>(
  'preferences.json',
)

const interleave = (...sides: readonly Rows[]): Rows => sides[0].flatMap((_, i) => sides.map((rows) => rows[i]))
const matrix = (rows: Rows): HostTensor => ({
  ...f32(rows.length, rows[0].length),
  data: Float64Array.from(rows.flat()),
})
const pairs: LossValues = {
  logp: interleave(inputs.chosen_logp, inputs.rejected_logp),
  mask: interleave(inputs.chosen_mask, inputs.rejected_mask),
  ref: interleave(inputs.ref_chosen_logp, inputs.ref_rejected_logp),
}
/** y⁺, y⁻ and a mismatched response in turn. */
const labelled: LossValues = {
  logp: interleave(inputs.chosen_logp, inputs.rejected_logp, inputs.other_logp),
  mask: interleave(inputs.chosen_mask, inputs.rejected_mask, inputs.other_mask),
  ref: interleave(inputs.ref_chosen_logp, inputs.ref_rejected_logp, inputs.ref_other_logp),
  fields: { label: inputs.chosen_logp.flatMap(() => [1, -1, 0]) },
}

/** Value, count, metrics and the gradient by token log-prob. */
function valueAndGrad(loss: Loss, { logp, mask, ref, fields }: LossValues): Record<string, number[]> {
  const spec = f32(logp.length, logp[0].length)
  type Inputs = { logp: Tensor; mask: Tensor; ref: Tensor; fields?: Record<string, Tensor> }
  const own = loss.fields?.(logp.length, logp[0].length) ?? {}
  const program = traceAs<Inputs>(
    ({ fields: given = {}, ...args }) => ({
      value: lossValue(loss, { ...args, fields: given }),
      count: loss.count({ ...args, fields: given }),
      ...loss.metrics?.({ ...args, fields: given }),
    }),
    { logp: spec, mask: spec, ref: spec, ...(loss.fields ? { fields: own } : {}) },
  )
  const host = Object.fromEntries(
    Object.entries(own).map(([name, s]) => [name, { ...s, data: Float64Array.from(fields![name]) }]),
  )
  return run(grad(program, { wrt: 'logp', of: 'value' }), {
    logp: matrix(logp),
    mask: matrix(mask),
    ref: matrix(ref!),
    ...(loss.fields ? { fields: host } : {}),
  })
}

function lossOf({ loss, options }: Case): Loss {
  const o = options as Readonly<Record<string, number>>
  const nll = { alpha: o.alpha, reduction: options.reduction } as NllOptions
  switch (loss) {
    case 'slic':
      return slic({ delta: o.delta, beta: o.beta, referenceFree: options.reference_free as boolean })
    case 'sppo':
      return sppo({ eta: o.eta })
    case 'simpo':
      return simpo({ beta: o.beta, gamma: o.gamma, labelSmoothing: o.label_smoothing })
    case 'dpop':
      return dpop({ beta: o.beta, lambda: o.lambda })
    case 'rpo':
      return rpo({ beta: o.beta, ...nll })
    case 'cpo':
      return rpo({ beta: o.beta, referenceFree: true, ...nll })
    case 'cal-dpo':
      return calDpo({ beta: o.beta })
    case 'orpo':
      return orpo({ beta: o.beta })
    case 'kto':
      return kto({
        beta: o.beta,
        desirableWeight: o.desirable_weight,
        undesirableWeight: o.undesirable_weight,
      })
    default:
      throw new RangeError(`no loss of ours for '${loss}'`)
  }
}

describe('preference losses equal PyTorch in float64, TRL where TRL has them', () => {
  for (const wanted of cases)
    it(`${wanted.loss} ${JSON.stringify(wanted.options)}: value, cotangent and closed form`, () => {
      const loss = lossOf(wanted)
      const values = wanted.loss === 'kto' ? labelled : pairs
      const out = valueAndGrad(loss, values)
      const zeros = wanted.grad_chosen_logp.map((row) => row.map(() => 0))
      const gradient = interleave(
        wanted.grad_chosen_logp,
        wanted.grad_rejected_logp,
        ...(wanted.loss === 'kto' ? [zeros] : []),
      ).flat()
      expect(distance(out['primal.value'], [wanted.value])).toBeLessThan(1e-13)
      expect(distance(out['grads.logp'], gradient)).toBeLessThan(1e-12)
      const closed = loss.c(values).flatMap((row) => row.map((c) => -c / out['primal.count'][0]))
      expect(distance(closed, gradient)).toBeLessThan(1e-9)
      if (wanted.kl !== undefined) {
        expect(distance(out['primal.kl'], [wanted.kl])).toBeLessThan(1e-13)
        expect(ktoKl(values)).toBeCloseTo(wanted.kl, 13)
      }
    })
})

const BETA = 0.3
const nlls: readonly NllOptions[] = [
  { alpha: 0.4, reduction: 'sum' },
  { alpha: 0.4, reduction: 'mean' },
  { alpha: 0.4, reduction: 'token-mean' },
]
const losses: readonly Loss[] = [
  slic({ delta: 1 }),
  slic({ delta: 2, beta: BETA, referenceFree: false, nll: nlls[0] }),
  sppo({ eta: 2 }),
  sppo({ eta: 2, form: 'printed' }),
  simpo({ beta: BETA, gamma: 0.5 }),
  simpo({ beta: 2, gamma: 1, labelSmoothing: 0.1, nll: nlls[2] }),
  dpop({ beta: BETA, lambda: 5 }),
  ...nlls.map((nll) => rpo({ beta: BETA, ...nll })),
  rpo({ beta: BETA, labelSmoothing: 0.2, referenceFree: true, ...nlls[0] }),
  calDpo({ beta: BETA }),
  ...nlls.map((nll) => orpo({ beta: BETA, nll })),
  orpo({ beta: BETA, nll: { alpha: 0, reduction: 'mean' } }),
  kto({ beta: BETA }),
  kto({ beta: BETA, desirableWeight: 1.5, undesirableWeight: 0.5 }),
  ...(['mean', 'quantile'] as const).flatMap((statistic) => [
    gateRejected(dpo({ beta: BETA }), { statistic, sharpness: 5, threshold: 0.3 }),
    gateRejected(ipo({ beta: BETA, reduction: 'sum' }), { statistic, sharpness: 20, threshold: 0.1 }),
    gateRejected(calDpo({ beta: BETA }), { statistic, sharpness: 20, threshold: 0.1 }),
  ]),
]

const next = numbers(17)
const LENGTHS = [4, 12, 1, 3, 12, 9]
/** Six sequences of unequal length; of pairs y⁺ and y⁻ in turn, for KTO two of each label. */
function draw(scale: number): LossValues {
  const rows = (): number[][] => LENGTHS.map(() => Array.from({ length: 12 }, () => -Math.abs(next()) * scale))
  const mask = LENGTHS.map((n) => Array.from({ length: 12 }, (_, l) => (l < n ? 1 : 0)))
  return { logp: rows(), ref: rows(), mask, fields: { label: [1, -1, 0, 0, 1, -1] } }
}

describe('the closed form c', () => {
  it("is autodiff's to 1e-9 of max(|c|, β), token by token, from mild margins to saturated ones", () => {
    for (const loss of losses)
      for (const scale of [0.01, 0.1, 3, 100]) {
        const values = draw(scale)
        const out = valueAndGrad(loss, values)
        loss
          .c(values)
          .flat()
          .forEach((c, i) => {
            const off = Math.abs(c + out['grads.logp'][i] * out['primal.count'][0])
            expect(off, `${loss.name} at scale ${scale}, entry ${i}`).toBeLessThan(1e-9 * Math.max(Math.abs(c), BETA))
          })
      }
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
          expect(Math.abs(c - parts.reduce((n, part) => n + part[i], 0))).toBeLessThanOrEqual(1e-10 * size)
        })
    }
  })

  it('names what acts: y⁻ alone is pushed by `rejected`, an NLL never touches it', () => {
    for (const loss of losses.filter(({ needs }) => needs.pairs)) {
      const { chosen, rejected, nll } = loss.directions(draw(3))
      const onSide = (rows: number[][] | undefined, side: number): number =>
        Math.max(0, ...(rows ?? []).filter((_, s) => s % 2 === side).flatMap((row) => row.map(Math.abs)))
      expect([onSide(chosen, 1), onSide(rejected, 0), onSide(nll, 1)]).toEqual([0, 0, 0])
    }
  })
})

describe('a batch with padding', () => {
  it('has the value, metrics and closed form of the batch without it', () => {
    const none = pairs.mask[0].map(() => 0)
    const padded = (rows: Rows): Rows => [...rows, none, none, none, none]
    for (const loss of losses) {
      const plain = loss.fields ? labelled : pairs
      const roomy: LossValues = {
        logp: padded(plain.logp),
        mask: padded(plain.mask),
        ref: padded(plain.ref!),
        fields: { label: [...(plain.fields?.label ?? []), 0, 0, 0, 0] },
      }
      const [a, b] = [valueAndGrad(loss, plain), valueAndGrad(loss, roomy)]
      for (const [path, values] of Object.entries(a))
        if (path !== 'grads.logp') expect(distance(b[path], values), `${loss.name} ${path}`).toBeLessThan(1e-13)
      const c = loss.c(roomy)
      expect(distance(c.slice(0, -4).flat(), loss.c(plain).flat())).toBeLessThan(1e-14)
      expect(c.slice(-4).flat().concat(b['grads.logp'].slice(-20)).every((v) => v === 0)).toBe(true)
    }
  })
})

/** One pair of one token each with log-ratios r⁺ and r⁻. */
const pair = (up: number, down: number): LossValues => ({
  logp: [[up - 50], [down - 50]],
  ref: [[-50], [-50]],
  mask: [[1], [1]],
})
const both = (loss: Loss, values: LossValues): number[] => loss.c(values).flat()
/** c by autodiff, of one pair. */
const slope = (loss: Loss, values: LossValues): number[] =>
  valueAndGrad(loss, values)['grads.logp'].map((g) => 0 - g)

describe('SPPO', () => {
  it('pushes y⁻ down, but only to r⁻ = −η/2, beyond which it pulls', () => {
    const loss = sppo({ eta: 10 })
    expect(both(loss, pair(0, 0))).toEqual([10, -10])
    expect(both(loss, pair(5, -5)).map(Math.abs)).toEqual([0, 0])
    expect(both(loss, pair(0, -6))[1]).toBe(2)
  })

  it('as the paper prints it has the opposite of both coefficients', () => {
    for (const [up, down] of [
      [0, 0],
      [2, -7],
    ]) {
      const [right, printed] = [sppoC(up, down, { eta: 10 }), sppoC(up, down, { eta: 10, form: 'printed' })]
      expect(printed).toEqual({ plus: -right.plus, minus: -right.minus })
      // eq. 22: G = 2(r⁺ − η/2)(π − y⁺) + 2(r⁻ + η/2)(π − y⁻)
      expect(printed).toEqual({ plus: 2 * (up - 5), minus: 2 * (down + 5) })
    }
  })
})

describe('kinks have the subgradient 0', () => {
  it('SLiC at Δ = δ, in autodiff and in closed form', () => {
    const at = pair(1, 0)
    const loss = slic({ delta: 1, referenceFree: false })
    expect([slope(loss, at), both(loss, at)].flat().map(Math.abs)).toEqual([0, 0, 0, 0])
    expect(both(loss, pair(0.999, 0))).toEqual([1, -1])
  })

  it('DPOP at r⁺ = 0: no penalty, and λ times more just below', () => {
    const loss = dpop({ beta: 0.1, lambda: 50 })
    expect(slope(loss, pair(0, 0))).toEqual([0.05, -0.05])
    expect(both(loss, pair(0, 0))).toEqual([0.05, -0.05])
    const below = loss.directions(pair(-1e-9, 0))
    expect(below.penalty![0][0] / below.chosen![0][0]).toBeCloseTo(50, 9)
  })
})

describe('RPO', () => {
  it('puts α on the NLL: the same pull whatever the margin, by sum, response mean or token mean', () => {
    const plus = (nll: NllOptions): number[][] => rpo({ beta: 0.1, ...nll }).directions(pairs).nll!
    const first = (rows: number[][]): number[] => [0, 2, 4].map((s) => rows[s][0])
    expect(first(plus({ alpha: 2, reduction: 'sum' }))).toEqual([2, 2, 2])
    expect(first(plus({ alpha: 2, reduction: 'mean' }))).toEqual([2 / 5, 2 / 3, 2])
    expect(first(plus({ alpha: 2, reduction: 'token-mean' }))).toEqual([6 / 9, 6 / 9, 6 / 9])
  })
})

describe('KTO', () => {
  it('leaves both kinds alone far from z, and never gives the mismatched a gradient', () => {
    const loss = kto({ beta: 0.5 })
    const batch = (r: number): LossValues => ({
      logp: [[r - 100], [r - 100], [-98]],
      ref: [[-100], [-100], [-100]],
      mask: [[1], [1], [1]],
      fields: { label: [1, -1, 0] },
    })
    expect(ktoKl(batch(0))).toBe(2)
    expect(both(loss, batch(2))).toEqual([0.125, -0.125, 0])
    for (const r of [-80, 80]) both(loss, batch(r)).forEach((c) => expect(Math.abs(c)).toBeLessThan(1e-12))
  })

  it('takes z = 0 where the estimate is negative or there is none', () => {
    expect(ktoKl({ ...labelled, logp: labelled.ref!.map((row) => row.map((v) => v - 1)) })).toBe(0)
    expect(ktoKl({ ...labelled, fields: { label: [1, -1, 1, -1, 1, -1, 1, -1, 1] } })).toBe(0)
  })

  it('says that it lacks labels, and that a batch lacks the reference', () => {
    expect(() => kto({ beta: 0.1 }).c(pairs)).toThrow(/kto: has no labels; give fields.label/)
    const spec = f32(2, 1)
    expect(() =>
      traceAs<{ logp: Tensor; mask: Tensor }>(
        (args) => ({ value: kto({ beta: 0.1 }).total({ ...args, fields: {} }) }),
        { logp: spec, mask: spec },
      ),
    ).toThrow(/kto: has no reference log-probs/)
  })
})

describe('the gate', () => {
  const options = { statistic: 'mean', sharpness: 50, threshold: 0.1 } as const

  it('leaves the value and y⁺ alone, and multiplies what pushes y⁻', () => {
    const inner = dpo({ beta: 0.1 })
    const loss = gateRejected(inner, options)
    expect(valueAndGrad(loss, pairs)['primal.value'][0]).toBeCloseTo(
      valueAndGrad(inner, pairs)['primal.value'][0],
      13,
    )
    const [gated, plain] = [loss.directions(pairs), inner.directions(pairs)]
    expect(gated.chosen).toEqual(plain.chosen)
    ;[1, 3, 5].forEach((s) => {
      const logp = pairs.logp[s].filter((_, l) => pairs.mask[s][l] !== 0)
      expect(gated.rejected![s][0]).toBeCloseTo(plain.rejected![s][0] * gateOf(logp, options), 15)
    })
  })

  it('is open where y⁻ is probable and shut in the valley', () => {
    const of = (p: number): number => gateOf([Math.log(p), Math.log(p)], options)
    expect(of(0.1)).toBeCloseTo(0.5, 12)
    expect(of(0.3)).toBeGreaterThan(0.999)
    expect(of(1e-6)).toBeLessThan(0.007)
  })

  it("takes torch's 10 % quantile: linear between the order statistics", () => {
    const logp = [0.5, 0.2, 0.9, 0.4, 0.8, 0.7].map(Math.log)
    // torch.quantile([.2, .4, .5, .7, .8, .9], 0.1) = 0.3
    const g = gateOf(logp, { statistic: 'quantile', sharpness: 4, threshold: 0.3 })
    expect(g).toBeCloseTo(0.5, 12)
  })

  it('has nothing to gate in a loss without pairs', () => {
    expect(() => gateRejected(sft({ reduction: 'sum' }), options)).toThrow(/sft has no pairs, so nothing to gate/)
  })
})

describe('options out of range', () => {
  it('are refused by name', () => {
    const nll = { alpha: -1, reduction: 'mean' } as const
    const refused: readonly (readonly [() => Loss, RegExp])[] = [
      [() => slic({ delta: 0 }), /slic: delta is 0/],
      [() => slic({ delta: 1, nll }), /slic: lambda is -1/],
      [() => sppo({ eta: -1 }), /sppo: eta is -1/],
      [() => simpo({ beta: 0, gamma: 1 }), /simpo: beta is 0/],
      [() => simpo({ beta: 1, gamma: -1 }), /simpo: gamma is -1/],
      [() => dpop({ beta: 0.1, lambda: NaN }), /dpop: lambda is NaN/],
      [() => rpo({ beta: 0.1, ...nll }), /rpo: alpha is -1/],
      [() => rpo({ beta: 0.1, alpha: 1, reduction: 'sum', labelSmoothing: 0.5 }), /labelSmoothing is 0.5/],
      [() => calDpo({ beta: 0 }), /cal-dpo: beta is 0/],
      [() => orpo({ beta: 0 }), /orpo: beta is 0/],
      [() => kto({ beta: 0.1, undesirableWeight: -1 }), /kto: undesirableWeight is -1/],
      [
        () => gateRejected(dpo({ beta: 1 }), { statistic: 'mean', sharpness: 0, threshold: 0.1 }),
        /gate-dpo: sharpness is 0/,
      ],
    ]
    refused.forEach(([make, message]) => expect(make).toThrow(message))
  })
})
