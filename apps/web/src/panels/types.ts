// The response types of runs: in which order they stand, each one's look among the others, and what its lines are
// called.
import { ARGMAX, inOrder, readingOf, responseType, type Look, type ResponseType } from '@ldyn/figures'
import type { LiveData } from '../data/live-run.ts'

/** All types of some runs, each once, in the order in which they are always listed. */
export const typesIn = (runs: readonly LiveData[]): readonly ResponseType[] =>
  inOrder([...new Set(runs.flatMap(run => run.types))])

/** How a type looks among those of a run: types of a probe set of one's own are told apart by their place. */
export const lookOf = (types: readonly string[], type: string): Look =>
  inOrder(types).find(({ key }) => key === type)?.look ?? responseType(type).look

/** How a line of a type is called: by its key, as in lists, addresses and files, with the plain reading behind it. */
export const namedType = (key: string): { readonly label: string; readonly reading?: string } => {
  const reading = readingOf(responseType(key))
  return { label: key, ...(reading !== undefined && { reading }) }
}

/** How the curve of the likeliest token is called; a log may hold it along types other than chosen. */
export const namedArgmax = (along: readonly string[] = []): { readonly label: string; readonly reading?: string } =>
  along.length === 0 ? ARGMAX : { label: `${ARGMAX.label} of ${along.join(', ')}` }
