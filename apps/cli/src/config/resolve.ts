/**
 * Layers → one config, with the origin of every value. Precedence: flags > LDYN_* > file > preset > default; within a
 * layer, what is said of one stage beats what is said of all.
 */
import type { StageConfig, TokenOptions } from '@ldyn/lab'
import { CliError } from '../contract/errors.ts'
import { nearest } from '../contract/nearest.ts'
import type { Assignment, ConfigLayer, StageEntry } from './assignments.ts'
import { concerns, IDLE, KINDS, reductionsOf } from './kinds.ts'
import { DEFAULTS, PRESETS, type Preset, type PresetName } from './presets.ts'
import { isStageKey, leaves, STAGE_KINDS, type StageKey } from './schema.ts'

/** A value and where it comes from. */
export interface Settled {
  readonly value: unknown
  readonly origin: string
}

export interface StageSettings extends StageEntry {
  readonly settings: Readonly<Partial<Record<StageKey, Settled>>>
}

export interface Config {
  /** By path; stage settings are not among them. */
  readonly values: Readonly<Record<string, Settled>>
  readonly stages: readonly StageSettings[]
  /** Settings that do nothing. */
  readonly warnings: readonly string[]
}

/** Origin of what nobody set. */
const DEFAULT = 'default'

const OPTIMIZER_KEYS = {
  sgd: ['momentum'],
  rmsprop: ['alpha', 'eps'],
  adamw: ['beta1', 'beta2', 'eps'],
} as const satisfies Record<string, readonly StageKey[]>

/**
 * @param layers file, environment, flags: a later one wins over an earlier one
 */
export function resolve(layers: readonly ConfigLayer[]): Config {
  const chosen = layers.findLast((layer) => layer.preset)?.preset
  const base = [
    presetLayer(DEFAULT, DEFAULTS),
    ...(chosen ? [presetLayer(`preset ${chosen.name}`, presetNamed(chosen))] : []),
  ]
  const list = layers.findLast((layer) => layer.stages)?.stages
  const entries = list?.list ?? []
  const warnings: string[] = []
  const values: Record<string, Settled> = {}
  for (const { assignments } of [...base.map(({ all }) => all), ...layers]) {
    for (const { stage, path, value, origin } of assignments) {
      if (stage !== undefined) mustExist(stage, entries, origin)
      else if (!isStageKey(path)) values[path] = { value, origin }
    }
  }
  const stages = entries.map((entry): StageSettings => ({
    ...entry,
    settings: settingsOf(entry, base, layers, warnings),
  }))
  const ordered = Object.keys(leaves).flatMap((path) => (path in values ? [[path, values[path]]] : []))
  return { values: Object.fromEntries(ordered), stages, warnings: [...new Set(warnings)] }
}

interface BaseLayer {
  readonly all: ConfigLayer
  readonly kinds: Preset['kinds']
  readonly origin: string
}

const presetLayer = (origin: string, { values, kinds }: Preset): BaseLayer => ({
  all: { assignments: Object.entries(values).map(([path, value]) => ({ path, value, origin })) },
  kinds,
  origin,
})

function presetNamed({ name, origin }: { name: string; origin: string }): Preset {
  if (Object.hasOwn(PRESETS, name)) return PRESETS[name as PresetName]
  const near = nearest(name, Object.keys(PRESETS))
  throw new CliError({
    code: 'LD3003',
    what: `unknown preset '${name}'`,
    where: origin,
    fix: near ? `did you mean ${near}?` : `presets are ${Object.keys(PRESETS).join(', ')}`,
  })
}

function mustExist(stage: string, entries: readonly StageEntry[], origin: string): void {
  if (entries.some(({ name }) => name === stage)) return
  const near = nearest(
    stage,
    entries.map(({ name }) => name),
  )
  throw new CliError({
    code: 'LD3002',
    what: `no stage is named '${stage}'`,
    where: origin,
    why: `the stages are ${entries.map(({ name }) => name).join(', ') || 'not given'}`,
    fix: near ? `did you mean stages.${near}?` : `give --stages, of ${STAGE_KINDS.join(', ')}`,
  })
}

