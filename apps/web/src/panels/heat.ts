// The model of a map: a matrix with names for its rows and columns, what stands beside it, and its table. What the
// table and files hold is what the map shows: of a map that is zoomed into, the window.
import { show } from '@ldyn/figures'
import type { Grid, Part, Place } from '../drawing/heat-map.ts'
import { tokenText } from '../data/matrices.ts'
import type { Cell, Table } from './panel.ts'

/** A row or column belongs to something that has a colour: y⁺ or y⁻, a response type. */
export interface Rail {
  readonly name: string
  /** On light and dark paper. */
  readonly light: string
  readonly dark: string
}

/** Numbers beside a map, one a row or column, drawn as bars from 0. */
export interface Margin {
  readonly name: string
  readonly values: ArrayLike<number>
  /** Drawn as an outline: a prediction beside what happened. */
  readonly hollow?: boolean
}

export interface Heat {
  readonly rows: readonly string[]
  readonly columns: readonly string[]
  /** What rows and columns are. */
  readonly rowName: string
  readonly columnName: string
  /** Row by row. */
  readonly values: ArrayLike<number>
  /** 1 for cells that were not recorded. */
  readonly absent?: ArrayLike<number>
  readonly signed: boolean
  /** A signed logarithmic scale. */
  readonly log?: boolean
  readonly unit: string
  readonly rowRails?: readonly Rail[]
  readonly columnRails?: readonly Rail[]
  /** Right of the map; all on one scale. */
  readonly beside?: readonly Margin[]
  /** Above the map. */
  readonly above?: Margin
}

export const gridOf = ({ rows, columns, values, absent }: Heat): Grid => ({
  rows: rows.length,
  columns: columns.length,
  values,
  absent,
})

/** A cell in words, with its number. */
export const cellSays = ({ rows, columns, rowName, columnName, values, absent, unit }: Heat, [r, c]: Place): string => {
  const i = r * columns.length + c
  const value =
    absent && absent[i] !== 0
      ? 'not recorded'
      : Number.isFinite(values[i])
        ? `${show(values[i])} ${unit}`.trim()
        : 'not a number'
  return `${rowName} ${rows[r]}, ${columnName} ${columns[c]}: ${value}`
}

/** The window's numbers, with what stands beside the rows. Cells that were not recorded are empty. */
export const heatTable = (heat: Heat, part: Part = { row: 0, column: 0, ...sizeOf(heat) }): Table => {
  const { rows, columns, rowName, values, absent, beside = [] } = heat
  const names = columns.slice(part.column, part.column + part.columns)
  return {
    head: [rowName, ...names, ...beside.map(({ name }) => name)],
    rows: Array.from({ length: part.rows }, (_, k): Cell[] => {
      const r = part.row + k
      const cells = names.map((__, c): Cell => {
        const i = r * columns.length + part.column + c
        return absent && absent[i] !== 0 ? undefined : values[i]
      })
      return [rows[r], ...cells, ...beside.map(margin => margin.values[r])]
    }),
  }
}

export const sizeOf = ({ rows, columns }: Heat): { readonly rows: number; readonly columns: number } => ({
  rows: rows.length,
  columns: columns.length,
})

/** A token as a name that is told apart from its neighbours: its place, then its text with visible signs (R12). */
export const tokenName = (text: string | undefined, i: number): string =>
  `${i} ${text === undefined ? '' : tokenText(text)}`.trim()
