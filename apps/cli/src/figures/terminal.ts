/**
 * Curves in a terminal: braille cells of 2 × 4 dots, or letters where the terminal knows no UTF-8. A line is told by
 * its colour and by the letter at its end, which the legend explains; stages by a vertical line and their names.
 */
import { countedBy, extent, type Line, linear, type Panel, show, spread, tickText } from '@ldyn/figures'

export interface PlotOptions {
  /** Columns and lines of the whole picture, legend not counted. */
  readonly width: number
  readonly height: number
  readonly ascii?: boolean
  /** Colours a piece of the n-th line. */
  readonly paint?: (text: string, line: number) => string
  readonly dim?: (text: string) => string
}

const BLOCKS = '▁▂▃▄▅▆▇█'
const ASCII_BLOCKS = '_.-=*#'

/** Values as one row of blocks, lowest to highest; of more than `width` the extremes of each stretch's end are kept. */
export const sparkline = (
  values: readonly number[],
  { ascii = false, width = 40 }: { readonly ascii?: boolean; readonly width?: number } = {},
): string => {
  if (values.length === 0) return ''
  const shown =
    values.length <= width
      ? values
      : Array.from(
          { length: width },
          (_, k) => values[Math.round((k * (values.length - 1)) / Math.max(1, width - 1))],
        )
  const [low, high] = [Math.min(...shown), Math.max(...shown)]
  const blocks = ascii ? ASCII_BLOCKS : BLOCKS
  return shown
    .map((value) => blocks[high > low ? Math.round(((value - low) / (high - low)) * (blocks.length - 1)) : 0])
    .join('')
}

const plainMinus = (text: string, ascii: boolean): string => (ascii ? text.replaceAll('−', '-') : text)

/** Points of a straight stroke on a grid of dots, ends included. */
const stroke = (x0: number, y0: number, x1: number, y1: number): readonly (readonly [number, number])[] => {
  const steps = Math.max(1, Math.ceil(Math.max(Math.abs(x1 - x0), Math.abs(y1 - y0))))
  return Array.from(
    { length: steps + 1 },
    (_, i) => [Math.round(x0 + ((x1 - x0) * i) / steps), Math.round(y0 + ((y1 - y0) * i) / steps)] as const,
  )
}

/** Bits of a braille cell by dot: Unicode 15, block 2800. */
const BITS = [
  [0x01, 0x02, 0x04, 0x40],
  [0x08, 0x10, 0x20, 0x80],
]

const MARKS = 'abcdefghijklmnopqrstuvwxyz'
const markOf = (line: number): string => MARKS[line % MARKS.length]

interface Cell {
  bits: number
  line: number
}

const curveCells = (
  lines: readonly Line[],
  columns: number,
  rows: number,
  dots: readonly [number, number],
  x: (step: number) => number,
  y: (value: number) => number,
): readonly (readonly Cell[])[] => {
  const cells: Cell[][] = Array.from({ length: rows }, () =>
    Array.from({ length: columns }, () => ({ bits: 0, line: -1 })),
  )
  // The first lines matter most, so they are drawn last and own the cells that are shared.
  for (let l = lines.length - 1; l >= 0; l--) {
    const { steps, mean } = lines[l]
    const points = steps.map((step, i) => [x(step), y(mean[i])] as const)
    const strokes =
      points.length === 1
        ? [points[0]]
        : points.slice(1).flatMap(([px, py], i) => stroke(points[i][0], points[i][1], px, py))
    for (const [px, py] of strokes) {
      const [column, row] = [Math.floor(Math.round(px) / dots[0]), Math.floor(Math.round(py) / dots[1])]
      const cell = cells[Math.min(rows - 1, Math.max(0, row))][Math.min(columns - 1, Math.max(0, column))]
      cell.bits |= BITS[Math.round(px) % dots[0]][Math.round(py) % dots[1]]
      cell.line = l
    }
  }
  return cells
}

