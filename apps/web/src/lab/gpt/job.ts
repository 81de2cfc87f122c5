// The tiny model as a job of the trainer: the same stages, losses, packing, evaluation and files as `ldyn train` has,
// on a model that begins from the seed. Base: fluent answers to other questions, so that a manner of answering is known
// that belongs to no question; then SFT on y⁺ (with y⁻ too: the paper's extend), then DPO. DPO's updates are plain SGD,
// the step of the theory: what an update moves is −η·A·K·G, and β(1 − a) brakes it. An optimizer that divides each
// gradient by its size undoes that brake, and pulls the rare words of y⁺ as hard as all common ones together.
import {
  tokenDefaults,
  type OptimizerConfig,
  type SessionJob,
  type StageConfig,
  type TrainEvent,
} from '@ldyn/lab/browser'
import { buildModel, initParams } from '@ldyn/models'
import { leaves, type Backend } from '@ldyn/tensor'
import type { GptSettings } from '../settings.ts'
import { baseTypes, tinyData } from './data.ts'
import { wordTokenizer } from './words.ts'

const CONTEXT = 128
/** Questions whose distributions are kept, at the first words of y⁺ and y⁻. */
const WATCHED = 6
const adamw: OptimizerConfig = { name: 'adamw', beta1: 0.9, beta2: 0.98, eps: 1e-8, weightDecay: 0 }
const sgd: OptimizerConfig = { name: 'sgd', momentum: 0, weightDecay: 0 }

const stagesOf = (s: GptSettings): readonly StageConfig[] => {
  const shared = {
    batch: 8,
    accumulate: 1,
    maxGradNorm: 10,
    shuffle: true,
    dropLast: true,
    schedule: { name: 'paper', warmup: 5 },
  } as const
  const stages: readonly (StageConfig & { readonly updates: number })[] = [
    {
      ...shared,
      name: 'base',
      loss: { name: 'sft', reduction: 'token-mean' },
      targets: baseTypes(s.known),
      updates: s.base,
      lr: s.lr,
      optimizer: adamw,
    },
    {
      ...shared,
      name: s.ext ? 'extend' : 'sft',
      loss: { name: 'sft', reduction: 'token-mean' },
      targets: s.ext ? ['chosen', 'rejected'] : ['chosen'],
      // Half of extend's examples are y⁻: with twice the updates y⁺ is learned as often.
      updates: s.ext ? 2 * s.sftUpdates : s.sftUpdates,
      lr: s.lr,
      optimizer: adamw,
    },
    {
      ...shared,
      name: 'dpo',
      loss: { name: 'dpo', beta: s.beta, labelSmoothing: 0, referenceFree: false },
      targets: [],
      updates: s.dpoUpdates,
      lr: s.dpoLr,
      optimizer: sgd,
    },
  ]
  return stages.filter(({ updates }) => updates > 0)
}

/** FNV-1a, in hex: says whether two are the same, no more. */
const hashOf = (text: string): string => {
  let h = 0x811c9dc5
  for (const c of text) h = Math.imul(h ^ c.codePointAt(0)!, 0x01000193) >>> 0
  return `fnv1a:${h.toString(16).padStart(8, '0')}`
}

export interface JobOptions {
  readonly id: string
  readonly backend: Backend
  readonly settings: GptSettings
  /** Evaluated after so many updates. */
  readonly every: number
  readonly probes: number
  /** Takes every so many updates apart; 0: none. */
  readonly decompose: number
  readonly report?: (event: TrainEvent) => void
  readonly shouldStop?: SessionJob['shouldStop']
}

/** Throws RangeError where no stage has an update. */
export const jobOf = async (options: JobOptions): Promise<SessionJob> => {
  const { id, backend, settings: s, every, probes, decompose, report, shouldStop } = options
  const stages = stagesOf(s)
  if (stages.length === 0) throw new RangeError('the tiny model has no update to make: give a stage some')
  const tokenizer = wordTokenizer()
  const heads = s.width % 4 === 0 && s.width >= 32 ? 4 : 2
  const width = heads * 2 * Math.max(4, Math.floor(s.width / (heads * 2)))
  const headDim = width / heads
  const model = buildModel({
    family: 'llama',
    vocab: tokenizer.vocabSize,
    width,
    context: CONTEXT,
    layers: s.layers,
    heads,
    kvHeads: heads,
    headDim,
    inner: 2 * width,
    eps: 1e-5,
    tied: true,
    activation: 'silu',
    rotary: { dims: headDim, base: 10000 },
    attentionBias: false,
    mlpBias: false,
  })
  const data = await tinyData(s.seed, probes)
  const { engine: _, beside: __, ...config } = s
  return {
    backend,
    checkpoint: {
      model,
      path: `tiny GPT, seed ${s.seed}`,
      hash: hashOf(JSON.stringify([model.config, s.seed])),
      async *tensors() {
        for (const { path, value } of leaves(initParams(model, s.seed)))
          yield { path, tensor: { ...value, data: Float32Array.from(value.data) } }
      },
    },
    tokenizer,
    data: data.rows,
    stages,
    tokens: tokenDefaults(CONTEXT),
    seed: s.seed,
    probes: { rows: data.probes, types: data.types },
    observe: {
      every,
      first: true,
      tokens: true,
      bands: true,
      watch: { rows: Math.min(WATCHED, probes), tokens: 3, textOf: id => tokenizer.piece(id) ?? '' },
      ...(decompose > 0
        ? { decompose: { every: decompose, probes: Math.min(4, probes), directions: 'terms' as const } }
        : {}),
    },
    save: { every: 10, keep: 1 },
    plan: { packed: true, maxRowLength: CONTEXT, maxShapes: 1 },
    about: {
      id,
      created: new Date().toISOString(),
      argv: [],
      config: { lab: 'tiny GPT', ...config },
      environment: { node: '', platform: 'a browser', cpu: '', ldyn: '' },
      datasets: [
        { path: 'the Lab’s built-in set', hash: hashOf(JSON.stringify(data.rows)), rows: data.rows.length },
      ],
      tokenizerHash: hashOf(String(tokenizer.vocabSize)),
    },
    ...(report ? { report } : {}),
    ...(shouldStop ? { shouldStop } : {}),
  }
}
