import { hostTensor, show, trace, type Backend, type OpName } from '@ldyn/tensor'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { onnxBackend } from '../src/index.ts'
import { cases, randomTensor, uniform } from './cases.ts'
import { expectLikeReference } from './compare.ts'

describe.each(['basic', 'all'] as const)(
  'every op gives what the f64 reference gives (optimization %s)',
  (optimization) => {
    let backend: Backend
    beforeAll(async () => {
      backend = await onnxBackend({ optimization, spin: false })
    })
    afterAll(() => backend.dispose())

    describe.each(Object.keys(cases) as OpName[])('%s', (op) => {
      it.each(cases[op].map((c, i) => ({ c, name: `${i}: ${c.specs.map(show).join(' ') || 'no input'}` })))(
        '$name',
        async ({ c }) => {
          const random = uniform(7)
          const inputs = c.specs.map((s, i) => {
            const values = c.values?.[i]
            return values ? hostTensor(values, s.shape, s.dtype) : randomTensor(s, random, c.positive)
          })
          await expectLikeReference(
            backend,
            trace((x) => c.f(...x), [...c.specs]),
            inputs,
          )
        },
      )
    })
  },
)