function settingsOf(
  entry: StageEntry,
  base: readonly BaseLayer[],
  layers: readonly ConfigLayer[],
  warnings: string[],
): StageSettings['settings'] {
  const settings: Partial<Record<StageKey, Settled>> = {}
  const apply = ({ path, value, origin }: Assignment, own: boolean): void => {
    const key = path as StageKey
    const fits =
      concerns(entry.kind, key) && (key !== 'reduction' || reductionsOf(entry.kind).includes(value as string))
    if (fits) settings[key] = { value, origin }
    else if (own && key === 'reduction' && concerns(entry.kind, key))
      throw wrongReduction(entry, value, origin)
    else if (own) warnings.push(`stage '${entry.name}' (${entry.kind}) has no use for ${key} (${origin})`)
    // A length said later replaces a length said earlier, whichever of the two it is.
    if (key === 'updates') delete settings.epochs
    if (key === 'epochs') delete settings.updates
  }
  const layer = (assignments: readonly Assignment[]): void => {
    const order = (a: Assignment): number => (a.path === 'updates' ? 1 : 0)
    for (const own of [false, true]) {
      assignments
        .filter((a) => (own ? a.stage === entry.name : a.stage === undefined) && isStageKey(a.path))
        .sort((a, b) => order(a) - order(b))
        .forEach((a) => apply(a, own))
    }
  }
  for (const { all, kinds, origin } of base) {
    layer(all.assignments)
    layer(Object.entries(kinds?.[entry.kind] ?? {}).map(([path, value]) => ({ path, value, origin })))
  }
  for (const { assignments } of layers) layer(assignments)
  return withoutOthers(entry, settings, warnings)
}

/** Leaves out what the optimizer, or a switch that is off, has no use for; says so where somebody set it. */
function withoutOthers(
  entry: StageEntry,
  settings: Partial<Record<StageKey, Settled>>,
  warnings: string[],
): StageSettings['settings'] {
  const name = settings.optimizer!.value as keyof typeof OPTIMIZER_KEYS
  const kept = new Set<StageKey>(OPTIMIZER_KEYS[name])
  const idle = new Map<StageKey, string>(
    Object.values(OPTIMIZER_KEYS)
      .flat()
      .filter((key) => !kept.has(key))
      .map((key) => [key, name]),
  )
  for (const { when, is, keys } of IDLE)
    if (settings[when]?.value === is) for (const key of keys) idle.set(key, `${when}: ${String(is)}`)
  return Object.fromEntries(
    Object.entries(settings).filter(([key, { origin, value }]) => {
      const why = idle.get(key as StageKey)
      if (why === undefined) return true
      const own = origin !== DEFAULT && !origin.startsWith('preset ')
      if (own && !IDLE.some(({ when, is }) => when === key && is === value))
        warnings.push(`stage '${entry.name}': ${why} has no use for ${key} (${origin})`)
      return false
    }),
  )
}

const wrongReduction = (entry: StageEntry, value: unknown, origin: string): CliError =>
  new CliError({
    code: 'LD3003',
    what: `reduction '${String(value)}' is none of a stage of kind ${entry.kind}`,
    where: origin,
    fix: `use one of ${reductionsOf(entry.kind).join(', ')}`,
  })

/** The value at a path, if any. */
export const valueAt = <T>(config: Config, path: string): T | undefined =>
  config.values[path]?.value as T | undefined

/** The released code's warm-up, which a short stage would never leave. */
const PAPER_WARMUP = 150

/**
 * A stage as the trainer takes it. `rows` is the number of data rows, from which the number of updates follows where
 * `epochs` is given; warm-up, where it is left to us, is a tenth of that, 150 at most.
 */
