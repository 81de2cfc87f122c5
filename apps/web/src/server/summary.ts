// A run in one line of the list. It is made again only when run.json, the index or the log has changed, and
// reads at most 64 rows of the two curves that it shows.
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isDoubtful, stepName } from '@ldyn/figures'
import { openRun, paths, RunError, unknownColumns, type Run, type RunManifest } from '@ldyn/runs'
import { directoryFiles, lockHolder } from '@ldyn/runs/node'
import { STALLED_MS, type RunState, type RunSummary, type Spark } from '../wire.ts'
import type { FoundRun } from './discover.ts'

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

/** Means over the probes of one type at every n-th evaluation and the last one. */
const spark = async (
  run: Run,
  directory: string,
  type: string,
  metric: 'logp' | 'argmax_logp' = 'logp',
): Promise<Spark | undefined> => {
  const { probes, evaluations, manifest } = run
  if (!probes || evaluations.length === 0 || !manifest.columns.metrics.includes(metric)) return undefined
  const unknown = unknownColumns(probes, metric)
  const columns = probes.columns.flatMap((column, i) => (column.type === type && !unknown.has(i) ? [i] : []))
  if (columns.length === 0) return undefined
  const every = Math.ceil(evaluations.length / POINTS)
  const rows = [...evaluations.keys()].filter(i => i % every === 0 || i === evaluations.length - 1)
  const width = probes.columns.length * 4
  const files = directoryFiles(directory)
  const values: number[] = []
  for (const row of rows) {
    const bytes = await files.read(paths.metric(metric), row * width, width)
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const sum = columns.reduce((total, column) => total + view.getFloat32(column * 4, true), 0)
    values.push(sum / columns.length)
  }
  return { values, every }
}

const lastPart = (path: string): string =>
  path
    .replace(/[\\/]+$/, '')
    .split(/[\\/]/)
    .at(-1) || path

const summarise = async ({
  key,
  directory,
}: FoundRun): Promise<Omit<RunSummary, 'state'> & { manifest?: RunManifest }> => {
  try {
    const run = await openRun(directoryFiles(directory))
    const { manifest, probes, evaluations, scalars } = run
    const lr = scalars.get('learning_rate') ?? scalars.get('lr')
    const sparks: Record<string, Spark> = {}
    for (const type of ['chosen', 'rejected']) {
      const found = await spark(run, directory, type)
      if (found) sparks[type] = found
    }
    // Of a log whose argmax may be another response's nothing is said here.
    const argmax = isDoubtful(run, 'argmax_logp') ? undefined : await spark(run, directory, 'chosen', 'argmax_logp')
    if (argmax) sparks.argmax = argmax
    const lastScalar = Math.max(0, ...[...scalars.values()].map(column => column.steps.at(-1) ?? 0))
    return {
      manifest,
      key,
      id: manifest.id,
      created: manifest.created,
      model: lastPart(manifest.model.path),
      params: manifest.model.params,
      stages: manifest.stages.map(({ name, loss, updates }) => ({ name, loss, updates })),
      ...(manifest.imported && { imported: manifest.imported.format }),
      ...(stepName(run) === 'evaluation' && { counts: 'evaluation' as const }),
      ...(lr && { lr: lr.values.reduce((most, value) => Math.max(most, value), 0) }),
      step: Math.max(evaluations.at(-1)?.step ?? 0, lastScalar),
      updates: manifest.stages.reduce((sum, stage) => sum + stage.updates, 0),
      evaluations: evaluations.length,
      probes: manifest.imported?.meansOnly ? 0 : (probes?.rows.length ?? 0),
      types: run.types.length,
      warnings: [...new Set(run.events.flatMap(event => (event.type === 'warning' ? [event.code] : [])))],
      sparks,
    }
  } catch (error) {
    if (!(error instanceof RunError)) throw error
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

export interface Summaries {
  of(run: FoundRun): Promise<RunSummary>
}

/** Summaries that are kept until a file of the run changes. */
export const createSummaries = (now: () => number = Date.now): Summaries => {
  const kept = new Map<string, { stamp: string; summary: ReturnType<typeof summarise> }>()
  const stampOf = async (directory: string): Promise<string> => {
    const stats = await Promise.all(
      [paths.manifest, paths.index, paths.scalars, paths.events].map(path =>
        stat(join(directory, path)).then(
          ({ size, mtimeMs }) => `${size} ${mtimeMs}`,
          () => '-',
        ),
      ),
    )
    return stats.join('|')
  }
  return {
    async of(run) {
      const stamp = await stampOf(run.directory)
      let entry = kept.get(run.key)
      if (entry?.stamp !== stamp) {
        entry = { stamp, summary: summarise(run) }
        kept.set(run.key, entry)
      }
      const { manifest, ...summary } = await entry.summary
      const state = manifest ? stateOf(manifest, await isHeld(run.directory), now()) : 'failed'
      return { ...summary, state }
    },
  }
}
