import { useVulkan } from '@ldyn/software-gpu'
import { evaluate } from '@ldyn/tensor/reference'
import { f32, i32, tokenLogProb as logProb, tokenStats as stats, trace, vjp, type HostTensor, type Tensor, type Tree } from '@ldyn/tensor'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { tokenLogProb, tokenLogProbBackward, tokenStats } from '../src/kernels/head.ts'
import { plainLimits, run, softwareDevice } from './device.ts'

const reason = useVulkan()
const values = (n: number, seed: number): Float32Array =>
  Float32Array.from({ length: n }, (_, i) => Math.sin(i * 12.9898 + seed * 7.7) * 1.5)

describe.skipIf(reason !== undefined)(`the head without logits ${reason ?? ''}`, () => {
  let device: GPUDevice
  beforeAll(async () => (device = await softwareDevice()))
  afterAll(() => device.destroy())

  // The second reads the head by windows and, backward, takes the vocabulary in two ranges.
  it.each([[3, 5, 1, 2 ** 27], [70, 12, 150, 9000 * 4]])(
    '%i rows of %i, vocabulary %i, bindings of %i bytes', async (rows, width, vocabulary, maxBindingBytes) => {
      const limits = { ...plainLimits, maxBindingBytes: vocabulary > 100 ? 1800 * 4 + 256 : maxBindingBytes }
      const shape = { rows, width, vocabulary }
      const [h, w, g] = [values(rows * width, 1), values(vocabulary * width, 2), values(rows, 3)]
      // One row all but certain of its target.
      h.fill(6, 0, width)
      if (vocabulary > 1) w.fill(1, width, 2 * width)
      const y = Int32Array.from({ length: rows }, (_, i) =>
        i === 0 ? Math.min(1, vocabulary - 1) : (i * 7) % vocabulary)
      const floats = (dims: number[], data: Float32Array): HostTensor => ({ shape: dims, dtype: 'f32', data })
      const inputs = {
        h: floats([rows, width], h), w: floats([vocabulary, width], w), y: { shape: [rows], dtype: 'i32', data: y } as HostTensor,
      }
      const specs = { h: f32(rows, width), w: f32(vocabulary, width), y: i32(rows) }
      const close = (got: ArrayLike<number>, want: HostTensor): void => {
        for (let i = 0; i < got.length; i++)
          expect(Math.abs(got[i] - want.data[i])).toBeLessThan(1e-4 * Math.max(1, Math.abs(want.data[i])))
      }
      const program = trace((x: Record<string, Tensor>) => logProb(x.h, x.w, x.y), specs)
      const exact = evaluate(vjp(program, { wrt: ['h', 'w'] }), { ...inputs, cotangent: floats([rows], g) }) as {
        primal: HostTensor; grads: { h: HostTensor; w: HostTensor }
      }
      const [logp] = await run(device, tokenLogProb(shape, limits), [h, w, y], [rows])
      close(logp, exact.primal)
      const both = tokenLogProbBackward(shape, { hidden: true, head: true }, limits)
      const [dh, dw] = await run(device, both, [h, w, y, g], [rows * width, vocabulary * width])
      close(dh, exact.grads.h)
      close(dw, exact.grads.w)
      const followed = trace((x: Record<string, Tensor>) => stats(x.h, x.w, x.y) as unknown as Tree<Tensor>, specs)
      const all = evaluate(followed, inputs) as Record<string, HostTensor>
      const got = await run(device, tokenStats(shape, limits), [h, w, y], Array<number>(7).fill(rows))
      const names = ['logp', 'argmaxLogp', 'restLogp', 'entropy', 'piSquared', 'pError']
      names.forEach((name, i) => close(got[i], all[name]))
      expect([...new Int32Array(got[6].slice().buffer)]).toEqual([...all.argmax.data])
    }, 300_000)
})

it('refuses a head of which not one tile of rows fits a binding, and says so', () => {
  const shape = { rows: 3, width: 1000, vocabulary: 100 }
  expect(() => tokenLogProb(shape, { ...plainLimits, maxBindingBytes: 4096 })).toThrow(/need 256000 bytes.* binds at most 4096/)
})
