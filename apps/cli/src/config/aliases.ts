/** TRL's and transformers' parameter names where they map one to one, and what their values are called here. */
import { CliError } from '../contract/errors.ts'
import { TRL_LOSSES } from './kinds.ts'
import { STAGE_KINDS } from './schema.ts'

interface Alias {
  /** Canonical path. */
  readonly path: string
  /** The value here; undefined where it means "not set". */
  readonly value?: (given: unknown, origin: string) => unknown
}

const oneOf =
  (name: string, table: Readonly<Record<string, string>>) =>
  (given: unknown, origin: string): unknown => {
    if (typeof given === 'string' && Object.hasOwn(table, given)) return table[given]
    throw new CliError({
      code: 'LD3003',
      what: `${name} '${String(given)}' has no counterpart here`,
      where: origin,
      fix: `use one of ${Object.keys(table).join(', ')}`,
    })
  }

/** `loss_type`, TRL's or ours, as one text: `sigmoid`, or `sigmoid,sft` for a list. */
export function trlLoss(given: unknown, origin: string): (typeof TRL_LOSSES)[string] {
  const name = (Array.isArray(given) ? given.map(String) : String(given).split(',')).map((n) => n.trim()).join(',')
  if (Object.hasOwn(TRL_LOSSES, name)) return TRL_LOSSES[name]
  const own = STAGE_KINDS.find((kind) => kind === name)
  if (own) return { kind: own }
  throw new CliError({
    code: 'LD3003',
    what: `loss_type '${name}' has no counterpart here`,
    where: origin,
    fix: `use one of ${[...new Set([...Object.keys(TRL_LOSSES), ...STAGE_KINDS])].join(', ')}`,
  })
}

/** TRL's weights of [sigmoid, sft]: the second, in units of the first. */
function nllWeight(given: unknown, origin: string): number {
  const weights = Array.isArray(given) ? given.map(Number) : String(given).split(',').map(Number)
  if (weights.length === 2 && weights[0] === 1 && weights[1] >= 0) return weights[1]
  throw new CliError({
    code: 'LD3003',
    what: `loss_weights ${JSON.stringify(given)} have no counterpart here`,
    where: origin,
    fix: 'with loss_type [sigmoid, sft] give [1, α]; a weight of the first loss belongs into the learning rate',
  })
}

export const ALIASES: Readonly<Record<string, Alias>> = {
  model_name_or_path: { path: 'model' },
  output_dir: { path: 'out' },
  data_seed: { path: 'seed' },
  learning_rate: { path: 'lr' },
  per_device_train_batch_size: { path: 'batch' },
  gradient_accumulation_steps: { path: 'accumulate' },
  max_grad_norm: { path: 'maxGradNorm' },
  warmup_steps: { path: 'warmup' },
  lr_scheduler_type: {
    path: 'schedule',
    value: oneOf('lr_scheduler_type', {
      linear: 'linear',
      cosine: 'cosine',
      constant: 'constant',
      constant_with_warmup: 'constant',
    }),
  },
  num_train_epochs: { path: 'epochs' },
  max_steps: { path: 'updates', value: (given) => (given === -1 ? undefined : given) },
  optim: {
    path: 'optimizer',
    value: oneOf('optim', {
      adamw_torch: 'adamw',
      adamw_torch_fused: 'adamw',
      adamw: 'adamw',
      sgd: 'sgd',
      rmsprop: 'rmsprop',
    }),
  },
  adam_beta1: { path: 'beta1' },
  adam_beta2: { path: 'beta2' },
  adam_epsilon: { path: 'eps' },
  weight_decay: { path: 'weightDecay' },
  label_smoothing: { path: 'labelSmoothing' },
  reference_free: { path: 'referenceFree' },
  dataloader_drop_last: { path: 'dropLast' },
  loss_type: { path: 'kind', value: (given, origin) => trlLoss(given, origin).kind },
  loss_weights: { path: 'nllWeight', value: nllWeight },
  rpo_alpha: { path: 'nllWeight' },
  cpo_alpha: { path: 'nllWeight' },
  simpo_gamma: { path: 'gamma' },
  dpop_lambda: { path: 'lambda' },
  desirable_weight: { path: 'desirableWeight' },
  undesirable_weight: { path: 'undesirableWeight' },
  max_length: { path: 'tokens.maxLength' },
  max_prompt_length: { path: 'tokens.maxPromptLength' },
  truncation_mode: { path: 'tokens.truncation' },
  eval_steps: { path: 'observe.every' },
  save_steps: { path: 'checkpoint.every' },
  save_total_limit: { path: 'checkpoint.keep' },
}
