// Colours of maps: 256 steps between anchors of ColorBrewer's RdBu (signed, white at 0) and of cividis
// (unsigned, readable with any colour vision). A theme never changes them. Which values they reach: colour-limits.ts;
// how values become pixels: heat-map.ts.

const RD_BU = [
  '67001f',
  'b2182b',
  'd6604d',
  'f4a582',
  'fddbc7',
  'f7f7f7',
  'd1e5f0',
  '92c5de',
  '4393c3',
  '2166ac',
  '053061',
]
const CIVIDIS = [
  '00224e',
  '123570',
  '3b496c',
  '575d6d',
  '707173',
  '8a8678',
  'a59c74',
  'c3b369',
  'e1cc55',
  'fee838',
]

/** 256 colours as RGB bytes. */
const table = (anchors: readonly string[]): Uint8Array => {
  const rgb = anchors.map(hex => [0, 2, 4].map(i => Number.parseInt(hex.slice(i, i + 2), 16)))
  const colours = new Uint8Array(256 * 3)
  for (let i = 0; i < 256; i++) {
    const at = (i / 255) * (rgb.length - 1)
    const k = Math.min(rgb.length - 2, Math.floor(at))
    for (let c = 0; c < 3; c++)
      colours[i * 3 + c] = Math.round(rgb[k][c] + (rgb[k + 1][c] - rgb[k][c]) * (at - k))
  }
  return colours
}

// Blue is up, red is down, as chosen is blue and rejected vermilion.
export const SIGNED: Uint8Array = table(RD_BU)
export const UNSIGNED: Uint8Array = table(CIVIDIS)

export interface ColourScale {
  readonly signed: boolean
  /** The value at full colour; a signed scale reaches from −limit to limit, an unsigned one from low to limit. */
  readonly limit: number
  readonly low: number
  /** Below this size a signed logarithmic scale is linear; undefined for a linear one. */
  readonly linear?: number
}

/** The colours of a scale. */
export const coloursOf = ({ signed }: Pick<ColourScale, 'signed'>): Uint8Array => (signed ? SIGNED : UNSIGNED)

/** One of 256 colours, as CSS has it. */
export const cssColour = (colours: Uint8Array, step: number): string =>
  `rgb(${colours.subarray(step * 3, step * 3 + 3).join(' ')})`

/** What gives the place of a value on the scale, 0 to 255. Zero of a signed scale is exactly in the middle. */
export const stepsOf = ({ signed, limit, low, linear }: ColourScale): ((value: number) => number) => {
  if (!signed)
    return value =>
      Math.round(Math.min(1, Math.max(0, limit > low ? (value - low) / (limit - low) : 0.5)) * 255)
  const whole = linear === undefined ? limit : Math.log1p(limit / linear)
  return value => {
    const size = linear === undefined ? Math.abs(value) : Math.log1p(Math.abs(value) / linear)
    return Math.round(127.5 + Math.sign(value) * Math.min(1, size / whole) * 127.5)
  }
}

/** The place of one value. */
export const stepOf = (value: number, scale: ColourScale): number => stepsOf(scale)(value)

// WCAG 2.2: relative luminance of sRGB bytes. Black and white alone reach 4.5:1 on every colour between them.
const luminance = (rgb: Uint8Array): number => {
  const [r, g, b] = [...rgb].map(byte => {
    const share = byte / 255
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}

/** Black or white, whichever has more contrast with this step of a scale: at least 4.5:1. */
export const inkOn = (step: number, colours: Uint8Array): string => {
  const light = luminance(colours.subarray(step * 3, step * 3 + 3)) + 0.05
  return light / 0.05 >= 1.05 / light ? '#000000' : '#ffffff'
}
