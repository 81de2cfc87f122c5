import { describeBackend } from '@ldyn/testkit'
import { tfjsBackend } from '../src/index.ts'

describeBackend({ name: 'tfjs:wasm', create: () => tfjsBackend({ variant: 'wasm' }) })
