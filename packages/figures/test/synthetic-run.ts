/**
 * Runs of known shape, written by the real writer: every figure and sentence can then be checked against curves that
 * the test itself chose. Probes differ from each other by tens of nats, as real ones do, and their changes by little.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { layOutProbes, openRun } from '@ldyn/runs'
import { createRun, directoryFiles, type RunWriter } from '@ldyn/runs/node'
import { gather, type RunData } from '../src/series.ts'

export interface SyntheticStage {
  readonly name: string
  readonly loss: string
  readonly updates: number
}

export interface Synthetic {
  readonly id?: string
  readonly stages?: readonly SyntheticStage[]
  readonly every?: number
  readonly probes?: number
  /** Nats that a type has moved by, at a step, before noise. `metric` is logp or argmax_logp. */
  readonly moves?: Readonly<Record<string, (step: number) => number>>
  /** Nats by which each probe's own change strays. */
  readonly noise?: number
  readonly types?: readonly string[]
  readonly absent?: (row: number, type: string) => boolean
  readonly status?: 'done' | 'interrupted' | 'running'
  /** Text that stands in prompts, model path and data path. */
  readonly text?: string
}

export const PAPER = [
  'chosen',
  'chosen_initial',
  'chosen_gptsemantic',
  'chosen_gptformat',
  'rejected',
  'reject_gptsemantic',
  'reject_gptformat',
  'irr_train',
  'irr_test',
  'irr_hum',
  'random_permute',
  'random_nonhum',
]

/** Levels of Pythia-410M on HH (paper.md §8). */
const LEVEL: Readonly<Record<string, number>> = {
  chosen: -152,
  chosen_initial: -151.7,
  chosen_gptsemantic: -155.9,
  chosen_gptformat: -136,
  rejected: -121.4,
  reject_gptsemantic: -135.3,
  reject_gptformat: -121.8,
  irr_train: -193.4,
  irr_test: -161.2,
  irr_hum: -187.9,
  random_permute: -401.4,
  random_nonhum: -361.8,
  argmax: -61.6,
}

