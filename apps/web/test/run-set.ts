// A directory of runs in every state that the viewer must show, the same byte for byte wherever it is made: times
// and processes are put in place of the machine's. Values are plain functions of step, type and row, shaped as
// finetuning shapes them: chosen rises and falls, rejected falls, the likeliest token gains.
import { mkdir, readdir, readFile, rename, truncate, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { layOutProbes, tokenCount, type Probes } from '@ldyn/runs'
import { createRun, importRun, type NewRun, type RunWriter } from '@ldyn/runs/node'
import { evaluation, pythonJson } from '../../../packages/runs/test/foreign.ts'
import { addMatrices, tokensOf, watchedAt } from './run-matrices.ts'
import { addKernels } from './run-on-disk.ts'

const CREATED = '2026-11-22T12:00:00.000Z'
const BANDS = ['mass_1', 'mass_2_5', 'mass_6_20', 'mass_21_100', 'mass_rest'] as const
const METRICS = ['logp', 'argmax_logp', 'rest_logp', 'energy', 'p_e', 'a_norm', 'entropy', ...BANDS] as const

/** Seven types: one of every group, and one of this set's own. */
export const SET_TYPES = [
  'chosen',
  'chosen_gptsemantic',
  'rejected',
  'reject_gptformat',
  'irr_test',
  'random_permute',
  'house_style',
] as const

/** Keys of the runs, as they stand in addresses. */
export const RUNS = {
  full: 'full',
  second: 'second',
  bare: 'bare',
  live: 'live',
  killed: 'killed',
  failed: 'failed',
  truncated: 'truncated',
  damaged: 'damaged',
  newer: 'newer',
  recorded: 'recorded',
  large: 'large',
  odd: 'a&b <i>c',
} as const
export type RunName = keyof typeof RUNS

/** log π of one response after `step` updates: a sum over its tokens, in nats. */
const logpOf = (type: string, row: number, step: number, tokens: number): number => {
  const t = step / 40
  const own = -2.4 * tokens - row * 1.3
  if (type.startsWith('chosen')) return own + 9 * t * (1.3 - t) - (type === 'chosen' ? 0 : 2)
  if (type.startsWith('reject')) return own - (type === 'rejected' ? 3 : 4.5) - 11 * t * t - row * 0.2
  return own - 6 - 4 * t * (type === 'irr_test' ? 0.3 : 1)
}
const share = (step: number): number => 0.38 + 0.3 * (step / 40) ** 2

/** What column `column` of this probe set holds of a metric after `step` updates. */
export const setValue = (probes: Probes, metric: string, column: number, step: number): number => {
  const { row, type, tokens } = probes.columns[column]
  const logp = logpOf(type, row, step, tokens)
  const top = share(step) + (row % 6) * 0.004
  switch (metric) {
    case 'logp':
      return logp
    case 'argmax_logp':
      return Math.log(top) * tokens
    case 'rest_logp':
      return Math.log(1 - top) * tokens
    case 'energy':
      return 1 - Math.exp(logp / tokens)
    case 'p_e':
      return 1 - Math.exp(logp / tokens) * 0.9
    case 'a_norm':
      return 220 + 10 * top
    case 'entropy':
      return 2.2 - 1.8 * top
    default: {
      const band = BANDS.indexOf(metric as (typeof BANDS)[number])
      return band === 0 ? top : (1 - top) * [0, 0.4, 0.25, 0.2, 0.15][band]
    }
  }
}

const probesOf = (rows: number, types: readonly string[]): Probes =>
  layOutProbes(
    Array.from({ length: rows }, (_, i) => ({
      prompt: `How do I keep bread fresh for ${i + 2} days? <script>alert(${i})</script>\nKeep it short.`,
      group: `bread ${i % 3}`,
      responses: Object.fromEntries(
        types.map(type => [type, `${type.replaceAll('_', ' ')} ${i}: in a\tlinen bag, & <b>not</b> in the fridge.`]),
      ),
    })),
    [...types],
    (row, type) => (row === 3 && type === 'random_permute' ? 0 : 5 + ((row + type.length) % 4)),
  )

const manifestOf = (id: string, change: Partial<NewRun> = {}): NewRun => ({
  id,
  created: CREATED,
  argv: ['train', '--model', './pythia-14m', '--data', 'prefs.jsonl', '--stages', 'sft,dpo'],
  config: { seed: 7, train: { lr: 5e-7, batch: 4 }, stages: [{ name: 'sft' }, { name: 'dpo', beta: 0.1 }] },
  seed: 7,
  environment: { node: 'v20.20.2', platform: 'linux-x64', cpu: 'A test', ldyn: '0.1.0' },
  backend: { name: 'onnx', device: 'cpu', version: '1.30.0' },
  model: { path: '/models/pythia-14m', hash: 'sha256:00', params: 14_067_712 },
  tokenizer: { hash: 'sha256:01' },
  datasets: [{ path: '/data/prefs.jsonl', hash: 'sha256:02', rows: 40 }],
  stages: [
    { name: 'sft', loss: 'sft', updates: 20 },
    { name: 'dpo', loss: 'dpo', updates: 20 },
  ],
  columns: { metrics: [...METRICS], tokens: ['logp'] },
  ...change,
})

const stageAt = (step: number): string => (step <= 20 ? 'sft' : 'dpo')

const addScalars = (writer: RunWriter, step: number): Promise<void> =>
  writer.scalars(step, stageAt(step), {
    loss: 0.7 / (1 + step / 12) + 0.02 * Math.sin(step),
    learning_rate: 5e-7 * Math.min(1, step / 4),
    grad_norm: 3 + Math.cos(step),
    ...(step > 20 && { margin: (step - 20) / 9, rewards_accuracy: Math.min(1, 0.5 + (step - 20) / 40) }),
  })

/** One evaluation of all metrics that the run watches, and the log up to it. */
export const addEvaluation = async (
  writer: RunWriter,
  probes: Probes,
  step: number,
  shift = 0,
): Promise<void> => {
  const absent = new Set(probes.absent)
  for (let s = writer.lastStep + 1; s <= step; s++) await addScalars(writer, s)
  const { metrics, tokens } = writer.manifest.columns
  const perToken = new Float32Array(tokenCount(probes))
  probes.columns.forEach(({ offset, tokens: n }, i) => {
    const value = setValue(probes, 'logp', i, step) + shift * (step / 40)
    for (let m = 0; m < n; m++) perToken[offset + m] = (value / n) * (1 + ((m % 3) - 1) * (n % 3 === 0 ? 0.2 : 0))
  })
  await writer.probes(step, stageAt(step), {
    metrics: Object.fromEntries(
      metrics.map(metric => [
        metric,
        Float32Array.from(probes.columns, (_, i) =>
          absent.has(i) ? 0 : setValue(probes, metric, i, step) + (metric === 'logp' ? shift * (step / 40) : 0),
        ),
      ]),
    ),
    ...(tokens.length > 0 && { tokens: { logp: perToken } }),
  })
}

const addUpdate = (writer: RunWriter, step: number): Promise<void> =>
  writer.decomposition(step, stageAt(step), {
    rows: [step % 40, (step * 7) % 40],
    lr: 5e-7,
    grad_norm: 4.2,
    clip_factor: 0.24,
    residual: 0.012,
    probes: [0, 1, 2].flatMap(row =>
      SET_TYPES.slice(0, 5).map((type, t) => {
        const directions = {
          chosen: 0.5 - t * 0.12 + row * 0.01,
          rejected: -0.1 - t * 0.21,
          'carried over': 0.03 * (t - 2),
          decay: -0.001,
        }
        const predicted = Object.values(directions).reduce((sum, value) => sum + value, 0)
        const found = { row, type, actual: predicted * 0.97 + step / 5000, predicted, directions }
        return row === 0 ? { ...found, tokens: tokensOf(found, 5 + t) } : found
      }),
    ),
  })

const STEPS = [0, 5, 10, 15, 20, 25, 30, 35, 40]

interface Making {
  readonly steps?: readonly number[]
  readonly updates?: readonly number[]
  readonly probes?: Probes
  readonly manifest?: Partial<NewRun>
  /** Added to log π by the last step. */
  readonly shift?: number
  /** With distributions at watched positions. */
  readonly watched?: boolean
}

const begin = async (
  root: string,
  key: string,
  { steps = STEPS, updates = [], probes = PROBES, manifest, shift = 0, watched = false }: Making = {},
): Promise<RunWriter> => {
  const writer = await createRun(join(root, key), manifestOf(key, manifest), probes)
  for (const step of steps) {
    await addEvaluation(writer, probes, step, shift)
    if (updates.includes(step)) await addUpdate(writer, step)
    if (watched) await writer.watched(step, stageAt(step), watchedAt(step))
  }
  return writer
}

/** The probe set of all runs but `large` and `recorded`. */
export const PROBES: Probes = probesOf(6, SET_TYPES)
const MANY = probesOf(120, SET_TYPES)

const LINES = /\.jsonl$/
/** Puts a time that grows by a second a line where the machine's was, and a process that is nobody's. */
const settleTimes = async (directory: string): Promise<void> => {
  const began = Date.parse(CREATED)
  for (const name of await readdir(directory, { recursive: true })) {
    const path = join(directory, name)
    if (LINES.test(name)) {
      const lines = (await readFile(path, 'utf8')).split('\n')
      await writeFile(path, lines.map((line, i) => line.replace(/"t":\d+/, `"t":${began + i * 1000}`)).join('\n'))
    }
    if (name === 'run.json') {
      const manifest = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>
      const settled = {
        ...manifest,
        process: { pid: 1234, host: 'somewhere', heartbeat: CREATED },
        environment: { ...(manifest.environment as object), node: 'v20.20.2', platform: 'linux-x64' },
      }
      await writeFile(path, `${JSON.stringify(settled, null, 2)}\n`)
    }
  }
}

/** A log as the paper's released code left it, with its argmax defect and a number that is none. */
const recordedLog = async (folder: string): Promise<string> => {
  const path = join(folder, 'pythia410m_dpo')
  await mkdir(path, { recursive: true })
  const log = join(path, 'prob_train_metrics.json')
  await writeFile(log, [0, 1, 2, 3, 4, 5].map(step => pythonJson(evaluation(step, 'random_nonhum'))).join('\n'))
  await utimes(log, new Date(CREATED), new Date(CREATED))
  return path
}

export interface RunSet extends AsyncDisposable {
  /** Writes the run that is live; evaluate it further with `addEvaluation(live, PROBES, step)`. */
  readonly live: RunWriter
}

/** Makes the runs below `root`, those asked for or all; the live one goes on until the set is disposed. */
export const makeRunSet = async (
  root: string,
  names: readonly RunName[] = Object.keys(RUNS) as RunName[],
): Promise<RunSet> => {
  const at = (name: RunName): string => join(root, RUNS[name])
  const done = async (name: RunName, making: Making = {}): Promise<void> => {
    await (await begin(root, RUNS[name], making)).finish('done')
  }
  const makers: Readonly<Record<Exclude<RunName, 'live'>, () => Promise<void>>> = {
    async full() {
      const writer = await begin(root, RUNS.full, { updates: [10, 20, 25, 30, 40], watched: true })
      await writer.event({ type: 'checkpoint', stage: 'dpo', s: 40, path: 'checkpoints/000040-dpo' })
      await writer.event({
        type: 'warning',
        code: 'LD2104',
        s: 30,
        message: 'chosen falls while the likeliest token gains',
      })
      await writer.finish('done')
      await addMatrices(at('full'), SET_TYPES.slice(0, 5))
    },
    second: () =>
      done('second', {
        updates: [20, 40],
        shift: -3,
        manifest: {
          config: { seed: 7, train: { lr: 1e-6, batch: 4 }, stages: [{ name: 'sft' }, { name: 'dpo', beta: 0.05 }] },
        },
      }),
    bare: () => done('bare', { manifest: { columns: { metrics: ['logp'], tokens: [] } } }),
    async killed() {
      await (await begin(root, RUNS.killed, { steps: STEPS.slice(0, 4) })).close()
    },
    async failed() {
      const writer = await begin(root, RUNS.failed, { steps: STEPS.slice(0, 3) })
      await writer.finish('failed', 'the loss is not a number at step 12')
    },
    async truncated() {
      await done('truncated', { updates: [20] })
      await addKernels(at('truncated'))
      await truncate(join(at('truncated'), 'kernel', 'gram.safetensors'), 300)
    },
    async damaged() {
      await done('damaged')
      await truncate(join(at('damaged'), 'probe', 'logp.f32'), 20)
    },
    async newer() {
      await done('newer')
      const path = join(at('newer'), 'run.json')
      await writeFile(`${path}.new`, (await readFile(path, 'utf8')).replace('ldyn.run/1', 'ldyn.run/9'))
      await rename(`${path}.new`, path)
    },
    async recorded() {
      const log = await recordedLog(join(root, '..', 'logs'))
      await importRun(log, at('recorded'), { version: '0.1.0' })
    },
    async large() {
      await done('large', {
        probes: MANY,
        steps: Array.from({ length: 41 }, (_, i) => i),
        updates: Array.from({ length: 20 }, (_, i) => 2 * i + 2),
      })
      // Kernels of several steps beside one that names none, over other probes.
      await addMatrices(at('large'), SET_TYPES)
      await addKernels(at('large'))
    },
    odd: () => done('odd', { steps: [0, 20, 40] }),
  }
  for (const name of names) if (name !== 'live') await makers[name]()
  for (const name of names) if (name !== 'live') await settleTimes(at(name))
  const live = await begin(root, RUNS.live, { steps: STEPS.slice(0, 5) })
  // A run that is silent for a minute counts as stalled.
  const alive = setInterval(() => void live.heartbeat(), 15_000)
  return {
    live,
    async [Symbol.asyncDispose]() {
      clearInterval(alive)
      await live.close()
    },
  }
}
