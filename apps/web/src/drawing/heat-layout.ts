// Where everything of a map stands, in pixels, without a browser: cells, the names left and above, rails, and the bars
// beside. Whole pixels a cell where they fit, else cells share pixels (drawing/heat-map.ts says which one is seen).
import type { Heat, Margin, Rail } from '../panels/heat.ts'
import type { Part, Place } from './heat-map.ts'

/** Of one column of bars beside the map, and the thickness of a rail. */
export const [BAR, RAIL] = [58, 7]

/** Pixels a letter takes on average, in the size of a map's names. */
const LETTER = 6.6
/** Letters that a name above a narrow column has at most. */
export const HEAD_LETTERS = 18

export interface HeatLayout {
  readonly part: Part
  /** Of the cells together. */
  readonly width: number
  readonly height: number
  readonly cellWidth: number
  readonly cellHeight: number
  /** Where the cells begin: names are left of it and above. */
  readonly left: number
  readonly top: number
  /** Of all, with what stands beside and above. */
  readonly wide: number
  readonly high: number
  /** Of the bars above the columns; 0 without. */
  readonly above: number
  /** Names of columns fit side by side, else they are turned. */
  readonly upright: boolean
  /** Letters that a row's name may have, and every which row and column has one. */
  readonly letters: number
  readonly rowEvery: number
  readonly columnEvery: number
}

/** Pixels of a cell where `cells` have `pixels` together, `most` at most. */
const side = (cells: number, pixels: number, most: number): number =>
  cells > pixels ? pixels / cells : Math.min(most, Math.floor(pixels / cells))

/** The part of a map in a room of `space` pixels; `tallest` are those that its rows take together at most. */
export const layOutHeat = (
  { columns, beside = [], above, columnRails }: Heat,
  part: Part,
  space: number,
  tallest: number,
  square = false,
): HeatLayout => {
  const left = Math.round(Math.min(150, space * 0.34))
  const bars = beside.length === 0 ? 0 : beside.length * BAR + 8
  let cellWidth = side(part.columns, Math.max(40, space - left - bars - 4), square ? 48 : 90)
  let cellHeight = side(part.rows, tallest, square ? 48 : 24)
  if (square) cellWidth = cellHeight = Math.min(cellWidth, cellHeight)
  const width = Math.max(1, Math.round(cellWidth * part.columns))
  const height = Math.max(1, Math.round(cellHeight * part.rows))
  const widest = columns
    .slice(part.column, part.column + part.columns)
    .reduce((most, name) => Math.max(most, name.length), 1)
  const upright = cellWidth >= widest * LETTER
  const over = above ? 34 : 0
  const head = upright ? 18 : Math.min(110, Math.min(HEAD_LETTERS, widest) * 6.4 + 10)
  const top = head + over + (columnRails ? RAIL + 3 : 0)
  return {
    part,
    width,
    height,
    cellWidth,
    cellHeight,
    left,
    top,
    wide: width + left + bars,
    high: height + top,
    above: over,
    upright,
    letters: Math.max(4, Math.floor(left / LETTER)),
    rowEvery: Math.max(1, Math.ceil(11 / cellHeight)),
    columnEvery: Math.max(1, Math.ceil(13 / cellWidth)),
  }
}

/** Cells large enough for their numbers, and few enough to be read. */
export const showsNumbers = ({ part, cellWidth, cellHeight }: HeatLayout): boolean =>
  cellWidth >= 40 && cellHeight >= 13 && part.rows * part.columns <= 4000

/** The cell at a place of the canvas, in pixels from its corner; of a place beside it the nearest one. */
export const cellUnder = ({ part, cellWidth, cellHeight }: HeatLayout, x: number, y: number): Place => {
  const within = (i: number, n: number): number => Math.min(n - 1, Math.max(0, Math.floor(i)))
  return [part.row + within(y / cellHeight, part.rows), part.column + within(x / cellWidth, part.columns)]
}

/** The box from one cell to another, corner cells included, as a style. */
export const boxOf = (
  { part, left, top, cellWidth, cellHeight }: HeatLayout,
  [r0, c0]: Place,
  [r1, c1]: Place = [r0, c0],
): Readonly<Record<'left' | 'top' | 'width' | 'height', string>> => ({
  left: `${left + (Math.min(c0, c1) - part.column) * cellWidth}px`,
  top: `${top + (Math.min(r0, r1) - part.row) * cellHeight}px`,
  width: `${(Math.abs(c1 - c0) + 1) * cellWidth}px`,
  height: `${(Math.abs(r1 - r0) + 1) * cellHeight}px`,
})

/** Neighbours of one rail as one bar; places count from the window. */
export const railRuns = (
  rails: readonly Rail[],
  from: number,
  n: number,
): readonly { readonly rail: Rail; readonly from: number; readonly to: number }[] => {
  const runs: { rail: Rail; from: number; to: number }[] = []
  for (let i = 0; i < n; i++) {
    const rail = rails[from + i]
    const last = runs.at(-1)
    if (last?.rail.name === rail.name) last.to = i + 1
    else runs.push({ rail, from: i, to: i + 1 })
  }
  return runs
}

/**
 * Rails as one SVG path a name: a kernel of two thousand responses that stand by prompt has as many bars on either
 * side. `bar` is the corner and the size of one, by the cells it is along.
 */
export const railPaths = (
  rails: readonly Rail[],
  from: number,
  n: number,
  bar: (from: number, to: number) => readonly [x: number, y: number, width: number, height: number],
): readonly { readonly rail: Rail; readonly d: string }[] => {
  const paths = new Map<string, { readonly rail: Rail; d: string }>()
  for (const { rail, from: first, to } of railRuns(rails, from, n)) {
    const [x, y, width, height] = bar(first, to).map(value => Math.round(value * 1000) / 1000)
    const path = paths.get(rail.name) ?? { rail, d: '' }
    paths.set(rail.name, path)
    path.d += `M${x} ${y}h${width}v${height}h${-width}z`
  }
  return [...paths.values()]
}

/** The largest size in any of the margins, which are all on one scale; 1 where all are 0. */
export const reachOf = (margins: readonly Margin[]): number => {
  let reach = 0
  for (const { values } of margins)
    for (let i = 0; i < values.length; i++) if (Math.abs(values[i]) > reach) reach = Math.abs(values[i])
  return reach || 1
}
