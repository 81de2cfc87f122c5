/**
 * A layer of config, whatever it came from, as a list of assignments: a canonical path, a checked value, and where it
 * was written. An unknown key is an error that names the nearest known one.
 */
import type { z } from 'zod'
import { CliError } from '../contract/errors.ts'
import { nearest } from '../contract/nearest.ts'
import { ALIASES, trlLoss } from './aliases.ts'
import { isSection, isStageKey, kindSchema, leaves, STAGE_KINDS, type StageKind } from './schema.ts'

/** `stage` is set where the value is for one stage alone. */
export interface Assignment {
  readonly stage?: string
  readonly path: string
  readonly value: unknown
  readonly origin: string
}

export interface StageEntry {
  readonly name: string
  readonly kind: StageKind
}

export interface ConfigLayer {
  readonly assignments: readonly Assignment[]
  /** The list of stages, where this layer gives one. */
  readonly stages?: { readonly list: readonly StageEntry[]; readonly origin: string }
  readonly preset?: { readonly name: string; readonly origin: string }
}

/** Where the value at a path was written: `hh.yaml:12`, `--set lr`, `LDYN_LR`. */
export type OriginOf = (path: readonly string[]) => string

const camel = (key: string): string => key.replace(/[-_]+([a-z0-9])/gi, (_, c: string) => c.toUpperCase())
const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Throws CliError LD3002 for an unknown key and LD3003 for a value that does not fit. */
export function layerOf(tree: unknown, originOf: OriginOf): ConfigLayer {
  if (tree === null || tree === undefined) return { assignments: [] }
  if (!isMap(tree))
    throw new CliError({
      code: 'LD3001',
      what: 'the config is no mapping of keys to values',
      where: originOf([]),
    })
  const assignments: Assignment[] = []
  // What a loss's name in TRL says beside its kind; what is said in so many words beats it.
  const implied: Assignment[] = []
  let stages: ConfigLayer['stages']
  let preset: ConfigLayer['preset']
  for (const [key, value] of Object.entries(tree)) {
    const origin = originOf([key])
    if (key === '$schema') continue
    if (key === 'preset') preset = { name: String(value), origin }
    else if (key === 'stages') {
      const found = stagesOf(value, originOf)
      assignments.push(...found.assignments)
      stages = found.list ? { list: found.list, origin } : stages
    } else if (isSection(key)) {
      if (!isMap(value)) throw notValid(key, value, 'expected a mapping of keys to values', origin)
      for (const [inner, v] of Object.entries(value)) {
        const path = `${key}.${camel(inner)}`
        // A mapping inside a section, as observe.decompose is.
        const isGroup = isMap(v) && Object.keys(leaves).some((leaf) => leaf.startsWith(`${path}.`))
        const entries = isGroup ? Object.entries(v).map(([k, x]) => [`${path}.${camel(k)}`, x, k] as const) : [[path, v] as const]
        for (const [at, x, ...own] of entries) assignments.push(...assign(at, x, originOf([key, inner, ...own])))
      }
    } else if (key === 'loss_type') {
      const { kind, implies } = trlLoss(value, origin)
      stages = { list: [{ name: kind, kind }], origin }
      implied.push(...impliedBy(implies, origin))
    } else assignments.push(...assign(key, value, origin))
  }
  return { assignments: [...implied, ...assignments], stages, preset }
}

const impliedBy = (implies: object = {}, origin: string, stage?: string): Assignment[] =>
  Object.entries(implies).map(([path, value]) => ({ stage, path, value, origin }))

/** One value; none where an alias says that it is not set. */
function assign(key: string, given: unknown, origin: string, stage?: string): Assignment[] {
  const alias = Object.hasOwn(ALIASES, key) ? ALIASES[key] : undefined
  const value = alias?.value ? alias.value(given, origin) : given
  if (value === undefined || value === null) return []
  const path = alias?.path ?? (Object.hasOwn(leaves, key) ? key : camel(key))
  if (!Object.hasOwn(leaves, path) || (stage !== undefined && !isStageKey(path)))
    throw unknownKey(key, origin, stage)
  return [{ stage, path, value: check(path, leaves[path], value, origin), origin }]
}

function check(path: string, schema: z.ZodType, value: unknown, origin: string): unknown {
  const { success, data, error } = schema.safeParse(value)
  if (success) return data
  const [issue] = error.issues
  throw notValid(path, value, issue.message.charAt(0).toLowerCase() + issue.message.slice(1), origin)
}

