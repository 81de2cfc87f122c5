import { f32, jvp, mapTree, type HostTensor, type Tree } from '@ldyn/tensor'
import { describe, expect, it } from 'vitest'
import { filled, numbers, pack, run, toyModel } from '../../test/toy.ts'
import { calDpo } from '../losses/cal-dpo.ts'
import { dpo } from '../losses/dpo.ts'
import { dpop } from '../losses/dpop.ts'
import { gateRejected } from '../losses/gate.ts'
import { ipo } from '../losses/ipo.ts'
import { kto } from '../losses/kto.ts'
import type { Loss } from '../losses/loss.ts'
import { orpo } from '../losses/orpo.ts'
import { rpo } from '../losses/rpo.ts'
import { sft } from '../losses/sft.ts'
import { simpo } from '../losses/simpo.ts'
import { slic } from '../losses/slic.ts'
import { sppo } from '../losses/sppo.ts'
import { adamw } from '../optim/adam.ts'
import { rmsprop } from '../optim/rmsprop.ts'
import type { Optimizer } from '../optim/rule.ts'
import { sgd } from '../optim/sgd.ts'
import { stateSpecs } from '../optim/step.ts'
import { zerosOf } from './accumulate.ts'
import { logProbProgram } from './forward.ts'
import { trainStep } from './train.ts'

const shape = { rows: 2, length: 8, reads: 11, sequences: 4, tokens: 3 }
const batch = pack(
  [
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
  ],
  shape,
)
const model = toyModel()
const params = filled(model.params, numbers(5))
const forward = logProbProgram(model, shape)
const along = jvp(forward, { wrt: 'params' })
const ref: HostTensor = {
  ...f32(4, 3),
  data: Float64Array.from(run(forward, { params: filled(model.params, numbers(6)), batch }).logp),
}
const label: HostTensor = { ...f32(4), data: Float64Array.from([1, 0, -1, 0]) }

interface Given {
  readonly loss: Loss
  readonly optimizer: Optimizer
  readonly eta: number
  readonly maxGradNorm?: number
}

/** Slope of log ‖actual − predicted‖ over log η, from the first to the last of six halvings. */
function order({ loss, optimizer, eta, maxGradNorm }: Given): number {
  const step = trainStep({ model, shape, loss, optimizer, maxGradNorm, delta: true })
  const state = zerosOf(stateSpecs(optimizer, model.params))
  const residual = (lr: number): number => {
    const inputs = { ...batch, ref, label }
    const out = run(step, { params, state, batch: inputs, hyper: optimizer.hyper(0, lr) })
    const tree = (at: string): Tree<HostTensor> =>
      mapTree<HostTensor, HostTensor>(params, (t, path) => ({ ...t, data: Float64Array.from(out[`${at}.${path}`]) }))
    const before = run(along, { params, batch, tangent: { params: tree('delta') } })
    const after = run(forward, { params: tree('params'), batch }).logp
    return Math.hypot(...after.map((a, i) => a - before['primal.logp'][i] - before['tangent.logp'][i]))
  }
  return Math.log2(residual(eta) / residual(eta / 64)) / 6
}

describe('a jvp along the applied update predicts Δlog π to second order in η', () => {
  const rules: readonly (readonly [Optimizer, number])[] = [
    [sgd(), 0.05],
    [rmsprop(), 1e-3],
    [adamw({ weightDecay: 0.1 }), 4e-3],
  ]
  for (const [optimizer, eta] of rules)
    it(`under ${optimizer.name}, clipped`, () => {
      const loss = dpo({ beta: 0.5, referenceFree: true })
      expect(Math.abs(order({ loss, optimizer, eta, maxGradNorm: 0.5 }) - 2)).toBeLessThan(0.05)
    })

  const losses: readonly Loss[] = [
    sft({ reduction: 'token-mean' }),
    dpo({ beta: 0.5, labelSmoothing: 0.1 }),
    ipo({ beta: 0.5, reduction: 'mean' }),
    slic({ delta: 20, nll: { alpha: 0.5, reduction: 'sum' } }),
    sppo({ eta: 2 }),
    sppo({ eta: 2, form: 'printed' }),
    simpo({ beta: 2, gamma: 1 }),
    dpop({ beta: 0.5, lambda: 5 }),
    rpo({ beta: 0.5, alpha: 1, reduction: 'mean' }),
    calDpo({ beta: 0.2 }),
    orpo({ beta: 1 }),
    kto({ beta: 0.5 }),
    gateRejected(dpo({ beta: 0.5 }), { statistic: 'quantile', sharpness: 5, threshold: 0.2 }),
  ]
  for (const loss of losses)
    it(`of ${loss.name}`, () => {
      // Clipped, so that every loss moves by the same length whatever its scale.
      const found = order({ loss, optimizer: sgd(), eta: 0.1, maxGradNorm: 0.3 })
      expect(Math.abs(found - 2), String(found)).toBeLessThan(0.05)
    })
})
