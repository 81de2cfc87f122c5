// What was predicted across, what happened up, on one scale: a point on the diagonal was told exactly. Colour and shape
// of a point say its kind, and a key what they mean.
import { escape, markerPath, tag, type Look } from '@ldyn/figures'
import { drawKey, keyHeight, type KeyItem } from './key.ts'
import { colour, line, svg, text, type Drawing, type Ink, type Size } from './ink.ts'
import { across, upwards } from './ticks.ts'

export interface ScatterPoint {
  readonly predicted: number
  readonly actual: number
  /** Its name in the key. */
  readonly kind: string
  readonly look: Look
  readonly says: string
  /** Stands out. */
  readonly picked: boolean
}

export interface ScatterInput {
  readonly points: readonly ScatterPoint[]
  readonly unit: string
  readonly alt: string
}

const [LEFT, RIGHT, TOP, FOOT] = [58, 12, 8, 36]
/** The key is beside the square, where both have room. */
const [WIDE, KEY] = [480, 150]
const [LEAST, MOST] = [220, 420]

const keyOf = (points: readonly ScatterPoint[], ink: Ink): readonly KeyItem[] => {
  const looks = new Map(points.map(({ kind, look }) => [kind, look]))
  return [...looks].map(([name, look]) => ({
    name,
    mark: (x, y) => tag('path', { d: markerPath(look.marker, x, y, 3.6), fill: colour(look, ink) }),
  }))
}

/** Where square and key lie: the side of the square, its left edge, and the place of the key. */
const layOut = (key: readonly KeyItem[], { width, height }: Size) => {
  const beside = width >= WIDE
  const below = beside ? 0 : keyHeight(key, width - LEFT - RIGHT) + 6
  const across = width - LEFT - RIGHT - (beside ? KEY : 0)
  const side = Math.max(60, Math.min(across, height - TOP - FOOT - below))
  const left = LEFT + (across - side) / 2
  return {
    side,
    left,
    key: beside
      ? { left: left + side + 18, top: TOP, width: 1 }
      : { left: LEFT, top: TOP + side + FOOT + 6, width: width - LEFT - RIGHT },
  }
}

const drawScatter = ({ points, unit, alt }: ScatterInput, size: Size, ink: Ink): string => {
  const items = keyOf(points, ink)
  const { side, left, key } = layOut(items, size)
  const [right, bottom] = [left + side, TOP + side]
  const all = points.flatMap(({ predicted, actual }) => [predicted, actual])
  const [low, high] = [Math.min(0, ...all), Math.max(0, ...all)]
  const room = (high - low) * 0.05 || 1
  const domain = [low - room, high + room] as const
  const x = across(domain, [left, right])
  const up = upwards(domain, [bottom, TOP])
  // The same numbers on both, where those that have room beside each other are enough.
  const y = x.ticks.length < 3 ? up : { ...up, ticks: x.ticks, labels: x.labels }
  const parts: string[] = []
  x.ticks.forEach((tick, i) => {
    parts.push(line(x.at(tick), TOP, x.at(tick), bottom, tick === 0 ? ink.edge : ink.line))
    parts.push(text(x.at(tick), bottom + 14, x.labels[i], ink.muted, 'middle'))
  })
  y.ticks.forEach((tick, i) => {
    parts.push(line(left, y.at(tick), right, y.at(tick), tick === 0 ? ink.edge : ink.line))
    parts.push(text(left - 6, y.at(tick) + 4, y.labels[i], ink.muted, 'end'))
  })
  parts.push(
    tag('rect', { x: left, y: TOP, width: side, height: side, fill: 'none', stroke: ink.line }),
    line(left, bottom, right, TOP, ink.edge, { 'stroke-dasharray': '4 3' }),
    text((left + right) / 2, bottom + 30, `predicted ${unit}`, ink.muted, 'middle'),
    tag('g', { transform: `translate(${left - 46} ${(TOP + bottom) / 2}) rotate(-90)` }, [
      text(0, 0, `actual ${unit}`, ink.muted, 'middle'),
    ]),
  )
  points.forEach(({ predicted, actual, look, says, picked }, i) => {
    const d = markerPath(look.marker, x.at(predicted), y.at(actual), picked ? 5 : 3.4)
    const marked = { fill: colour(look, ink), stroke: picked ? ink.ink : ink.paper, 'stroke-width': picked ? 1.6 : 0.8 }
    parts.push(
      tag('path', { d, ...marked, 'data-point': i, 'fill-opacity': 0.85 }, tag('title', {}, escape(says))),
    )
  })
  // Beside the square one stands below the other.
  if (key.width > 1) parts.push(...drawKey(items, key, ink))
  else
    items.forEach((item, i) => {
      parts.push(...drawKey([item], { ...key, top: key.top + i * 17, width: KEY - 18 }, ink))
    })
  return svg(size, alt, parts)
}

/** Points carry their place in the list as `data-point`. `beside` is the height of what stands next to it. */
export const scatterDrawing = (input: ScatterInput, beside = 0): Drawing => {
  const kinds = new Set(input.points.map(({ kind }) => kind))
  const named = [...kinds].map(name => ({ name, mark: () => '' }))
  return {
    height: (width, room) => {
      if (width >= WIDE) return Math.max(room, Math.min(MOST, Math.max(LEAST + FOOT, beside)))
      const across = width - LEFT - RIGHT
      return TOP + FOOT + Math.min(MOST, across) + 6 + keyHeight(named, across) + 4
    },
    draw: (size, ink) => drawScatter(input, size, ink),
    fileWidth: 560,
  }
}
