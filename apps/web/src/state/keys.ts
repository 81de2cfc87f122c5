// Which key does what (ux.md §5.0). Single letters can be given to other keys and turned off (WCAG 2.1.4), and none
// acts while text is typed.
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
/** A key that is pressed alone: what it is unless its reader chose another, and what it does. */
export interface Letter {
  readonly key: string
  readonly says: string
  /** Undefined waits for the letter of a page. */
  readonly action: Action | undefined
}

export const letterKeys: readonly Letter[] = [
  { key: ',', says: 'one evaluation back', action: { do: 'step', by: -1 } },
  { key: '.', says: 'one evaluation on', action: { do: 'step', by: 1 } },
  { key: '<', says: 'ten evaluations back', action: { do: 'step', by: -10 } },
  { key: '>', says: 'ten evaluations on', action: { do: 'step', by: 10 } },
  { key: ' ', says: 'play through the steps', action: { do: 'play' } },
  { key: 'j', says: 'next probe', action: { do: 'probe', by: 1 } },
  { key: 'k', says: 'previous probe', action: { do: 'probe', by: -1 } },
  { key: '[', says: 'previous recorded update', action: { do: 'update', by: -1 } },
  { key: ']', says: 'next recorded update', action: { do: 'update', by: 1 } },
  { key: 'x', says: 'select the probe', action: { do: 'select' } },
  { key: 'p', says: 'pin the probe beside others', action: { do: 'pin' } },
  { key: 'd', says: 'curves as change', action: { do: 'change' } },
  { key: 'l', says: 'the horizontal axis logarithmic', action: { do: 'logX' } },
  { key: 'y', says: 'the vertical axis logarithmic', action: { do: 'logY' } },
  { key: 'S', says: 'curves smoothed (EMA 0.9), their values behind them', action: { do: 'smooth' } },
  { key: '0', says: 'zoom out', action: { do: 'zoomOut' } },
  { key: 'f', says: 'the focused panel in full', action: { do: 'full' } },
  { key: 't', says: 'the focused panel as a table', action: { do: 'table' } },
  { key: 'c', says: 'copy the link to this view', action: { do: 'copy' } },
  { key: '/', says: 'find', action: { do: 'find' } },
  { key: '?', says: 'keys and settings', action: { do: 'help' } },
  { key: 'g', says: 'go to a page, whose letter follows', action: undefined },
]

/** Keys that a reader chose, by those they stand for. */
export type ChosenKeys = Readonly<Record<string, string>>

/** The key that now does what `key` does unless another was chosen. */
export const keyNow = (chosen: ChosenKeys, key: string): string => chosen[key] ?? key

export const keyName = (key: string): string => (key === ' ' ? 'Space' : key)

/** Why `wanted` cannot do what `key` does, in a sentence; undefined where it can. */
export const whyNotKey = (chosen: ChosenKeys, key: string, wanted: string): string | undefined => {
  if ([...wanted].length !== 1) return `${wanted} cannot be chosen: only a letter, a digit or a sign.`
  const other = letterKeys.find(one => one.key !== key && keyNow(chosen, one.key) === wanted)
  return other && `${keyName(wanted)} is taken, for: ${other.says}. Give that another key first.`
}

/** The keys with one more chosen; the standard one is no choice. */
export const choose = (chosen: ChosenKeys, key: string, wanted: string): ChosenKeys => {
  const { [key]: _, ...others } = chosen
  return wanted === key ? others : { ...others, [key]: wanted }
}

/** What was kept of chosen keys; none of it where one key would do two things. */
export const soundKeys = (kept: unknown): ChosenKeys => {
  const wanted = (kept ?? {}) as Partial<Record<string, unknown>>
  const chosen = letterKeys.reduce<ChosenKeys>((all, { key }) => {
    const one = wanted[key]
    return typeof one === 'string' && [...one].length === 1 ? choose(all, key, one) : all
  }, {})
  return new Set(letterKeys.map(({ key }) => keyNow(chosen, key))).size === letterKeys.length ? chosen : {}
}

/** Keys that stay what they are. */
export const keyHelp: readonly KeyHelp[] = [
  ...Object.entries(pageKeys).map(([key, page]) => ({ keys: `g ${key}`, says: `go to ${page}` })),
  { keys: 'Ctrl+K', says: 'find a run, screen, metric, probe, saved view or command' },
  { keys: 'Ctrl+Z · Ctrl+Y', says: 'undo, redo what was done to the view' },
  { keys: 'Alt+M', says: 'next theme' },
  { keys: 'in a chart', says: '← → step, ↑ ↓ curve, + − zoom, Shift+← → pan, Home, End' },
]

/** Keys to actions; `g` waits for the next key. `letters` off leaves only keys with Ctrl, Alt or Escape. */
export const createKeys = (): ((
  pressed: Pressed,
  letters: boolean,
  chosen?: ChosenKeys,
) => Action | undefined) => {
  let going = false
  return ({ key, ctrlKey, metaKey, altKey, shiftKey, typing }, letters, chosen = {}) => {
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
    const found = letterKeys.find(one => keyNow(chosen, one.key) === key)
    going = found !== undefined && found.action === undefined
    return found?.action
  }
}

/** Every page has a key. */
export const pagesWithKeys: readonly Page[] = PAGES.filter(page =>
  (Object.values(pageKeys) as readonly string[]).includes(page),
)
