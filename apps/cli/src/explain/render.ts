/** An answer as text for a terminal, as an SVG picture, and as one page that needs no network. */
import { speaksUtf8 } from '../contract/utf8.ts'
import { dirname } from 'node:path'
import { escape, signed } from '@ldyn/figures'
import { makeFolder, writeAtomically } from '@ldyn/formats/node'
import type { Output } from '../contract/output.ts'
import { svgBars, terminalBars } from './bars.ts'
import type { Answer } from './words.ts'

const WIDTH = 100

/** Breaks at spaces. */
function wrapped(text: string): string {
  const lines = ['']
  for (const word of text.split(' ')) {
    const line = lines.at(-1)!
    if (line !== '' && line.length + 1 + word.length > WIDTH) lines.push(word)
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`
  }
  return lines.join('\n')
}

/** Columns of equal width, the first one to the left. */
function columns(table: Answer['table']): string[] {
  const wide = table[0].map((_, i) => Math.max(...table.map((row) => row[i].length)))
  return table.map((row) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(wide[i]) : cell.padStart(wide[i]))).join('  '),
  )
}

export function renderAnswer(
  { title, paragraph, table, bars, notes }: Answer,
  output: Output,
  env: Readonly<Record<string, string | undefined>>,
): string {
  const dim = (text: string): string => output.style('dim', text)
  const [head, ...rows] = columns(table)
  return [
    output.style('bold', title),
    '',
    wrapped(paragraph),
    '',
    dim(head),
    ...rows,
    '',
    ...(bars.length > 0 ? [terminalBars(bars, signed, { ascii: !speaksUtf8(env), dim }), ''] : []),
    ...notes.map((note) => dim(wrapped(note))),
  ].join('\n')
}

const STYLE =
  'body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222;background:#fff}' +
  'table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:14px}td,th{padding:.2rem .7rem;text-align:right}' +
  'td:first-child,th:first-child{text-align:left}tr{border-bottom:1px solid #ddd}small{color:#666}svg{max-width:100%;height:auto}' +
  '@media(prefers-color-scheme:dark){body{color:#ddd;background:#161616}tr{border-color:#444}small{color:#999}}'

const pictureOf = ({ svg, bars, title }: Answer): string => svg ?? svgBars(bars, title, signed)

export function pageOf(answer: Answer): string {
  const { title, paragraph, table, bars, notes } = answer
  const row = (cells: readonly string[], cell: string): string =>
    `<tr>${cells.map((text) => `<${cell}>${escape(text)}</${cell}>`).join('')}</tr>`
  const [head, ...rows] = table
  const picture = bars.length === 0 ? '' : pictureOf(answer).replace(/^<\?xml[^>]*>\n/, '')
  return (
    `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${escape(title)}</title>` +
    `<meta name="viewport" content="width=device-width"><style>${STYLE}</style></head><body><h1>${escape(
      title,
    )}</h1>` +
    `<p>${escape(paragraph)}</p><table><thead>${row(head, 'th')}</thead><tbody>${rows
      .map((r) => row(r, 'td'))
      .join('')}` +
    `</tbody></table>${picture}${notes
      .map((note) => `<p><small>${escape(note)}</small></p>`)
      .join('')}</body></html>\n`
  )
}

/** Writes what was asked for; the paths. */
export async function writeAnswer(
  answer: Answer,
  { svg, html }: { readonly svg?: string; readonly html?: string },
): Promise<string[]> {
  const written: string[] = []
  const save = async (path: string, text: string): Promise<void> => {
    await makeFolder(dirname(path))
    const bytes = new TextEncoder().encode(text)
    await writeAtomically(path, (sink) => sink.write(bytes))
    written.push(path)
  }
  if (svg !== undefined) await save(svg, pictureOf(answer))
  if (html !== undefined) await save(html, pageOf(answer))
  return written
}
