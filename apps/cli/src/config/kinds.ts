/**
 * What each kind of stage is: its loss, the settings that concern it, and what TRL calls it. One table, so that a new
 * loss is one entry here and its options in `schema.ts`.
 */
import type { StageConfig } from '@ldyn/lab'
import type { StageKey, StageKind } from './schema.ts'

type Loss = StageConfig['loss']
type Get = <T>(key: StageKey) => T

interface Kind {
  /** Settings that only some losses have and this one has. */
  readonly keys: readonly StageKey[]
  /** Reductions; none where the kind has no such setting. */
  readonly reductions?: readonly string[]
  loss(get: Get): Loss
}

const GATE = ['gate', 'gateSharpness', 'gateThreshold'] as const satisfies readonly StageKey[]

/** The gate as a loss takes it; nothing where it is off. */
function gate(get: Get): { gate?: { statistic: 'mean' | 'quantile'; sharpness: number; threshold: number } } {
  const statistic = get<'none' | 'mean' | 'quantile' | undefined>('gate') ?? 'none'
  if (statistic === 'none') return {}
  return { gate: { statistic, sharpness: get('gateSharpness'), threshold: get('gateThreshold') } }
}
/** What an explicit −log π(y⁺) weighs, and over what it is taken. */
const nll = (get: Get): { alpha: number; reduction: 'sum' | 'mean' | 'token-mean' } => ({
  alpha: get('nllWeight'),
  reduction: get('reduction'),
})
const NLL_REDUCTIONS = ['sum', 'mean', 'token-mean'] as const

const sft: Kind = {
  keys: ['targets', 'reduction'],
  reductions: ['sum', 'token-mean'],
  loss: (get) => ({ name: 'sft', reduction: get('reduction') }),
}
const dpo: Kind = {
  keys: ['beta', 'labelSmoothing', 'referenceFree', ...GATE],
  loss: (get) => ({
    name: 'dpo',
    beta: get('beta'),
    labelSmoothing: get('labelSmoothing'),
    referenceFree: get('referenceFree'),
    ...gate(get),
  }),
}

export const KINDS: Readonly<Record<StageKind, Kind>> = {
  sft,
  extend: sft,
  dpo,
  'gate-dpo': dpo,
  ipo: {
    keys: ['beta', 'reduction', 'referenceFree', ...GATE],
    reductions: ['sum', 'mean'],
    loss: (get) => ({
      name: 'ipo',
      beta: get('beta'),
      reduction: get('reduction'),
      referenceFree: get('referenceFree'),
      ...gate(get),
    }),
  },
  slic: {
    keys: ['beta', 'delta', 'referenceFree', 'nllWeight', 'reduction', ...GATE],
    reductions: NLL_REDUCTIONS,
    loss: (get) => ({
      name: 'slic',
      beta: get('beta'),
      delta: get('delta'),
      referenceFree: get('referenceFree'),
      ...nll(get),
      ...gate(get),
    }),
  },
  sppo: {
    keys: ['beta', 'form', ...GATE],
    loss: (get) => ({ name: 'sppo', beta: get('beta'), form: get('form'), ...gate(get) }),
  },
  simpo: {
    keys: ['beta', 'gamma', 'labelSmoothing', 'nllWeight', 'reduction', ...GATE],
    reductions: NLL_REDUCTIONS,
    loss: (get) => ({
      name: 'simpo',
      beta: get('beta'),
      gamma: get('gamma'),
      labelSmoothing: get('labelSmoothing'),
      ...nll(get),
      ...gate(get),
    }),
  },
  dpop: {
    keys: ['beta', 'lambda', ...GATE],
    loss: (get) => ({ name: 'dpop', beta: get('beta'), lambda: get('lambda'), ...gate(get) }),
  },
  rpo: {
    keys: ['beta', 'nllWeight', 'reduction', 'labelSmoothing', 'referenceFree', ...GATE],
    reductions: NLL_REDUCTIONS,
    loss: (get) => ({
      name: 'rpo',
      beta: get('beta'),
      labelSmoothing: get('labelSmoothing'),
      referenceFree: get('referenceFree'),
      ...nll(get),
      ...gate(get),
    }),
  },
  'cal-dpo': { keys: ['beta', ...GATE], loss: (get) => ({ name: 'cal-dpo', beta: get('beta'), ...gate(get) }) },
  kto: {
    keys: ['beta', 'desirableWeight', 'undesirableWeight'],
    loss: (get) => ({
      name: 'kto',
      beta: get('beta'),
      desirableWeight: get('desirableWeight'),
      undesirableWeight: get('undesirableWeight'),
    }),
  },
  orpo: {
    keys: ['beta', 'nllWeight', 'reduction', ...GATE],
    reductions: NLL_REDUCTIONS,
    loss: (get) => ({ name: 'orpo', beta: get('beta'), ...nll(get), ...gate(get) }),
  },
}

const LOSS_KEYS = new Set<StageKey>(Object.values(KINDS).flatMap(({ keys }) => keys))

/** Whether a stage of this kind has use for a key. */
export const concerns = (kind: StageKind, key: StageKey): boolean =>
  !LOSS_KEYS.has(key) || KINDS[kind].keys.includes(key)

/** The reductions that a kind knows. */
export const reductionsOf = (kind: StageKind): readonly string[] => KINDS[kind].reductions ?? []

/** Settings that mean nothing while another setting has this value. */
export const IDLE: readonly { readonly when: StageKey; readonly is: unknown; readonly keys: readonly StageKey[] }[] = [
  { when: 'gate', is: 'none', keys: ['gate', 'gateSharpness', 'gateThreshold'] },
]

/**
 * Kinds by TRL's `loss_type`, and what else the name says: its hinge is measured against a reference and scaled by β.
 * Names of ours that are none of TRL's mean themselves.
 */
export const TRL_LOSSES: Readonly<
  Record<string, { readonly kind: StageKind; readonly implies?: Readonly<Partial<Record<StageKey, unknown>>> }>
> = {
  sigmoid: { kind: 'dpo' },
  ipo: { kind: 'ipo' },
  hinge: { kind: 'slic', implies: { referenceFree: false, beta: 0.1 } },
  sppo_hard: { kind: 'sppo' },
  simpo: { kind: 'simpo' },
  kto: { kind: 'kto' },
  sft: { kind: 'sft' },
  nll: { kind: 'sft' },
  'sigmoid,sft': { kind: 'rpo', implies: { reduction: 'token-mean' } },
}
