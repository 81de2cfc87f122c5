// The viewer as an application of requests to responses (ux.md §2.5), apart from any socket so that tests ask
// it directly. All of it is GET: the list of runs, the files of a run, a stream of what changes, and the page.
import { Hono, type Context } from 'hono'
import { api, type RunList } from '../wire.ts'
import { createServedCurves, readRequest } from './curves.ts'
import { discover, type FoundRun } from './discover.ts'
import { guarded, type Guard } from './guard.ts'
import { readParts } from './parts.ts'
import { fileResponse, findFile, segmentsOf, typeOf } from './run-file.ts'
import { createStreams } from './stream.ts'
import { createSummaries } from './summary.ts'
import { createServedViews, MOST_BYTES } from './views.ts'
import { createWatchers, snapshotOf } from './watch.ts'
import { createListWatcher } from './watch-list.ts'

export interface ViewerOptions extends Guard {
  /** Directory of runs, or one run. */
  readonly root: string
  /** What the page calls it. */
  readonly name: string
  /** Directory of the built page; without one only the API answers. */
  readonly app?: string
  readonly version: string
  readonly clients?: number
  readonly pollMs?: number
}

export interface Viewer {
  readonly fetch: (request: Request) => Response | Promise<Response>
  /** Streams that are open. */
  readonly clients: number
}

const text = (status: 400 | 404 | 413 | 416 | 422 | 503, message: string): Response =>
  new Response(`${message}\n`, {
    status,
    headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' },
  })

const json = (value: unknown, headers: Record<string, string> = {}): Response =>
  new Response(JSON.stringify(value), {
    headers: { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store', ...headers },
  })

const octets = (body: Blob | Uint8Array<ArrayBuffer>): Response =>
  new Response(body, { headers: { 'content-type': 'application/octet-stream', 'cache-control': 'no-store' } })

const FULL = 'As many pages are open as the viewer serves at once: close one.'

/** A list of runs is looked for again after this long. */
const DISCOVER_MS = 1_000

export const createViewer = (options: ViewerOptions): Viewer => {
  const { root, name, app: built, version } = options
  const app = new Hono()
  const summaries = createSummaries()
  const curves = createServedCurves()
  const views = createServedViews(root)
  const streams = createStreams(createWatchers(options.pollMs), { most: options.clients })
  let found: Promise<readonly FoundRun[]> | undefined
  let at = 0

  const runs = (): Promise<readonly FoundRun[]> => {
    if (found && Date.now() - at < DISCOVER_MS) return found
    at = Date.now()
    found = discover(root).catch((): readonly FoundRun[] => [])
    return found
  }
  const list = createListWatcher(runs, options.pollMs && options.pollMs * 4)
  const runOf = async (encoded: string): Promise<FoundRun | undefined> => {
    try {
      const key = decodeURIComponent(encoded)
      return (await runs()).find(run => run.key === key)
    } catch {
      return undefined
    }
  }
  const noRun = (): Response => text(404, 'There is no such run. It may have been moved or removed.')
  // Paths are taken apart by hand: a router may decode a name before it is checked.
  const parts = (c: Context): readonly string[] => new URL(c.req.url).pathname.split('/').slice(1)

  app.use(guarded(options))

  app.get(api.runs, async () => {
    const list: RunList = {
      root: name,
      version,
      ...(options.frames?.length && { framed: true as const }),
      runs: await Promise.all((await runs()).map(run => summaries.of(run))),
    }
    return json(list)
  })

  app.get(api.views, async () => {
    const found = await views.read()
    return found === undefined
      ? text(404, 'Views cannot be kept beside these runs.')
      : new Response(found, { headers: { 'content-type': 'application/json', 'cache-control': 'no-store' } })
  })
  app.put(api.views, async c => {
    // What does not say its length, or too much, is not read at all.
    const length = Number(c.req.header('content-length'))
    if (!(length > 0 && length <= MOST_BYTES)) return text(413, 'So many views are not kept.')
    const wrong = await views.write(await c.req.text())
    return wrong === undefined ? new Response(null, { status: 204 }) : text(422, wrong)
  })

  app.get('/api/stream', async c => {
    // Without runs it is the list of runs that is followed.
    if ((c.req.query('runs') ?? '') === '')
      return streams.open([], '', c.req.raw.signal, list) ?? text(503, FULL)
    const wanted = (c.req.query('runs') ?? '').split(',').filter(Boolean).slice(0, 100)
    const all = await Promise.all(wanted.map(key => runOf(encodeURIComponent(key))))
    const known = all.filter(run => run !== undefined)
    if (known.length === 0) return noRun()
    const cursor = c.req.header('last-event-id') ?? c.req.query('cursor') ?? ''
    return (
      streams.open(known, cursor, c.req.raw.signal) ??
      text(503, FULL)
    )
  })

  app.get('/api/runs/*', async c => {
    const [, , key, kind, ...rest] = parts(c)
    const run = await runOf(key)
    if (!run) return noRun()
    if (kind === 'files' && rest.length === 0)
      return json(Object.fromEntries((await snapshotOf(run))?.sizes ?? []))
    if (kind === 'curves' && rest.length === 1) {
      const asked = readRequest(rest[0], name => c.req.query(name))
      if (typeof asked === 'string') return text(400, asked)
      const found = await Promise.all(asked.requests.map(request => curves.of(run, request, asked.from, asked.to)))
      if (!found.every(bytes => bytes !== undefined))
        return text(422, 'The run does not hold these evaluations whole: files were cut off or replaced, or hold no number there.')
      return octets(new Blob(found as Uint8Array<ArrayBuffer>[]))
    }
    if (kind === 'parts' && rest.length === 0) {
      const bytes = await readParts(run.directory, c.req.queries('part') ?? [])
      return bytes === undefined
        ? text(404, 'The run has no such part of a file.')
        : typeof bytes === 'string'
          ? text(400, bytes)
          : octets(bytes)
    }
    const segments =
      kind === 'manifest' && rest.length === 0
        ? ['run.json']
        : kind === 'file'
          ? segmentsOf(rest.join('/'))
          : undefined
    const file = segments && (await findFile(run.directory, segments))
    if (!file) return text(404, 'The run has no such file.')
    return fileResponse(file, {
      range: c.req.header('range'),
      head: c.req.method === 'HEAD',
      type: typeOf(file.path),
    })
  })
  app.all('/api/*', () => text(404, 'There is nothing here.'))

  app.get('*', async c => {
    const path = parts(c).join('/')
    const segments = path === '' ? ['index.html'] : segmentsOf(path)
    const file = built !== undefined && segments ? await findFile(built, segments) : undefined
    if (!file) return text(404, 'There is nothing here.')
    // Names of built files hold their hash.
    const caching = segments![0] === 'assets' ? 'public, max-age=31536000, immutable' : 'no-cache'
    return fileResponse(file, { head: c.req.method === 'HEAD', type: typeOf(file.path), caching })
  })

  return {
    fetch: request => app.fetch(request),
    get clients() {
      return streams.count
    },
  }
}
