// A run as large as the viewer promises to carry: the same bytes for the same seed, written by the writer that a
// trainer uses. Curves have the shapes of the paper's Figure 4 (SFT raises everything, DPO lowers it, the
// likeliest token gains what the others lose), so that captions, bands and squeezing have something to say; each
// probe has its own level and its own noise.
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { writeSafetensorsFile } from '@ldyn/formats/node'
import { layOutProbes, tokenCount, type Probes } from '@ldyn/runs'
import { createRun, type NewRun } from '@ldyn/runs/node'

export interface RunSize {
  readonly evaluations: number
  readonly probes: number
  readonly types: number
  /** Log-probs of every response token are on file as well. */
  readonly perToken: boolean
  readonly seed: number
}

/** The response types that the paper watches, and one of our own. */
export const TYPES = [
  'chosen',
  'rejected',
  'chosen_gptsemantic',
  'chosen_gptformat',
  'chosen_selfr',
  'chosen_initial',
  'reject_gptsemantic',
  'reject_gptformat',
  'irr_train',
  'irr_test',
  'irr_hum',
  'random_permute',
  'random_nonhum',
  'refusal',
] as const

const METRICS = [
  'logp',
  'argmax_logp',
  'rest_logp',
  'energy',
  'entropy',
  'a_norm',
  'mass_1',
  'mass_2_5',
  'mass_6_20',
  'mass_21_100',
  'mass_rest',
] as const
type Metric = (typeof METRICS)[number]

/** Updates between two evaluations. */
const EVERY = 5
const SFT_SHARE = 0.3

