// Curves that somebody else computes: a viewer that serves runs has the rows on its disk, and a curve of a
// thousand evaluations is 16 KB where its rows are 28 MB. What was asked for is kept and continued: a run that
// grows costs the tail of each curve that is drawn, and nothing is shown before all of it is there.
import type { Per } from '@ldyn/runs'
import type { Spread } from '../state/address.ts'

export interface FarRequest {
  readonly metric: string
  readonly per: Per
  readonly spread: Spread
  readonly since?: number
}

/** Statistics of one type over evaluations; arrays that grow. */
export interface FarCurve {
  readonly n: number
  readonly mean: number[]
  readonly se: number[]
  readonly low: number[]
  readonly high: number[]
}

/** By type, for evaluations [from, to). Rejects as reading a file does. */
export type AskCurves = (
  request: FarRequest,
  from: number,
  to: number,
) => Promise<ReadonlyMap<string, FarCurve>>

export interface FarCurves {
  /** What is known of a type; asks for it where nothing is. Undefined until it is there, or where it never will. */
  of(request: FarRequest, type: string): FarCurve | undefined
  /** As `of`, and asks for nothing. */
  peek(request: FarRequest, type: string): FarCurve | undefined
  /**
   * Reads on to `to` for every curve of a metric that `isNear` does not have itself; gives what puts the tails in
   * place, at once.
   */
  extend(to: number, isNear: (metric: string) => boolean): Promise<() => void>
  /** Forgets what failed, so that it is asked for again. */
  retry(): void
  /** Why a curve did not come; undefined where none failed since the last `retry`. */
  failure(): unknown
  /** When nothing is being asked for any more. */
  settled(): Promise<void>
}

interface Entry {
  readonly request: FarRequest
  state: 'asked' | 'here' | 'failed'
  error?: unknown
  to: number
  readonly types: Map<string, FarCurve>
}

const FIELDS = ['mean', 'se', 'low', 'high'] as const

const join = (entry: Entry, tail: ReadonlyMap<string, FarCurve>, to: number): void => {
  for (const [type, curve] of tail) {
    const known = entry.types.get(type)
    if (!known) entry.types.set(type, curve)
    else for (const field of FIELDS) for (const value of curve[field]) known[field].push(value)
  }
  entry.to = to
}

/** `count` is how many evaluations there are now; `changed` hears that something asked for has come, or failed. */
export const createFarCurves = (
  ask: AskCurves,
  count: () => number,
  changed: (trouble?: unknown) => void,
): FarCurves => {
  const entries = new Map<string, Entry>()
  const asking = new Set<Promise<void>>()
  const begin = async (entry: Entry): Promise<void> => {
    try {
      // The run may have grown while the answer came.
      while (entry.to < count()) {
        const to = count()
        join(entry, await ask(entry.request, entry.to, to), to)
      }
      entry.state = 'here'
      changed()
    } catch (error) {
      // Drawing again must not ask again: that would go on for ever.
      entry.state = 'failed'
      entry.error = error
      changed(error)
    }
  }
  return {
    of(request, type) {
      const name = nameOf(request)
      let entry = entries.get(name)
      // One may be behind the run, where its metric's rows were at hand for a while.
      if (count() > 0 && (!entry || (entry.state === 'here' && entry.to < count()))) {
        entry ??= { request, state: 'asked', to: 0, types: new Map() }
        entry.state = 'asked'
        entries.set(name, entry)
        const asked = begin(entry).finally(() => asking.delete(asked))
        asking.add(asked)
      }
      return entry?.state === 'here' ? entry.types.get(type) : undefined
    },
    peek(request, type) {
      const entry = entries.get(nameOf(request))
      return entry?.state === 'here' ? entry.types.get(type) : undefined
    },
    async extend(to, isNear) {
      const found = await Promise.all(
        [...entries.values()]
          .filter(entry => entry.state === 'here' && entry.to < to && !isNear(entry.request.metric))
          .map(async entry => ({ entry, tail: await ask(entry.request, entry.to, to) })),
      )
      return () => {
        for (const { entry, tail } of found) join(entry, tail, to)
      }
    },
    retry() {
      for (const [name, { state }] of entries) if (state === 'failed') entries.delete(name)
    },
    failure: () => [...entries.values()].find(({ state }) => state === 'failed')?.error,
    async settled() {
      while (asking.size > 0) await Promise.all(asking)
    },
  }
}

const nameOf = ({ metric, per, spread, since }: FarRequest): string =>
  JSON.stringify([metric, per, spread, since])

/**
 * Curves as bytes: a line of JSON that says what follows, padded to 8 bytes, then float64 by type, field and
 * evaluation.
 */
export const encodeCurves = (curves: ReadonlyMap<string, FarCurve>, from: number, to: number): Uint8Array => {
  const types = [...curves].map(([type, { n }]) => ({ type, n }))
  const head = new TextEncoder().encode(JSON.stringify({ from, to, types }))
  const start = Math.ceil((head.length + 1) / 8) * 8
  const bytes = new Uint8Array(start + types.length * FIELDS.length * (to - from) * 8)
  bytes.fill(0x20, 0, start)
  bytes.set(head)
  bytes[start - 1] = 0x0a
  const values = new Float64Array(bytes.buffer, start)
  let at = 0
  for (const curve of curves.values())
    for (const field of FIELDS) for (let e = from; e < to; e++) values[at++] = curve[field][e]
  return bytes
}

/** Curves of so many metrics, one behind the other. Throws SyntaxError or RangeError for other bytes. */
export const decodeAll = (bytes: Uint8Array, metrics: number): readonly ReadonlyMap<string, FarCurve>[] => {
  const found: ReadonlyMap<string, FarCurve>[] = []
  for (let at = 0; found.length < metrics; ) {
    const rest = bytes.subarray(at)
    const curves = decodeCurves(rest)
    found.push(curves)
    const [first] = curves.values()
    at += rest.indexOf(0x0a) + 1 + (first ? curves.size * FIELDS.length * first.mean.length * 8 : 0)
  }
  return found
}

/** Throws SyntaxError or RangeError for bytes that are something else. */
export const decodeCurves = (bytes: Uint8Array): ReadonlyMap<string, FarCurve> => {
  const start = bytes.indexOf(0x0a) + 1
  const { from, to, types } = JSON.parse(new TextDecoder().decode(bytes.subarray(0, start))) as {
    from: number
    to: number
    types: { type: string; n: number }[]
  }
  const aligned = bytes.byteOffset % 8 === 0 ? bytes : bytes.slice()
  const length = to - from
  const values = new Float64Array(aligned.buffer, aligned.byteOffset + start, types.length * FIELDS.length * length)
  return new Map(
    types.map(({ type, n }, t) => {
      const field = (f: number): number[] =>
        Array.from(values.subarray((t * FIELDS.length + f) * length, (t * FIELDS.length + f + 1) * length))
      return [type, { n, mean: field(0), se: field(1), low: field(2), high: field(3) }]
    }),
  )
}
