// A small run, written by the real writer, for tests of whatever reads one. Values rise with the step, so that
// each can be told from its neighbours.
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writeSafetensorsFile } from '@ldyn/formats/node'
import { layOutProbes } from '@ldyn/runs'
import { createRun, type NewRun, type RunWriter } from '@ldyn/runs/node'

export const TYPES = ['chosen', 'rejected', 'irr_train'] as const
export const PROBES = 4

const BANDS = ['mass_1', 'mass_2_5', 'mass_6_20', 'mass_21_100', 'mass_rest']

const manifest: NewRun = {
  id: 'dpo-a3f9',
  created: '2026-11-22T12:00:00.000Z',
  argv: ['train'],
  config: { lr: 5e-7, stages: [{ name: 'sft' }] },
  seed: 7,
  environment: { node: '20', platform: 'linux-x64', cpu: 'test', ldyn: '0.1.0' },
  backend: { name: 'onnx', device: 'cpu', version: '1.30.0' },
  model: { path: '/models/pythia-14m', hash: 'sha256:00', params: 14_067_712 },
  tokenizer: { hash: 'sha256:01' },
  datasets: [{ path: '/data/prefs.jsonl', hash: 'sha256:02', rows: 40 }],
  stages: [
    { name: 'sft', loss: 'sft', updates: 20 },
    { name: 'dpo', loss: 'dpo', updates: 20 },
  ],
  columns: { metrics: ['logp', 'argmax_logp', 'entropy', 'energy', 'a_norm', ...BANDS], tokens: [] },
}

/** What a probe column holds after `step` updates; sums fall, so that they look like log-probabilities. */
export const valueAt = (metric: string, column: number, step: number): number => {
  if (metric === 'mass_1') return 0.4 + step / 200
  if (metric.startsWith('mass_')) return (0.6 - step / 200) / 4
  if (metric === 'energy') return 0.8 + step / 400
  if (metric === 'a_norm') return 30 + step / 10
  return metric === 'entropy' ? 2 - step / 100 : -20 - column - step / 4
}

export const probes = layOutProbes(
  Array.from({ length: PROBES }, (_, i) => ({
    prompt: `Question ${i}? <script>alert(${i})</script>`,
    group: `g${i}`,
    responses: Object.fromEntries(TYPES.map(type => [type, `${type} ${i}`])),
  })),
  [...TYPES],
  (row, type) => (row === 3 && type === 'rejected' ? 0 : 5 + row),
)

/** Appends one evaluation and one line of the log. */
export const addStep = async (
  writer: RunWriter,
  step: number,
  stage = step <= 20 ? 'sft' : 'dpo',
): Promise<void> => {
  if (step > 0) await writer.scalars(step, stage, { loss: 1 / (1 + step), learning_rate: 5e-7 })
  const absent = new Set(probes.absent)
  await writer.probes(step, stage, {
    metrics: Object.fromEntries(
      manifest.columns.metrics.map(metric => [
        metric,
        Float32Array.from(probes.columns, (_, i) => (absent.has(i) ? 0 : valueAt(metric, i, step))),
      ]),
    ),
  })
}

/** A directory of runs that is removed after use. */
export const withRoot = async <T>(use: (root: string) => Promise<T>): Promise<T> => {
  const root = await mkdtemp(join(tmpdir(), 'ldyn-view-'))
  try {
    return await use(root)
  } finally {
    await rm(root, { recursive: true, force: true, maxRetries: 3 })
  }
}

/** Begins a run with these evaluations; it goes on until the writer is closed. */
export const beginRun = async (directory: string, steps: readonly number[]): Promise<RunWriter> => {
  const writer = await createRun(directory, manifest, probes)
  for (const step of steps) await addStep(writer, step)
  return writer
}

/** An update taken apart, as the trainer records it: two directions that add up to what was predicted. */
export const addUpdate = (writer: RunWriter, step: number): Promise<void> =>
  writer.decomposition(step, step <= 20 ? 'sft' : 'dpo', {
    rows: [1, 7],
    lr: 5e-7,
    grad_norm: 12,
    clip_factor: 0.5,
    residual: 0.01,
    probes: [0, 1].flatMap(row =>
      TYPES.map((type, t) => ({
        row,
        type,
        actual: 0.5 - t * 0.4 + row * 0.01,
        predicted: 0.5 - t * 0.4,
        directions: { chosen: 0.6 - t * 0.1, rejected: -0.1 - t * 0.3 },
      })),
    ),
  })

/** Kernels beside a run, as `ldyn kernel … --out` leaves them. */
export const addKernels = async (directory: string): Promise<void> => {
  const pairs = [0, 1].flatMap(row => TYPES.map(type => ({ row, type, tokens: 5 })))
  const n = pairs.length
  await mkdir(join(directory, 'kernel'), { recursive: true })
  await writeSafetensorsFile(
    join(directory, 'kernel', 'gram.safetensors'),
    [
      {
        name: 'gram',
        shape: [n, n],
        dtype: 'F64',
        data: Float64Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 4 : -1)),
      },
    ],
    {
      metadata: {
        schema: 'ldyn.kernel/1',
        model: 'm',
        params: 'all',
        per: 'response',
        probes: JSON.stringify(pairs),
      },
    },
  )
  await writeSafetensorsFile(
    join(directory, 'kernel', 'tokens.safetensors'),
    [{ name: 'C', shape: [2, 3], dtype: 'F64', data: Float64Array.of(1e-5, -2e-5, 0, 3e-6, 4e-6, -5e-6) }],
    {
      metadata: {
        loss: 'dpo',
        lr: '0.000001',
        observe: JSON.stringify({
          row: 'p.jsonl#0',
          type: 'rejected',
          tokens: [{ text: ' a' }, { text: '\n' }],
        }),
        update: JSON.stringify({
          tokens: [{ text: 'x' }, { text: '<b>y</b>' }, { text: '', type: 'rejected' }],
        }),
      },
    },
  )
}
