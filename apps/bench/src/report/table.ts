/** Markdown tables that also read well as plain text: cells padded, every column but the first to the right. */

/** Throws RangeError where a row has not as many cells as the head. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const wrong = rows.find((row) => row.length !== head.length)
  if (wrong) throw new RangeError(`a row has ${wrong.length} cells where the table has ${head.length}: ${wrong.join(' | ')}`)
  const cells = [head, ...rows].map((row) => row.map((cell) => cell.replaceAll('|', '\\|')))
  const widths = head.map((_, c) => Math.max(4, ...cells.map((row) => row[c].length)))
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, c) => (c === 0 ? cell.padEnd(widths[c]) : cell.padStart(widths[c]))).join(' | ')} |`
  const rule = `| ${widths.map((w, c) => (c === 0 ? '-'.repeat(w) : `${'-'.repeat(w - 1)}:`)).join(' | ')} |`
  return [line(cells[0]), rule, ...cells.slice(1).map(line)].join('\n')
}

/** `0.962 s`, `12.4 ms`. */
export const seconds = (s: number): string => (s < 0.1 ? `${(1000 * s).toPrecision(3)} ms` : `${s.toPrecision(3)} s`)
export const times = (ratio: number): string => `${ratio.toFixed(ratio < 10 ? 2 : 1)}×`
export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`
/** MiB in, `3.31 GiB` or `412 MiB` out. */
export const memory = (mib: number): string => (mib < 1000 ? `${mib.toFixed(0)} MiB` : `${(mib / 1024).toFixed(2)} GiB`)
