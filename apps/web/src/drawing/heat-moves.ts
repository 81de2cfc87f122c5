// How one goes about a map: where a key takes the cursor, which window shows a cell, and what zooming and a dragged box
// make of the window. Apart from the page, which keeps both (shell/heat/window.ts).
import { holds, type Grid, type Part, type Place } from './heat-map.ts'

type Size = Pick<Grid, 'rows' | 'columns'>

/** The cell that a key leads to from `at`, inside the map; undefined for keys that move nothing. */
export const movedBy = (
  { key, shiftKey }: Pick<KeyboardEvent, 'key' | 'shiftKey'>,
  [r, c]: Place,
  { rows, columns }: Size,
): Place | undefined => {
  const by = shiftKey ? 10 : 1
  const moves: Readonly<Record<string, Place>> = {
    ArrowLeft: [r, c - by],
    ArrowRight: [r, c + by],
    ArrowUp: [r - by, c],
    ArrowDown: [r + by, c],
    Home: [shiftKey ? 0 : r, 0],
    End: [shiftKey ? rows - 1 : r, columns - 1],
  }
  const to = moves[key] as Place | undefined
  return to && [Math.min(rows - 1, Math.max(0, to[0])), Math.min(columns - 1, Math.max(0, to[1]))]
}

/** The window moved no further than it takes to show the cell. */
export const showing = (part: Part, place: Place): Part => {
  if (holds(part, place)) return part
  const from = (at: number, first: number, n: number): number =>
    at < first ? at : at >= first + n ? at - n + 1 : first
  return {
    ...part,
    row: from(place[0], part.row, part.rows),
    column: from(place[1], part.column, part.columns),
  }
}

/** The window `factor` times as wide, around a cell or its own middle; undefined where that is all there is. */
export const zoomed = (part: Part, size: Size, factor: number, at?: Place): Part | undefined => {
  const [r, c] = at ?? [part.row + part.rows / 2, part.column + part.columns / 2]
  const [h, w] = [Math.ceil(part.rows * factor), Math.ceil(part.columns * factor)]
  if (h >= size.rows && w >= size.columns) return undefined
  return { row: Math.round(r - h / 2), column: Math.round(c - w / 2), rows: Math.max(2, h), columns: Math.max(2, w) }
}

/** The window that a box from one cell to another asks for; a line of cells is not a box, and asks for none. */
export const boxed = ([r0, c0]: Place, [r1, c1]: Place): Part | undefined =>
  r0 === r1 || c0 === c1
    ? undefined
    : {
        row: Math.min(r0, r1),
        column: Math.min(c0, c1),
        rows: Math.abs(r1 - r0) + 1,
        columns: Math.abs(c1 - c0) + 1,
      }
