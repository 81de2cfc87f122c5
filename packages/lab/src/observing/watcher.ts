/**
 * The whole next-token distribution at a few positions, as training goes on (`observe.watch`): the likeliest tokens,
 * how the probability falls with the rank, and the tokens that the probe's responses have there. What leaves the device
 * is V numbers a position; what is kept of them is a few dozen (@ldyn/runs, watched.ts).
 *
 * Watched are positions from where chosen and rejected part: there both tokens are told by one distribution, and what
 * is taken from one can be seen in the other.
 */
import { entropyOf, type CausalLM } from '@ldyn/core'
import type { MarkedToken, Watched, WatchedPosition, WatchedToken } from '@ldyn/runs'
import type { Backend } from '@ldyn/tensor'
import { ProbeSet } from '../explaining/probe-set.ts'
import type { PlanOptions } from '../packing/plan.ts'
import type { EncodedRow, Sequence } from '../tokens/tokenise.ts'
import type { DeviceTree } from '../device/trees.ts'

export interface WatchOptions {
  /** Probe rows, from the first; 0: none. */
  readonly rows: number
  /** Positions of chosen and rejected, from where they part. */
  readonly tokens: number
  readonly textOf: (id: number) => string
}

/** Likeliest tokens that are kept. */
const TOP = 20
/** Ranks of the curve in every factor of ten. */
const PER_DECADE = 10

/** 1, 2, 3, …, then ever wider apart, and the last: at most `PER_DECADE` in every factor of ten. */
export function curveRanks(vocab: number): number[] {
  const last = PER_DECADE * Math.log10(vocab)
  const ranks = Array.from({ length: Math.floor(last) + 1 }, (_, i) => Math.round(10 ** (i / PER_DECADE)))
  return [...new Set([...ranks, vocab])]
}

/** The first token at which two responses differ; the shorter's length where it begins the longer. */
export function partingOf(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const n = Math.min(a.length, b.length)
  for (let i = 0; i < n; i++) if (a[i] !== b[i]) return i
  return n
}

/** Positions of one row, each context once. A row without both responses is watched from its start. */
export function watchedPositions(
  sequences: readonly Sequence[],
  tokens: number,
): { readonly type: string; readonly token: number }[] {
  const of = (type: string) => sequences.find((s) => s.type === type)
  const [chosen, rejected] = [of('chosen'), of('rejected')]
  const from = chosen && rejected ? partingOf(chosen.response, rejected.response) : 0
  const all = chosen ? [chosen, ...(rejected ? [rejected] : [])] : sequences.slice(0, 1)
  return all.flatMap(({ type, response }, i) =>
    Array.from({ length: tokens }, (_, k) => from + k)
      .filter((token) => token < response.length && (i === 0 || token > from))
      .map((token) => ({ type, token })),
  )
}

/** What is kept of one distribution. `logp` is of every vocabulary entry. */
export function positionOf(
  logp: ArrayLike<number>,
  at: { readonly row: number; readonly type: string; readonly token: number },
  sequences: readonly Sequence[],
  textOf: (id: number) => string,
): WatchedPosition {
  const order = Array.from({ length: logp.length }, (_, id) => id).sort((a, b) => logp[b] - logp[a] || a - b)
  const of = (id: number): WatchedToken => ({ id, text: textOf(id), logp: Number(logp[id].toPrecision(7)) })
  const own = sequences.find(({ type }) => type === at.type)!.response
  const here = sequences.filter(({ response }) => response.length > at.token && partingOf(response, own) >= at.token)
  const tokens = here.map(({ type, response }): MarkedToken => {
    const id = response[at.token]
    return { of: type, ...of(id), rank: order.indexOf(id) + 1 }
  })
  return {
    ...at,
    entropy: entropyOf(logp),
    tokens,
    top: order.slice(0, TOP).map(of),
    curve: curveRanks(logp.length).map((rank) => [rank, of(order[rank - 1]).logp]),
  }
}

/** Owns uploaded probes and compiled programs; dispose of it when done. */
export class Watcher implements Disposable {
  private readonly probes: ProbeSet
  private readonly rows: readonly EncodedRow[]
  private readonly options: WatchOptions

  constructor(
    backend: Backend,
    model: CausalLM,
    rows: readonly EncodedRow[],
    options: WatchOptions,
    plan?: PlanOptions,
  ) {
    this.rows = rows.slice(0, options.rows)
    this.options = options
    const wanted = this.rows.map(({ sequences }) => watchedPositions(sequences, options.tokens))
    // Only responses that are watched are computed; what others have there is in their ids.
    const computed = this.rows.map((row, i) => ({
      ...row,
      sequences: row.sequences.filter(({ type }) => wanted[i].some((at) => at.type === type)),
    }))
    this.probes = new ProbeSet(backend, model, computed, {
      plan,
      watch: (responses) =>
        responses.flatMap(({ example, type }, response) =>
          wanted[example].flatMap((at) => (at.type === type ? [{ response, token: at.token }] : [])),
        ),
    })
  }

  async look(params: DeviceTree): Promise<Watched> {
    const { watched } = await this.probes.evaluate(params)
    return {
      positions: this.probes.watch.map(({ response, token }, w) => {
        const { example, type } = this.probes.responses[response]
        return positionOf(watched[w], { row: example, type, token }, this.rows[example].sequences, this.options.textOf)
      }),
    }
  }

  [Symbol.dispose](): void {
    this.probes[Symbol.dispose]()
  }
}
