import { useVulkan } from '@ldyn/software-gpu'
import {
  evaluate,
} from '@ldyn/tensor/reference'
import { f32, layerNorm, logSoftmax, logSumExp, rmsNorm, softmax, trace, type HostTensor, type Tensor } from '@ldyn/tensor'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ROW_OPS, rowWise } from '../src/kernels/rows.ts'
import { scatterAdd } from '../src/kernels/scatter.ts'
import { plainLimits, run, softwareDevice } from './device.ts'

const reason = useVulkan()
const values = (n: number, seed = 1): Float32Array =>
  Float32Array.from({ length: n }, (_, i) => Math.sin(i * 12.9898 + seed) * 3)

describe.skipIf(reason !== undefined)(`kernels by rows ${reason ?? ''}`, () => {
  let device: GPUDevice
  beforeAll(async () => (device = await softwareDevice()))
  afterAll(() => device.destroy())
  const twins: Record<keyof typeof ROW_OPS, (x: Tensor, g: Tensor, b: Tensor) => Tensor> = {
    softmax, logSoftmax, logSumExp,
    rmsNorm: (x, g) => rmsNorm(x, g, 1e-6),
    layerNorm: (x, g, b) => layerNorm(x, g, b, 1e-5),
  }
  const host = (shape: number[], data: Float32Array): HostTensor => ({ shape, dtype: 'f32', data })

  for (const name of Object.keys(ROW_OPS) as (keyof typeof ROW_OPS)[]) {
    it.each([[3, 1], [5, 7], [2, 300], [70, 20]])(`${name} of %i rows of %i`, async (rows, width) => {
      const [x, g, b] = [values(rows * width), values(width, 2), values(width, 3)]
      if (width > 2) x[1] = -1e30
      const specs = { x: f32(rows, width), g: f32(width), b: f32(width) }
      const program = trace((v: { x: Tensor; g: Tensor; b: Tensor }) => twins[name](v.x, v.g, v.b), specs)
      if (name.endsWith('Norm')) x[1 % x.length] = 0.5
      const given = { x: host([rows, width], x), g: host([width], g), b: host([width], b) }
      const want = evaluate(program, given) as HostTensor
      const op = ROW_OPS[name](width, name === 'rmsNorm' ? 1e-6 : 1e-5)
      for (const limits of [plainLimits, { ...plainLimits, software: true, maxBindingBytes: 80 * 1024 }]) {
        const [y] = await run(device, rowWise(op, rows, width, limits), [x, g, b], [want.data.length])
        y.forEach((v, i) => expect(Math.abs(v - want.data[i])).toBeLessThan(2e-5 * Math.max(1, Math.abs(want.data[i]))))
      }
    })
  }
  it('scatterAdd adds repeated indices up, leaves other rows 0, and reads large operands by windows', async () => {
    const shapes = [[40, 3, 7, 2 ** 27], [0, 3, 5, 2 ** 27], [300, 1, 1, 2 ** 27], [130, 20, 90, 4096]]
    for (const [n, width, rows, bytes] of shapes) {
      const idx = Int32Array.from({ length: n }, (_, i) => (i * i + 3 * i) % rows)
      const upd = Float32Array.from({ length: n * width }, (_, i) => (i % 17) - 8)
      const want = new Float32Array(rows * width)
      upd.forEach((v, i) => (want[idx[Math.floor(i / width)] * width + (i % width)] += v))
      const lowering = scatterAdd(n, width, rows, { ...plainLimits, maxBindingBytes: bytes })
      const [y] = await run(device, lowering, [idx, upd], [rows * width])
      expect(y).toEqual(want)
    }
  })
})
