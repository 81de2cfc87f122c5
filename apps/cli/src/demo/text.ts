/** The demo's result for the terminal: what was run, the levels as a table, the four answers, where it all lies. */
import { fixed, shellWord } from '@ldyn/figures'
import type { Size } from './arms.ts'
import type { Told } from './page.ts'
import type { Level } from './story.ts'

export interface DemoResult extends Told {
  readonly opened: boolean
  readonly runs: readonly { readonly name: string; readonly says: string; readonly directory: string }[]
  /** Directory of both runs and the page. */
  readonly out: string
  readonly size: Size
  readonly seconds: number
}

const WIDTH = 100

/** `bold` marks a heading, where the terminal can. */
export function render(result: DemoResult, bold: (text: string) => string): string {
  const { out, page, opened, levels, answers, runs, size, seconds } = result
  const { sftUpdates, dpoUpdates, probes, batch } = size
  const how =
    `Both made ${sftUpdates} SFT updates of ${batch} examples and ${dpoUpdates} DPO updates of ${batch} pairs. ` +
    'In the paper extend-SFT sees twice as many examples as its baseline; here both see as many, so the baseline ' +
    'saw each chosen answer twice as often. One seed: the errors below are over probes alone.'
  return [
    ...runs.map(({ name, says }, r) => `${'AB'[r]} ${name.padEnd(9)} ${says}`),
    ...wrapped(how, '', ''),
    '',
    bold(`Mean Σ log π of ${probes} probes, in nats`),
    ...table(levels),
    ...answers.flatMap(({ question, sentences }) => [
      '',
      bold(question),
      ...sentences.flatMap(({ of, text }) => wrapped(`${of}: ${text}`, '  ', '    ')),
    ]),
    '',
    ...runs.map(({ name, directory }) => `run   ${directory}  (${name})`),
    `page  ${page}${opened ? '  (opened)' : ''}`,
    `view  ldyn view ${shellWord(out)}`,
    `${Math.round(seconds)} s`,
  ].join('\n')
}

/** Types down, stage ends across; the base model, which both runs share, once. */
function table(levels: readonly Level[]): string[] {
  const columns = levels.filter(({ after }, i) => i === 0 || after !== 'base')
  const heads = columns.map(({ run, after }) => (after === 'base' ? ['', 'base'] : [run, after]))
  const names = Object.keys(columns[0].means)
  const wide = Math.max(...names.map((name) => name.length))
  const row = (name: string, cells: readonly string[]): string =>
    `  ${name.padEnd(wide)}${cells.map((cell) => cell.padStart(10)).join('')}`
  return [
    row('', heads.map(([run]) => run)),
    row('', heads.map(([, after]) => after)),
    ...names.map((name) => row(name, columns.map(({ means }) => fixed(means[name], 1)))),
  ]
}

/** Lines of at most WIDTH characters. */
function wrapped(text: string, first: string, rest: string): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= WIDTH) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(`${lines.length === 0 ? first : rest}${word}`)
  }
  return lines
}
