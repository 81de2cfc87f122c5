// Panels are made again when what they show changed, and moving the step is no such thing: it moves a line.
import { useMemo } from 'preact/hooks'
import type { LiveData } from '../data/live-run.ts'

/** What `make` gives, made again only when one of the runs grew or one of these settings changed. */
export const useKept = <T>(runs: readonly LiveData[], settings: readonly unknown[], make: () => T): T =>
  useMemo(make, [...runs, JSON.stringify(settings)])
