import { jvp, mapTree, type HostTensor, type Tree } from '@ldyn/tensor'
import { describe, expect, it } from 'vitest'
import { filled, numbers, pack, run, toyModel } from '../../test/toy.ts'
import { dpo } from '../losses/dpo.ts'
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
const loss = dpo({ beta: 0.5, referenceFree: true })

describe('a jvp along the applied update', () => {
  const rules: readonly (readonly [Optimizer, number])[] = [
    [sgd(), 0.05],
    [rmsprop(), 1e-3],
    [adamw({ weightDecay: 0.1 }), 4e-3],
  ]
  rules.forEach(([optimizer, eta]) =>
    it(`predicts Δlog π to second order in η: ${optimizer.name}, clipped`, () => {
      const step = trainStep({ model, shape, loss, optimizer, maxGradNorm: 0.5, delta: true })
      const state = zerosOf(stateSpecs(optimizer, model.params))
      const residual = (lr: number): number => {
        const out = run(step, { params, state, batch, hyper: optimizer.hyper(0, lr) })
        const tree = (at: string): Tree<HostTensor> =>
          mapTree<HostTensor, HostTensor>(params, (t, path) => ({
            ...t,
            data: Float64Array.from(out[`${at}.${path}`]),
          }))
        const before = run(along, { params, batch, tangent: { params: tree('delta') } })
        const after = run(forward, { params: tree('params'), batch }).logp
        return Math.hypot(...after.map((a, i) => a - before['primal.logp'][i] - before['tangent.logp'][i]))
      }
      const r = Array.from({ length: 7 }, (_, i) => residual(eta / 2 ** i))
      // Slope of log residual over log η, from the first to the last of six halvings.
      expect(Math.abs(Math.log2(r[0] / r[6]) / 6 - 2)).toBeLessThan(0.05)
    }),
  )
})
