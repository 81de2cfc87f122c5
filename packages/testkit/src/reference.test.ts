/** The suite on the reference itself (exact), and on the reference rounded to f32 at every node (an honest backend). */
import { referenceBackend } from '@ldyn/tensor/reference'
import { describeBackend } from './index.ts'

describeBackend({ name: 'reference', create: () => referenceBackend(), programs: 20 })

describeBackend({
  name: 'reference rounded to f32',
  create: () =>
    referenceBackend({
      onValue: (_, value, { dtype }) => {
        if (dtype === 'f32') for (let i = 0; i < value.length; i++) value[i] = Math.fround(value[i])
      },
    }),
})
