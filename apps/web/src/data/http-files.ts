// A run's files over HTTP: ranges of what the server has, sizes from one listing that the stream of changes
// keeps up to date. Nothing that was read is read again: whoever reads keeps it.
import { api, type FileSizes } from '../wire.ts'
import { signal } from '@preact/signals'
import { decodeAll, type FarCurve, type FarRequest } from './far-curves.ts'
import { GoneError, type Reading, type SourceFiles } from './source.ts'
import { together } from './together.ts'

export type Ask = (
  path: string,
  headers?: Readonly<Record<string, string>>,
  signal?: AbortSignal,
  /** What to put there; without it the path is read. */
  put?: string,
) => Promise<Response>

/** Requests with the token, if the page was opened with one. */
export const asker =
  (token: string | undefined): Ask =>
  (path, headers = {}, signal, put) =>
    fetch(path, {
      ...(put !== undefined && { method: 'PUT', body: put }),
      headers: { ...headers, ...(token !== undefined && { authorization: `Bearer ${token}` }) },
      signal,
    })

const checked = async (response: Response, what: string): Promise<Response> => {
  if (response.ok) return response
  const said = (await response.text().catch(() => '')).trim()
  if (response.status === 404) throw new GoneError(said || `${what} is not there`)
  throw new Error(said || `the viewer answered ${response.status} for ${what}`)
}

/** From here on it is worth saying how far a file has been read. */
const LARGE = 1_000_000

/** The body in one piece of `length` bytes or less, told as it grows. */
const received = async (
  response: Response,
  length: number,
  told: (bytes: number) => void,
): Promise<Uint8Array> => {
  if (length < LARGE || length === Infinity || !response.body) return new Uint8Array(await response.arrayBuffer())
  const bytes = new Uint8Array(length)
  let done = 0
  const reader = response.body.getReader()
  for (;;) {
    const { value, done: ended } = await reader.read()
    if (ended) return bytes.subarray(0, done)
    if (done + value.length > length) {
      await reader.cancel()
      throw new Error('the viewer sent more than was asked for')
    }
    bytes.set(value, done)
    told((done += value.length))
  }
}

/** What is read together with others: what grows between two evaluations is less. */
const SMALL = 64_000

interface Span {
  readonly path: string
  readonly offset: number
  readonly length: number
}

interface CurvesAsked {
  readonly request: FarRequest
  readonly from: number
  readonly to: number
}

export const httpFiles = (run: string, ask: Ask): SourceFiles => {
  const sizes = new Map<string, number>()
  const reading = signal<Reading | undefined>(undefined)
  let stopping = new AbortController()
  const bytesOf = async (path: string): Promise<Uint8Array> =>
    new Uint8Array(await (await checked(await ask(path, {}, stopping.signal), run)).arrayBuffer())

  const readOne = async ({ path, offset, length }: Span): Promise<Uint8Array> => {
    const { signal: stop } = stopping
    const headers = { range: `bytes=${offset}-${offset + length - 1}` }
    const response = await checked(await ask(api.file(run, path), headers, stop), `${run}/${path}`)
    const partial = response.status === 206
    let last = 0
    try {
      const bytes = await received(response, partial ? length : Infinity, done => {
        // A number that changes a hundred times a second cannot be read.
        if (performance.now() - last < 150) return
        last = performance.now()
        reading.value = { path, done, of: length }
      })
      const part = partial ? bytes : bytes.subarray(offset, offset + length)
      if (part.length !== length)
        throw new Error(`${run}/${path} has ${part.length} of the ${length} bytes asked for: it was cut off`)
      return part
    } finally {
      if (last > 0) reading.value = undefined
    }
  }
  const readSmall = together(readOne, async spans => {
    const parts = spans.map(({ path, offset, length }) => ({ path, from: offset, to: offset + length }))
    const bytes = await bytesOf(api.parts(run, parts))
    let at = 0
    // Copies: whoever keeps a row must not keep all that came with it.
    return spans.map(({ length }) => bytes.slice(at, (at += length)))
  })

  const curvesOf = async (
    { request: { per, spread, since }, from, to }: CurvesAsked,
    metrics: readonly string[],
  ): Promise<readonly ReadonlyMap<string, FarCurve>[]> =>
    decodeAll(
      await bytesOf(api.curves(run, metrics, { per, spread, from, to, ...(since !== undefined && { since }) })),
      metrics.length,
    )
  const curves = together<CurvesAsked, ReadonlyMap<string, FarCurve>>(
    async asked => (await curvesOf(asked, [asked.request.metric]))[0],
    async asks => {
      // Of like requests one is for all of their metrics.
      const likes = new Map<string, number[]>()
      asks.forEach(({ request: { metric: _metric, ...like }, from, to }, i) => {
        const name = JSON.stringify([like, from, to])
        likes.set(name, [...(likes.get(name) ?? []), i])
      })
      const found: ReadonlyMap<string, FarCurve>[] = []
      await Promise.all(
        [...likes.values()].map(async places => {
          const all = await curvesOf(asks[places[0]], places.map(i => asks[i].request.metric))
          places.forEach((i, k) => (found[i] = all[k]))
        }),
      )
      return found
    },
  )
  return {
    name: run,
    reading,
    stop() {
      stopping.abort(new Error('Reading was stopped: “Try again” begins it anew'))
      stopping = new AbortController()
    },
    list: async () => [...sizes.keys()],
    size: async path => sizes.get(path),
    read: async (path, offset, length) =>
      length === 0
        ? new Uint8Array(0)
        : length < SMALL
          ? readSmall({ path, offset, length })
          : readOne({ path, offset, length }),
    curves: (request, from, to) => curves({ request, from, to }),
    async refresh() {
      const response = await checked(await ask(api.files(run)), run)
      sizes.clear()
      for (const [path, size] of Object.entries((await response.json()) as FileSizes)) sizes.set(path, size)
    },
    grown: (path, to) => void sizes.set(path, to),
  }
}
