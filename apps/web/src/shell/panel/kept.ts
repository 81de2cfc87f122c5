// Panels are made again when what they show changed, and moving the step is no such thing: it moves a line.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { LiveData } from '../../data/live-run.ts'

/** What `make` gives, made again only when one of the runs grew or one of these settings changed. */
export const useKept = <T>(runs: readonly LiveData[], settings: readonly unknown[], make: () => T): T =>
  useMemo(make, [...runs, JSON.stringify(settings)])

/** What was made of runs as they were. */
export interface Made<T> {
  readonly value: T
  readonly settings: string
  readonly runs: readonly LiveData[]
  /** By run, how many evaluations, updates of the log and events there were, and of which metrics there were rows. */
  readonly stamps: readonly string[]
  /** performance.now() */
  readonly at: number
}

const grownTo = ({ evaluations, scalars, events, updates }: LiveData): string => {
  let lines = 0
  for (const { steps } of scalars.values()) lines += steps.length
  return `${evaluations.length} ${lines} ${events.length} ${updates.length}`
}

/** What nobody sees is made again this seldom, so that whoever reads it without looking has it too. */
export const REST_MS = 10_000

/**
 * Whether something is to be made again: at once where its settings or its runs are others, or where something came
 * that was waited for; of a run that merely grew while it is seen, else after a rest.
 */
export const isDue = <T>(
  made: Made<T> | undefined,
  runs: readonly LiveData[],
  settings: string,
  seen: boolean,
  now: number,
): boolean => {
  if (!made || made.settings !== settings || made.runs.length !== runs.length) return true
  // Rows are one map for as long as a run is open.
  if (runs.some((run, r) => run.rows !== made.runs[r].rows)) return true
  const changed = runs.filter((run, r) => run !== made.runs[r])
  if (changed.length === 0) return false
  if (seen || now - made.at > REST_MS) return true
  return runs.some((run, r) => run !== made.runs[r] && grownTo(run) === made.stamps[r])
}

/** Of things that rested one at a time is made again, so that a run's tick costs no more than its fellows. */
export const TURN_MS = 300

/**
 * Who of those that rested is made again now: says whether it is the turn of one that was made so long ago. None waits
 * longer than another rest.
 */
export const takeTurns = (): ((at: number, now: number) => boolean) => {
  let last = -Infinity
  return (at, now) => {
    if (now - last < TURN_MS && now - at <= 2 * REST_MS) return false
    last = now
    return true
  }
}
const turns = takeTurns()

/** What `make` gives; as `useKept`, but for a run that grows only while it is seen. `whole` says that nothing lacks. */
export const useGrown = <T>(
  runs: readonly LiveData[],
  settings: readonly unknown[],
  seen: boolean,
  make: () => T,
  whole: (value: T) => boolean = () => true,
): T => {
  const made = useRef<Made<T>>(undefined)
  const [text, now] = [JSON.stringify(settings), performance.now()]
  const last = made.current
  const isSeen = seen || (last !== undefined && !whole(last.value))
  // Due by its age alone.
  const rested = last !== undefined && !isSeen && !isDue(last, runs, text, false, last.at)
  if (isDue(last, runs, text, isSeen, now) && (!rested || turns(last.at, now)))
    made.current = { value: make(), settings: text, runs, stamps: runs.map(grownTo), at: now }
  return made.current!.value
}

/** As `useGrown`, at most once in so many milliseconds: the last growth is caught up with when they have passed. */
export const useSeldom = <T>(runs: readonly LiveData[], seen: boolean, ms: number, make: () => T): T => {
  const last = useRef(-Infinity)
  const [, again] = useState(0)
  const early = performance.now() - last.current < ms
  const value = useGrown(runs, [], seen && !early, () => {
    last.current = performance.now()
    return make()
  })
  useEffect(() => {
    if (!early || !seen) return
    const timer = setTimeout(() => again(n => n + 1), ms)
    return () => clearTimeout(timer)
  }, [early, seen, ...runs])
  return value
}
