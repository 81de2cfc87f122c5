// Curves over probes, kept and continued: statistics of an evaluation are computed once, however often the page
// is drawn. Values are per probe, so that a change has the error of the probes' own changes (see @ldyn/figures
// series).
import { isSum, unknownColumns, type Per, type Probes } from '@ldyn/runs'
import { bootstrap } from './bootstrap.ts'
import type { LiveData } from './live-run.ts'
import type { Spread } from '../state/address.ts'

export interface Curve {
  /** Probes (units) behind each value. */
  readonly n: number
  readonly mean: number[]
  /** Standard error of the mean; 0 where one probe is all there is. */
  readonly se: number[]
  /** Lower and upper end of the spread asked for. */
  readonly low: number[]
  readonly high: number[]
}

/** Columns that count as one each: the mean of a unit's columns is one value of the curve. */
export interface Units {
  /** Tells these units from others of the same run. */
  readonly name: string
  readonly columns: readonly (readonly number[])[]
}

export interface CurveRequest {
  readonly metric: string
  /** One value a response of this type; or what `units` says. */
  readonly type: string
  readonly units?: Units
  readonly per: Per
  readonly spread: Spread
  /** As the change since this evaluation (an index). */
  readonly since?: number
}

interface Columns {
  readonly columns: readonly number[]
  readonly by: readonly number[]
}

// Probes never change once they are read, there are thousands of columns, and each tick of a run asks for many.
const columnsKept = new WeakMap<Probes, Map<string, Columns | undefined>>()

/** Columns of a type whose values are known, with what each is divided by; undefined where there is nothing to show. */
export const columnsFor = (
  { probes }: Pick<LiveData, 'probes'>,
  metric: string,
  type: string,
  per: Per,
): Columns | undefined => {
  if (!probes || (per === 'token' && !isSum(metric))) return undefined
  let byRequest = columnsKept.get(probes)
  if (!byRequest) columnsKept.set(probes, (byRequest = new Map()))
  const name = `${metric} ${per} ${type}`
  if (!byRequest.has(name)) byRequest.set(name, findColumns(probes, metric, type, per))
  return byRequest.get(name)
}

const findColumns = (probes: Probes, metric: string, type: string, per: Per): Columns | undefined => {
  const unknown = unknownColumns(probes, metric)
  const columns = probes.columns.flatMap((column, i) => (column.type === type && !unknown.has(i) ? [i] : []))
  if (columns.length === 0) return undefined
  const by = columns.map(i => (per === 'token' ? probes.columns[i].tokens : 1))
  // An imported log may not say how long its responses are.
  return by.some(tokens => tokens === 0) ? undefined : { columns, by }
}

/** As `columnsFor`, for units; those of which nothing is known are left out. */
const columnsOfUnits = (
  { probes }: Pick<LiveData, 'probes'>,
  metric: string,
  units: Units,
  per: Per,
): { columns: readonly number[]; by: readonly number[]; ends: readonly number[] } | undefined => {
  if (!probes || (per === 'token' && !isSum(metric))) return undefined
  const unknown = unknownColumns(probes, metric)
  const known = units.columns.map(list => list.filter(i => !unknown.has(i))).filter(list => list.length > 0)
  const columns = known.flat()
  const by = columns.map(i => (per === 'token' ? probes.columns[i].tokens : 1))
  if (columns.length === 0 || by.some(tokens => tokens === 0)) return undefined
  let end = 0
  return { columns, by, ends: known.map(list => (end += list.length)) }
}

/** The quantile q of sorted values, between neighbours in proportion. */
export const quantile = (sorted: ArrayLike<number>, q: number): number => {
  const at = (sorted.length - 1) * q
  const i = Math.floor(at)
  const j = Math.min(sorted.length - 1, i + 1)
  return sorted[i] + (sorted[j] - sorted[i]) * (at - i)
}

