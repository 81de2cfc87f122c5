// Names beside points of a picture: each as near to its own as can be without covering another name, a point or, if
// there is a choice, a line. What had to go further has a leader to its point. Deterministic: the same points give the
// same places.
import { textWidth } from '@ldyn/figures'

export interface Spot {
  readonly x: number
  readonly y: number
  /** Of the point's mark. */
  readonly radius: number
  readonly name: string
}

export interface Placed {
  /** Of the text, at its foot. */
  readonly x: number
  readonly y: number
  readonly anchor: 'start' | 'middle' | 'end'
  /** From the point's rim to the name, where these are apart. */
  readonly leader?: readonly [number, number, number, number]
}

export interface Box {
  readonly left: number
  readonly right: number
  readonly top: number
  readonly bottom: number
}

type Place = readonly [x: number, y: number]

/** Above and below the foot of a line of 11 pixels. */
const [ASCENT, DESCENT] = [9, 3]
/** Between a mark and its name. */
const GAP = 4
/** Beyond this a name needs a leader. */
const NEAR = 6

/** Right, left, and up and down aslant before straight up and down, where a name hides what is beside it. */
const WAYS: readonly Place[] = [[1, 0], [-1, 0], [0.7, -0.7], [0.7, 0.7], [-0.7, -0.7], [-0.7, 0.7], [0, -1], [0, 1]]
const REACHES = [0, 8, 16, 26, 38, 52, 68, 88, 110]

const boxOf = ({ x, y, anchor }: Placed, name: string): Box => {
  const wide = textWidth(name)
  const left = anchor === 'start' ? x : anchor === 'end' ? x - wide : x - wide / 2
  return { left, right: left + wide, top: y - ASCENT, bottom: y + DESCENT }
}

const meet = (a: Box, b: Box): boolean =>
  a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom

const around = ({ x, y, radius }: Spot): Box => ({
  left: x - radius - 1, right: x + radius + 1, top: y - radius - 1, bottom: y + radius + 1,
})

const candidate = ({ x, y, radius }: Spot, [dx, dy]: Place, reach: number): Placed => {
  const rim = radius + GAP + reach
  const [tx, ty] = [x + dx * rim, y + dy * rim]
  const foot = dy === 0 ? ty + 4 : dy < 0 ? ty : ty + ASCENT
  const at = { x: tx, y: foot, anchor: dx > 0 ? 'start' : dx < 0 ? 'end' : 'middle' } as const
  if (reach <= NEAR) return at
  const [fx, fy] = [x + dx * (radius + 1), y + dy * (radius + 1)]
  return { ...at, leader: [fx, fy, x + dx * (rim - 2), y + dy * (rim - 2)] }
}

/** The points of a line, no further apart than a name is high. */
export const along = (line: readonly Place[]): readonly Place[] =>
  line.flatMap(([x, y], i) => {
    if (i === 0) return [[x, y] as const]
    const [px, py] = line[i - 1]
    const pieces = Math.max(1, Math.ceil(Math.hypot(x - px, y - py) / 6))
    return Array.from({ length: pieces }, (_, k): Place => [
      px + ((x - px) * (k + 1)) / pieces, py + ((y - py) * (k + 1)) / pieces,
    ])
  })

/**
 * Where each name stands, in the order of `spots`. `others` are marks that no name may cover, `lines` points of lines
 * (`along`) that names keep off where they can.
 */
export const placeNames = (
  spots: readonly Spot[],
  box: Box,
  { others = [], lines = [] }: { readonly others?: readonly Spot[]; readonly lines?: readonly Place[] } = {},
): readonly Placed[] => {
  const marks = [...spots, ...others].map(around)
  const cost = (placed: Placed, name: string, i: number, taken: readonly (Box | undefined)[]): number => {
    const own = boxOf(placed, name)
    const beyond =
      Math.max(0, box.left - own.left, own.right - box.right) + Math.max(0, box.top - own.top, own.bottom - box.bottom)
    const names = taken.filter((one, k) => k !== i && one && meet(own, one)).length
    const hidden = marks.filter(mark => meet(own, mark)).length
    const crossed = lines.filter(([x, y]) => x > own.left && x < own.right && y > own.top && y < own.bottom).length
    return 1e5 * names + (beyond > 0 ? 1e4 + 10 * beyond : 0) + 1e3 * hidden + 4 * crossed
  }
  const best = (i: number, taken: readonly (Box | undefined)[]): Placed => {
    const { name } = spots[i]
    let [found, least] = [candidate(spots[i], WAYS[0], 0), Infinity]
    for (const reach of REACHES) {
      WAYS.forEach((way, w) => {
        const placed = candidate(spots[i], way, reach)
        const price = cost(placed, name, i, taken) + reach + w
        if (price < least) [found, least] = [placed, price]
      })
      // Further away is no better than what is free already.
      if (least < reach) break
    }
    return found
  }
  const result: Placed[] = []
  const taken: (Box | undefined)[] = spots.map(() => undefined)
  // Twice: who comes first does not know yet who comes after.
  for (let round = 0; round < 2; round++) {
    spots.forEach(({ name }, i) => {
      result[i] = best(i, taken)
      taken[i] = boxOf(result[i], name)
    })
  }
  return result
}

/**
 * Middles of names that stand in one line, at least `gap` apart and within [left, right] as far as there is room, each
 * as near to its own as can be, in the order of `wanted`.
 */
export const sideBySide = (
  wanted: readonly number[],
  names: readonly string[],
  { left, right, gap = 6 }: { readonly left: number; readonly right: number; readonly gap?: number },
): readonly number[] => {
  const order = [...wanted.keys()].sort((a, b) => wanted[a] - wanted[b])
  const half = names.map(name => textWidth(name) / 2)
  const placed: number[] = []
  let free = left
  for (const i of order) {
    placed[i] = Math.max(wanted[i], free + half[i])
    free = placed[i] + half[i] + gap
  }
  free = right
  for (const i of order.reverse()) {
    placed[i] = Math.min(placed[i], free - half[i])
    free = placed[i] - half[i] - gap
  }
  return placed
}
