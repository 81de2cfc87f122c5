import { expect, it } from 'vitest'
import { syntheticData } from '../test/synthetic-run.ts'
import { curvesCsv, rowsCsv, scalarsCsv } from './csv.ts'
import { estimate, sampleOf } from './series.ts'

/** RFC 4180, by hand: what any reader of CSV makes of the text. */
const parse = (text: string): readonly Readonly<Record<string, string>>[] => {
  const rows: string[][] = [[]]
  let cell = ''
  let quoted = false
  for (let i = 0; i < text.length; i++) {
    const c = text[i]
    if (quoted) {
      if (c !== '"') cell += c
      else if (text[i + 1] === '"') cell += text[++i]
      else quoted = false
    } else if (c === '"') quoted = true
    else if (c === ',' || c === '\n') {
      rows.at(-1)!.push(cell)
      cell = ''
      if (c === '\n') rows.push([])
    } else cell += c
  }
  const [head, ...body] = rows.filter((row) => row.length > 0)
  return body.map((row) => Object.fromEntries(head.map((name, i) => [name, row[i]])))
}

const strange = 'a "quoted", type\nof two lines'

it('curves come back with all their digits, a line for each evaluation, type and metric', async () => {
  const data = await syntheticData({ types: ['chosen', 'rejected', strange] })
  const text = curvesCsv([data])
  expect(text.split('\n', 1)[0]).toBe('step,stage,type,metric,mean,se,n')
  const rows = parse(text)
  expect(rows.length).toBe(data.evaluations.length * 3 * data.rows.size)
  for (const { step, stage, type, metric, mean, se, n } of rows) {
    const e = data.evaluations.findIndex((at) => at.step === Number(step) && at.stage === stage)
    expect({ mean: Number(mean), se: Number(se), n: Number(n) }).toEqual(
      estimate(sampleOf(data, metric, type)!.at[e]),
    )
  }
})

it('probe values come back bit for bit, absent ones left out', async () => {
  const data = await syntheticData({ probes: 4, absent: (row, type) => row === 1 && type === 'rejected' })
  const rows = parse(rowsCsv([data]))
  expect(rows.some(({ row, type }) => row === '1' && type === 'rejected')).toBe(false)
  expect(rows.length).toBe(data.evaluations.length * (4 * 12 - 1) * data.rows.size)
  for (const { step, row, type, metric, value, tokens } of rows) {
    const e = data.evaluations.findIndex((at) => at.step === Number(step))
    const c = data.probes!.columns.findIndex((column) => column.row === Number(row) && column.type === type)
    expect(Number(value)).toBe(data.rows.get(metric)![e][c])
    expect(Number(tokens)).toBe(data.probes!.columns[c].tokens)
  }
})

it('the training log comes back whole, and several runs get a column that names them', async () => {
  const [a, b] = [await syntheticData({ id: 'a' }), await syntheticData({ id: 'b' })]
  const rows = parse(scalarsCsv([a, b]))
  expect(new Set(rows.map(({ run }) => run))).toEqual(new Set(['a', 'b']))
  const loss = rows.filter(({ run, name }) => run === 'b' && name === 'loss')
  expect(loss.map(({ value }) => Number(value))).toEqual([...b.scalars.get('loss')!.values])
})
