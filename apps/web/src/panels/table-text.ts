// A table as text to paste: Markdown for notes, LaTeX for papers. Numbers have the digits that are shown; the CSV of
// the same table has them all.
import { fixed } from '@ldyn/figures'
import type { Cell, Table } from './panel.ts'

/** Digits behind the point that values of this size deserve. */
const numberText = (value: number): string => {
  const size = Math.abs(value)
  return size !== 0 && (size < 1e-3 || size >= 1e6)
    ? value.toExponential(2).replace('-', '−')
    : fixed(value, size >= 10 ? 1 : size >= 0.1 ? 2 : 4)
}

export const cellText = (cell: Cell): string =>
  cell === undefined ? '–' : typeof cell === 'number' ? numberText(cell) : cell

const isNumbers = (rows: Table['rows'], column: number): boolean =>
  rows.some(row => typeof row[column] === 'number') &&
  rows.every(row => row[column] === undefined || typeof row[column] === 'number')

export const markdownOf = ({ head, rows }: Table): string => {
  const escaped = (text: string): string => text.replace(/[\\|]/g, '\\$&').replace(/\s*\n\s*/g, ' ')
  const line = (cells: readonly string[]): string => `| ${cells.map(escaped).join(' | ')} |`
  return [
    line(head),
    `| ${head.map((_, i) => (isNumbers(rows, i) ? '---:' : '---')).join(' | ')} |`,
    ...rows.map(row => line(row.map(cellText))),
    '',
  ].join('\n')
}

const latexSigns: Readonly<Record<string, string>> = {
  '\\': '\\textbackslash{}',
  '{': '\\{',
  '}': '\\}',
  '&': '\\&',
  '%': '\\%',
  $: '\\$',
  '#': '\\#',
  _: '\\_',
  '~': '\\textasciitilde{}',
  '^': '\\textasciicircum{}',
  '<': '\\textless{}',
  '>': '\\textgreater{}',
  '|': '\\textbar{}',
  '"': "''",
  '−': '$-$',
  '±': '$\\pm$',
  Δ: '$\\Delta$',
  π: '$\\pi$',
  '–': '--',
  '→': '$\\to$',
  '⁺': '$^{+}$',
  '⁻': '$^{-}$',
  '‖': '$\\Vert$',
  Σ: '$\\Sigma$',
}

/** Text that LaTeX sets as it is written: nothing in it is a command. */
export const latexText = (text: string): string =>
  [...text.replace(/\s+/g, ' ')].map(sign => (Object.hasOwn(latexSigns, sign) ? latexSigns[sign] : sign)).join('')

/** A tabular of the booktabs package. */
export const latexOf = ({ head, rows }: Table): string => {
  const line = (cells: readonly string[]): string => `  ${cells.map(latexText).join(' & ')} \\\\`
  return [
    `\\begin{tabular}{${head.map((_, i) => (isNumbers(rows, i) ? 'r' : 'l')).join('')}}`,
    '  \\toprule',
    line(head),
    '  \\midrule',
    ...rows.map(row => line(row.map(cellText))),
    '  \\bottomrule',
    '\\end{tabular}',
    '',
  ].join('\n')
}