const notValid = (path: string, value: unknown, why: string, origin: string): CliError =>
  new CliError({
    code: 'LD3003',
    what: `config value ${path} is not valid`,
    where: origin,
    why: `it is ${JSON.stringify(value) ?? String(value)}: ${why}`,
    fix: '`ldyn config schema` says what each key takes',
  })

function unknownKey(key: string, where: string, stage?: string): CliError {
  const own =
    stage === undefined
      ? ['stages', 'preset', ...Object.keys(leaves)]
      : ['name', 'kind', ...Object.keys(leaves).filter(isStageKey)]
  const section = key.includes('.') ? `${key.split('.')[0]}.` : ''
  const among = own.filter((name) => name.startsWith(section))
  const near = nearest(key, [...among, ...Object.keys(ALIASES)])
  return new CliError({
    code: 'LD3002',
    what: `unknown config key '${stage === undefined ? key : `stages.${stage}.${key}`}'`,
    where,
    fix: near ? `did you mean ${near}?` : `known keys here: ${among.join(', ')}`,
  })
}

interface FoundStages {
  readonly list?: readonly StageEntry[]
  readonly assignments: readonly Assignment[]
}

/** `sft,dpo`, a list of names and objects, or a mapping from names to settings. */
function stagesOf(value: unknown, originOf: OriginOf): FoundStages {
  const origin = originOf(['stages'])
  if (isMap(value)) {
    const assignments = Object.entries(value).flatMap(([name, settings]) => {
      if (!isMap(settings))
        throw notValid(
          `stages.${name}`,
          settings,
          'expected a mapping of keys to values',
          originOf(['stages', name]),
        )
      return stageSettings(name, settings, (key) => originOf(['stages', name, key]))
    })
    return { assignments }
  }
  const items =
    typeof value === 'string'
      ? value
          .split(',')
          .map((s) => s.trim())
          .filter(Boolean)
      : value
  if (!Array.isArray(items) || items.length === 0)
    throw notValid('stages', value, 'expected a list such as sft,dpo', origin)
  const list: StageEntry[] = []
  const assignments: Assignment[] = []
  for (const [i, item] of items.entries()) {
    const at = typeof value === 'string' ? origin : originOf(['stages', String(i)])
    const settings: Readonly<Record<string, unknown>> = isMap(item) ? item : { kind: item }
    const entry = entryOf(settings, list, at)
    list.push(entry)
    if (settings.kind === undefined && settings.loss_type !== undefined)
      assignments.push(...impliedBy(trlLoss(settings.loss_type, at).implies, at, entry.name))
    assignments.push(...stageSettings(entry.name, settings, (key) => originOf(['stages', String(i), key])))
  }
  return { list, assignments }
}

function entryOf(
  settings: Readonly<Record<string, unknown>>,
  before: readonly StageEntry[],
  origin: string,
): StageEntry {
  const given =
    settings.kind ??
    (settings.loss_type === undefined ? settings.name : ALIASES.loss_type.value!(settings.loss_type, origin))
  const kind = kindSchema.safeParse(given)
  if (!kind.success) {
    const near = nearest(String(given), STAGE_KINDS)
    throw new CliError({
      code: 'LD3003',
      what: given === undefined ? 'a stage has no kind' : `unknown kind of stage '${String(given)}'`,
      where: origin,
      fix: near ? `did you mean ${near}?` : `kinds of stages are ${STAGE_KINDS.join(', ')}`,
    })
  }
  const name = settings.name === undefined ? freeName(kind.data, before) : String(settings.name)
  if (before.some((s) => s.name === name)) {
    throw new CliError({
      code: 'LD3003',
      what: `two stages are named '${name}'`,
      where: origin,
      fix: 'give each stage a name of its own',
    })
  }
  if (!/^[A-Za-z0-9][\w-]*$/.test(name))
    throw notValid('name', name, 'expected letters, digits, - and _', origin)
  return { name, kind: kind.data }
}

/** `dpo`, then `dpo-2`, …. */
function freeName(kind: StageKind, before: readonly StageEntry[]): string {
  const taken = before.filter((s) => s.kind === kind).length
  return taken === 0 ? kind : `${kind}-${taken + 1}`
}

const stageSettings = (
  stage: string,
  settings: Readonly<Record<string, unknown>>,
  originOf: (key: string) => string,
): Assignment[] =>
  Object.entries(settings)
    .filter(([key]) => !['name', 'kind', 'loss_type'].includes(key))
    .flatMap(([key, value]) => assign(key, value, originOf(key), stage))
