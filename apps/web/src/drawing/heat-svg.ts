// A map as an SVG file that stands alone: cells as rectangles (neighbours of one colour as one), names, rails, the bars
// beside it and its scale, on white paper. What is hatched, checked or dotted on the page is so here. A part of more
// blocks than a printer can tell apart is folded as on the page: a block shows the strongest of its cells.
import { cut, escape, show } from '@ldyn/figures'
import { gridOf, type Heat } from '../panels/heat.ts'
import { coloursOf, inkOn, type ColourScale } from './colour.ts'
import { reachOf } from './heat-layout.ts'
import { ABSENT, BROKEN, CLIPPED, codesOf, type Part } from './heat-map.ts'

/** Blocks on one side, at most. */
const MOST = 256
const [LEFT, RIGHT, FOOT, BAR] = [140, 12, 40, 60]

const PATTERNS =
  '<defs>' +
  ['#111', '#fff']
    .map(
      (ink, i) =>
        `<pattern id="hatch${i}" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><line y2="6" stroke="${ink}" stroke-width="1.6"/></pattern>`,
    )
    .join('') +
  '<pattern id="check" width="8" height="8" patternUnits="userSpaceOnUse"><rect width="8" height="8" fill="#5a5a5a"/><path d="M0 0h4v4h-4zM4 4h4v4h-4z" fill="#a0a0a0"/></pattern>' +
  '<pattern id="dots" width="4" height="4" patternUnits="userSpaceOnUse"><rect width="4" height="4" fill="#eee"/><rect x="1" y="1" width="1" height="1" fill="#6e6e6e"/></pattern></defs>'

const number = (value: number): string => String(Math.round(value * 100) / 100)

/** The part of a map as a file. `title` stands over it. */
export const heatSvg = (heat: Heat, scale: ColourScale, part: Part, title: string): string => {
  const { rows, columns, rowRails, columnRails, beside = [], unit } = heat
  const colours = coloursOf(scale)
  const [across, down] = [Math.min(part.columns, MOST), Math.min(part.rows, MOST)]
  const codes = codesOf(gridOf(heat), part, scale, across, down)
  const cell = Math.max(2, Math.min(26, Math.floor(640 / across), Math.floor(640 / down)))
  const wide = across <= 8 ? Math.max(cell, 60) : cell
  const names = columns.slice(part.column, part.column + part.columns)
  const upright = wide >= names.reduce((most, name) => Math.max(most, name.length), 1) * 6.4
  const top = 26 + (upright ? 16 : Math.min(18, names.reduce((m, name) => Math.max(m, name.length), 1)) * 6.2 + 8)
  const [width, height] = [across * wide, down * cell]
  const whole = LEFT + width + RIGHT + beside.length * BAR
  const out: string[] = []
  const fill = (code: number): string => {
    if (code === BROKEN) return 'url(#check)'
    if (code === ABSENT) return 'url(#dots)'
    const at = (code & 255) * 3
    return `#${[...colours.subarray(at, at + 3)].map(x => x.toString(16).padStart(2, '0')).join('')}`
  }
  for (let y = 0; y < down; y++) {
    for (let x = 0; x < across; ) {
      const code = codes[y * across + x]
      let end = x + 1
      while (end < across && codes[y * across + end] === code) end++
      const box = `x="${LEFT + x * wide}" y="${number(top + y * cell)}" width="${(end - x) * wide}" height="${cell}"`
      out.push(`<rect ${box} fill="${fill(code)}"/>`)
      if (code >= CLIPPED) out.push(`<rect ${box} fill="url(#hatch${inkOn(code & 255, colours) === '#ffffff' ? 1 : 0})"/>`)
      x = end
    }
  }
  const text = (x: number, y: number, content: string, more = ''): string =>
    `<text x="${number(x)}" y="${number(y)}"${more}>${escape(content)}</text>`
  const rowEvery = Math.max(1, Math.ceil((11 * part.rows) / height))
  for (let r = 0; r < part.rows; r += rowEvery) {
    const y = top + ((r + 0.5) / part.rows) * height + 4
    out.push(text(LEFT - (rowRails ? 14 : 6), y, cut(rows[part.row + r], 20), ' text-anchor="end"'))
  }
  const columnEvery = Math.max(1, Math.ceil((12 * part.columns) / width))
  for (let c = 0; c < part.columns; c += columnEvery) {
    const x = LEFT + ((c + 0.5) / part.columns) * width
    const y = top - (columnRails ? 12 : 5)
    const turn = upright ? ' text-anchor="middle"' : ` transform="rotate(-90 ${number(x + 4)} ${number(y)})"`
    out.push(text(upright ? x : x + 4, y, upright ? names[c] : cut(names[c], 18), turn))
  }
  rowRails?.slice(part.row, part.row + part.rows).forEach(({ light }, r) => {
    const size = height / part.rows
    out.push(`<rect x="${LEFT - 10}" y="${number(top + r * size)}" width="7" height="${number(size)}" fill="${light}"/>`)
  })
  columnRails?.slice(part.column, part.column + part.columns).forEach(({ light }, c) => {
    const size = width / part.columns
    out.push(`<rect x="${number(LEFT + c * size)}" y="${number(top - 10)}" width="${number(size)}" height="7" fill="${light}"/>`)
  })
  const reach = reachOf(beside)
  beside.forEach(({ name, values, hollow }, k) => {
    const middle = LEFT + width + RIGHT + (k + 0.5) * BAR
    out.push(text(middle, top - 5, name, ' text-anchor="middle"'))
    for (let r = 0; r < part.rows; r++) {
      const size = (Math.abs(values[part.row + r]) / reach) * (BAR / 2 - 3)
      const x = values[part.row + r] >= 0 ? middle : middle - size
      const style = hollow ? 'fill="none" stroke="#333" stroke-dasharray="3 2"' : 'fill="#666"'
      const band = height / part.rows
      out.push(
        `<rect x="${number(x)}" y="${number(top + (r + 0.15) * band)}" width="${number(size)}" height="${number(band * 0.7)}" ${style}/>`,
      )
    }
  })
  const y = top + height + 18
  for (let i = 0; i < 40; i++)
    out.push(`<rect x="${LEFT + i * 4}" y="${number(y)}" width="4" height="9" fill="${fill(Math.round((i / 39) * 255))}"/>`)
  const ends = [scale.signed ? -scale.limit : scale.low, scale.limit]
  out.push(text(LEFT - 6, y + 9, show(ends[0]), ' text-anchor="end"'))
  const zone = scale.linear === undefined ? '' : `, linear within ±${show(scale.linear)}, logarithmic beyond`
  out.push(text(LEFT + 166, y + 9, `${show(ends[1])} ${unit}${zone}; hatched: beyond the scale`))
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${number(Math.max(whole, 520))}" height="${number(top + height + FOOT)}" font-family="system-ui, sans-serif" font-size="11" fill="#1d2430">` +
    `<title>${escape(title)}</title>${PATTERNS}<rect width="100%" height="100%" fill="#fff"/>` +
    `<text x="${LEFT}" y="15" font-weight="600" font-size="13">${escape(title)}</text>${out.join('')}</svg>\n`
  )
}
