/**
 * The suite on the reference itself (exact), on the reference rounded to f32 at every node (an honest
 * backend), and on
 * the reference behind a port (what `remoteBackend` must not change).
 */
import { MessageChannel } from 'node:worker_threads'
import { remoteBackend, serveBackend } from '@ldyn/tensor'
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

describeBackend({
  name: 'reference behind a port',
  create: async () => {
    const { port1, port2 } = new MessageChannel()
    void serveBackend(port2, Promise.resolve(referenceBackend()))
    return await remoteBackend(port1)
  },
  programs: 10,
})
