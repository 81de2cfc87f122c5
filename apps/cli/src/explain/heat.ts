/** The heat-map of the paper's Figure 3: observed types down, learned ones across, each column on its own scale. */
import { escape, signed } from '@ldyn/figures'

export interface HeatColumn {
  readonly head: string
  readonly of: Readonly<Record<string, number>>
}

const [CELL_WIDTH, CELL_HEIGHT, LABEL, TOP, EDGE] = [86, 26, 170, 64, 14]

/** Columns are divided by their own (max − min), as published, since stages differ in size; numbers are as they are. */
export function heatSvg(title: string, rows: readonly string[], columns: readonly HeatColumn[]): string {
  const width = EDGE + LABEL + columns.length * CELL_WIDTH + EDGE
  const height = TOP + rows.length * CELL_HEIGHT + EDGE
  const text = (x: number, y: number, words: string, anchor = 'middle'): string =>
    `<text x="${x}" y="${y}" text-anchor="${anchor}">${escape(words)}</text>`
  const cells = columns.flatMap(({ head, of }, c) => {
    const values = Object.values(of)
    const spread = Math.max(...values, 0) - Math.min(...values, 0) || 1
    const x = EDGE + LABEL + c * CELL_WIDTH
    const [stage, ...rest] = head.split(/:? /)
    return [
      text(x + CELL_WIDTH / 2, TOP - 22, stage),
      text(x + CELL_WIDTH / 2, TOP - 8, rest.join(' ')),
      ...rows.flatMap((row, r) => {
        if (!(row in of)) return []
        const strength = Math.min(1, Math.abs(of[row]) / spread)
        const y = TOP + r * CELL_HEIGHT
        return [
          `<rect x="${x}" y="${y}" width="${CELL_WIDTH - 2}" height="${CELL_HEIGHT - 2}" class="${
            of[row] < 0 ? 'fell' : 'rose'
          }" fill-opacity="${strength.toFixed(3)}"/>`,
          text(x + CELL_WIDTH / 2, y + 17, signed(of[row])),
        ]
      }),
    ]
  })
  const labels = rows.map((row, r) => text(EDGE + LABEL - 8, TOP + r * CELL_HEIGHT + 17, row, 'end'))
  const style =
    'text{font:12px system-ui,sans-serif;fill:#222}.title{font-weight:600;font-size:14px}.fell{fill:#d77a5a}.rose{fill:#6ba3d6}' +
    '.paper{fill:#fff}@media(prefers-color-scheme:dark){text{fill:#ddd}.paper{fill:#161616}}'
  return (
    `<?xml version="1.0" encoding="UTF-8"?>\n<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" ` +
    `width="${width}" height="${height}" role="img"><title>${escape(title)}</title><style>${style}</style>` +
    `<rect class="paper" width="${width}" height="${height}"/><text class="title" x="${EDGE}" y="22">${escape(
      title,
    )}</text>` +
    `${[...cells, ...labels].join('')}</svg>\n`
  )
}
