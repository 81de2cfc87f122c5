import { describeBackend } from '@ldyn/testkit'
import { tfjsBackend } from '../src/index.ts'

describeBackend({ name: 'tfjs', create: () => tfjsBackend({ variant: 'node' }) })
