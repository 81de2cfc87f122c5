// Server-sent events with a byte cursor. What a client has not been told yet is kept as "how far", one number a
// file, so that a slow reader costs no memory: it is told later, once, and then everything. The id of each
// event is the whole cursor; a client that comes back with it is told what it missed, and one without it where
// every file ends.
import type { FoundRun } from './discover.ts'
import type { StreamEvent } from '../wire.ts'
import type { Snapshot, Watchers } from './watch.ts'
import type { ListWatcher } from './watch-list.ts'

/** By run and file, how many bytes the client has been told of. */
type Told = Map<string, Map<string, number>>

const MAX_CURSOR = 8_000

/** A cursor as text: {"run":{"probe/index.jsonl":120}} in base64url. */
const encodeCursor = (told: Told): string => {
  const plain = Object.fromEntries([...told].map(([run, files]) => [run, Object.fromEntries(files)]))
  return Buffer.from(JSON.stringify(plain)).toString('base64url')
}

/** The cursor in `text`; an empty one where it is none, since to be told again does no harm. */
const decodeCursor = (text: string): Told => {
  if (text === '' || text.length > MAX_CURSOR) return new Map()
  try {
    const plain = JSON.parse(Buffer.from(text, 'base64url').toString('utf8')) as unknown
    const entries = (value: unknown): [string, unknown][] =>
      typeof value === 'object' && value !== null ? Object.entries(value) : []
    return new Map(
      entries(plain).map(([run, files]) => [
        run,
        new Map(
          entries(files).filter(
            (entry): entry is [string, number] => Number.isSafeInteger(entry[1]) && (entry[1] as number) >= 0,
          ),
        ),
      ]),
    )
  } catch {
    return new Map()
  }
}

interface Following {
  readonly run: FoundRun
  snapshot: Snapshot | undefined
  /** What the client was told last of run.json and of the state. */
  manifest: string | undefined
  gone: boolean
  seen: boolean
}

const write = ({ event, data }: StreamEvent, id: string): string =>
  `event: ${event}\n${id.length <= MAX_CURSOR ? `id: ${id}\n` : ''}data: ${JSON.stringify(data)}\n\n`

export interface Streams {
  /** Clients that are connected now. */
  readonly count: number
  /**
   * A stream of what changes in these runs, or in the list of runs where `list` is given; undefined where as many
   * clients as there may be are connected.
   */
  open(
    runs: readonly FoundRun[],
    cursor: string,
    signal: AbortSignal,
    list?: ListWatcher,
  ): Response | undefined
}

export const createStreams = (
  watchers: Watchers,
  { most = 64, ping = 15_000 }: { readonly most?: number; readonly ping?: number } = {},
): Streams => {
  let count = 0
  const open: Streams['open'] = (runs, cursor, signal, list) => {
    if (count >= most) return undefined
    count++
    const told = decodeCursor(cursor)
    const following = runs.map(
      (run): Following => ({ run, snapshot: undefined, manifest: undefined, gone: false, seen: false }),
    )
    const watching: Disposable[] = []
    const encoder = new TextEncoder()
    let wake: (() => void) | undefined
    let ended = false
    let quiet = false
    let listed: number | undefined

    const next = (): string | undefined => {
      if (listed !== undefined) {
        const count = listed
        listed = undefined
        return write({ event: 'runs', data: { count } }, encodeCursor(told))
      }
      for (const one of following) {
        if (!one.seen) continue
        const {
          run: { key },
          snapshot,
        } = one
        if (!snapshot) {
          if (one.gone) continue
          one.gone = true
          told.delete(key)
          return write({ event: 'gone', data: { run: key } }, encodeCursor(told))
        }
        one.gone = false
        const files = told.get(key) ?? new Map<string, number>()
        told.set(key, files)
        for (const [file, to] of snapshot.sizes) {
          const from = files.get(file) ?? 0
          if (from === to) continue
          files.set(file, to)
          // Shorter than before: it was replaced, and all of it is new.
          return write(
            { event: 'append', data: { run: key, file, from: to < from ? 0 : from, to } },
            encodeCursor(told),
          )
        }
        const manifest = `${snapshot.manifest} ${snapshot.state}`
        if (one.manifest === manifest) continue
        one.manifest = manifest
        return write({ event: 'manifest', data: { run: key, state: snapshot.state } }, encodeCursor(told))
      }
      return undefined
    }
    const end = (): void => {
      if (ended) return
      ended = true
      count--
      for (const one of watching) one[Symbol.dispose]()
      clearInterval(timer)
      signal.removeEventListener('abort', end)
      wake?.()
    }
    const timer = setInterval(() => {
      quiet = true
      wake?.()
    }, ping).unref()
    signal.addEventListener('abort', end)
    for (const one of following) {
      watching.push(
        watchers.watch(one.run, snapshot => {
          Object.assign(one, { snapshot, seen: true })
          wake?.()
        }),
      )
    }
    if (list) {
      watching.push(
        list.watch(count => {
          listed = count
          wake?.()
        }),
      )
    }
    const body = new ReadableStream<Uint8Array>(
      {
        // Pulled only when the client has taken what came before.
        async pull(controller) {
          for (;;) {
            if (ended) {
              try {
                controller.close()
              } catch {
                // Cancelled by the client before.
              }
              return
            }
            const text = next() ?? (quiet ? ': ping\n\n' : undefined)
            quiet = false
            if (text !== undefined) return controller.enqueue(encoder.encode(text))
            await new Promise<void>(resolve => {
              wake = resolve
            })
            wake = undefined
          }
        },
        cancel: end,
      },
      { highWaterMark: 1 },
    )
    return new Response(body, {
      headers: {
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
      },
    })
  }
  return {
    get count() {
      return count
    },
    open,
  }
}