/** The picture: unit, stage names, curves with axes, steps, legend. Never wider than `width`. */
export const terminalPlot = (panel: Panel, options: PlotOptions): string => {
  const { ascii = false, paint = (text) => text, dim = (text) => text } = options
  const { lines } = panel
  const width = Math.max(40, options.width)
  const rows = Math.max(4, options.height - 4)
  const dots: readonly [number, number] = ascii ? [1, 1] : [2, 4]
  const yDomain = extent([...lines.flatMap((line) => [...line.mean]), ...(panel.zero ? [0] : [])])
  const draft = linear(yDomain, [rows * dots[1] - 1, 0], Math.max(2, Math.round(rows / 3)))
  const yText = tickText(draft.ticks).map((text) => plainMinus(text, ascii))
  const gutter = Math.max(...yText.map((text) => text.length)) + 1
  const columns = width - gutter - 4
  const x = linear(
    extent(lines.flatMap((line) => [...line.steps])),
    [0, columns * dots[0] - 1],
    Math.max(2, Math.round(columns / 14)),
    { least: 1 },
  )
  const cells = curveCells(lines, columns, rows, dots, x.at, draft.at)
  const [bar, dash, corner, rule] = ascii ? ['|', '-', '+', ':'] : ['│', '─', '└', '┊']

  const tickRow = new Map(
    draft.ticks.map((tick, i) => [
      Math.min(rows - 1, Math.floor(Math.round(draft.at(tick)) / dots[1])),
      yText[i],
    ]),
  )
  const from = Math.max(0, x.domain[0])
  const marks = panel.stages
    .filter(({ step }) => step <= x.domain[1])
    .map(({ step, name }) => ({
      name,
      column: Math.floor(x.at(Math.max(step, from)) / dots[0]),
      isSwitch: step > from,
    }))
  const switches = new Set(marks.filter((mark) => mark.isSwitch).map((mark) => mark.column))
  const ends = spread(
    lines.map(({ mean }) => Math.floor(draft.at(mean.at(-1)!) / dots[1])),
    0,
    rows - 1,
    1,
  ).map(Math.round)

  const names = Array.from({ length: columns }, () => ' ')
  marks.forEach(({ name, column }, i) => {
    const room = (marks[i + 1]?.column ?? columns) - column - 1
    ;[...name].slice(0, Math.max(0, room)).forEach((c, k) => {
      names[column + k] = c
    })
  })
  const body = cells.map((row, r) => {
    const label = (tickRow.get(r) ?? '').padStart(gutter - 1)
    const drawn = row
      .map(({ bits, line }, c) => {
        if (bits === 0) return switches.has(c) ? dim(rule) : ' '
        return paint(ascii ? markOf(line) : String.fromCodePoint(0x2800 + bits), line)
      })
      .join('')
    const end = lines
      .flatMap((_, l) => (ends[l] === r ? [paint(markOf(l), l)] : []))
      .slice(0, 3)
      .join('')
    return `${dim(`${label} ${bar}`)}${drawn}${end && ` ${end}`}`.trimEnd()
  })
  const axis = Array.from({ length: columns + 3 }, () => ' ')
  tickText(x.ticks).forEach((text, i) => {
    const at = Math.floor(x.at(x.ticks[i]) / dots[0])
    const start = Math.max(0, Math.min(at - Math.floor(text.length / 2), columns - text.length))
    if ([...axis.slice(Math.max(0, start - 1), start + text.length)].every((c) => c === ' ')) {
      ;[...text].forEach((c, k) => {
        axis[start + k] = c
      })
    }
  })
  const pad = ' '.repeat(gutter + 1)
  return [
    dim(
      [...`${plainMinus(ascii ? asciiUnit(panel.unit) : panel.unit, ascii)}, by ${countedBy(panel.lines)}`]
        .slice(0, width)
        .join(''),
    ),
    dim(`${pad}${names.join('')}`.trimEnd()),
    ...body,
    dim(`${' '.repeat(gutter)}${corner}${dash.repeat(columns)}`),
    dim(`${pad}${axis.join('')}`.trimEnd()),
    ...legend(lines, width, { ascii, paint }),
  ].join('\n')
}

const asciiUnit = (unit: string): string =>
  unit.replaceAll('π', 'pi').replaceAll('Δ', 'delta').replaceAll('‖', '|')

/** One entry a line: letter, name, where it began and where it ended, a sparkline where there is room. */
const legend = (
  lines: readonly Line[],
  width: number,
  { ascii, paint }: Required<Pick<PlotOptions, 'ascii' | 'paint'>>,
): readonly string[] => {
  const arrow = ascii ? '->' : '→'
  const entries = lines.map(({ key, mean, se }) => {
    const error = se?.at(-1) ? ` ${ascii ? '+-' : '±'} ${show(se.at(-1)!)}` : ''
    return [key, plainMinus(`${show(mean[0])} ${arrow} ${show(mean.at(-1)!)}${error}`, ascii)]
  })
  const wide = Math.max(...entries.map(([key]) => key.length))
  const text = Math.max(...entries.map(([, numbers]) => numbers.length))
  const room = width - wide - text - 8
  return entries.map(([key, numbers], l) => {
    const spark = room >= 8 ? sparkline(lines[l].mean, { ascii, width: Math.min(room, 24) }) : ''
    const words = [...`${key.padEnd(wide)}  ${numbers.padEnd(text)}`].slice(0, width - 4).join('')
    return `  ${paint(markOf(l), l)} ${words}  ${spark && paint(spark, l)}`.trimEnd()
  })
}
