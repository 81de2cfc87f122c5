/** Every loss on every backend: value, metrics and the gradient by token log-prob, f32 beside f64. */
import { grad, f32, hostTensor, leaves, type Backend, type DeviceTensor, type Tensor } from '@ldyn/tensor'
import { referenceBackend } from '@ldyn/tensor/reference'
import { lossValue, traceAs, type Loss } from '@ldyn/core'
import { lossOf, type LossConfig } from '@ldyn/lab'
import { describe, expect, it } from 'vitest'
import { backends } from './support/golden.ts'

const pair = { beta: 0.3, labelSmoothing: 0, referenceFree: false } as const
const nll = { alpha: 0.4, reduction: 'mean' } as const
const LOSSES: readonly LossConfig[] = [
  { name: 'sft', reduction: 'token-mean' },
  { name: 'dpo', ...pair, labelSmoothing: 0.1 },
  { name: 'dpo', ...pair, gate: { statistic: 'mean', sharpness: 5, threshold: 0.3 } },
  { name: 'dpo', ...pair, gate: { statistic: 'quantile', sharpness: 5, threshold: 0.3 } },
  { name: 'ipo', ...pair, reduction: 'mean' },
  { name: 'slic', delta: 1, ...pair, alpha: 0.4, reduction: 'sum' },
  { name: 'sppo', beta: 0.3, form: 'true' },
  { name: 'simpo', beta: 2, gamma: 1, labelSmoothing: 0, ...nll },
  { name: 'dpop', beta: 0.3, lambda: 5 },
  { name: 'rpo', ...pair, alpha: 0.4, reduction: 'token-mean' },
  { name: 'cal-dpo', beta: 0.3 },
  { name: 'orpo', beta: 0.3, ...nll },
  { name: 'kto', beta: 0.3, desirableWeight: 1, undesirableWeight: 1.5 },
]

const [S, L] = [6, 12]
const LENGTHS = [4, 12, 1, 3, 12, 9]
/** Log-probs of about −scale a token, on a grid that f32 holds exactly. */
const draw = (scale: number, seed: number): Float32Array =>
  Float32Array.from({ length: S * L }, (_, i) => -scale * (Math.round(900 + 800 * Math.sin(seed + i * i)) / 1024))
const mask = Float32Array.from({ length: S * L }, (_, i) => (i % L < LENGTHS[Math.floor(i / L)] ? 1 : 0))

async function outputs(backend: Backend, loss: Loss, scale: number): Promise<Record<string, number[]>> {
  type Inputs = { logp: Tensor; mask: Tensor; ref: Tensor; fields?: Record<string, Tensor> }
  const rows = f32(S, L)
  const specs = { logp: rows, mask: rows, ref: rows, ...(loss.fields ? { fields: loss.fields(S, L) } : {}) }
  const program = traceAs<Inputs>(({ fields = {}, ...args }) => {
    const all = { ...args, fields }
    return { value: lossValue(loss, all), ...loss.metrics?.(all) }
  }, specs)
  using executable = await backend.compile(grad(program, { wrt: 'logp', of: 'value' }))
  const given = {
    logp: hostTensor(draw(scale, 1), [S, L]),
    mask: hostTensor(mask, [S, L]),
    ref: hostTensor(draw(scale, 2), [S, L]),
    ...(loss.fields ? { fields: { label: hostTensor(Float32Array.of(1, -1, 0, 0, 1, -1), [S]) } } : {}),
  }
  const found: Record<string, number[]> = {}
  for (const { path, value } of leaves(await executable.run(given))) {
    found[path] = Array.from((await backend.read(value as DeviceTensor)).data)
    value.dispose()
  }
  return found
}

describe.each(backends)('losses on $name', ({ create }) => {
  it.each(LOSSES.map((config) => [lossOf(config).name, config] as const))('%s %o', async (_, config) => {
    await using backend = await create()
    const loss = lossOf(config)
    for (const scale of [1 / 1024, 1, 20]) {
      const [got, want] = [await outputs(backend, loss, scale), await outputs(referenceBackend(), loss, scale)]
      for (const [path, values] of Object.entries(want)) {
        const size = Math.max(...values.map(Math.abs), 1e-6)
        const off = Math.max(...values.map((v, i) => Math.abs(v - got[path][i]))) / size
        expect(off, `${path} at scale ${scale}`).toBeLessThan(2e-5)
      }
    }
  })
})
