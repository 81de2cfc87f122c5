// A run in one line of the list. It is made again only when run.json, the index or the log has changed, and
// reads at most 64 rows of the two curves that it shows.
import { isDoubtful, lastPart } from '@ldyn/figures'
import { FormatError } from '@ldyn/formats'
import { openFile } from '@ldyn/formats/node'
import { openRun, paths, RunError, unknownColumns, type Run, type RunManifest } from '@ldyn/runs'
import { directoryFiles, lockHolder } from '@ldyn/runs/node'
import { join } from 'node:path'
import { summaryOf } from '../data/summary.ts'
import { STALLED_MS, type RunState, type RunSummary, type Spark } from '../wire.ts'
import type { FoundRun } from './discover.ts'
import { stampOf } from './stamp.ts'

/** What the manifest's status means now. */
export const stateOf = (manifest: RunManifest, held: boolean, now: number): RunState => {
  if (manifest.status !== 'running') return manifest.status
  if (!held) return 'killed'
  const beat = Date.parse(manifest.process?.heartbeat ?? manifest.created)
  return now - beat > STALLED_MS ? 'stalled' : 'live'
}

export const isHeld = async (directory: string): Promise<boolean> =>
  (await lockHolder(directory)) !== undefined

const POINTS = 64

/** Means over the probes of these types at every n-th evaluation and the last one, of those that are known. */
const sparksOf = async (
  { probes, evaluations, manifest }: Run,
  directory: string,
  types: readonly string[],
  metric: 'logp' | 'argmax_logp' = 'logp',
): Promise<readonly (Spark | undefined)[]> => {
  if (!probes || evaluations.length === 0 || !manifest.columns.metrics.includes(metric)) return []
  const unknown = unknownColumns(probes, metric)
  const columns = types.map(type =>
    probes.columns.flatMap((column, i) => (column.type === type && !unknown.has(i) ? [i] : [])),
  )
  if (columns.every(own => own.length === 0)) return []
  const every = Math.ceil(evaluations.length / POINTS)
  const rows = [...evaluations.keys()].filter(i => i % every === 0 || i === evaluations.length - 1)
  const width = probes.columns.length * 4
  const values = types.map((): number[] => [])
  // A folder has hundreds of runs: each file is opened once, for all that is drawn of it.
  await using file = await openFile(join(directory, paths.metric(metric)))
  for (const row of rows) {
    const bytes = await file.read(row * width, width)
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    columns.forEach((own, t) =>
      values[t].push(own.reduce((total, column) => total + view.getFloat32(column * 4, true), 0) / own.length),
    )
  }
  // Damaged: its own screens say where. JSON would make it null, and one bad run the end of the whole list.
  return values.map(all => (all.every(Number.isFinite) ? { values: all, every } : undefined))
}

const summarise = async ({
  key,
  directory,
}: FoundRun): Promise<Omit<RunSummary, 'state'> & { manifest?: RunManifest }> => {
  try {
    const run = await openRun(directoryFiles(directory))
    const sparks: Record<string, Spark> = {}
    const [chosen, rejected] = await sparksOf(run, directory, ['chosen', 'rejected'])
    // Of a log whose argmax may be another response's nothing is said here.
    const [argmax] = isDoubtful(run, 'argmax_logp') ? [] : await sparksOf(run, directory, ['chosen'], 'argmax_logp')
    for (const [name, found] of Object.entries({ chosen, rejected, argmax })) if (found) sparks[name] = found
    return { manifest: run.manifest, ...summaryOf(key, run), sparks }
  } catch (error) {
    if (!(error instanceof RunError || error instanceof FormatError)) throw error
    return {
      key,
      id: lastPart(key),
      created: '',
      model: '',
      params: 0,
      stages: [],
      step: 0,
      updates: 0,
      evaluations: 0,
      probes: 0,
      types: 0,
      warnings: [],
      sparks: {},
      // The directory's own path is nobody's business but the server's.
      error: { code: error.code, message: error.message.replaceAll(directory, key) },
    }
  }
}

/** Runs that are read at the same time: of hundreds at once all would lie in memory together. */
const AT_ONCE = 8

/** Has at most `most` of what is asked for under way, the others in their order. */
const atMost = (most: number): (<T>(work: () => Promise<T>) => Promise<T>) => {
  const waiting: (() => void)[] = []
  let free = most
  return async work => {
    if (free > 0) free--
    else await new Promise<void>(resolve => waiting.push(resolve))
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else free++
    }
  }
}

export interface Summaries {
  of(run: FoundRun): Promise<RunSummary>
}

/** Summaries that are kept until a file of the run changes. */
export const createSummaries = (now: () => number = Date.now): Summaries => {
  const kept = new Map<string, { stamp: string; summary: ReturnType<typeof summarise> }>()
  const inTurn = atMost(AT_ONCE)
  return {
    async of(run) {
      const stamp = await stampOf(run.directory, [paths.manifest, paths.index, paths.scalars, paths.events])
      let entry = kept.get(run.key)
      if (entry?.stamp !== stamp) {
        entry = { stamp, summary: inTurn(() => summarise(run)) }
        kept.set(run.key, entry)
      }
      const { manifest, ...summary } = await entry.summary
      const state = manifest ? stateOf(manifest, await isHeld(run.directory), now()) : 'failed'
      return { ...summary, state }
    },
  }
}
