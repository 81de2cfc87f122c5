/** Cases whose curves a test chose: a shape over the stage from 0 to 1, noise of probes, jumps of the trajectory. */
import type { Case, CaseStage } from '../src/diagnosing/case.ts'
import type { Track } from '../src/diagnosing/trend.ts'

export type Shape = (t: number) => number

export const ramp =
  (from: number, change: number): Shape =>
  (t) =>
    from + change * t

export interface Made {
  readonly curves?: Readonly<Record<string, Shape>>
  readonly log?: Readonly<Record<string, Shape>>
  readonly loss?: string
  readonly evaluations?: number
  /** 0: means alone. */
  readonly probes?: number
  /** Of each probe's own value, and of a whole evaluation, in the curve's unit (nats of log π). */
  readonly noise?: number
  readonly jump?: number
  /** Random walk: its step, as a share of `jump`. */
  readonly wander?: number
  readonly seed?: number
  readonly firstStep?: number
  /** The last step of a stage before. */
  readonly begins?: number
  /** What one probe does beside the others. */
  readonly own?: (name: string, probe: number, t: number) => number
  readonly tokens?: boolean
}

const random = (seed: number): (() => number) => {
  let s = (seed + 1) * 2654435761
  return () => {
    s = (s + 0x6d2b79f5) | 0
    let x = Math.imul(s ^ (s >>> 15), 1 | s)
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32
  }
}

const meanOf = (row: readonly number[]): number => row.reduce((a, b) => a + b, 0) / row.length

export function madeCase(made: Made): Case {
  const { curves = {}, log = {}, loss = 'dpo', evaluations: n = 40, probes = 24 } = made
  const {
    noise = 2,
    jump = 0.4,
    wander = 0,
    seed = 0,
    firstStep = 0,
    begins = 0,
    own = () => 0,
    tokens = false,
  } = made
  const next = random(seed)
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next())
  const steps = Array.from({ length: n }, (_, e) => begins + firstStep + e * 10)
  const at = (e: number): number => (n === 1 ? 0 : e / (n - 1))
  const track = (name: string, shape: Shape): Track => {
    const [metric, type] = name.split(' ')
    // Entropy and energy are of order 1, log π of order 100.
    const unit = /logp|a_norm/.test(name) ? 1 : 0.01
    let walk = 0
    const levels = steps.map((_, e) => {
      walk += e === 0 ? 0 : wander * jump * normal()
      return shape(at(e)) + unit * (walk + (e === 0 ? 0 : jump * normal()))
    })
    const base = { name, metric, type, steps }
    if (probes === 0) return { ...base, mean: levels, of: 'means' }
    const offsets = Array.from({ length: probes }, () => 30 * normal() * unit)
    const values = levels.map((level, e) =>
      offsets.map(
        (offset, i) => level + offset + own(name, i, at(e)) + (e === 0 ? 0 : noise * unit * normal()),
      ),
    )
    return { ...base, values, rows: offsets.map((_, i) => i), mean: values.map(meanOf), of: 'probes' }
  }
  // A line of a log is the mean over the updates since the last one; the very first update is the untrained model.
  const logged = (name: string, shape: Shape): Track => ({
    name,
    metric: name,
    steps,
    mean: steps.map((step, e) => {
      const exact = firstStep <= 1
      const level = shape(exact ? at(e) : (step - begins - 5) / (steps[n - 1] - begins))
      return level + (e === 0 && exact ? 0 : jump * 0.2 * normal())
    }),
    of: 'batches',
  })
  const stage: CaseStage = {
    name: loss,
    loss,
    kind: loss.startsWith('sft') ? 'sft' : 'preference',
    probes: new Map(Object.entries(curves).map(([name, shape]) => [name, track(name, shape)])),
    log: new Map(Object.entries(log).map(([name, shape]) => [name, logged(name, shape)])),
    evaluations: Object.keys(curves).length > 0 ? n : 0,
    begins,
  }
  return {
    id: 'made',
    stages: [stage],
    types: [],
    prompts: Array.from({ length: probes }, (_, i) => `Question ${i}?`),
    text: (row, type) => (tokens ? `${type} ${row}` : ''),
    tokens: () => (tokens ? 4 : 0),
    ...(tokens && { tokenChange: (row: number) => [0, -1, -10 - row, 1] }),
    notes: [],
    missing: [],
    failure: undefined,
    imported: false,
  }
}
