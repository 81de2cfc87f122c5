// What every picture is made of that is drawn as SVG text: numbers in, markup out, so that the page, the saved file and
// a test all have the same. On the page colours are its own tokens (styles/tokens.css), so that more contrast is more
// here as well; a saved file has no style sheet and gets them as values.
import { escape, tag, type Look } from '@ldyn/figures'

/** Colours of a theme. */
export interface Ink {
  readonly dark: boolean
  readonly ink: string
  readonly muted: string
  readonly line: string
  readonly edge: string
  readonly paper: string
  readonly accent: string
  readonly fill: string
}
export const INKS: { readonly light: Ink; readonly dark: Ink } = {
  light: {
    dark: false, ink: '#1d2430', muted: '#566070', line: '#dde2e9', edge: '#7f8a99', paper: '#ffffff',
    accent: '#0b5a9d', fill: '#8aa9c9',
  },
  dark: {
    dark: true, ink: '#e6e9ef', muted: '#a3acba', line: '#2a303b', edge: '#6e7887', paper: '#16191f',
    accent: '#74b7f5', fill: '#5d7ea3',
  },
}
const tokens = {
  ink: 'var(--ink)', muted: 'var(--muted)', line: 'var(--line)', edge: 'var(--edge)', paper: 'var(--paper)',
  accent: 'var(--accent)',
}
/** The same on the page. */
export const PAGE: typeof INKS = { light: { ...INKS.light, ...tokens }, dark: { ...INKS.dark, ...tokens } }

export const colour = (look: Look, ink: Ink): string => (ink.dark ? look.dark : look.light)

export interface Size {
  readonly width: number
  readonly height: number
}

/** A picture at whatever width there is. */
export interface Drawing {
  /**
   * How high it is at a width; `room` is the height there is where it stands alone on the page, else 0. A number is its
   * height at any width, or the room where that is more.
   */
  readonly height: number | ((width: number, room: number) => number)
  readonly draw: (size: Size, ink: Ink) => string
  /** The width of its file, unless 760. */
  readonly fileWidth?: number
}
export const heightAt = ({ height }: Pick<Drawing, 'height'>, width: number, room = 0): number =>
  typeof height === 'number' ? Math.max(height, room) : Math.round(height(width, room))

/** Letters are as high as those of the curves. */
export const text = (
  x: number,
  y: number,
  content: string,
  ink: string,
  anchor = 'start',
  more: Readonly<Record<string, string | number>> = {},
): string => tag('text', { x, y, fill: ink, 'text-anchor': anchor, 'font-size': 11, ...more }, escape(content))
/** A text that may lie on lines: with a rim of paper. */
export const over = (ink: Ink): Readonly<Record<string, string | number>> => ({
  stroke: ink.paper, 'stroke-width': 3, 'stroke-linejoin': 'round', 'paint-order': 'stroke',
})
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
