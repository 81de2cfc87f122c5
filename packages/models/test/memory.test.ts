// Alone in its file, and so in its process: what is measured is the peak of the whole process.
import { expect, it } from 'vitest'
import { openModel } from '../src/node/index.ts'
import { pretrained, whySkipped } from './evaluating.ts'

const skipped = whySkipped(pretrained)

it.skipIf(skipped !== undefined)(`holds at most 1.3 × the f32 model while all of it is loaded and kept${skipped ? ` (${skipped})` : ''}`, async () => {
  const before = process.memoryUsage().rss
  const started = performance.now()
  await using checkpoint = await openModel(pretrained)
  const kept: Float32Array[] = []
  for await (const { tensor } of checkpoint.tensors()) kept.push(tensor.data)
  const bytes = kept.reduce((n, { byteLength }) => n + byteLength, 0)
  const peak = process.resourceUsage().maxRSS * 1024 - before
  console.info(`135M parameters in ${((performance.now() - started) / 1000).toFixed(2)} s, peak ${(peak / bytes).toFixed(2)} × f32`)
  expect(bytes).toBe(134515008 * 4)
  expect(peak / bytes).toBeLessThan(1.3)
})
