/**
 * The training config: every key with its type, range and meaning. The one table from which values are checked, JSON
 * Schema is printed and the nearest key is found. Defaults are in `presets.ts`.
 *
 * A stage setting (lr, batch, …) at the top level applies to every stage; under `stages`, to that one.
 */
import { z } from 'zod'
import { BACKEND_HELP } from '../backends.ts'

const count = z.int().positive()
const words = z.union([
  z.array(z.string()),
  z.string().transform((text) => text.split(',').map((word) => word.trim())),
])

export const STAGE_KINDS = [
  'sft',
  'extend',
  'dpo',
  'ipo',
  'slic',
  'sppo',
  'simpo',
  'dpop',
  'rpo',
  'cal-dpo',
  'kto',
  'orpo',
  'gate-dpo',
] as const
export type StageKind = (typeof STAGE_KINDS)[number]

const kind = z
  .enum(STAGE_KINDS)
  .describe(
    "sft: finetuning on `targets`. extend: SFT on chosen and rejected, the paper's mitigation. kto: labelled " +
      'responses. All others: preferences (ldyn help losses).',
  )

/** What a stage can be told. */
export const stageShape = {
  updates: count.describe('optimizer updates of the stage; over `epochs` where both are given'),
  epochs: z.number().positive().describe('passes over the data'),
  batch: count.describe('examples in a micro-batch (a pair is one example)'),
  accumulate: count.describe('micro-batches in an update'),
  lr: z.number().positive().describe('learning rate after the warm-up'),
  schedule: z
    .enum(['paper', 'constant', 'linear', 'cosine'])
    .describe("paper: min(1, (s+1)/(warmup+1)), then constant. The others as transformers' get_scheduler"),
  warmup: z
    .int()
    .nonnegative()
    .describe('updates of warm-up. Left out: 150 or a tenth of the stage, the smaller'),
  optimizer: z.enum(['rmsprop', 'adamw', 'sgd']).describe("with PyTorch's exact semantics"),
  momentum: z.number().min(0).lt(1).describe('sgd: momentum'),
  alpha: z.number().gt(0).lt(1).describe('rmsprop: decay of the mean square'),
  beta1: z.number().min(0).lt(1).describe('adamw: decay of the mean'),
  beta2: z.number().min(0).lt(1).describe('adamw: decay of the mean square'),
  eps: z.number().positive().describe('rmsprop, adamw: added to the root'),
  weightDecay: z.number().nonnegative().describe('on all parameters but biases and norms'),
  maxGradNorm: z.number().nonnegative().describe('gradients are scaled down to this global norm; 0: never'),
  shuffle: z.boolean().describe('another order in every epoch, from `seed`'),
  dropLast: z.boolean().describe('drop the incomplete last update of an epoch'),
  targets: words.describe('sft: response types to learn'),
  reduction: z
    .enum(['sum', 'token-mean', 'mean'])
    .describe(
      'sft: sum over tokens, mean over sequences (the released code), or token-mean over the batch (TRL). ' +
        'ipo: sum (the released code) or mean over tokens (TRL). slic, simpo, rpo, orpo: what the −log π(y⁺) of ' +
        'nllWeight is divided by: nothing, |y⁺|, or the tokens of all y⁺ in the batch (TRL). Learning rates do not ' +
        'carry over between them',
    ),
  beta: z.number().positive().describe('preferences, kto: β. sppo: 1/η'),
  labelSmoothing: z.number().min(0).lt(0.5).describe('dpo, simpo, rpo: ε, the share of labels taken as wrong (cDPO)'),
  referenceFree: z.boolean().describe('dpo, ipo, slic, rpo: the reference counts as uniform'),
  nllWeight: z
    .number()
    .nonnegative()
    .describe('rpo, simpo, orpo, slic: weight α of an explicit −log π(y⁺) (rpo_alpha, cpo_alpha; λ of slic)'),
  gamma: z.number().nonnegative().describe('simpo: the margin γ (simpo_gamma)'),
  delta: z.number().positive().describe('slic: the margin δ'),
  lambda: z.number().nonnegative().describe('dpop: λ, the weight of max(0, −r⁺), inside of β (dpop_lambda)'),
  form: z
    .enum(['true', 'printed'])
    .describe("sppo: the gradient of the loss, or as the paper's eq. 22 prints it, which climbs"),
  desirableWeight: z.number().nonnegative().describe('kto: weight of desirable responses'),
  undesirableWeight: z.number().nonnegative().describe('kto: weight of undesirable responses'),
  gate: z
    .enum(['none', 'mean', 'quantile'])
    .describe(
      'preferences: multiply what pushes y⁻ by σ(sharpness·(p − threshold)), p being the geometric mean or the 10 % ' +
        "quantile of its tokens' probabilities",
    ),
  gateSharpness: z.number().positive().describe('gate: k'),
  gateThreshold: z.number().positive().lt(1).describe('gate: τ, the p at which it is half open'),
} as const satisfies Record<string, z.ZodType>
export type StageKey = keyof typeof stageShape

