// The largest eigenvalues at one step, and at another, on a logarithmic scale.
import { bent, show, tag, textWidth, tickText, type Look } from '@ldyn/figures'
import { colour, line, svg, text, type Drawing, type Ink, type Size } from './ink.ts'

export interface Spectrum {
  readonly step: number
  /** By falling size. */
  readonly eigenvalues: readonly number[]
}

const [RIGHT, TOP, FOOT] = [8, 8, 34]

const drawSpectrum = (
  now: Spectrum,
  then: Spectrum | undefined,
  look: Look,
  size: Size,
  ink: Ink,
): string => {
  const { width, height } = size
  const bottom = height - FOOT
  const all = [...now.eigenvalues, ...(then?.eigenvalues ?? [])].filter(value => value > 0)
  const [low, high] = all.length > 0 ? [Math.min(...all), Math.max(...all)] : [1, 1]
  // The smallest still has a bar.
  const y = bent([low / 3, high * 1.1], [bottom, TOP], 'log', 24)
  const labels = y.ticks.map(tick => tickText([tick])[0])
  const left = Math.max(30, ...labels.map(label => textWidth(label) + 9))
  const stroke = colour(look, ink)
  const slot = (width - left - RIGHT) / Math.max(1, now.eigenvalues.length, then?.eigenvalues.length ?? 0)
  const parts = y.ticks.flatMap((tick, i) => [
    line(left, y.at(tick), width - RIGHT, y.at(tick), ink.line),
    text(left - 6, y.at(tick) + 4, labels[i], ink.muted, 'end'),
  ])
  const wide = slot * (then ? 0.38 : 0.7)
  const bars = ({ eigenvalues, step }: Spectrum, from: number, hollow: boolean): readonly string[] =>
    eigenvalues.map((value, i) => {
      const top = value > 0 ? y.at(value) : bottom
      const box = { x: left + i * slot + from, width: wide, y: top, height: Math.max(0, bottom - top) }
      const paint = hollow ? { fill: 'none', 'stroke-dasharray': '3 2' } : { fill: stroke }
      return tag('rect', { ...box, ...paint, stroke }, tag('title', {}, `λ${i + 1} at step ${step}: ${show(value)}`))
    })
  parts.push(...bars(now, slot * 0.1, false))
  if (then) parts.push(...bars(then, slot * 0.52, true))
  parts.push(line(left, bottom, width - RIGHT, bottom, ink.edge))
  const every = Math.max(1, Math.ceil(24 / slot))
  now.eigenvalues.forEach((_, i) => {
    if (i % every === 0) parts.push(text(left + (i + 0.5) * slot, bottom + 14, String(i + 1), ink.muted, 'middle'))
  })
  parts.push(text(width - RIGHT, height - 4, 'eigenvalue, by size', ink.muted, 'end'))
  return svg(size, 'Largest eigenvalues, on a logarithmic scale', parts)
}

export const spectrumDrawing = (now: Spectrum, then: Spectrum | undefined, look: Look): Drawing => ({
  height: 230,
  draw: (size, ink) => drawSpectrum(now, then, look, size, ink),
})
