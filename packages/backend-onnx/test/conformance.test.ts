import { describeBackend } from '@ldyn/testkit'
import { onnxBackend } from '../src/index.ts'

describeBackend({ name: 'onnx', create: () => onnxBackend({ spin: false }) })