export function stageConfig({ name, kind, settings }: StageSettings, rows: number): StageConfig {
  const get = <T>(key: StageKey): T => settings[key]?.value as T
  const [batch, accumulate, epochs, updates] = [
    get<number>('batch'),
    get<number>('accumulate'),
    get<number | undefined>('epochs'),
    get<number | undefined>('updates'),
  ]
  const targets = kind === 'sft' || kind === 'extend' ? get<readonly string[]>('targets') : []
  const examples = rows * Math.max(1, targets.length)
  const total = updates ?? Math.floor(((epochs ?? 1) * examples) / (batch * accumulate))
  return {
    name,
    loss: KINDS[kind].loss(get),
    targets,
    ...(updates === undefined ? { epochs } : { updates }),
    batch,
    accumulate,
    lr: get('lr'),
    schedule: {
      name: get('schedule'),
      warmup: get<number | undefined>('warmup') ?? Math.min(PAPER_WARMUP, Math.floor(total / 10)),
    },
    optimizer: optimizerOf(get),
    maxGradNorm: get('maxGradNorm'),
    shuffle: get('shuffle'),
    dropLast: get('dropLast'),
  }
}

type Get = <T>(key: StageKey) => T

function optimizerOf(get: Get): StageConfig['optimizer'] {
  const weightDecay = get<number>('weightDecay')
  const name = get<'sgd' | 'rmsprop' | 'adamw'>('optimizer')
  switch (name) {
    case 'sgd':
      return { name, momentum: get('momentum'), weightDecay }
    case 'rmsprop':
      return { name, alpha: get('alpha'), eps: get('eps'), weightDecay }
    case 'adamw':
      return { name, beta1: get('beta1'), beta2: get('beta2'), eps: get('eps'), weightDecay }
  }
}

/** Token options, the model's context and lab's defaults where the config says nothing. */
export const tokenOptions = (config: Config, defaults: TokenOptions): TokenOptions => ({
  mode: valueAt(config, 'tokens.mode') ?? defaults.mode,
  maxLength: valueAt(config, 'tokens.maxLength') ?? defaults.maxLength,
  overflow: valueAt(config, 'tokens.overflow') ?? defaults.overflow,
  maxPromptLength: valueAt(config, 'tokens.maxPromptLength') ?? defaults.maxPromptLength,
  truncation: valueAt(config, 'tokens.truncation') ?? defaults.truncation,
})

/** The config as a file that gives the same again. */
export function asTree({ values, stages }: Config): Record<string, unknown> {
  const tree: Record<string, unknown> = {}
  for (const [path, { value }] of Object.entries(values)) {
    const keys = path.split('.')
    const last = keys.pop()!
    const inner = keys.reduce((at, key) => (at[key] ??= {}) as Record<string, unknown>, tree)
    inner[last] = value
  }
  const list = stages.map(({ name, kind, settings }) => ({
    name,
    kind,
    ...Object.fromEntries(Object.entries(settings).map(([key, settled]) => [key, settled.value])),
  }))
  return { ...tree, ...(list.length > 0 ? { stages: list } : {}) }
}

/** Settings that nobody made, as paths of that tree: `seed`, `stages.0.lr`. */
export const defaultPaths = ({ values, stages }: Config): readonly string[] => {
  const left = (at: string, settled: Readonly<Record<string, Settled>>): readonly string[] =>
    Object.entries(settled).flatMap(([path, { origin }]) => (origin === DEFAULT ? [at + path] : []))
  return [left('', values), ...stages.map(({ settings }, i) => left(`stages.${i}.`, settings))].flat()
}

/** Every value with its origin, by full path. */
export const origins = ({ values, stages }: Config): { path: string; value: unknown; origin: string }[] => [
  ...Object.entries(values).map(([path, settled]) => ({ path, ...settled })),
  ...stages.flatMap(({ name, settings }) =>
    Object.entries(settings).map(([key, settled]) => ({ path: `stages.${name}.${key}`, ...settled })),
  ),
]
