import { describe, expect, it } from 'vitest'
import { checkMarkup } from '../../../../packages/figures/test/check-markup.ts'
import { extendMoves, paperMoves, syntheticData } from '../../../../packages/figures/test/synthetic-run.ts'
import { panelsOf, rowsOf, type RunData, slug } from '@ldyn/figures'
import { page } from './html.ts'

const made = { made: '2026-11-22T12:00:00.000Z', version: '0.1.0' }
const check = (html: string): void => checkMarkup(html.replace('<!doctype html>\n', ''), ['meta'])

const figureIn = (html: string, id: string): string => {
  const start = html.indexOf(`<figure id="figure-${id}"`)
  return html.slice(start, html.indexOf('</figure>', start))
}

describe('the page of a run', () => {
  it('loads nothing and runs nothing', async () => {
    const html = page([await syntheticData({ moves: paperMoves })], made)
    check(html)
    expect(html).toContain(
      `content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"`,
    )
    expect(html).not.toMatch(
      /<(script|img|iframe|link|object|embed)|\son[a-z]+="|\b(src|href)=|url\(|@import|https?:/i,
    )
  })

  it('has beside every chart a table with exactly the numbers that are drawn', async () => {
    const data = await syntheticData({ moves: paperMoves })
    const html = page([data], made)
    for (const panel of panelsOf([data])) {
      const shown = figureIn(html, slug(panel.id))
      const values = [...shown.matchAll(/<data value="([^"]*)">/g)].map((match) => Number(match[1]))
      expect(values, panel.id).toEqual(
        rowsOf(panel).flatMap((row) => row.values.flatMap((value) => value?.mean ?? [])),
      )
      const steps = [...shown.matchAll(/<th scope="row">(\d+)<\/th>/g)].map((match) => Number(match[1]))
      expect(steps).toEqual(rowsOf(panel).map(({ step }) => step))
    }
  })

  it('says what the run is, without the directories it lay in', async () => {
    const html = page([await syntheticData()], made)
    for (const text of [
      'sft → dpo on pythia-410m',
      '405.3M parameters',
      'sft 5e−6, dpo 1e−6',
      'prefs.jsonl (288 rows)',
      'onnx 1.30.0',
      '24 prompts × 12 types',
    ]) {
      expect(html).toContain(text)
    }
    expect(html).not.toContain('/models/')
    expect(html).not.toContain('/data/')
  })

  it('warns where there are too few probes for the errors to mean much', async () => {
    expect(page([await syntheticData({ probes: 4 })], made)).toContain('There are only 4 probes')
    expect(page([await syntheticData()], made)).not.toContain('There are only')
  })

  it('gives every id once', async () => {
    const a = await syntheticData({ types: ['chosen', 'x y', 'x-y', 'X Y'] })
    for (const runs of [[a], [a, a]]) {
      const ids = [...page(runs, made).matchAll(/ id="([^"]*)"/g)].map((match) => match[1])
      expect(new Set(ids).size).toBe(ids.length)
    }
  })

  it('shows hostile text of a run as text', async () => {
    const evil = '"><script>alert(1)</script><img src=x onerror=alert(1)>&\u0007'
    const data = await syntheticData({
      id: evil,
      text: evil,
      types: ['chosen', 'rejected', evil],
      stages: [{ name: evil, loss: evil, updates: 10 }],
    })
    for (const html of [page([data], made), page([data, data], made)]) {
      check(html)
      expect(html).not.toMatch(/<script|<img|\u0007/)
      expect(html).toContain('&lt;script&gt;')
    }
  })

  it('says so where a run did not end', async () => {
    expect(page([await syntheticData({ status: 'interrupted' })], made)).toContain(
      'was interrupted before its end',
    )
    expect(page([await syntheticData()], made)).not.toContain('class="notice"')
  })

  it('stays a page for a run with one evaluation, without probes, or without anything', async () => {
    const data = await syntheticData()
    const one: RunData = {
      ...data,
      evaluations: data.evaluations.slice(0, 1),
      rows: new Map([...data.rows].map(([k, v]) => [k, v.slice(0, 1)])),
    }
    const none: RunData = { ...data, probes: undefined, types: [], evaluations: [], rows: new Map() }
    const empty: RunData = { ...none, scalars: new Map(), stages: [] }
    for (const run of [one, none, empty]) {
      const html = page([run], made)
      check(html)
      expect(html).not.toMatch(/NaN|Infinity|undefined/)
    }
  })
})

describe('the page of two runs', () => {
  it('overlays them as in Figure 5: chosen, rejected, others, argmax, a dash and a letter for each', async () => {
    const a = await syntheticData({ moves: paperMoves })
    const b = await syntheticData({
      id: 'b',
      moves: extendMoves,
      stages: [
        { name: 'extend', loss: 'sft', updates: 40 },
        { name: 'dpo', loss: 'dpo', updates: 40 },
      ],
    })
    const panels = panelsOf([a, b])
    expect(panels.filter(({ section }) => section === 'overview').map(({ title }) => title)).toEqual([
      'chosen',
      'rejected',
      'Other responses',
      'Argmax',
    ])
    for (const { lines } of panels.filter(({ section }) => section === 'overview')) {
      expect(lines.map(({ label, reading }) => [label, reading])).toEqual([
        ['A', a.id],
        ['B', 'b'],
      ])
      expect(lines[0].look.light).toBe(lines[1].look.light)
      expect(lines[0].look.dash).not.toBe(lines[1].look.dash)
    }
    const html = page([a, b], made)
    check(html)
    expect(html).toContain('A sft → dpo against B extend → dpo')
    expect(html).toContain('sft A / extend B')
  })
})

it('types that the paper does not have get a panel of their own', async () => {
  const data = await syntheticData({ types: ['chosen', 'poem', 'haiku'] })
  const other = panelsOf([data]).find(({ id }) => id === 'other')!
  expect(other.lines.map(({ key }) => key)).toEqual(['poem', 'haiku'])
})
