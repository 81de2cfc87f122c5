/**
 * Which examples and tokens carry a fall: each probe's own change over the window, the largest falls first,
 * and how much of all falls they are. Rank correlations say whether scores known before training could have
 * told (paper.md §9).
 */
import { normalisedEditDistance, spearman } from '@ldyn/core'
import type { Case, CaseStage } from './case.ts'
import { indexAt } from './evidence.ts'
import { probeChanges } from './trend.ts'

export interface Carrier {
  readonly row: number
  /** Change of log π(y⁺) over the window, nats; negative: a fall. */
  readonly change: number
  /** Share of the sum of all falls. */
  readonly share: number
  readonly perToken?: number
  readonly prompt: string
  readonly text: string
  /** The tokens that fell most, from 0 in the response, where the run holds log π by token. */
  readonly tokens?: readonly { readonly token: number; readonly change: number }[]
}

export interface Carriers {
  readonly type: string
  readonly window: readonly [number, number]
  readonly probes: number
  /** Probes that fell. */
  readonly fell: number
  /** The fewest probes that carry half of all falls. */
  readonly half: number
  readonly top: readonly Carrier[]
}

const TOKENS = 5

/** The probes whose `type` fell most over the window; undefined where the run holds means alone. */
export const carriersOf = (
  found: Case,
  stage: CaseStage,
  window: readonly [number, number],
  type = 'chosen',
  most = 5,
): Carriers | undefined => {
  const track = stage.probes.get(`logp ${type}`)
  if (!track?.rows || track.mean.length < 2) return undefined
  const changes = probeChanges(track, indexAt(track, window[0]))!
  const order = changes
    .map((change, i) => ({ change, row: track.rows![i] }))
    .sort((a, b) => a.change - b.change)
  const falls = order.filter(({ change }) => change < 0)
  const total = falls.reduce((sum, { change }) => sum + change, 0)
  if (total === 0) return undefined
  let sum = 0
  const half = 1 + falls.findIndex(({ change }) => (sum += change) <= total / 2)
  return {
    type,
    window,
    probes: changes.length,
    fell: falls.length,
    half,
    top: falls.slice(0, most).map(({ change, row }) => {
      const length = found.tokens(row, type)
      const byToken = found.tokenChange?.(row, type, ...window)
      return {
        row,
        change,
        share: change / total,
        ...(length > 0 && { perToken: change / length }),
        prompt: found.prompts[row] ?? '',
        text: found.text(row, type),
        ...(byToken && {
          tokens: byToken
            .map((x, token) => ({ token, change: x }))
            .sort((a, b) => a.change - b.change)
            .slice(0, TOKENS)
            .filter((one) => one.change < 0),
        }),
      }
    }),
  }
}

export interface Correlation {
  readonly score: string
  /** Spearman's ρ with the probes' own change of log π(y⁺): negative where a high score goes with a fall. */
  readonly rho: number
  readonly n: number
  /** About 1/√(n − 1) where there is nothing in it: |ρ| below twice that says nothing. */
  readonly chance: number
}

/**
 * Scores by row: those of a file, each a list of one number a row of the probes (undefined where it has
 * none).
 */
export type Scores = ReadonlyMap<string, ReadonlyMap<number, number>>

/**
 * What the run itself knows of its probes before training: log π at the start, by type, and how alike y⁺ and
 * y⁻ are.
 */
export const ownScores = (found: Case, stage: CaseStage): Scores => {
  const scores = new Map<string, ReadonlyMap<number, number>>()
  for (const [name, label] of [
    ['logp rejected', 'rejected_logp'],
    ['logp chosen', 'chosen_logp'],
    ['argmax_logp chosen', 'argmax_logp'],
    ['entropy chosen', 'entropy'],
    ['a_norm rejected', 'rejected_a_norm'],
  ] as const) {
    const track = stage.probes.get(name)
    if (track?.values && track.rows)
      scores.set(label, new Map(track.rows.map((row, i) => [row, track.values![0][i]])))
  }
  for (const type of ['chosen', 'rejected']) {
    const track = stage.probes.get(`logp ${type}`)
    if (!track?.values || !track.rows || track.rows.some((row) => found.tokens(row, type) === 0)) continue
    scores.set(
      `${type}_logp_per_token`,
      new Map(track.rows.map((row, i) => [row, track.values![0][i] / found.tokens(row, type)])),
    )
    scores.set(`${type}_tokens`, new Map(track.rows.map((row) => [row, found.tokens(row, type)])))
  }
  const texts = found.prompts.flatMap((_, row) => {
    const [a, b] = [found.text(row, 'chosen'), found.text(row, 'rejected')]
    return a && b ? [[row, normalisedEditDistance(a.split(/\s+/), b.split(/\s+/))] as const] : []
  })
  if (texts.length > 0) scores.set('edit_distance_words', new Map(texts))
  return scores
}

/**
 * Rank correlations of scores with how far each probe's log π(y⁺) moved over the window; the strongest
 * first.
 */
export const correlate = (
  stage: CaseStage,
  scores: Scores,
  window: readonly [number, number],
): readonly Correlation[] => {
  const track = stage.probes.get('logp chosen')
  if (!track?.rows || track.mean.length < 2) return []
  const changes = probeChanges(track, indexAt(track, window[0]))!
  return [...scores]
    .flatMap(([score, byRow]) => {
      const both = track.rows!.flatMap((row, i) =>
        byRow.has(row) ? [[byRow.get(row)!, changes[i]] as const] : [],
      )
      const { rho, n } = spearman(
        both.map(([x]) => x),
        both.map(([, y]) => y),
      )
      return rho === undefined || n < 8 ? [] : [{ score, rho, n, chance: 1 / Math.sqrt(n - 1) }]
    })
    .sort((a, b) => Math.abs(b.rho) - Math.abs(a.rho))
}