/** mulberry32: 32 bits of state, the same numbers everywhere. */
export const random = (seed: number): (() => number) => {
  let a = seed >>> 0
  return () => {
    a = (a + 0x6d2b79f5) >>> 0
    let t = Math.imul(a ^ (a >>> 15), a | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

const WORDS = ['why', 'does', 'the', 'model', 'forget', 'what', 'it', 'learned', 'after', 'one', 'update', 'of']
const sentence = (next: () => number, words: number): string =>
  Array.from({ length: words }, () => WORDS[Math.floor(next() * WORDS.length)]).join(' ')

/** How far SFT lifts a type and how far DPO moves it, in nats per token; the order is that of TYPES. */
const SFT_LIFT = [1.2, 0.9, 1, 0.9, 0.8, 0.5, 0.8, 0.7, 0.9, 0.3, 0.2, -0.3, -0.6, 0.1]
const DPO_MOVE = [-0.3, -2.2, -0.5, -0.6, -0.4, -0.5, -1.6, -1.4, -0.9, -0.8, -0.7, -0.6, -0.8, -0.4]

interface Shape {
  /** Change of log π per token of a type at a share of the run. */
  readonly moved: (type: number, at: number) => number
  readonly mass: (at: number) => readonly [number, number, number, number, number]
}

const shape: Shape = {
  moved(type, at) {
    const sft = Math.min(1, at / SFT_SHARE)
    const dpo = Math.max(0, (at - SFT_SHARE) / (1 - SFT_SHARE))
    const hump = type === 0 ? 0.35 * Math.sin(Math.PI * Math.min(1, dpo * 2.5)) : 0
    return SFT_LIFT[type % 14] * (1 - Math.exp(-3 * sft)) + hump + DPO_MOVE[type % 14] * dpo ** 1.3
  },
  mass(at) {
    const dpo = Math.max(0, (at - SFT_SHARE) / (1 - SFT_SHARE))
    const first = 0.42 + 0.12 * Math.min(1, at / SFT_SHARE) + 0.3 * dpo
    const rest = 1 - first
    return [first, rest * 0.45, rest * 0.28, rest * 0.17, rest * 0.1]
  },
}

const manifestOf = ({ perToken, seed, evaluations }: RunSize, id: string): NewRun => {
  const updates = (evaluations - 1) * EVERY
  const sft = Math.round((updates * SFT_SHARE) / EVERY) * EVERY
  return {
    id,
    created: '2026-11-22T12:00:00.000Z',
    argv: ['train', '--stages', 'sft,dpo'],
    config: { lr: 5e-7, beta: 0.1, seed, optimizer: { name: 'adamw', betas: [0.9, 0.999] } },
    seed,
    environment: { node: '20', platform: 'linux-x64', cpu: 'generated', ldyn: '0.1.0' },
    backend: { name: 'onnx', device: 'cpu', version: '1.30.0' },
    model: { path: '/models/generated', hash: `sha256:${seed.toString(16)}`, params: 14_067_712 },
    tokenizer: { hash: 'sha256:01' },
    datasets: [{ path: '/data/generated.jsonl', hash: 'sha256:02', rows: 5000 }],
    stages: [
      { name: 'sft', loss: 'sft', updates: sft },
      { name: 'dpo', loss: 'dpo', updates: updates - sft },
    ],
    columns: { metrics: [...METRICS], tokens: perToken ? ['logp'] : [] },
  }
}

const probesOf = ({ probes, types, seed }: RunSize): Probes => {
  const next = random(seed)
  const names = Array.from({ length: types }, (_, i) => TYPES[i] ?? `type_${i}`)
  const rows = Array.from({ length: probes }, (_, i) => ({
    prompt: `${i}: ${sentence(next, 12)}?`,
    group: `g${i % 25}`,
    responses: Object.fromEntries(names.map(name => [name, sentence(next, 16)])),
  }))
  const lengths = Array.from({ length: probes * types }, () => 12 + Math.floor(next() * 17))
  return layOutProbes(rows, names, (row, type) => lengths[row * types + names.indexOf(type as never)])
}

/** Values of all metrics at one evaluation. Noise is small beside the movement, and every number is finite. */
const evaluation = (probes: Probes, size: RunSize, levels: Float64Array, e: number) => {
  const next = random(size.seed * 7919 + e)
  const at = size.evaluations > 1 ? e / (size.evaluations - 1) : 0
  const width = probes.columns.length
  const values = Object.fromEntries(METRICS.map(name => [name, new Float32Array(width)])) as Record<
    Metric,
    Float32Array
  >
  const moved = Array.from({ length: size.types }, (_, type) => shape.moved(type, at))
  const mass = shape.mass(at)
  const bands = ['mass_1', 'mass_2_5', 'mass_6_20', 'mass_21_100', 'mass_rest'] as const
  for (let i = 0; i < width; i++) {
    const { tokens } = probes.columns[i]
    const own = levels[i]
    const noise = (next() - 0.5) * 0.08
    const perToken = Math.min(-0.02, -3.2 + own * 0.8 + moved[i % size.types] + noise)
    const first = Math.min(0.97, Math.max(0.05, mass[0] + own * 0.06 + noise * 0.1))
    values.logp[i] = perToken * tokens
    values.argmax_logp[i] = Math.log(first) * tokens
    values.rest_logp[i] = Math.log(1 - first) * tokens
    values.energy[i] = 1 - Math.exp(perToken) * 0.9
    values.entropy[i] = 3.6 * (1 - first) + 0.2 + noise * 0.1
    values.a_norm[i] = Math.sqrt(50_000 + 50_000 * first * first)
    const rest = (1 - first) / (1 - mass[0])
    bands.forEach((band, b) => {
      values[band][i] = b === 0 ? first : mass[b] * rest
    })
  }
  const perToken = size.perToken ? new Float32Array(tokenCount(probes)) : undefined
  if (perToken) {
    for (let i = 0; i < width; i++) {
      const { tokens, offset } = probes.columns[i]
      // Uneven by place, and adding up to the response's own log π.
      const weight = (tokens * (tokens + 1)) / 2
      for (let t = 0; t < tokens; t++) perToken[offset + t] = (values.logp[i] * (t + 1)) / weight
    }
  }
  return { metrics: values, ...(perToken && { tokens: { logp: perToken } }) }
}

/** A Gram matrix over the first probed responses, positive definite, of `n` rows; those of later steps moved. */
const writeKernel = async (
  directory: string,
  probes: Probes,
  seed: number,
  n: number,
  step?: number,
): Promise<void> => {
  const next = random(seed + 1)
  const rank = 12
  const factors = Float64Array.from({ length: n * rank }, () => next() - 0.35)
  for (let i = 0; step !== undefined && i < n * rank; i++) factors[i] += (next() - 0.5) * (step / 200)
  const data = new Float64Array(n * n)
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++) {
      let sum = i === j ? 0.5 : 0
      for (let k = 0; k < rank; k++) sum += factors[i * rank + k] * factors[j * rank + k]
      data[i * n + j] = sum
    }
  const name = step === undefined ? 'gram' : `gram-${String(step).padStart(6, '0')}`
  const pairs = probes.columns.slice(0, n).map(({ row, type, tokens }) => ({ row, type, tokens }))
  await mkdir(join(directory, 'kernel'), { recursive: true })
  await writeSafetensorsFile(
    join(directory, 'kernel', `${name}.safetensors`),
    [{ name: 'gram', shape: [n, n], dtype: 'F64', data }],
    {
      metadata: {
        schema: 'ldyn.kernel/1',
        model: 'generated',
        params: 'all',
        per: 'response',
        probes: JSON.stringify(pairs),
      },
    },
  )
}

export interface GrowingRun extends AsyncDisposable {
  /** Appends the next evaluation, with the scalars and the taken-apart update that come with it. */
  grow(): Promise<void>
  /** Says that the run is done, and lays its kernel beside it. */
  finish(): Promise<void>
}

/** Begins a run in `directory`, which must not be there yet; it is live until it is finished or disposed of. */
export const beginLargeRun = async (directory: string, size: RunSize, id = 'large'): Promise<GrowingRun> => {
  const probes = probesOf(size)
  const manifest = manifestOf(size, id)
  const [sft] = manifest.stages
  const stageAt = (step: number): string => (step <= sft.updates ? 'sft' : 'dpo')
  const next = random(size.seed + 2)
  const levels = Float64Array.from(probes.columns, () => next() - 0.5)
  const writer = await createRun(directory, manifest, probes)
  const decomposeEvery = Math.max(1, Math.floor(size.evaluations / 24))
  const watched = probes.columns.slice(0, 8 * size.types)
  let e = 0
  return {
    async grow() {
      const step = e * EVERY
      for (let s = Math.max(1, step - EVERY + 1); s <= step; s++) {
        const at = s / (size.evaluations * EVERY)
        await writer.scalars(s, stageAt(s), {
          loss: 0.7 * Math.exp(-2 * at) + next() * 0.05,
          grad_norm: 4 + next() * 3,
          learning_rate: 5e-7 * Math.min(1, at * 20),
        })
      }
      await writer.probes(step, stageAt(step), evaluation(probes, size, levels, e))
      if (e > 0 && e % decomposeEvery === 0) {
        await writer.decomposition(step, stageAt(step), {
          rows: [e % 97, (e * 7) % 97],
          lr: 5e-7,
          grad_norm: 5,
          clip_factor: 0.9,
          residual: 0.01,
          probes: watched.map(({ row, type }) => {
            const [up, down] = [next() * 0.2, -next() * 0.3]
            return {
              row,
              type,
              actual: up + down + (next() - 0.5) * 0.02,
              predicted: up + down,
              directions: { chosen: up, rejected: down },
            }
          }),
        })
      }
      e++
    },
    async finish() {
      await writer.finish('done')
      await writeKernel(directory, probes, size.seed, Math.min(probes.columns.length, 512))
    },
    [Symbol.asyncDispose]: () => writer.close(),
  }
}

/** Writes a whole run. `told` hears how many evaluations are written. */
export const writeLargeRun = async (
  directory: string,
  size: RunSize,
  { id, told = () => {} }: { readonly id?: string; readonly told?: (done: number) => void } = {},
): Promise<void> => {
  await using run = await beginLargeRun(directory, size, id)
  for (let done = 1; done <= size.evaluations; done++) {
    await run.grow()
    told(done)
  }
  await run.finish()
}

/** Writes a small run with kernels over `n` of its probed responses at these steps. */
export const writeKernelRun = async (directory: string, n: number, steps: readonly number[]): Promise<void> => {
  const size: RunSize = { evaluations: 20, probes: Math.ceil(n / 14), types: 14, perToken: false, seed: 7 }
  await writeLargeRun(directory, size, { id: 'kernels' })
  await rm(join(directory, 'kernel'), { recursive: true })
  for (const step of steps) await writeKernel(directory, probesOf(size), size.seed, n, step)
}
