// Which files of a run a page of the viewer reads: what is in a snapshot of some pages alone. A file that no page
// reads (weights, the lock, whatever lies beside a run) is in none.
import { paths } from '@ldyn/runs'
import { PAGES, type Page } from '../state/address.ts'

/** Of every snapshot: the manifest, what happened, the log, the probes, and what every page says of their values. */
const ALWAYS = new Set<string>([
  paths.manifest,
  paths.events,
  paths.scalars,
  paths.probes,
  paths.index,
  paths.metric('logp'),
  paths.metric('argmax_logp'),
])

const isMetric = (path: string): boolean => /^probe\/(?!tokens_)[a-z0-9_]+\.f32$/.test(path)
const isBand = (path: string): boolean => /^probe\/mass_[a-z0-9_]+\.f32$/.test(path)
const isTokens = (path: string): boolean => /^probe\/tokens_[a-z0-9_]+\.f32$/.test(path)

const isMatrix = (path: string): boolean => /^kernel\/[^/]+\.safetensors$/.test(path)

const reads: { readonly [P in Page]: (path: string) => boolean } = {
  overview: path => isMetric(path) && !isBand(path),
  dynamics: isMetric,
  compare: path => isMetric(path) && !isBand(path),
  probes: path => isTokens(path) || (isMetric(path) && !isBand(path)),
  squeeze: path => isMetric(path) || isTokens(path) || path === paths.watched,
  update: path => path === paths.decompositions || isTokens(path) || isMatrix(path),
  kernel: isMatrix,
  // What draws them is not in a snapshot (no-figures.tsx).
  figures: () => false,
}

/** Whether a snapshot of `pages` holds the file. */
export const isOfPages = (path: string, pages: readonly Page[]): boolean =>
  ALWAYS.has(path) || pages.some(page => reads[page](path))

/** The pages that `words` name, in the order of the navigation. Undefined where one of them is none. */
export const pagesNamed = (words: readonly string[]): readonly Page[] | undefined =>
  words.includes('all')
    ? PAGES
    : words.every(word => PAGES.includes(word as Page))
      ? PAGES.filter(page => words.includes(page))
      : undefined
