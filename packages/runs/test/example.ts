// A small run that every test can make: 2 probe rows × 2 types, one response absent.
import { layOutProbes } from '../src/index.ts'
import type { NewRun } from '../src/node/index.ts'

export const newRun: NewRun = {
  id: 'test-run', created: '2026-11-22T12:00:00.000Z', argv: ['train', '--seed', '7'], config: { lr: 1e-4 }, seed: 7,
  environment: { node: '20.20.2', platform: 'linux-x64', cpu: 'test', ldyn: '0.1.0' },
  backend: { name: 'reference', device: 'cpu', version: '0.1.0' },
  model: { path: 'model', hash: 'sha256:00', params: 10 }, tokenizer: { hash: 'sha256:01' },
  datasets: [{ path: 'data.jsonl', hash: 'sha256:02', rows: 4 }],
  stages: [{ name: 'sft', loss: 'sft', updates: 10 }, { name: 'dpo', loss: 'dpo', updates: 10 }],
  columns: { metrics: ['logp', 'entropy'], tokens: ['logp'] },
}

/** Columns: row 0 chosen (3 tokens), row 0 rejected (2), row 1 chosen (4), row 1 rejected (absent). */
export const probes = layOutProbes(
  [
    { prompt: 'p0', group: 'a', responses: { chosen: 'yes sir', rejected: 'no' } },
    { prompt: 'p1', group: 'b', responses: { chosen: 'of course' } },
  ],
  ['chosen', 'rejected'],
  (row, type) => [[3, 2], [4, 0]][row][type === 'chosen' ? 0 : 1],
)

/** What a deterministic trainer would give at this step. */
export const scalarsAt = (step: number) => ({ loss: 1 / (step + 1), grad_norm: Math.sqrt(step + 1) })

export const valuesAt = (step: number) => ({
  metrics: {
    logp: Float32Array.of(-3 - step, -2 - step / 2, -8 - step, NaN),
    entropy: Float32Array.of(1.5, 2.5, 3.5 + step, NaN),
  },
  tokens: { logp: Float32Array.from({ length: 9 }, (_, i) => -(i + step) / 3) },
})

export const stageAt = (step: number) => step <= 10 ? 'sft' : 'dpo'
