/** Signed bars, for a terminal and as an SVG file: what fell goes left of the line, what rose goes right. */

import { escape } from '@ldyn/figures'

export interface Bar {
  readonly label: string
  readonly value: number
}

export interface BarGroup {
  readonly title: string
  readonly bars: readonly Bar[]
}

const HALF = 24

/** Bars of one scale, a line each; `number` writes the value. */
export function terminalBars(
  groups: readonly BarGroup[],
  number: (value: number) => string,
  { ascii = false, dim = (text: string) => text }: { ascii?: boolean; dim?: (text: string) => string } = {},
): string {
  const all = groups.flatMap(({ bars }) => bars)
  const most = Math.max(...all.map(({ value }) => Math.abs(value)), Number.MIN_VALUE)
  const wide = Math.max(...all.map(({ label }) => label.length))
  const [block, line] = ascii ? ['#', '|'] : ['█', '│']
  const row = ({ label, value }: Bar): string => {
    const length = Math.round((Math.abs(value) / most) * HALF)
    const [left, right] = value < 0 ? [length, 0] : [0, length]
    const drawn = `${block.repeat(left).padStart(HALF)}${dim(line)}${block.repeat(right).padEnd(HALF)}`
    return `  ${label.padEnd(wide)}  ${drawn}  ${number(value)}`
  }
  return groups.map(({ title, bars }) => [dim(title), ...bars.map(row)].join('\n')).join('\n')
}

const [ROW, LABEL, SIDE, EDGE] = [18, 170, 230, 14]

/** The same as a picture that stands alone, light or dark as its reader's screen. */
export function svgBars(
  groups: readonly BarGroup[],
  title: string,
  number: (value: number) => string,
): string {
  const most = Math.max(
    ...groups.flatMap(({ bars }) => bars.map(({ value }) => Math.abs(value))),
    Number.MIN_VALUE,
  )
  const middle = EDGE + LABEL + SIDE
  const width = middle + SIDE + EDGE
  let y = 40
  const parts: string[] = []
  const text = (x: number, at: number, anchor: string, words: string, name = ''): string =>
    `<text x="${x}" y="${at}" text-anchor="${anchor}"${name && ` class="${name}"`}>${escape(words)}</text>`
  for (const group of groups) {
    parts.push(text(EDGE, y + 4, 'start', group.title, 'group'))
    y += ROW
    for (const { label, value } of group.bars) {
      const length = Math.round((Math.abs(value) / most) * (SIDE - 64) * 100) / 100
      const x = value < 0 ? middle - length : middle
      parts.push(
        text(EDGE + LABEL - 8, y + 4, 'end', label),
        `<rect x="${x}" y="${y - 7}" width="${length}" height="12" class="${value < 0 ? 'fell' : 'rose'}"/>`,
        value < 0
          ? text(x - 5, y + 4, 'end', number(value))
          : text(x + length + 5, y + 4, 'start', number(value)),
      )
      y += ROW
    }
    y += 8
  }
  const height = y + EDGE
  const style =
    'text{font:12px system-ui,sans-serif;fill:#222}.title{font-weight:600;font-size:14px}.group{fill:#666}' +
    '.fell{fill:#b5482f}.rose{fill:#2f6fb5}.axis{stroke:#999}.paper{fill:#fff}' +
    '@media(prefers-color-scheme:dark){text{fill:#ddd}.group{fill:#999}.paper{fill:#161616}}'
  return (
    `<?xml version="1.0" encoding="UTF-8"?>\n<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" ` +
    `width="${width}" height="${height}" role="img"><title>${escape(title)}</title><style>${style}</style>` +
    `<rect class="paper" width="${width}" height="${height}"/>${text(EDGE, 22, 'start', title, 'title')}` +
    `<line class="axis" x1="${middle}" y1="34" x2="${middle}" y2="${height - EDGE}"/>${parts.join(
      '',
    )}</svg>\n`
  )
}
