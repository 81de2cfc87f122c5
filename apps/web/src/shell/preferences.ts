// How somebody likes it, kept on their machine; no part of a link (ux.md R7).
import { soundKeys, type ChosenKeys } from '../state/keys.ts'

export const THEMES = ['system', 'light', 'dark'] as const
export const CONTRASTS = ['system', 'more'] as const
export const DENSITIES = ['comfortable', 'compact'] as const

export interface Preferences {
  readonly theme: (typeof THEMES)[number]
  readonly contrast: (typeof CONTRASTS)[number]
  readonly density: (typeof DENSITIES)[number]
  /** Keys that are a single letter. */
  readonly letters: boolean
  /** Keys of a single letter that were given to others. */
  readonly keys: ChosenKeys
  /** Responses are hidden until pointed at: they may be unpleasant to read. */
  readonly blur: boolean
  /** Columns of the list of runs that are left out. */
  readonly without: readonly string[]
}

export const STANDARD: Preferences = {
  theme: 'system',
  contrast: 'system',
  density: 'comfortable',
  letters: true,
  keys: {},
  blur: false,
  without: ['probes', 'warn'],
}
const NAME = 'ldyn.preferences'

/** Whatever of `text` is understood, over the standard. */
export const parsePreferences = (text: string | null | undefined): Preferences => {
  try {
    const found = JSON.parse(text ?? '{}') as Partial<Preferences> | null
    return {
      theme: THEMES.find(theme => theme === found?.theme) ?? STANDARD.theme,
      contrast: CONTRASTS.find(contrast => contrast === found?.contrast) ?? STANDARD.contrast,
      density: DENSITIES.find(density => density === found?.density) ?? STANDARD.density,
      letters: typeof found?.letters === 'boolean' ? found.letters : STANDARD.letters,
      keys: soundKeys(found?.keys),
      blur: typeof found?.blur === 'boolean' ? found.blur : STANDARD.blur,
      without:
        Array.isArray(found?.without) && found.without.every(name => typeof name === 'string')
          ? found.without
          : STANDARD.without,
    }
  } catch {
    return STANDARD
  }
}

// Storage may be forbidden; then preferences last as long as the page.
export const loadPreferences = (): Preferences => {
  try {
    return parsePreferences(localStorage.getItem(NAME))
  } catch {
    return STANDARD
  }
}
export const savePreferences = (preferences: Preferences): void => {
  try {
    localStorage.setItem(NAME, JSON.stringify(preferences))
  } catch {
    // Not kept.
  }
}
