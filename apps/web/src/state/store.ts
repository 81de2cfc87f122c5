// The one place where the view lives: a signal, its history for undo, and the address that follows it. Moving
// the step or a zoom many times in a row is one entry of the history.
import { signal, type ReadonlySignal } from '@preact/signals'
import { decodeView, encodeView, type View } from './address.ts'

/** What the store needs of a window: tests put a plain object here. */
export interface AddressBar {
  readonly hash: () => string
  readonly replace: (hash: string) => void
  readonly push: (hash: string) => void
  readonly listen: (changed: () => void) => () => void
  readonly later: (run: () => void, ms: number) => void
  readonly now: () => number
}

export interface ViewStore {
  readonly view: ReadonlySignal<View>
  /** Parts of the address that were not understood. */
  readonly unknown: ReadonlySignal<readonly string[]>
  /** Changes settings. Another run or page is a new entry of the browser's history. */
  set(patch: Partial<View>): void
  /** The address that `patch` would lead to, for links. */
  link(patch: Partial<View>): string
  undo(): boolean
  redo(): boolean
  dismissUnknown(): void
  dispose(): void
}

const JOIN_MS = 800
const WRITE_MS = 60
const MOST = 200

const keysOf = (a: View, b: View): string =>
  (Object.keys(a) as (keyof View)[]).filter(key => a[key] !== b[key]).join(' ')

export const createViewStore = (bar: AddressBar): ViewStore => {
  const first = decodeView(bar.hash())
  const view = signal(first.view)
  const unknown = signal(first.unknown)
  let [past, future]: [View[], View[]] = [[], []]
  let lastChange = { keys: '', at: -Infinity }
  let writing = false

  const write = (): void => {
    if (writing) return
    writing = true
    // Safari refuses more than 100 changes of the address in 30 seconds.
    bar.later(() => {
      writing = false
      bar.replace(encodeView(view.peek()))
    }, WRITE_MS)
  }
  const stop = bar.listen(() => {
    if (bar.hash() === encodeView(view.peek())) return
    const found = decodeView(bar.hash())
    view.value = found.view
    unknown.value = found.unknown
  })
  return {
    view,
    unknown,
    set(patch) {
      const before = view.peek()
      const after = { ...before, ...patch }
      const keys = keysOf(before, after)
      if (keys === '') return
      const at = bar.now()
      const joins = keys === lastChange.keys && at - lastChange.at < JOIN_MS
      lastChange = { keys, at }
      if (!joins) past = [...past.slice(-MOST), before]
      future = []
      view.value = after
      if (before.page !== after.page || before.runs !== after.runs || before.place !== after.place)
        bar.push(encodeView(after))
      else write()
    },
    link: patch => encodeView({ ...view.value, ...patch }),
    undo() {
      const back = past.at(-1)
      if (!back) return false
      past = past.slice(0, -1)
      future = [...future, view.peek()]
      view.value = back
      lastChange = { keys: '', at: -Infinity }
      write()
      return true
    },
    redo() {
      const forth = future.at(-1)
      if (!forth) return false
      future = future.slice(0, -1)
      past = [...past, view.peek()]
      view.value = forth
      lastChange = { keys: '', at: -Infinity }
      write()
      return true
    },
    dismissUnknown() {
      unknown.value = []
    },
    dispose: stop,
  }
}
