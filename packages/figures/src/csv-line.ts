/** A line of CSV by RFC 4180, without its end. Numbers have all their digits; nothing is an empty cell. */

type Cell = string | number | undefined

const cell = (value: Cell): string => {
  const text = value === undefined ? '' : String(value)
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

export const csvLine = (cells: readonly Cell[]): string => cells.map(cell).join(',')