const sections = {
  tokens: {
    mode: z
      .enum(['separate', 'joint', 'paper'])
      .describe('how prompt and response become ids (ldyn help data)'),
    maxLength: count.describe('longest prompt and response together, in tokens'),
    overflow: z
      .enum(['error', 'truncate', 'drop'])
      .describe(
        'what becomes of a longer one: an error, cut off as TRL does, or its row dropped; paper mode has its own rule',
      ),
    maxPromptLength: count.describe('paper mode: prompts are cut to this when the whole is too long'),
    truncation: z.enum(['keep_start', 'keep_end']).describe('paper mode: which end of a cut prompt stays'),
  },
  observe: {
    every: z
      .int()
      .nonnegative()
      .describe('probes are evaluated after so many updates of a stage, and at its end'),
    limit: count.describe('probe rows, from the first; all where left out'),
    types: words.describe('response types to follow; all that the probe file has where left out'),
    first: z.boolean().describe('evaluate before the first update too'),
    tokens: z.boolean().describe('keep the log-prob of every token, not only the sums'),
    bands: z
      .boolean()
      .describe('keep the probability by bands of ranks too: mass_1, mass_2_5, mass_6_20, mass_21_100, mass_rest'),
    'watch.rows': z
      .int()
      .nonnegative()
      .describe('probe rows, from the first, of which the likeliest next tokens are kept at every evaluation; 0: none'),
    'watch.tokens': count.describe('positions of chosen and rejected that are watched so, from where they part'),
    'decompose.every': z
      .int()
      .nonnegative()
      .describe('take an update apart every so many of a stage: predicted and actual change of probes, by direction; 0: never'),
    'decompose.probes': count.describe('probe rows that are followed so, from the first'),
    'decompose.directions': z
      .enum(['terms', 'examples'])
      .describe('split by terms of the loss, or by terms of every example (a gradient and a jvp for each)'),
    'decompose.tokens': z.boolean().describe('keep it for every response token too, not only the sums'),
  },
  checkpoint: {
    every: z
      .int()
      .nonnegative()
      .describe('a checkpoint after so many updates; one ends every stage in any case'),
    keep: z.int().nonnegative().describe('how many of those within a stage stay, the newest'),
  },
  pack: {
    packed: z.boolean().describe('responses to one prompt share its computation'),
    maxShapes: count.describe('compiled programs of a kind, at most: fewer compile sooner and pad more'),
    maxRowLength: count.describe('tokens in a packed row, at most'),
  },
} as const satisfies Record<string, Record<string, z.ZodType>>
export type Section = keyof typeof sections

const top = {
  model: z.string().describe('Hugging Face directory or .gguf file'),
  data: z.string().describe('training data: .jsonl, .json, .csv, .parquet'),
  probe: z.string().describe('probe set'),
  out: z.string().describe('directory of the run'),
  backend: z.string().describe(BACKEND_HELP),
  threads: count.describe('threads that compute; all cores where left out'),
  seed: z.int().nonnegative().describe('of the data order'),
} as const satisfies Record<string, z.ZodType>
export type TopKey = keyof typeof top

/** Leaf schemas by canonical path (`lr`, `tokens.mode`). Stage settings stand under their bare name. */
export const leaves: Readonly<Record<string, z.ZodType>> = {
  ...top,
  ...stageShape,
  ...Object.fromEntries(
    Object.entries(sections).flatMap(([section, keys]) =>
      Object.entries(keys).map(([key, schema]) => [`${section}.${key}`, schema]),
    ),
  ),
}
export const kindSchema = kind
export const isStageKey = (key: string): key is StageKey => Object.hasOwn(stageShape, key)
export const isSection = (key: string): key is Section => Object.hasOwn(sections, key)

const optional = (shape: Readonly<Record<string, z.ZodType>>): Record<string, z.ZodType> =>
  Object.fromEntries(Object.entries(shape).map(([key, schema]) => [key, schema.optional()]))

/** A section as it is written: `decompose.every` is a key of a mapping inside it. */
const nestedSection = (keys: Readonly<Record<string, z.ZodType>>): z.ZodType => {
  const inner: Record<string, Record<string, z.ZodType>> = {}
  const own: Record<string, z.ZodType> = {}
  for (const [path, schema] of Object.entries(keys)) {
    const [first, second] = path.split('.')
    if (second === undefined) own[first] = schema
    else inner[first] = { ...inner[first], [second]: schema }
  }
  return z.strictObject({
    ...optional(own),
    ...Object.fromEntries(
      Object.entries(inner).map(([name, below]) => [name, z.strictObject(optional(below)).optional()]),
    ),
  })
}

/** The whole file, for `config schema`. */
export function configSchema(presets: readonly string[]): z.ZodType {
  const stage = z.strictObject({
    name: z.string().optional(),
    kind: kind.optional(),
    ...optional(stageShape),
  })
  return z.strictObject({
    $schema: z.string().optional(),
    preset: z
      .enum(presets as [string])
      .optional()
      .describe('defaults to begin with'),
    ...optional(top),
    stages: z
      .union([
        z.string().describe('sft,dpo'),
        z.array(z.union([kind, stage])),
        z.record(z.string(), stage).describe('settings of stages by name, where another layer lists them'),
      ])
      .optional()
      .describe("stages in turn, each on the last one's result"),
    ...Object.fromEntries(
      Object.entries(sections).map(([name, keys]) => [name, nestedSection(keys).optional()]),
    ),
    ...optional(stageShape),
  })
}

/** JSON Schema of a config file. */
export const jsonSchema = (presets: readonly string[]): object =>
  z.toJSONSchema(configSchema(presets), { io: 'input' })
