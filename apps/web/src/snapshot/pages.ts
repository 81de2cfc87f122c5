// Which files of a run a page of the viewer reads: what is in a snapshot of some pages alone. A file that no page
// reads (weights, the lock, whatever lies beside a run) is in none.
import { paths } from '@ldyn/runs'
import { PAGES, type Page } from '../state/address.ts'
import { PARTS, type Part } from './format.ts'

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
  figures: isMetric,
}

/** Whether a snapshot of `pages` holds the file. */
export const isOfPages = (path: string, pages: readonly Page[]): boolean =>
  ALWAYS.has(path) || pages.some(page => reads[page](path))

/** Screens of a snapshot, and what it carries for them and beside them. */
export interface Contents {
  readonly pages: readonly Page[]
  readonly parts: readonly Part[]
}

/** What can be chosen or left out: screens, the Lab, and its tiny GPT. */
export const CONTENTS = [...PAGES, 'lab', 'gpt'] as const
type Content = (typeof CONTENTS)[number]
const isContent = (word: string): word is Content => CONTENTS.includes(word as Content)

/** The parts that those chosen need: some screens are one, and the tiny GPT stands in the Lab. */
export const contentsOf = (chosen: readonly Content[]): Contents => {
  const has = (content: Content): boolean => chosen.includes(content)
  return {
    pages: PAGES.filter(has),
    parts: PARTS.filter(part => has(part) && (part !== 'gpt' || has('lab'))),
  }
}

/** What `words` name (`all`: everything), less what `without` names; or the word that names nothing. */
export const contentsNamed = (words: readonly string[], without: readonly string[]): Contents | { wrong: string } => {
  const wrong = [...words.filter(word => word !== 'all'), ...without].find(word => !isContent(word))
  if (wrong !== undefined) return { wrong }
  const chosen = words.includes('all') ? CONTENTS : words.filter(isContent)
  return contentsOf(chosen.filter(content => !without.includes(content)))
}
