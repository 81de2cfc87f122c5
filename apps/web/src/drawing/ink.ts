// What every picture is made of that is drawn as SVG text: numbers in, markup out, so that the page, the saved file and
// a test all have the same. Colours are those of the page's tokens (styles/tokens.css) as values, since a saved file
// has no style sheet.
import { escape, tag, type Look } from '@ldyn/figures'

/** Colours of a theme. */
export interface Ink {
  readonly dark: boolean
  readonly ink: string
  readonly muted: string
  readonly line: string
  readonly edge: string
  readonly paper: string
  readonly fill: string
}
export const INKS: { readonly light: Ink; readonly dark: Ink } = {
  light: {
    dark: false, ink: '#1d2430', muted: '#566070', line: '#dde2e9', edge: '#7f8a99', paper: '#ffffff', fill: '#8aa9c9',
  },
  dark: {
    dark: true, ink: '#e6e9ef', muted: '#a3acba', line: '#2a303b', edge: '#6e7887', paper: '#16191f', fill: '#5d7ea3',
  },
}
export const colour = (look: Look, ink: Ink): string => (ink.dark ? look.dark : look.light)

export interface Size {
  readonly width: number
  readonly height: number
}

export const text = (x: number, y: number, content: string, ink: string, anchor = 'start'): string =>
  tag('text', { x, y, fill: ink, 'text-anchor': anchor, 'font-size': 11 }, escape(content))
export const line = (x1: number, y1: number, x2: number, y2: number, stroke: string, more = {}): string =>
  tag('line', { x1, y1, x2, y2, stroke, ...more })

/** 1, 0.1, 10⁻², … as a label. */
export const power = (exponent: number): string =>
  exponent >= -1 ? String(10 ** exponent) : `1e−${Math.abs(exponent)}`

/** The whole picture with its name; `alt` is what it shows, in words. */
export const svg = (size: Size, alt: string, parts: readonly string[]): string =>
  tag(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      width: size.width,
      height: size.height,
      viewBox: `0 0 ${size.width} ${size.height}`,
      role: 'img',
      'aria-label': alt,
      'font-family': "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif",
    },
    parts,
  )
