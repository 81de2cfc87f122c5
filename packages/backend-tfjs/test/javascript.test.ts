import { describeBackend } from '@ldyn/testkit'
import { tfjsBackend } from '../src/index.ts'

describeBackend({
  name: 'tfjs:cpu',
  create: () => tfjsBackend({ variant: 'cpu' }),
  skip: [
    {
      reason: 'plain JavaScript is right on a table of 136 MiB, but takes up to a minute on a busy machine',
      tests: ['a table above 128 MiB: rows taken, rows added to, and a product with all of it'],
    },
  ],
})
