// Which key does what (ux.md §5.0). Single letters can be turned off (WCAG 2.1.4), and none acts while text is
// typed.
import { PAGES, type Page, type Place } from './address.ts'

export type Action =
  | { readonly do: 'page'; readonly page: Page | Place }
  | { readonly do: 'step'; readonly by: number }
  | { readonly do: 'probe' | 'update'; readonly by: number }
  | {
      readonly do:
        | 'first'
        | 'last'
        | 'play'
        | 'pin'
        | 'select'
        | 'logX'
        | 'logY'
        | 'smooth'
        | 'change'
        | 'zoomOut'
        | 'full'
        | 'table'
        | 'copy'
        | 'undo'
        | 'redo'
        | 'theme'
        | 'help'
        | 'escape'
        | 'find'
        | 'search'
    }

export interface Pressed {
  readonly key: string
  readonly ctrlKey: boolean
  readonly metaKey: boolean
  readonly altKey: boolean
  readonly shiftKey: boolean
  /** The focus is where text is typed, or on a control that has keys of its own. */
  readonly typing: boolean
}

export interface KeyHelp {
  readonly keys: string
  readonly says: string
}

const pageKeys: Readonly<Record<string, Page | Place>> = {
  r: 'runs',
  o: 'overview',
  d: 'dynamics',
  p: 'probes',
  u: 'update',
  s: 'squeeze',
  k: 'kernel',
  c: 'compare',
  f: 'figures',
  l: 'lab',
}
const single: Readonly<Record<string, Action>> = {
  ',': { do: 'step', by: -1 },
  '.': { do: 'step', by: 1 },
  '<': { do: 'step', by: -10 },
  '>': { do: 'step', by: 10 },
  ' ': { do: 'play' },
  j: { do: 'probe', by: 1 },
  k: { do: 'probe', by: -1 },
  ']': { do: 'update', by: 1 },
  '[': { do: 'update', by: -1 },
  x: { do: 'select' },
  p: { do: 'pin' },
  l: { do: 'logX' },
  y: { do: 'logY' },
  S: { do: 'smooth' },
  d: { do: 'change' },
  '0': { do: 'zoomOut' },
  f: { do: 'full' },
  t: { do: 'table' },
  c: { do: 'copy' },
  '?': { do: 'help' },
  '/': { do: 'find' },
}

export const keyHelp: readonly KeyHelp[] = [
  { keys: 'Ctrl+K', says: 'find a run, screen, metric, probe, saved view or command' },
  { keys: ', .', says: 'one evaluation back or on; with Shift ten' },
  { keys: 'Space', says: 'play through the steps' },
  { keys: 'j k', says: 'next or previous probe' },
  { keys: '[ ]', says: 'previous or next recorded update' },
  { keys: 'x · p', says: 'select the probe · pin it beside others' },
  { keys: 'd', says: 'curves as change' },
  { keys: 'l · y', says: 'the horizontal, the vertical axis logarithmic' },
  { keys: 'S', says: 'curves smoothed (EMA 0.9), their values behind them' },
  { keys: '0', says: 'zoom out' },
  { keys: 'f · t', says: 'the focused panel in full · as a table' },
  { keys: '/', says: 'find' },
  { keys: 'c', says: 'copy the link to this view' },
  { keys: 'Ctrl+Z · Ctrl+Y', says: 'undo, redo what was done to the view' },
  { keys: 'Alt+M', says: 'next theme' },
  ...Object.entries(pageKeys).map(([key, page]) => ({ keys: `g ${key}`, says: `go to ${page}` })),
  { keys: 'in a chart', says: '← → step, ↑ ↓ curve, + − zoom, Shift+← → pan, Home, End' },
]

/** Keys to actions; `g` waits for the next key. `letters` off leaves only keys with Ctrl, Alt or Escape. */
export const createKeys = (): ((pressed: Pressed, letters: boolean) => Action | undefined) => {
  let going = false
  return ({ key, ctrlKey, metaKey, altKey, shiftKey, typing }, letters) => {
    const went = going
    going = false
    if (key === 'Escape') return { do: 'escape' }
    const control = ctrlKey || metaKey
    const lower = key.toLowerCase()
    if (control && !typing && lower === 'z') return { do: shiftKey ? 'redo' : 'undo' }
    if (control && !typing && lower === 'y') return { do: 'redo' }
    if (control && lower === 'k') return { do: 'search' }
    if (altKey && lower === 'm') return { do: 'theme' }
    if (control || altKey || typing || !letters) return undefined
    if (went) {
      const page = pageKeys[lower]
      return page === undefined ? undefined : { do: 'page', page }
    }
    if (key === 'g') {
      going = true
      return undefined
    }
    return single[key]
  }
}

/** Every page has a key. */
export const pagesWithKeys: readonly Page[] = PAGES.filter(page =>
  (Object.values(pageKeys) as readonly string[]).includes(page),
)
