/**
 * The numbers of a figure, one line a value, RFC 4180: exactly what is drawn. `source` is what a drawn value was made
 * from, where that is another number: a curve before smoothing, an influence before its column was divided.
 */
import { csvLine } from '../csv-line.ts'
import type { PaperFigure, PaperPanel } from './model.ts'

export interface Table {
  readonly head: readonly string[]
  readonly rows: readonly (readonly (string | number | undefined)[])[]
}

type Row = readonly [
  panel: string,
  series: string,
  x: string | number,
  value: number,
  error?: number,
  source?: number,
]

const rowsOf = (panel: PaperPanel, name: string): readonly Row[] => {
  switch (panel.kind) {
    case 'curves':
      return panel.curves.flatMap(({ key, x, y, error, raw }) =>
        x.map((at, i): Row => [name, key, at, y[i], error?.[i], raw?.[i]]),
      )
    case 'bars':
      return panel.bars.map(({ key, value, error }): Row => [name, key, '', value, error])
    case 'heat':
      return panel.rows.flatMap(({ key }, r) =>
        panel.columns.flatMap((column, c): Row[] => {
          const value = panel.values[r][c]
          return value === undefined ? [] : [[name, key, column.key, value, undefined, panel.raw?.[r][c]]]
        }),
      )
    case 'steps':
      return (['before', 'after'] as const).flatMap((when) =>
        panel.places.map((place, i): Row => [name, when, place, panel[when][i]]),
      )
  }
}

/** (a), (b), … as in print. */
export const panelTag = (i: number): string => String.fromCharCode(97 + (i % 26))

export const paperTable = ({ panels }: PaperFigure): Table => ({
  head: ['panel', 'title', 'series', 'x', 'value', 'error', 'source'],
  rows: panels.flatMap((panel, i) =>
    rowsOf(panel, panelTag(i)).map(([tag, series, x, value, error, source]) => [
      tag,
      panel.title,
      series,
      x,
      value,
      error,
      source,
    ]),
  ),
})

export const paperCsv = (figure: PaperFigure): string => {
  const { head, rows } = paperTable(figure)
  return `${[head, ...rows].map(csvLine).join('\n')}\n`
}