/** A number in (−1, 1) that depends on its name alone. */
const wobble = (...name: readonly (string | number)[]): number => {
  let h = 2166136261
  for (const c of name.join('|')) h = Math.imul(h ^ c.codePointAt(0)!, 16777619)
  h = Math.imul(h ^ (h >>> 15), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return ((h ^ (h >>> 16)) >>> 0) / 2 ** 31 - 1
}

export const twoStages: readonly SyntheticStage[] = [
  { name: 'sft', loss: 'sft', updates: 40 },
  { name: 'dpo', loss: 'dpo', updates: 40 },
]

const METRICS = ['logp', 'argmax_logp', 'rest_logp', 'energy', 'p_e', 'a_norm', 'entropy']

/** Writes the run at `directory`. */
export const writeSynthetic = async (
  directory: string,
  {
    id = 'sft-dpo-synthetic',
    stages = twoStages,
    every = 5,
    probes: n = 24,
    moves = {},
    noise = 1.5,
    types = PAPER,
    absent = () => false,
    status = 'done',
    text = '',
  }: Synthetic = {},
): Promise<void> => {
  const tokens = (row: number, type: string) =>
    absent(row, type) ? 0 : 30 + Math.round(20 * (1 + wobble('tokens', row, type)))
  const rows = Array.from({ length: n }, (_, row) => ({
    prompt: `Question ${row}? ${text}`,
    group: `q${row}`,
    responses: Object.fromEntries(
      types.filter((type) => !absent(row, type)).map((type) => [type, `${type} of question ${row}`]),
    ),
  }))
  const probes = layOutProbes(rows, types, tokens)
  const writer: RunWriter = await createRun(
    directory,
    {
      id,
      created: '2026-11-22T12:00:00.000Z',
      argv: ['train'],
      config: {},
      seed: 7,
      environment: { node: '20', platform: 'linux-x64', cpu: 'test', ldyn: '0.1.0' },
      backend: { name: 'onnx', device: 'cpu, 2 threads', version: '1.30.0' },
      model: { path: `/models/pythia-410m${text}`, hash: 'sha256:00', params: 405334016 },
      tokenizer: { hash: 'sha256:01' },
      datasets: [{ path: `/data/prefs${text}.jsonl`, hash: 'sha256:02', rows: 288 }],
      stages,
      columns: { metrics: METRICS, tokens: [] },
    },
    probes,
  )
  const value = (metric: string, row: number, type: string, step: number): number => {
    const kind = metric === 'argmax_logp' ? 'argmax' : type
    const move = moves[kind]?.(step) ?? 0
    const own = step === 0 ? 0 : noise * wobble(metric, row, type, step)
    const logp = (LEVEL[kind] ?? -170) + 45 * wobble('level', row, kind) + move + own
    switch (metric) {
      case 'logp':
      case 'argmax_logp':
        return Math.min(-1, logp)
      case 'rest_logp':
        return -40 + own
      case 'energy':
        return 0.69 - move / 400
      case 'p_e':
        return 0.75 - move / 500
      case 'a_norm':
        return 251.7 + move / 8 + own / 10
      default:
        return 2.8 - move / 60 + own / 50
    }
  }
  let step = 0
  const evaluate = (stage: string) =>
    writer.probes(step, stage, {
      metrics: Object.fromEntries(
        METRICS.map((metric) => [
          metric,
          Float32Array.from(probes.columns, (column) =>
            column.tokens === 0 ? 0 : value(metric, column.row, column.type, step),
          ),
        ]),
      ),
    })
  for (const { name, loss, updates } of stages) {
    await writer.event({ type: 'stage', stage: name, edge: 'start', s: step })
    if (step === 0) await evaluate(name)
    for (let u = 1; u <= updates; u++) {
      step++
      const t = u / updates
      const lr = (loss === 'sft' ? 5e-6 : 1e-6) * Math.min(1, u / 10)
      await writer.scalars(
        step,
        name,
        loss === 'sft'
          ? {
              loss: 140 - 40 * t + 8 * wobble('loss', step),
              grad_norm: 60 - 20 * t + 9 * wobble('norm', step),
              lr,
            }
          : {
              loss: 0.69 - 0.4 * t + 0.05 * wobble('loss', step),
              grad_norm: 14 + 4 * wobble('norm', step),
              lr,
              'rewards/chosen': -1.5 * t + 0.2 * wobble('rc', step),
              'rewards/rejected': -4 * t + 0.3 * wobble('rr', step),
              'rewards/margins': 2.5 * t + 0.2 * wobble('rm', step),
              'rewards/accuracies': 0.5 + 0.4 * t,
            },
      )
      if (u % every === 0 || u === updates) await evaluate(name)
    }
  }
  if (status === 'running') await writer.close()
  else await writer.finish(status)
}

/** Two straight stretches: by `a` nats over the first 40 updates, then by `b` over the next 40. */
export const twoSlopes =
  (a: number, b: number) =>
  (step: number): number =>
    (Math.min(step, 40) / 40) * a + (Math.max(0, step - 40) / 40) * b

/** What the paper reports, roughly. */
export const paperMoves: NonNullable<Synthetic['moves']> = {
  chosen: (step) =>
    step <= 40
      ? 45 * (1 - Math.exp(-step / 15))
      : 42 + 6 * Math.sin(((step - 40) / 40) * Math.PI * 0.9) - 16 * ((step - 40) / 40) ** 2,
  chosen_initial: twoSlopes(2, -22),
  chosen_gptsemantic: twoSlopes(9, -15),
  chosen_gptformat: twoSlopes(5, -14),
  rejected: (step) => (step <= 40 ? 14 * (1 - Math.exp(-step / 10)) : 14 - 78 * ((step - 40) / 40) ** 1.4),
  reject_gptsemantic: twoSlopes(6, -34),
  reject_gptformat: twoSlopes(4, -30),
  irr_train: twoSlopes(18, -29),
  irr_test: twoSlopes(9, -27),
  irr_hum: twoSlopes(-3, -24),
  random_permute: twoSlopes(-12, -55),
  random_nonhum: twoSlopes(-14, -50),
  argmax: twoSlopes(12, 19),
}

/** The same with the remedy: rejected begins high, others decay less, argmax gains less. */
export const extendMoves: NonNullable<Synthetic['moves']> = {
  ...paperMoves,
  rejected: (step) => (step <= 40 ? 38 * (1 - Math.exp(-step / 15)) : 36 - 80 * ((step - 40) / 40) ** 1.2),
  chosen_initial: twoSlopes(2, -11),
  chosen_gptsemantic: twoSlopes(9, -7),
  irr_train: twoSlopes(18, -14),
  irr_test: twoSlopes(9, -13),
  irr_hum: twoSlopes(-3, -12),
  random_permute: twoSlopes(-12, -30),
  argmax: twoSlopes(10, 8),
}

/** Writes a run, gathers it and hands it to `use`; the directory is gone afterwards. */
export const withRun = async <T>(
  options: Synthetic,
  use: (data: RunData, directory: string) => T | Promise<T>,
): Promise<T> => {
  const directory = await mkdtemp(join(tmpdir(), 'ldyn-figures-'))
  try {
    await writeSynthetic(directory, options)
    return await use(await gather(await openRun(directoryFiles(directory))), directory)
  } finally {
    await rm(directory, { recursive: true })
  }
}

export const syntheticData = (options: Synthetic = {}): Promise<RunData> => withRun(options, (data) => data)
