/** TRL's and transformers' parameter names where they map one to one, and what their values are called here. */
import { CliError } from '../contract/errors.ts'

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

const LOSSES = { sigmoid: 'dpo', ipo: 'ipo', sft: 'sft', nll: 'sft' } as const

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
  loss_type: { path: 'kind', value: oneOf('loss_type', LOSSES) },
  max_length: { path: 'tokens.maxLength' },
  max_prompt_length: { path: 'tokens.maxPromptLength' },
  truncation_mode: { path: 'tokens.truncation' },
  eval_steps: { path: 'observe.every' },
  save_steps: { path: 'checkpoint.every' },
  save_total_limit: { path: 'checkpoint.keep' },
}
