// Probability by bands of ranks over updates, stacked to 1, the likeliest at the bottom: the picture of the Squeeze
// page and of the Lab.
import { tag, type Look } from '@ldyn/figures'
import { line, svg, text, type Drawing, type Ink, type Size } from './ink.ts'
import { drawKey, keyHeight, type KeyItem } from './key.ts'
import { outline } from './thin.ts'
import { across } from './ticks.ts'

export interface BandsInput {
  /** Updates on the axis. */
  readonly steps: readonly number[]
  /** By band, likeliest first: its probability at every step; they add up to 1. */
  readonly bands: readonly { readonly name: string; readonly mass: readonly number[] }[]
  /** One probability followed over them. */
  readonly own?: { readonly p: readonly number[]; readonly look: Look }
  /** Where stages begin. */
  readonly stages: readonly { readonly step: number; readonly name: string }[]
}

// From the peak to the tail: dark to light, told apart in grey as well.
export const SHADES = ['#5b2a86', '#8653ad', '#ac84ca', '#cfb5e2', '#e9dff2']

const [LEFT, TOP, FOOT] = [38, 18, 30]
/** Names stand beside the right edge, in a narrow picture below it. */
const [NAMES, EDGE, NARROW] = [112, 12, 420]
const rightOf = (width: number): number => (width < NARROW ? EDGE : NAMES)

const keyOf = (bands: BandsInput['bands'], ink?: Ink): readonly KeyItem[] =>
  bands.map(({ name }, b) => ({
    name,
    mark: (x, y) => tag('rect', { x: x - 5, y: y - 5, width: 9, height: 9, fill: SHADES[b], stroke: ink?.edge }),
  }))
const footOf = (bands: BandsInput['bands'], width: number): number =>
  FOOT + (width < NARROW ? keyHeight(keyOf(bands), width - 4) + 8 : 0)

const shareOf = (steps: readonly number[], step: number): number => {
  const [first, last] = [steps[0], steps.at(-1)!]
  return last > first ? (step - first) / (last - first) : 0
}
const scaleOf = (steps: readonly number[], width: number): ((step: number) => number) => {
  const wide = width - LEFT - rightOf(width)
  return step => LEFT + shareOf(steps, step) * wide
}

/** The step whose place is nearest to `x` in a picture of this width. */
export const stepAt = (steps: readonly number[], x: number, width: number): number => {
  const at = scaleOf(steps, width)
  return steps.reduce((best, step) => (Math.abs(at(step) - x) < Math.abs(at(best) - x) ? step : best), steps[0])
}

/** Where a step is in a picture of this width, for what is laid over it: CSS lengths. */
export const placeOf = (
  { steps, bands }: Pick<BandsInput, 'steps' | 'bands'>,
  step: number,
  width: number,
): Readonly<Record<'left' | 'top' | 'bottom', string>> => ({
  left: `${scaleOf(steps, width)(step)}px`,
  top: `${TOP}px`,
  bottom: `${footOf(bands, width)}px`,
})

export const drawBands = ({ steps, bands, own, stages }: BandsInput, size: Size, ink: Ink): string => {
  const { width } = size
  const [right, foot] = [width - rightOf(width), footOf(bands, width)]
  // What lies below the axis in a narrow picture is its key.
  const height = size.height - (foot - FOOT)
  const [first, last] = [steps[0], steps.at(-1)!]
  const x = scaleOf(steps, width)
  const y = (p: number): number => TOP + (1 - p) * (height - TOP - FOOT)
  const sums: number[][] = []
  for (const { mass } of bands) sums.push(steps.map((_, i) => (sums.at(-1)?.[i] ?? 0) + mass[i]))
  // Bands that meet share an edge. Of a run that is live all of them are written at every tick.
  const edge = (values: readonly number[]): readonly string[] => {
    const found: string[] = []
    const point = (px: number, py: number): void => void found.push(`${px.toFixed(1)} ${py.toFixed(1)}`)
    outline([...values.keys()], i => x(steps[i]), i => y(values[i]), width, point)
    return found
  }
  const edges = [edge(steps.map(() => 0)), ...sums.map(edge)]
  const parts = bands.map((_, b) =>
    tag('path', { d: `M${[...edges[b + 1], ...[...edges[b]].reverse()].join('L')}Z`, fill: SHADES[b] }),
  )
  for (const p of [0, 0.5, 1]) parts.push(text(LEFT - 6, y(p) + 4, String(p), ink.muted, 'end'))
  const axis = across([first, Math.max(last, first + 1)], [LEFT, right], { least: 1 })
  axis.ticks.forEach((tick, i) => {
    if (tick <= last) parts.push(text(x(tick), height - FOOT + 14, axis.labels[i], ink.muted, 'middle'))
  })
  parts.push(text(LEFT, height - 3, 'update', ink.muted))
  const dashed = { 'stroke-dasharray': '3 3', 'stroke-width': 1.5 }
  stages.forEach(({ step, name }, i) => {
    const at = x(Math.max(first, step))
    if (i > 0) parts.push(line(at, TOP, at, height - FOOT, ink.paper, dashed))
    parts.push(text(at, TOP - 5, name, ink.muted))
  })
  if (own) {
    const d = `M${edge(own.p).join('L')}`
    parts.push(tag('path', { d, fill: 'none', stroke: '#ffffff', 'stroke-width': 4 }))
    parts.push(tag('path', { d, fill: 'none', stroke: own.look.light, 'stroke-width': 2, 'stroke-dasharray': '6 3' }))
  }
  if (foot > FOOT) parts.push(...drawKey(keyOf(bands, ink), { left: 4, top: height + 4, width: width - 4 }, ink))
  else {
    // From the top down, each at the middle of its band where there is room.
    let at = -Infinity
    ;[...bands.entries()].reverse().forEach(([b, band]) => {
      const middle = y((sums[b].at(-1)! + (b === 0 ? 0 : sums[b - 1].at(-1)!)) / 2)
      at = Math.max(middle + 4, at + 13, 11)
      parts.push(tag('rect', { x: right + 8, y: at - 9, width: 9, height: 9, fill: SHADES[b], stroke: ink.edge }))
      parts.push(text(right + 22, at, band.name, ink.ink))
    })
  }
  return svg(size, 'Probability by bands of ranks over updates', parts)
}

/** As high as told; where names stand below, by these higher. */
export const bandsDrawing = (input: BandsInput, high: number): Drawing => ({
  height: (width, room) => Math.max(room, high + footOf(input.bands, width) - FOOT),
  draw: (size, ink) => drawBands(input, size, ink),
})