interface Kept extends Curve {
  readonly columns: readonly number[]
  readonly by: readonly number[]
  /** By unit the end of its columns, where units have more than one. */
  readonly ends: readonly number[] | undefined
  readonly buffer: Float64Array
}

/** What curves are made of; a metric that is listed and has no rows yet can be asked for. */
export type CurveSource = Pick<LiveData, 'probes' | 'rows'> &
  Partial<Pick<LiveData, 'far' | 'want' | 'manifest'>>

export interface Curves {
  /** Undefined where the run does not hold it, or has not read it yet; then it is asked for. */
  of(run: CurveSource, request: CurveRequest): Curve | undefined
}

export const createCurves = (): Curves => {
  // By the rows themselves: they are one array for as long as a run is open, and grow.
  const kept = new WeakMap<object, Map<string, Kept>>()
  const extend = (
    curve: Kept,
    rows: readonly ArrayLike<number>[],
    spread: Spread,
    since: number | undefined,
  ): void => {
    const { columns, by, buffer, n, ends } = curve
    const base = since === undefined ? undefined : rows[since]
    for (let e = curve.mean.length; e < rows.length; e++) {
      const row = rows[e]
      let sum = 0
      let from = 0
      for (let k = 0; k < n; k++) {
        if (ends) {
          let total = 0
          for (let j = from; j < ends[k]; j++)
            total += (base ? row[columns[j]] - base[columns[j]] : row[columns[j]]) / by[j]
          buffer[k] = total / (ends[k] - from)
          from = ends[k]
        } else {
          const i = columns[k]
          buffer[k] = (base ? row[i] - base[i] : row[i]) / by[k]
        }
        sum += buffer[k]
      }
      const mean = sum / n
      let squares = 0
      for (let k = 0; k < n; k++) squares += (buffer[k] - mean) ** 2
      const se = n < 2 ? 0 : Math.sqrt(squares / (n - 1) / n)
      curve.mean.push(mean)
      curve.se.push(se)
      if (spread === 'se' || spread === 'none') {
        curve.low.push(mean - se)
        curve.high.push(mean + se)
      } else if (spread === 'boot') {
        const [low, high] = bootstrap(buffer)
        curve.low.push(low)
        curve.high.push(high)
      } else {
        buffer.sort()
        curve.low.push(spread === 'range' ? buffer[0] : quantile(buffer, 0.25))
        curve.high.push(spread === 'range' ? buffer[n - 1] : quantile(buffer, 0.75))
      }
    }
  }
  return {
    of(run, { metric, type, per, spread, since, units }) {
      const rows = run.rows.get(metric)
      if (!run.probes) return undefined
      // Averages over units and bootstraps are computed here alone.
      const far = units || spread === 'boot' ? undefined : run.far
      if (!rows) {
        if (!run.manifest?.columns.metrics.includes(metric)) return undefined
        if (far) return far.of({ metric, per, spread, since }, type)
        run.want?.(metric)
        return undefined
      }
      if (rows.length === 0) return undefined
      let byRequest = kept.get(rows)
      if (!byRequest) kept.set(rows, (byRequest = new Map()))
      const name = JSON.stringify([units?.name ?? '', type, per, spread, since])
      let curve = byRequest.get(name)
      if (!curve) {
        const found = units ? columnsOfUnits(run, metric, units, per) : columnsFor(run, metric, type, per)
        if (!found) return undefined
        const ends = 'ends' in found ? (found.ends as readonly number[]) : undefined
        const n = ends?.length ?? found.columns.length
        // What somebody else has computed already is gone on with.
        const known = far?.peek({ metric, per, spread, since }, type)
        const { mean, se, low, high } = known ?? { mean: [], se: [], low: [], high: [] }
        const arrays = { mean: [...mean], se: [...se], low: [...low], high: [...high] }
        curve = { ...found, ends, n, ...arrays, buffer: new Float64Array(n) }
        byRequest.set(name, curve)
      }
      extend(curve, rows, spread, since)
      return curve
    },
  }
}
