import { useVulkan } from '@ldyn/software-gpu'
import { evaluate } from '@ldyn/tensor/reference'
import { attention as op, f32, i32, trace, vjp, type HostTensor, type Tensor } from '@ldyn/tensor'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { attention, attentionBackward, type AttentionShape } from '../src/kernels/attention.ts'
import { plainLimits, run, softwareDevice } from './device.ts'

const reason = useVulkan()
const values = (n: number, seed: number): Float32Array =>
  Float32Array.from({ length: n }, (_, i) => Math.sin(i * 12.9898 + seed * 7.7) * 1.3)
const shape = (s: Partial<AttentionShape>): AttentionShape => ({
  batch: 1, heads: 1, groups: 1, length: 5, width: 4, scale: 0.4, causal: true, segments: false, ...s,
})
// Few, because a software driver takes seconds to compile a kernel with barriers. The first is cut into two windows.
const cases: AttentionShape[] = [
  shape({ batch: 2, heads: 2, length: 37, width: 8 }),
  shape({ batch: 1, heads: 4, groups: 2, length: 70, width: 36, segments: true }),
  shape({ length: 33, width: 6, causal: false }),
]

describe.skipIf(reason !== undefined)(`attention in blocks ${reason ?? ''}`, () => {
  let device: GPUDevice
  beforeAll(async () => (device = await softwareDevice()))
  afterAll(() => device.destroy())

  it.each(cases)('forward and backward as in f64: %j', async (s) => {
    const { batch: b, heads, groups, length: t, width: d } = s
    const sizes = { q: [b, heads, t, d], k: [b, groups, t, d], v: [b, groups, t, d] }
    const host = Object.fromEntries(Object.entries(sizes).map(([name, dims], n): [string, HostTensor] =>
      [name, { shape: dims, dtype: 'f32', data: values(dims.reduce((x, y) => x * y), n) }]))
    // A prompt of a third, then responses of unequal lengths, one of them ending inside a block.
    const segments = Int32Array.from({ length: b * t }, (_, i) =>
      i % t < t / 3 ? 0 : 1 + Math.floor(((i % t) - t / 3) / (7 + Math.floor(i / t))))
    const specs = { q: f32(...sizes.q), k: f32(...sizes.k), v: f32(...sizes.v), segments: i32(b, t) }
    const program = trace((x: Record<string, Tensor>) => op(x.q, x.k, x.v, {
      scale: s.scale, causal: s.causal, ...(s.segments ? { segments: x.segments } : {}),
    }), specs)
    const g: HostTensor = { shape: sizes.q, dtype: 'f32', data: values(b * heads * t * d, 9) }
    const ids: HostTensor = { shape: [b, t], dtype: 'i32', data: segments }
    const want = evaluate(vjp(program, { wrt: ['q', 'k', 'v'] }), { ...host, segments: ids, cotangent: g }) as {
      primal: HostTensor; grads: Record<string, HostTensor>
    }
    const close = (got: Float32Array, exact: HostTensor): void => {
      let worst = 0
      got.forEach((v, i) => (worst = Math.max(worst, Math.abs(v - exact.data[i]))))
      expect(worst).toBeLessThan(3e-5)
    }
    const inputs = [host.q, host.k, host.v].map((x) => x.data as Float32Array)
    const windows = { ...plainLimits, maxBindingBytes: Math.max(256 * 4, b * heads * t * d * 3) }
    const limits = b > 1 ? windows : plainLimits
    const [y] = await run(device, attention(s, limits), [...inputs, segments], [b * heads * t * d])
    close(y, want.primal)
    const out = [b * heads * t * d, b * groups * t * d, b * groups * t * d]
    const back = await run(device, attentionBackward(s, limits), [...inputs, y, g.data as Float32Array, segments], out)
    ;['q', 'k', 'v'].forEach((name, i) => close(back[i], want.grads[name]))
  }, 300_000)
})
