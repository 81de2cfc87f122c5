// The runs that are open: what was read of each, what went wrong, whether it is live. Changes that the server
// tells are gathered for a tenth of a second, so that a fast run moves the page at most ten times a second
// (ux.md R5).
import { batch, signal, type ReadonlySignal, type Signal } from '@preact/signals'
import type { RunList, RunState, StreamEvent } from '../wire.ts'
import type { Connection } from './event-stream.ts'
import { createFarCurves } from './far-curves.ts'
import { followRun, ReplacedError, type LiveData, type LiveRun } from './live-run.ts'
import { GoneError, UnreachableError, type Source, type SourceFiles } from './source.ts'

/** Something that went wrong, in words for a panel. */
export interface Trouble {
  readonly what: string
  readonly why?: string
  readonly fix?: string
  readonly where?: string
}

export interface OpenRun {
  readonly key: string
  readonly data: ReadonlySignal<LiveData | undefined>
  readonly state: ReadonlySignal<RunState | undefined>
  /** The run was removed or moved; what was read stays. */
  readonly gone: ReadonlySignal<boolean>
  readonly trouble: ReadonlySignal<Trouble | undefined>
  /** When something of the run last changed (Date.now()). */
  readonly changedAt: ReadonlySignal<number>
  readonly files: SourceFiles
  /** Reads the rows of a metric that are not read yet. */
  need(metric: string): void
  /** Rows of other metrics may go, where they are large. */
  keep(metrics: readonly string[]): void
  retry(): void
  /** Gives up what is being read, where that can be; `retry` begins anew. */
  readonly stop?: () => void
}

export interface RunStore {
  /** Whether runs are served, and may grow, or lie in this page. */
  readonly kind: Source['kind']
  readonly list: ReadonlySignal<RunList | undefined>
  readonly listTrouble: ReadonlySignal<Trouble | undefined>
  readonly connection: ReadonlySignal<Connection>
  /** Asks for the list again. */
  refreshList(): Promise<void>
  /** The run of that key, read from now on. */
  open(key: string): OpenRun
  /** Follows changes of these runs alone. */
  follow(keys: readonly string[]): void
}

const TICK_MS = 100
/** More runs than these are shown together, so often. */
const FEW = 4
const TOGETHER_MS = 300

/** Any error as words; one of ours has parts. */
export const troubleOf = (error: unknown): Trouble => {
  const { what, message, why, fix, where } = error as Error & Partial<Trouble>
  return { what: what ?? message ?? String(error), why, fix, where }
}

interface Entry extends OpenRun {
  readonly data: Signal<LiveData | undefined>
  readonly state: Signal<RunState | undefined>
  readonly gone: Signal<boolean>
  readonly trouble: Signal<Trouble | undefined>
  readonly changedAt: Signal<number>
  live: LiveRun
  busy: boolean
  again: boolean
  /** Curves have come, and the run is about to be published. */
  drawing: boolean
  manifest: boolean
  /** Nothing of what was read is of the run that is there now: it is read from its beginning. */
  anew: boolean
  timer: ReturnType<typeof setTimeout> | undefined
}

