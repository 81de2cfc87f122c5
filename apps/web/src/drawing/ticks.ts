// Axes of the small pictures: as many round numbers as have room beside each other, whatever the width.
import { linear, textWidth, tickText, type Scale } from '@ldyn/figures'

export interface Axis extends Scale {
  /** What stands at each tick. */
  readonly labels: readonly string[]
}

interface Options {
  readonly pad?: number
  readonly least?: number
}

/** Between two labels, in pixels. */
const GAP = 10

/** Across: labels stand side by side. */
export const across = (
  domain: readonly [number, number],
  range: readonly [number, number],
  options: Options = {},
): Axis => {
  const span = Math.abs(range[1] - range[0])
  for (let wanted = Math.max(1, Math.round(span / 48)); ; wanted--) {
    const scale = linear(domain, range, wanted, options)
    const labels = tickText(scale.ticks)
    const [first, second] = scale.ticks
    const apart = second === undefined ? Infinity : Math.abs(scale.at(second) - scale.at(first))
    if (wanted <= 1 || Math.max(0, ...labels.map(textWidth)) + GAP <= apart) return { ...scale, labels }
  }
}

/** Up: a label needs the height of a line. */
export const upwards = (
  domain: readonly [number, number],
  range: readonly [number, number],
  options: Options = {},
): Axis => {
  const scale = linear(domain, range, Math.max(2, Math.round(Math.abs(range[1] - range[0]) / 42)), options)
  return { ...scale, labels: tickText(scale.ticks) }
}

/** Every how many of things that stand `apart` pixels from each other one can be named. */
export const everyNth = (labels: readonly string[], apart: number): number =>
  Math.max(1, Math.ceil((Math.max(0, ...labels.map(textWidth)) + GAP) / apart))
