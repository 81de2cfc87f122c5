// A matrix as pixels, without a browser: which cell a pixel shows, its colour, and the signs for what is no colour.
// Where cells are smaller than pixels, a pixel shows the strongest of the cells behind it, never a sample of them
// (ux.md R1). A cell beyond the scale keeps the last colour and is hatched; what is not a number is a checkerboard;
// what was not recorded is dotted; none of these can be taken for a value. A theme changes nothing (R8).
import { coloursOf, stepsOf, type ColourScale } from './colour.ts'

export interface Grid {
  readonly rows: number
  readonly columns: number
  /** Row by row. */
  readonly values: ArrayLike<number>
  /** 1 for cells that were not recorded. */
  readonly absent?: ArrayLike<number>
}

/** A window of a grid, in cells. */
export interface Part {
  readonly row: number
  readonly column: number
  readonly rows: number
  readonly columns: number
}

export const wholeOf = ({ rows, columns }: Pick<Grid, 'rows' | 'columns'>): Part => ({
  row: 0,
  column: 0,
  rows,
  columns,
})

/** A part that lies inside the grid, of at least one cell. */
export const partWithin = (
  { rows, columns }: Pick<Grid, 'rows' | 'columns'>,
  { row, column, rows: height, columns: width }: Part,
): Part => {
  const [h, w] = [Math.min(rows, Math.max(1, height)), Math.min(columns, Math.max(1, width))]
  return {
    row: Math.min(rows - h, Math.max(0, row)),
    column: Math.min(columns - w, Math.max(0, column)),
    rows: h,
    columns: w,
  }
}

/** A cell, by row and column. */
export type Place = readonly [row: number, column: number]

/** Whether the part has this cell. */
export const holds = ({ row, column, rows, columns }: Part, [r, c]: Place): boolean =>
  r >= row && r < row + rows && c >= column && c < column + columns

/** Whether a value lies beyond the scale's limits. */
const clips = (value: number, { signed, limit, low }: ColourScale): boolean =>
  signed ? Math.abs(value) > limit : value > limit || value < low

/** What a block is where it is no step of the scale; CLIPPED is added to the step. */
export const [ABSENT, BROKEN, CLIPPED] = [-1, -2, 256]

/** Steps of the scale by block: a block is a cell, or the strongest of those that share a pixel. */
export const codesOf = (
  { columns, values, absent }: Grid,
  part: Part,
  scale: ColourScale,
  across: number,
  down: number,
): Int16Array => {
  const codes = new Int16Array(across * down)
  const { signed, low } = scale
  const stepAt = stepsOf(scale)
  // Of a kernel these are millions of cells: loops without calls, and x − x is 0 for every finite x and no other.
  for (let y = 0; y < down; y++) {
    const [r0, r1] = [Math.floor((y * part.rows) / down), Math.floor(((y + 1) * part.rows) / down)]
    for (let x = 0; x < across; x++) {
      const c0 = Math.floor((x * part.columns) / across)
      const c1 = Math.floor(((x + 1) * part.columns) / across)
      let [strongest, size, broken] = [0, -1, false]
      for (let r = r0; r < r1; r++) {
        const from = (part.row + r) * columns + part.column
        for (let i = from + c0; i < from + c1; i++) {
          if (absent && absent[i] !== 0) continue
          const value = values[i]
          if (value - value !== 0) {
            broken = true
            continue
          }
          const s = signed ? Math.abs(value) : Math.max(0, value - low)
          if (s > size) {
            strongest = value
            size = s
          }
        }
      }
      codes[y * across + x] = broken
        ? BROKEN
        : size < 0
          ? ABSENT
          : stepAt(strongest) + (clips(strongest, scale) ? CLIPPED : 0)
    }
  }
  return codes
}

/** Colours as pixels: a number has the four bytes of one, in the order that the machine keeps them. */
const pixelsOf = (rgb: Uint8Array): Uint32Array => {
  const bytes = new Uint8Array((rgb.length / 3) * 4).fill(255)
  for (let i = 0; i < rgb.length / 3; i++) bytes.set(rgb.subarray(i * 3, i * 3 + 3), i * 4)
  return new Uint32Array(bytes.buffer)
}
const greys = pixelsOf(Uint8Array.from({ length: 256 * 3 }, (_, i) => Math.floor(i / 3)))

/** What a colour is hatched with. */
const hatchOn = (r: number, g: number, b: number): number =>
  greys[0.299 * r + 0.587 * g + 0.114 * b > 140 ? 17 : 255]

