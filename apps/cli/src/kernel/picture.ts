/**
 * A signed matrix in the terminal: one cell an entry, darker for larger, apart in letters as in colour for its
 * sign.
 */
import type { Output } from '../contract/output.ts'

const UP = { fine: '·░▒▓█', ascii: '.:+*#' } as const
const DOWN = { fine: '·∘○◎●', ascii: '.-=%@' } as const

export interface PictureOptions {
  readonly ascii: boolean
  readonly style: Output['style']
}

export interface Picture {
  readonly rows: readonly string[]
  /** What cells mean, in one line. */
  readonly legend: string
}

/** Cells by |x| relative to `scale` (the largest |x| unless given), in four steps on a square-root scale. */
export function picture(
  rows: readonly ArrayLike<number>[],
  { ascii, style }: PictureOptions,
  scale = largest(rows),
): Picture {
  const [up, down] = ascii ? [UP.ascii, DOWN.ascii] : [UP.fine, DOWN.fine]
  const cell = (x: number): string => {
    const step = scale === 0 ? 0 : Math.min(4, Math.round(4 * Math.sqrt(Math.abs(x) / scale)))
    return step === 0 ? style('dim', '·') : x > 0 ? style('blue', up[step]) : style('red', down[step])
  }
  const drawn = ascii ? (x: number): string => cell(x).replace('·', '.') : cell
  return {
    rows: rows.map((row) => Array.from(row, drawn).join('')),
    legend: `${up.slice(1)} positive, ${down.slice(1)} negative, up to ${scale.toPrecision(3)} (square-root scale)`,
  }
}

const largest = (rows: readonly ArrayLike<number>[]): number =>
  rows.reduce((most, row) => Array.from(row).reduce((m, x) => Math.max(m, Math.abs(x)), most), 0)

/**
 * Averages neighbouring columns or rows into at most `most`, so that a long response still fits a line; sums where
 * the cells add up.
 */
export function binned<T>(items: readonly T[], most: number): readonly (readonly T[])[] {
  const size = Math.max(1, Math.ceil(items.length / most))
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size))
}

/** Columns padded to their widest cell; the first to the left, the others to the right. */
export function table(rows: readonly (readonly string[])[], left = 1): string[] {
  const wide = rows[0].map((_, c) => Math.max(...rows.map((row) => [...(row[c] ?? '')].length)))
  const pad = (cell: string, c: number): string => {
    const space = ' '.repeat(Math.max(0, wide[c] - [...cell].length))
    return c < left ? cell + space : space + cell
  }
  return rows.map((row) => row.map(pad).join('  ').trimEnd())
}
