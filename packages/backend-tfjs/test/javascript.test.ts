import { describeBackend } from '@ldyn/testkit'
import { tfjsBackend } from '../src/index.ts'

describeBackend({ name: 'tfjs:cpu', create: () => tfjsBackend({ variant: 'cpu' }) })
