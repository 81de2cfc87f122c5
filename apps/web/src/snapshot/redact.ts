// What a snapshot leaves out (ux.md §5.10). `strip` leaves out where and how a run was made: paths are cut to their
// last part; command line, process, host and hardware go. `text: remove` leaves out what was said: prompts, responses,
// names of groups, tokens, and every message that repeats one of them. Response types, metrics and stages stay: they
// are the names of the curves.
import { lastPart } from '@ldyn/figures'
import type { Json, Probes, RunEvent, RunManifest } from '@ldyn/runs'
import type { RunSummary } from '../wire.ts'
import type { SnapshotOptions } from './format.ts'

const REMOVED = '(text removed)'
type Wanted = Pick<SnapshotOptions, 'text' | 'strip'>

/** A value that is a path and nothing else: it begins like one, or has separators and no spaces. */
const isPath = (text: string): boolean =>
  /^(?:[A-Za-z]:[\\/]|[\\/~]|\.{1,2}[\\/]|[a-z][\w+.-]*:\/\/)/i.test(text) ||
  (/[\\/]/.test(text) && !/\s/.test(text))

// In running text: from the root, from home, from here, from a drive or a server.
const PATH_IN_TEXT =
  /(?<![\w.])(?:[a-z][\w+.-]*:\/\/|[A-Za-z]:[\\/]|~[\\/]|\.{1,2}[\\/]|\\\\|\/)[^\s'"`<>|,;:()]*/gi

/** `text` with every path in it cut to its last part. */
export const withoutPaths = (text: string): string =>
  isPath(text) ? lastPart(text) : text.replace(PATH_IN_TEXT, path => lastPart(path) || path)

/** Every string of a JSON value through `change`, with the names that lead to it. */
const mapStrings = (value: Json, change: (text: string, key: string) => string, key = ''): Json => {
  if (typeof value === 'string') return change(value, key)
  if (Array.isArray(value)) return (value as readonly Json[]).map(item => mapStrings(item, change, key))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, mapStrings(item as Json, change, name)]),
  )
}

/** Texts shorter than this are words that a setting may hold by chance. */
const TELLING = 6

/** What replaces a string of a run that is no prompt and no response: settings, messages, names. */
export const redactor = (
  { text, strip }: Wanted,
  probes: Probes | undefined,
): ((value: string) => string) => {
  const said =
    text === 'remove' && probes
      ? [...new Set(probes.rows.flatMap(row => [row.prompt, row.group, ...Object.values(row.responses)]))].filter(
          one => one.length >= TELLING,
        )
      : []
  return value => {
    const isPart = value.length >= 2 * TELLING && /\s/.test(value)
    if (said.some(one => value.includes(one) || (isPart && one.includes(value)))) return REMOVED
    return strip ? withoutPaths(value) : value
  }
}

export const redactManifest = (
  manifest: RunManifest,
  { strip, text }: Wanted,
  redact: (value: string) => string,
): RunManifest => {
  // A setting of several words is somebody's text: a system prompt, a note.
  const isProse = (value: string): boolean => text === 'remove' && /\S\s+\S+\s+\S/.test(value)
  const config = mapStrings(manifest.config, value => (isProse(value) ? REMOVED : redact(value)))
  if (!strip) return { ...manifest, config }
  const { process: _process, ...rest } = manifest
  return {
    ...rest,
    config,
    argv: [],
    environment: { node: '', platform: '', cpu: '', ldyn: manifest.environment.ldyn },
    backend: { ...manifest.backend, device: '' },
    model: { ...manifest.model, path: lastPart(manifest.model.path) },
    datasets: manifest.datasets.map(one => ({ ...one, path: lastPart(one.path) })),
    ...(manifest.imported && {
      imported: {
        ...manifest.imported,
        files: manifest.imported.files.map(file => ({ ...file, path: lastPart(file.path) })),
      },
    }),
  }
}

/** The line of the list of runs. Its key stays: addresses name it. */
export const redactSummary = (summary: RunSummary, { strip }: Wanted): RunSummary =>
  strip ? { ...summary, model: lastPart(summary.model) } : summary

/** Responses keep their types and whether they are there; a group keeps which rows it joins. */
export const redactProbes = (probes: Probes, { text }: Wanted): Probes => {
  if (text !== 'remove') return probes
  const groups = new Map<string, string>()
  const { schema, columns, absent, missing } = probes
  return {
    schema,
    rows: probes.rows.map(({ group, responses }, i) => {
      if (!groups.has(group)) groups.set(group, `group ${groups.size}`)
      return {
        prompt: `probe ${i} ${REMOVED}`,
        group: groups.get(group)!,
        responses: Object.fromEntries(
          Object.entries(responses).map(([type, said]) => [type, said === '' ? '' : REMOVED]),
        ),
      }
    }),
    columns: columns.map(({ row, type, tokens, offset }) => ({ row, type, tokens, offset })),
    absent,
    ...(missing && { missing }),
  }
}

export const redactEvent = (
  event: RunEvent,
  { strip }: Wanted,
  redact: (value: string) => string,
): RunEvent => {
  const found = mapStrings(event as unknown as Json, redact) as unknown as RunEvent
  return strip && found.type === 'resume' && found.backend
    ? { ...found, backend: { ...found.backend, device: '' } }
    : found
}

/**
 * Lines of decompositions and of watched positions: without text a token is a number that stands for it in this file
 * alone, the same wherever it comes again, so that curves of one token can still be told from another's.
 */
export const lineRedactor = ({ text }: Wanted): ((line: Json) => Json) => {
  if (text !== 'remove') return line => line
  const numbers = new Map<number, number>()
  const numberOf = (id: number): number => {
    if (!numbers.has(id)) numbers.set(id, numbers.size)
    return numbers.get(id)!
  }
  const walk = (value: Json): Json => {
    if (Array.isArray(value)) return (value as readonly Json[]).map(walk)
    if (typeof value !== 'object' || value === null) return value
    const { id } = value as { readonly id?: Json }
    const number = typeof id === 'number' ? numberOf(id) : undefined
    const said = number === undefined ? '·' : `token ${number}`
    return Object.fromEntries(
      Object.entries(value).map(([key, item]): [string, Json] =>
        key === 'id' && number !== undefined
          ? [key, number]
          : key === 'text'
            ? [key, Array.isArray(item) ? (item as readonly Json[]).map(() => '·') : said]
            : [key, walk(item as Json)],
      ),
    )
  }
  return walk
}

// Of what stands in the header of a matrix, what is known to be no text of anybody.
const PLAIN = new Set(['schema', 'params', 'per', 'loss', 'type', 'types', 'optimizer', 'kind', 'metric', 'norm'])

/**
 * A value of a matrix file's header: JSON, or text. Without text, strings stay only under names that are known to hold
 * none, and tokens become a sign each.
 */
export const redactHeader = (
  name: string,
  value: string,
  { text, strip }: Wanted,
  redact: (value: string) => string,
): string => {
  const change = (said: string, key: string): string => {
    if (text === 'remove' && !PLAIN.has(key)) return key === 'model' ? lastPart(said) : '·'
    // A token is text even where it looks like a path.
    return strip && ['text', 'token', 'piece', 'pieces', 'tokens'].includes(key) ? said : redact(said)
  }
  let json: Json
  try {
    json = JSON.parse(value) as Json
  } catch {
    return change(value, name)
  }
  if (typeof json === 'number') return value
  return JSON.stringify(mapStrings(lineRedactor({ text, strip })(json), change, name))
}
