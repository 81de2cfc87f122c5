/**
 * Where a config begins. The default is the released code's training (paper.md §4.2); `paper` adds its tokenisation,
 * `trl` is what TRL's trainers do when they are told nothing.
 */
import type { StageKind } from './schema.ts'

type Values = Readonly<Record<string, unknown>>

export interface Preset {
  /** By canonical path. */
  readonly values: Values
  /** What differs by kind of stage. */
  readonly kinds?: Partial<Readonly<Record<StageKind, Values>>>
}

export const DEFAULTS: Preset = {
  values: {
    backend: 'onnx',
    seed: 0,
    'tokens.mode': 'separate',
    'observe.every': 25,
    'observe.first': true,
    'observe.tokens': false,
    'observe.bands': false,
    'observe.watch.rows': 0,
    'observe.watch.tokens': 1,
    'observe.decompose.every': 0,
    'observe.decompose.probes': 8,
    'observe.decompose.directions': 'terms',
    'observe.decompose.tokens': false,
    'checkpoint.every': 100,
    'checkpoint.keep': 1,
    'pack.packed': true,
    'pack.maxShapes': 3,
    'pack.maxRowLength': 1024,
    epochs: 1,
    batch: 4,
    accumulate: 1,
    lr: 5e-7,
    schedule: 'paper',
    optimizer: 'rmsprop',
    momentum: 0,
    alpha: 0.99,
    beta1: 0.9,
    beta2: 0.999,
    eps: 1e-8,
    weightDecay: 0,
    maxGradNorm: 10,
    shuffle: true,
    dropLast: true,
    targets: ['chosen'],
    reduction: 'sum',
    beta: 0.1,
    labelSmoothing: 0,
    referenceFree: false,
    nllWeight: 0,
    gamma: 1,
    delta: 1,
    lambda: 5,
    form: 'true',
    desirableWeight: 1,
    undesirableWeight: 1,
    gate: 'none',
    gateSharpness: 50,
    gateThreshold: 0.1,
  },
  kinds: {
    extend: { targets: ['chosen', 'rejected'] },
    slic: { beta: 1, referenceFree: true },
    simpo: { beta: 2, reduction: 'mean' },
    rpo: { nllWeight: 1, reduction: 'mean' },
    orpo: { nllWeight: 1, reduction: 'mean' },
    'gate-dpo': { gate: 'mean' },
  },
}

export const PRESETS = {
  paper: {
    values: {
      'tokens.mode': 'paper',
      'tokens.maxLength': 512,
      'tokens.maxPromptLength': 256,
      'tokens.truncation': 'keep_end',
      warmup: 150,
    },
  },
  trl: {
    values: {
      'tokens.mode': 'joint',
      'tokens.maxLength': 1024,
      'tokens.overflow': 'truncate',
      epochs: 3,
      batch: 8,
      schedule: 'linear',
      warmup: 0,
      optimizer: 'adamw',
      maxGradNorm: 1,
      dropLast: false,
    },
    kinds: {
      sft: { lr: 2e-5, reduction: 'token-mean' },
      extend: { lr: 2e-5, reduction: 'token-mean' },
      dpo: { lr: 1e-6 },
      ipo: { lr: 1e-6, reduction: 'mean' },
      slic: { lr: 1e-6, beta: 0.1, referenceFree: false },
      sppo: { lr: 1e-6 },
      simpo: { lr: 1e-6, beta: 0.1, gamma: 0.5, nllWeight: 1, reduction: 'token-mean' },
      dpop: { lr: 1e-6 },
      rpo: { lr: 1e-6, reduction: 'token-mean' },
      'cal-dpo': { lr: 1e-6 },
      kto: { lr: 1e-6 },
      orpo: { lr: 1e-6, reduction: 'token-mean' },
      'gate-dpo': { lr: 1e-6 },
    },
  },
} as const satisfies Record<string, Preset>
export type PresetName = keyof typeof PRESETS
