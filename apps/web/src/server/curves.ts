// Curves over probes, computed where the files are. A thousand evaluations of 7 000 probed responses are 28 MB of
// rows and 450 KB of curves, so a page that draws the means need not read the rows. The statistics are those of
// the page itself (data/curves.ts), evaluation by evaluation; a run that grows costs its new rows.
import { open, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { checkProbes, paths, typesOf, type Probes } from '@ldyn/runs'
import { directoryFiles } from '@ldyn/runs/node'
import { createCurves, type Curves } from '../data/curves.ts'
import { encodeCurves, type FarCurve, type FarRequest } from '../data/far-curves.ts'
import type { FoundRun } from './discover.ts'

interface Kept {
  /** Replaced probes or a replaced run begin anew. */
  readonly stamp: string
  readonly probes: Probes
  readonly curves: Curves
  /** Statistics by request; each has rows of its own, of which only new ones are held, and only while they are read. */
  readonly by: Map<string, Asked>
}

interface Asked {
  readonly rows: Float32Array[]
  readonly result: Map<string, FarCurve>
  turn: Promise<unknown>
}

const SPREADS = ['none', 'se', 'iqr', 'range'] as const
/** Requests that are kept of one run: about half a megabyte each. */
const MOST = 48
const MOST_RUNS = 100
/** No row of a run that ldyn writes is nearly so long; a hostile probes.json is not believed. */
const MOST_ROWS_BYTES = 1_500_000_000

/** Metrics of which one request asks at most. */
const MOST_METRICS = 32

interface CurvesAsked {
  /** One for each metric. */
  readonly requests: readonly FarRequest[]
  readonly from: number
  readonly to: number
}

/** What an address asks for, of metrics with commas between them; a sentence where it makes no sense. */
export const readRequest = (
  names: string,
  query: (name: string) => string | undefined,
): CurvesAsked | string => {
  const whole = (name: string): number | undefined => {
    const text = query(name)
    return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined
  }
  const [from, to, since] = [whole('from'), whole('to'), whole('since')]
  const per = (['response', 'token'] as const).find(one => one === query('per'))
  const spread = SPREADS.find(one => one === query('spread'))
  const metrics = names.split(',')
  if (metrics.length > MOST_METRICS) return `Curves of ${MOST_METRICS} metrics are told at once, no more.`
  if (!metrics.every(metric => /^[a-z][a-z0-9_]*$/.test(metric))) return 'That is no name of a metric.'
  if (from === undefined || to === undefined || from >= to) return 'from and to are evaluations, from before to.'
  if (per === undefined || spread === undefined) return 'per and spread are needed.'
  if (query('since') !== undefined && since === undefined) return 'since is an evaluation.'
  return { requests: metrics.map(metric => ({ metric, per, spread, since })), from, to }
}

export interface ServedCurves {
  /** Bytes for the page; undefined where the run does not hold that many evaluations of the metric. */
  of(run: FoundRun, request: FarRequest, from: number, to: number): Promise<Uint8Array | undefined>
}

export const createServedCurves = (): ServedCurves => {
  const kept = new Map<string, Promise<Kept | undefined>>()

  const load = async ({ directory }: FoundRun, stamp: string): Promise<Kept | undefined> => {
    const files = directoryFiles(directory)
    const size = await files.size(paths.probes)
    if (size === undefined) return undefined
    const text = new TextDecoder().decode(await files.read(paths.probes, 0, size))
    return { stamp, probes: checkProbes(JSON.parse(text), paths.probes), curves: createCurves(), by: new Map() }
  }
  const keptOf = async (run: FoundRun): Promise<Kept | undefined> => {
    const found = await stat(join(run.directory, paths.probes)).catch(() => undefined)
    if (!found) return undefined
    const stamp = `${found.size} ${found.mtimeMs} ${found.ino}`
    let entry = kept.get(run.directory)
    if (!entry || (await entry)?.stamp !== stamp) {
      entry = load(run, stamp)
      kept.set(run.directory, entry)
      entry.catch(() => kept.delete(run.directory))
      for (const oldest of [...kept.keys()].slice(0, Math.max(0, kept.size - MOST_RUNS))) kept.delete(oldest)
    }
    return entry
  }

  return {
    async of(run, request, from, to) {
      const { metric, per, spread, since } = request
      const found = await keptOf(run)
      if (!found || (since !== undefined && since >= to)) return undefined
      const { probes, curves } = found
      const width = probes.columns.length
      const name = JSON.stringify(request)
      let entry = found.by.get(name)
      if (!entry) {
        entry = { rows: [], result: new Map(), turn: Promise.resolve() }
        found.by.set(name, entry)
        for (const oldest of [...found.by.keys()].slice(0, Math.max(0, found.by.size - MOST)))
          found.by.delete(oldest)
      }
      const { rows, result } = entry
      // In turn: the page may ask for the next evaluations before it has been told of these.
      const turn = entry.turn.then(async (): Promise<boolean> => {
        const first = rows.length
        if (first >= to) return true
        if (width === 0 || to * width * 4 > MOST_ROWS_BYTES) return false
        const path = join(run.directory, paths.metric(metric))
        const read = await readRows(path, width, first, to)
        const base = since !== undefined && since < first ? await readRows(path, width, since, since + 1) : undefined
        if (!read || (since !== undefined && since < first && !base)) return false
        for (const row of read) rows.push(row)
        if (base) rows[since!] = base[0]
        for (const type of typesOf(probes)) {
          const source = { probes, rows: new Map([[metric, rows]]) }
          const curve = curves.of(source, { metric, type, per, spread, since })
          if (curve) result.set(type, curve)
        }
        // The numbers are in the curves: the rows themselves may go.
        rows.fill(EMPTY)
        return true
      })
      entry.turn = turn.catch(() => {})
      return (await turn) ? encodeCurves(result, from, to) : undefined
    },
  }
}

const EMPTY = new Float32Array(0)

/** Rows [from, to); undefined where the file does not hold them, or one holds what is no number. */
const readRows = async (
  path: string,
  width: number,
  from: number,
  to: number,
): Promise<readonly Float32Array[] | undefined> => {
  const file = await open(path).catch(() => undefined)
  if (!file) return undefined
  try {
    const { size } = await file.stat()
    const bytes = (to - from) * width * 4
    if (size < to * width * 4) return undefined
    const buffer = new ArrayBuffer(bytes)
    const { bytesRead } = await file.read(new Uint8Array(buffer), 0, bytes, from * width * 4)
    if (bytesRead < bytes) return undefined
    const values = new Float32Array(buffer)
    let bad = 0
    while (bad < values.length && values[bad] - values[bad] === 0) bad++
    if (bad < values.length) return undefined
    return Array.from({ length: to - from }, (_, i) => values.subarray(i * width, (i + 1) * width))
  } finally {
    await file.close()
  }
}
