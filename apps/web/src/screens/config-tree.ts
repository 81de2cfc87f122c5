// Settings as a flat list of paths, so that they can be searched, and two runs' compared (ux.md R10).
import type { Json } from '@ldyn/runs'

export interface Setting {
  readonly path: string
  readonly text: string
}

/** Every leaf under its path: `stages.0.lr`; lists of plain values are one leaf. */
export const flatten = (value: Json, path = ''): readonly Setting[] => {
  if (value === null || typeof value !== 'object') return path === '' ? [] : [{ path, text: String(value) }]
  if (Array.isArray(value) && value.every(item => item === null || typeof item !== 'object'))
    return path === '' ? [] : [{ path, text: value.join(', ') }]
  return Object.entries(value as Record<string, Json>).flatMap(([key, item]) =>
    flatten(item, path === '' ? key : `${path}.${key}`),
  )
}

/** Settings that somebody made; undefined where the run does not say which were left as they are. */
export const chosenOf = (
  all: readonly Setting[],
  defaults: readonly string[] | undefined,
): readonly Setting[] | undefined => defaults && all.filter(({ path }) => !defaults.includes(path))

/** Settings whose path or value holds the words. */
export const createSearch = (text: string) => {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean)
  return (all: readonly Setting[]): readonly Setting[] =>
    all.filter(({ path, text: value }) =>
      words.every(word => `${path} ${value}`.toLowerCase().includes(word)),
    )
}

export interface Difference {
  readonly path: string
  readonly values: readonly (string | undefined)[]
}

/** Settings in which some of the runs differ, by path; undefined where a run has no such setting. */
export const differences = (configs: readonly Json[]): readonly Difference[] => {
  const maps = configs.map(config => new Map(flatten(config).map(({ path, text }) => [path, text])))
  const paths = [...new Set(maps.flatMap(map => [...map.keys()]))]
  return paths
    .map(path => ({ path, values: maps.map(map => map.get(path)) }))
    .filter(({ values }) => new Set(values).size > 1)
}