export const createRunStore = (source: Source): RunStore => {
  const entries = new Map<string, Entry>()
  const list = signal<RunList | undefined>(undefined)
  const listTrouble = signal<Trouble | undefined>(undefined)
  const connection = signal<Connection>({ state: 'ended' })
  let stream: Disposable | undefined
  let followed: string | undefined

  // Each of many runs that are read side by side would draw the whole page anew: they are shown together.
  const waiting = new Map<Entry, { readonly found: LiveData; readonly whole: boolean }>()
  let showing: ReturnType<typeof setTimeout> | undefined
  const show = (): void => {
    showing = undefined
    const all = [...waiting]
    waiting.clear()
    batch(() => all.forEach(([entry, { found, whole }]) => put(entry, found, whole)))
  }
  /** `whole`: all was read that was asked for, so what stood in the way before does so no more. */
  const publish = (entry: Entry, found: LiveData | undefined, whole: boolean): void => {
    if (entries.size <= FEW || !found) return put(entry, found, whole)
    waiting.set(entry, { found, whole })
    showing ??= setTimeout(show, TOGETHER_MS)
  }
  const put = (entry: Entry, found: LiveData | undefined, whole: boolean): void =>
    batch(() => {
      const failure = entry.live.failure()
      if (failure !== undefined) entry.trouble.value = troubleOf(failure)
      else if (whole) entry.trouble.value = undefined
      if (!found) return
      entry.data.value = found
      entry.changedAt.value = Date.now()
      if (!entry.state.peek() && found.manifest.status !== 'running')
        entry.state.value = found.manifest.status
    })
  const failed = (entry: Entry, error: unknown): void => {
    if (error instanceof ReplacedError) begin(entry)
    else if (error instanceof GoneError) entry.gone.value = true
    else entry.trouble.value = troubleOf(error)
  }
  const refresh = async (entry: Entry): Promise<void> => {
    entry.timer = undefined
    if (entry.busy) {
      entry.again = true
      return
    }
    entry.busy = true
    const manifest = entry.manifest
    entry.manifest = false
    try {
      if (entry.anew || !entry.data.peek()) {
        await entry.files.refresh()
        entry.gone.value = false
      }
      entry.anew = false
      const { live } = entry
      const found = await live.refresh(manifest, data => {
        if (entry.live === live) publish(entry, data, false)
      })
      if (entry.live === live) publish(entry, found, true)
    } catch (error) {
      failed(entry, error)
    }
    entry.busy = false
    if (entry.again) {
      entry.again = false
      soon(entry)
    }
  }
  const soon = (entry: Entry, manifest = false, ms = TICK_MS): void => {
    entry.manifest ||= manifest
    entry.timer ??= setTimeout(() => void refresh(entry), ms)
  }
  // What panels ask for while they are drawn is asked for at once, and drawn when all of it is there.
  const follow = (entry: Entry, wanted: readonly string[]): LiveRun => {
    const { curves } = entry.files
    const live: LiveRun = followRun(entry.files, wanted, {
      key: entry.key,
      version: entry.data.peek()?.version,
      asked: () => soon(entry, false, 0),
      ...(curves && {
        farOf: count =>
          createFarCurves(curves, count, trouble => {
            if (entry.live !== live) return
            if (trouble !== undefined) failed(entry, trouble)
            else if (!entry.drawing) {
              entry.drawing = true
              queueMicrotask(() => {
                entry.drawing = false
                publish(entry, live.current(), false)
              })
            }
          }),
      }),
    })
    return live
  }
  /** What was read stays on the page until the run that came in its place has been read. */
  const begin = (entry: Entry): void => {
    entry.anew = true
    entry.live = follow(entry, [...entry.live.metrics])
    soon(entry, true)
  }
  const hear = ({ event, data }: StreamEvent): void => {
    if (event === 'runs') return void store.refreshList()
    const entry = entries.get(data.run)
    if (!entry) return
    // It was gone and is there again: whatever came back is read as a run that nobody has seen.
    if (event !== 'gone' && entry.gone.peek() && !entry.anew) begin(entry)
    if (event === 'append') {
      entry.files.grown(data.file, data.to)
      // Rows of numbers come with a line of the index, which is told as well.
      if (!data.file.endsWith('.f32')) soon(entry)
    } else if (event === 'manifest') {
      entry.state.value = data.state
      soon(entry, true)
    } else {
      entry.gone.value = true
    }
  }
  const store: RunStore = {
    kind: source.kind,
    list,
    listTrouble,
    connection,
    async refreshList() {
      try {
        const found = await source.list()
        batch(() => {
          list.value = found
          listTrouble.value = undefined
        })
      } catch (error) {
        listTrouble.value =
          error instanceof UnreachableError
            ? { what: 'The viewer does not answer', why: 'ldyn view may have ended', fix: 'ldyn view' }
            : troubleOf(error)
      }
    },
    open(key) {
      const known = entries.get(key)
      if (known) return known
      const files = source.files(key)
      const entry: Omit<Entry, 'live'> = {
        key,
        files,
        data: signal<LiveData | undefined>(undefined),
        state: signal<RunState | undefined>(undefined),
        gone: signal(false),
        trouble: signal<Trouble | undefined>(undefined),
        changedAt: signal(0),
        busy: false,
        again: false,
        manifest: false,
        anew: false,
        timer: undefined,
        drawing: false,
        need(metric) {
          if (made.live.need(metric)) soon(made, false, 0)
        },
        keep: metrics => made.live.keep(metrics),
        retry() {
          if (made.gone.peek()) made.anew = true
          if (made.anew || made.data.peek() === undefined) made.live = follow(made, [...made.live.metrics])
          made.live.retry()
          publish(made, made.live.current(), true)
          void refresh(made)
        },
        stop: files.stop && (() => files.stop!()),
      }
      const made = entry as Entry
      // Where curves come with the files' owner, rows are read when a screen needs them.
      made.live = follow(made, files.curves ? [] : ['logp'])
      entries.set(key, made)
      void refresh(made)
      return made
    },
    follow(keys) {
      const wanted = keys.join(',')
      if (wanted === followed) return
      followed = wanted
      stream?.[Symbol.dispose]()
      // Without runs the list of them is what is followed.
      stream = source.follow(keys, hear, state => {
        const lost = connection.peek().state === 'waiting' && state.state === 'open'
        connection.value = state
        if (lost && keys.length === 0) void store.refreshList()
      })
    },
  }
  return store
}
