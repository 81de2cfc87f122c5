// What not everybody opens is a script of its own, fetched when it is first shown. While it comes the place says
// so, and where it cannot come (the viewer ended, the package was replaced under it) it says that.
import { signal, type Signal } from '@preact/signals'
import type { ComponentType } from 'preact'
import { PanelFrame } from './panel/frame.tsx'

/** A component that is there, or one that is fetched. */
export type Loadable<Props> =
  | { readonly View: ComponentType<Props> }
  | { readonly load: () => Promise<ComponentType<Props>> }

type Part<Props> =
  | { readonly state: 'loading' }
  | { readonly state: 'here'; readonly View: ComponentType<Props> }
  | { readonly state: 'failed'; readonly why: string }

// By the loader itself: screens are module constants, so each is fetched once.
const parts = new WeakMap<object, Signal<Part<unknown>>>()

const partOf = <Props,>(load: () => Promise<ComponentType<Props>>): Signal<Part<Props>> => {
  let found = parts.get(load) as Signal<Part<Props>> | undefined
  if (!found) {
    found = signal<Part<Props>>({ state: 'loading' })
    parts.set(load, found as Signal<Part<unknown>>)
    fetchPart(load, found)
  }
  return found
}

const fetchPart = <Props,>(load: () => Promise<ComponentType<Props>>, part: Signal<Part<Props>>): void => {
  part.value = { state: 'loading' }
  load().then(
    View => {
      part.value = { state: 'here', View }
    },
    (error: unknown) => {
      part.value = { state: 'failed', why: error instanceof Error ? error.message : String(error) }
    },
  )
}

/** Fetches it before anybody asks, when the page has nothing better to do. */
export const prefetch = <Props,>(part: Loadable<Props>): void => {
  if ('load' in part) (globalThis.requestIdleCallback ?? setTimeout)(() => void partOf(part.load))
}

const Fetched = <Props extends object>({
  load,
  title,
  props,
}: {
  load: () => Promise<ComponentType<Props>>
  title: string
  props: Props
}) => {
  const signalOfPart = partOf(load)
  const part = signalOfPart.value
  if (part.state === 'here') return <part.View {...props} />
  const about = { id: 'screen', title, says: 'This part of the viewer is fetched when it is opened.' }
  return part.state === 'loading' ? (
    <PanelFrame model={{ ...about, kind: 'loading', part: title }} />
  ) : (
    <PanelFrame
      model={{
        ...about,
        kind: 'trouble',
        trouble: {
          what: `${title} could not be fetched`,
          why: part.why,
          fix: 'If ldyn view was ended or updated, start it and reload the page.',
        },
        retry: () => fetchPart(load, signalOfPart),
      }}
    />
  )
}

/** Shows `part` with `props`, fetching it first where that is needed. */
export const Part = <Props extends object>({
  part,
  title,
  props,
}: {
  part: Loadable<Props>
  title: string
  props: Props
}) => ('View' in part ? <part.View {...props} /> : <Fetched load={part.load} title={title} props={props} />)
