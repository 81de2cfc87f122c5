// Lines of the three appended files. Steps count updates over the whole run, stages included; a line is
// known by its step and stage, and steps never fall.
import { RunError } from './error.ts'
import type { RunManifest, RunStatus } from './manifest.ts'

export type RunEvent = { readonly t: number } & RunEventBody
export type RunEventBody =
  | { readonly type: 'status', readonly status: RunStatus, readonly reason?: string }
  | { readonly type: 'phase', readonly phase: string, readonly edge: 'start' | 'end' }
  | { readonly type: 'stage', readonly stage: string, readonly edge: 'start' | 'end', readonly s: number }
  | { readonly type: 'warning', readonly code: string, readonly message: string, readonly s?: number }
  | { readonly type: 'checkpoint', readonly stage: string, readonly s: number, readonly path: string }
  /**
   * Where the run goes on from the checkpoint of step `s` on another backend, device or version than before, `backend`
   * says which; steps up to `kept` were on file by then, and what is on file of them stays as it was first computed.
   */
  | { readonly type: 'resume', readonly s: number, readonly backend?: RunManifest['backend'], readonly kept?: number }
  | { readonly type: 'note', readonly message: string }

export interface ScalarLine {
  readonly s: number
  /** Milliseconds since 1970; the one field that a redone step may change. */
  readonly t: number
  readonly stage: string
  readonly values: Readonly<Record<string, number>>
}

export interface Evaluation {
  readonly step: number
  readonly stage: string
  /** Row in the binary files. */
  readonly row: number
}

type Move = Extract<RunEvent, { type: 'resume' }>
const moves = (events: readonly RunEvent[]): Move[] =>
  events.filter((event): event is Move => event.type === 'resume' && event.backend !== undefined)

/** What computes the run now: what it was begun on, or what it was last resumed on. */
export const backendOf = (manifest: RunManifest, events: readonly RunEvent[]): RunManifest['backend'] =>
  moves(events).at(-1)?.backend ?? manifest.backend

/** Steps up to this one may have been computed elsewhere: doing them again need not give the same bits. */
export const keptUntil = (events: readonly RunEvent[]): number =>
  Math.max(0, ...moves(events).map(({ kept = 0 }) => kept))

export const keyOf = (step: number, stage: string): string => `${step} ${stage}`

export const isStep = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

export const badLine = (where: string, why: string, code: RunError['code'] = 'bad-line') =>
  new RunError({ code, what: 'Cannot read a line of the run', where, why, fix: 'Restore the file from a copy' })

export const asRecord = (value: unknown, where: string): Record<string, unknown> => {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw badLine(where, 'it is not a JSON object')
}

export const checkScalarLine = (value: unknown, where: string): ScalarLine => {
  const { s, t, stage, ...values } = asRecord(value, where)
  if (!isStep(s) || !Number.isFinite(t) || typeof stage !== 'string') throw badLine(where, 'it lacks s, t or stage')
  for (const [name, number] of Object.entries(values)) {
    if (!Number.isFinite(number)) throw badLine(where, `its field "${name}" is not a finite number`, 'non-finite')
  }
  return { s, t: t as number, stage, values: values as Record<string, number> }
}

export const checkEvaluation = (value: unknown, where: string, expectedRow: number): Evaluation => {
  const { s, row, stage } = asRecord(value, where)
  if (!isStep(s) || typeof stage !== 'string') throw badLine(where, 'it lacks s or stage', 'bad-index')
  if (row !== expectedRow) throw badLine(where, `it does not name row ${expectedRow}`, 'bad-index')
  return { step: s, stage, row: expectedRow }
}

export const checkEvent = (value: unknown, where: string): RunEvent => {
  const event = asRecord(value, where)
  if (!Number.isFinite(event.t) || typeof event.type !== 'string') throw badLine(where, 'it lacks t or type')
  // Kinds of event that a later ldyn adds are passed on untouched.
  return event as unknown as RunEvent
}

/**
 * Steps may repeat with another stage (the last of one is the first of the next) but never fall or repeat
 * fully.
 */
export const checkOrder = (
  lines: readonly { readonly step: number, readonly stage: string }[], where: (i: number) => string,
): void => {
  const seen = new Set<string>()
  let last = 0
  lines.forEach(({ step, stage }, i) => {
    if (step < last) throw badLine(where(i), `step ${step} comes after step ${last}`, 'out-of-order')
    if (seen.has(keyOf(step, stage))) {
      throw badLine(where(i), `step ${step} of stage "${stage}" is there twice`, 'out-of-order')
    }
    seen.add(keyOf(step, stage))
    last = step
  })
}