/** The part as pixels, RGBA, row by row. */
export const paint = (
  grid: Grid,
  scale: ColourScale,
  part: Part,
  width: number,
  height: number,
): Uint8ClampedArray<ArrayBuffer> => {
  const colours = coloursOf(scale)
  const plain = pixelsOf(colours)
  const hatch = plain.map((_, step) => hatchOn(colours[step * 3], colours[step * 3 + 1], colours[step * 3 + 2]))
  const [across, down] = [Math.min(part.columns, width), Math.min(part.rows, height)]
  const codes = codesOf(grid, part, scale, across, down)
  const blocks = Int32Array.from({ length: width }, (_, x) => Math.floor((x * across) / width))
  const pixels = new Uint32Array(width * height)
  for (let y = 0; y < height; y++) {
    const row = Math.floor((y * down) / height) * across
    for (let x = 0; x < width; x++) {
      const code = codes[row + blocks[x]]
      pixels[y * width + x] =
        code === BROKEN
          ? greys[((x >> 2) + (y >> 2)) & 1 ? 160 : 90]
          : code === ABSENT
            ? greys[x % 4 === 1 && y % 4 === 1 ? 110 : 238]
            : code >= CLIPPED && (x + y) % 6 === 0
              ? hatch[code & 255]
              : plain[code & 255]
    }
  }
  return new Uint8ClampedArray(pixels.buffer)
}

export interface Counted {
  readonly clipped: number
  readonly broken: number
  readonly absent: number
}

/** How many cells of the part are hatched, checked and dotted. */
export const countOf = (
  { columns, values, absent }: Grid,
  { row, column, rows, columns: width }: Part,
  { signed, limit, low }: ColourScale,
): Counted => {
  let [clipped, broken, missing] = [0, 0, 0]
  for (let r = row; r < row + rows; r++) {
    for (let i = r * columns + column; i < r * columns + column + width; i++) {
      const value = values[i]
      if (absent && absent[i] !== 0) missing++
      else if (value - value !== 0) broken++
      else if (signed ? Math.abs(value) > limit : value > limit || value < low) clipped++
    }
  }
  return { clipped, broken, absent: missing }
}

export interface StrongCell {
  readonly row: number
  readonly column: number
  readonly value: number
}

/** How many cells of the part have a number, counted no further than `most`. */
export const knownUpTo = ({ columns, values, absent }: Grid, most: number, part: Part): number => {
  let n = 0
  for (let r = part.row; r < part.row + part.rows && n < most; r++) {
    const from = r * columns + part.column
    for (let i = from; i < from + part.columns && n < most; i++)
      if (Number.isFinite(values[i]) && !(absent && absent[i] !== 0)) n++
  }
  return n
}

/** Cells by size, largest first; those that are no number or were not recorded are left out. */
export const strongestCells = (
  { columns, values, absent }: Grid,
  most: number,
  part?: Part,
): readonly StrongCell[] => {
  const found: StrongCell[] = []
  for (let i = 0; i < values.length; i++) {
    const value = values[i]
    const size = Math.abs(value)
    if (!Number.isFinite(value) || (absent && absent[i] !== 0)) continue
    if (found.length === most && size <= Math.abs(found[most - 1].value)) continue
    const [row, column] = [Math.floor(i / columns), i % columns]
    if (part && !holds(part, [row, column])) continue
    let at = found.length
    while (at > 0 && Math.abs(found[at - 1].value) < size) at--
    found.splice(at, 0, { row, column, value })
    if (found.length > most) found.pop()
  }
  return found
}

/** From 1: how many cells are larger than this one in size, and one. */
export const rankOf = (values: ArrayLike<number>, i: number): number => {
  let larger = 0
  for (let k = 0; k < values.length; k++) if (Math.abs(values[k]) > Math.abs(values[i])) larger++
  return larger + 1
}

/** Sums over columns, one a row, and over rows, one a column. */
export const marginalsOf = ({
  rows,
  columns,
  values,
}: Grid): { readonly rows: Float64Array; readonly columns: Float64Array; readonly total: number } => {
  const [byRow, byColumn] = [new Float64Array(rows), new Float64Array(columns)]
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      byRow[r] += values[r * columns + c]
      byColumn[c] += values[r * columns + c]
    }
  }
  return { rows: byRow, columns: byColumn, total: byRow.reduce((sum, x) => sum + x, 0) }
}
