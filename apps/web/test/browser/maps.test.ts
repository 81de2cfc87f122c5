// Maps and what stands around them, in a real browser: what the table, the files and the screen reader say of Update,
// Kernel and Squeeze is what was recorded.
import { mkdir, readFile, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { show } from '@ldyn/figures'
import { writeSafetensorsFile } from '@ldyn/formats/node'
import type { DecomposedResponse, WatchedPosition } from '@ldyn/runs'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkMarkup } from '../../../../packages/figures/test/check-markup.ts'
import { beginRun, TYPES } from '../run-on-disk.ts'
import { openStage, withoutBrowser, type Stage } from './viewer.ts'

const reason = withoutBrowser()
if (reason !== undefined) console.warn(`Maps are not tried in a browser: ${reason}`)

const TEXT = [' Keep', '\n', 'it', ' dry', '<b>']
/** What one update did to one response, token by token; predictions are a little off, the more the later. */
const responseAt = (step: number, row: number, type: string): DecomposedResponse => {
  const sign = type === 'rejected' ? -1 : 1
  const directions = {
    '7 chosen': TEXT.map((_, m) => sign * (0.1 + 0.03 * m) + row * 0.01),
    '7 rejected': TEXT.map((_, m) => (m === 3 ? -0.4 : -0.02 * m)),
    'carry-over': TEXT.map((_, m) => 0.001 * (m - 2)),
  }
  const lists = Object.values(directions)
  const predicted = TEXT.map((_, m) => lists.reduce((sum, list) => sum + list[m], 0))
  const actual = predicted.map((x, m) => x * (1 - step / 400) + 0.001 * m)
  const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0)
  return {
    row,
    type,
    actual: sum(actual),
    predicted: sum(predicted),
    directions: Object.fromEntries(Object.entries(directions).map(([name, list]) => [name, sum(list)])),
    tokens: { text: TEXT, logp: TEXT.map((_, m) => -1 - m), actual, predicted, directions },
  }
}

const VOCAB = 50
const words = Array.from({ length: VOCAB }, (_, id) => ` w${id}`)
/** Token 0 is the likeliest and gains, 3 is chosen and falls a little, 7 is rejected and falls most. */
const positionAt = (step: number): WatchedPosition => {
  const raw = words.map(
    (_, id) => -0.35 * id + (id === 0 ? step / 15 : id === 7 ? -step / 10 : id === 3 ? -step / 60 : 0),
  )
  const total = Math.log(raw.reduce((sum, x) => sum + Math.exp(x), 0))
  const logp = raw.map(x => x - total)
  const order = [...logp.keys()].sort((a, b) => logp[b] - logp[a])
  const of = (id: number) => ({ id, text: words[id], logp: logp[id] })
  return {
    row: 0,
    type: 'chosen',
    token: 1,
    entropy: -logp.reduce((sum, x) => sum + Math.exp(x) * x, 0),
    tokens: [
      { of: 'chosen', ...of(3), rank: order.indexOf(3) + 1 },
      { of: 'rejected', ...of(7), rank: order.indexOf(7) + 1 },
    ],
    top: order.slice(0, 20).map(of),
    curve: [1, 2, 3, 5, 8, 13, 20, 32, 50].map(rank => [rank, logp[order[rank - 1]]] as const),
  }
}

const N = 40
const gramValue = (i: number, j: number, step: number): number =>
  i === j ? 4 + i : Math.cos((i - j) / 3) + (step / 50) * Math.sin(i * j)
const gramProbes = Array.from({ length: N }, (_, i) => ({
  row: i % 4,
  type: TYPES[Math.floor(i / 4) % 3],
  tokens: 5,
}))

const write = (
  path: string,
  tensors: Record<string, [readonly number[], readonly number[]]>,
  about: object,
) =>
  writeSafetensorsFile(
    path,
    Object.entries(tensors).map(([name, [shape, data]]) => ({
      name,
      shape,
      dtype: 'F64' as const,
      data: Float64Array.from(data),
    })),
    {
      metadata: Object.fromEntries(
        Object.entries(about).map(([key, value]) => [
          key,
          typeof value === 'string' ? value : JSON.stringify(value),
        ]),
      ),
    },
  )

const addFiles = async (run: string): Promise<void> => {
  await mkdir(join(run, 'kernel'))
  for (const step of [0, 20, 40]) {
    const data = Array.from({ length: N * N }, (_, k) => gramValue(Math.floor(k / N), k % N, step))
    const path = join(run, 'kernel', `gram-${String(step).padStart(6, '0')}.safetensors`)
    await write(
      path,
      { gram: [[N, N], data] },
      { step, model: 'm', params: 'all', per: 'response', probes: gramProbes },
    )
  }
  const [A, K, G] = [
    [0.5, 1],
    [1, -1, 0.5, 2, 0, -3],
    [0.2, -0.4, 0.1],
  ]
  await write(
    join(run, 'kernel', 'tokens-000020-u7-og0-chosen.safetensors'),
    {
      C: [[2, 3], K.map((k, i) => 0.01 * A[Math.floor(i / 3)] * k * G[i % 3])],
      K: [[2, 3], K],
      row_A: [[2], A],
      G: [[3], G],
    },
    {
      step: 20,
      loss: 'dpo',
      lr: 0.01,
      observe: { row: 'p.jsonl#0', type: 'chosen', tokens: [0, 1].map(id => ({ id, text: ' a', logp: -1 })) },
      update: {
        row: 'd.jsonl#7',
        tokens: ['chosen', 'rejected', 'rejected'].map((type, id) => ({ id, text: '\\n', type, logp: -2 })),
      },
    },
  )
}

const tableOf = async (page: Page, panel: string): Promise<string[][]> => {
  await page.click(`#panel-${panel} .actions button:first-child`)
  const rows = page.locator(`#panel-${panel} .table-view tr`)
  await rows.first().waitFor()
  const found = await rows.evaluateAll(all => all.map(row => [...row.children].map(cell => cell.textContent)))
  await page.click(`#panel-${panel} .actions button:first-child`)
  return found
}
const csvOf = async (page: Page, panel: string): Promise<string[][]> => {
  const waiting = page.waitForEvent('download')
  await page.click(`#panel-${panel} .menu summary`)
  await page.click(`#panel-${panel} .menu-items button:has-text("CSV")`)
  const text = await readFile(await (await waiting).path(), 'utf8')
  return text
    .trimEnd()
    .split(/\n(?=[^"]*(?:"[^"]*"[^"]*)*$)/)
    .map(line => line.split(','))
}
/** As the page shows it: six figures, a true minus. */
const cell = (value: number): string =>
  Number.isInteger(value)
    ? String(value).replace('-', '−')
    : String(Number(value.toPrecision(6))).replace(/-/g, '−')

describe.skipIf(reason !== undefined)('maps in Chromium', () => {
  let stage: Stage
  beforeAll(async () => {
    stage = await openStage()
    const writer = await beginRun(join(stage.runs, 'full'), [0, 10, 20, 30, 40])
    for (const step of [10, 20, 30, 40]) {
      await writer.decomposition(step, step <= 20 ? 'sft' : 'dpo', {
        rows: [7],
        lr: 5e-7,
        grad_norm: 2,
        clip_factor: 1,
        residual: 0.1,
        probes: [0, 1].flatMap(row => TYPES.map(type => responseAt(step, row, type))),
      })
    }
    for (const step of [0, 10, 20, 30, 40])
      await writer.watched(step, step <= 20 ? 'sft' : 'dpo', { positions: [positionAt(step)] })
    await writer.finish('done')
    await addFiles(join(stage.runs, 'full'))
    await (await beginRun(join(stage.runs, 'bare'), [0, 10])).finish('done')
    await (await beginRun(join(stage.runs, 'torn'), [0, 20, 40])).finish('done')
    await addFiles(join(stage.runs, 'torn'))
    await truncate(join(stage.runs, 'torn', 'kernel', 'gram-000040.safetensors'), 5000)
  }, 120_000)
  afterAll(() => stage?.[Symbol.asyncDispose]())

  it('Update: table, file and cursor say what was recorded of each token', async () => {
    await using opened = await stage.open('#/r/full/update?s=30&o=1&y=rejected')
    const { page, complaints } = opened
    await page.waitForSelector('#panel-by-token canvas')
    const { tokens } = responseAt(30, 1, 'rejected')
    const names = Object.keys(tokens!.directions)
    const [head, ...rows] = await tableOf(page, 'by-token')
    expect(head).toEqual(['token', ...names, 'predicted', 'actual'])
    rows.forEach((row, m) =>
      expect(row.slice(1)).toEqual(
        [...names.map(name => tokens!.directions[name][m]), tokens!.predicted[m], tokens!.actual[m]].map(
          cell,
        ),
      ),
    )
    expect(rows.map(([name]) => name)).toEqual(['0 ␣Keep', '1 ↵', '2 it', '3 ␣dry', '4 <b>'])
    const csv = await csvOf(page, 'by-token')
    expect(csv.slice(1).map(row => Number(row.at(-1)))).toEqual(tokens!.actual)
    await page.focus('#panel-by-token .heat')
    for (const key of ['ArrowDown', 'ArrowDown', 'ArrowRight']) await page.keyboard.press(key)
    const expected = `token 1 ↵, direction 7 rejected: ${show(tokens!.directions['7 rejected'][1])} nats`
    expect(await page.textContent('#panel-by-token .heat-said')).toBe(expected)
    await page.waitForFunction(
      text => document.querySelector('[aria-live]')?.textContent?.includes(text),
      expected,
    )
    await page.keyboard.press('Enter')
    await page.waitForFunction(() => location.hash.includes('cell=1.1'))
    expect(await page.locator('#panel-text .token[aria-pressed="true"]').textContent()).toContain('↵')
    expect(await page.textContent('#panel-by-token .says')).toContain('Σ predicted')
    expect(complaints).toEqual([])
  })

  it('Update: dragging over the timeline sums updates up, a click goes to one', async () => {
    await using opened = await stage.open('#/r/full/update?y=chosen')
    const { page, complaints } = opened
    const timeline = page.locator('#panel-updates svg.timeline')
    await timeline.scrollIntoViewIfNeeded()
    const box = (await timeline.boundingBox())!
    // Four slots between the left and the right edge of a drawing that is 900 wide.
    const at = (slot: number): number =>
      box.x + ((56 + (slot + 0.5) * ((900 - 56 - 12) / 4)) / 900) * box.width
    const y = box.y + box.height / 2
    await page.mouse.move(at(1), y)
    await page.mouse.down()
    await page.mouse.move(at(2), y, { steps: 4 })
    await page.mouse.up()
    await page.waitForFunction(() => location.hash.includes('ur=20~30'))
    expect(await page.textContent('#panel-cumulative h2')).toContain('Steps 20 to 30 together')
    const [head, ...rows] = await tableOf(page, 'cumulative')
    const mean = (step: number) =>
      (responseAt(step, 0, 'chosen').actual + responseAt(step, 1, 'chosen').actual) / 2
    expect(rows[0][0]).toBe('chosen')
    expect(rows[0][head.indexOf('actual')]).toBe(cell(mean(20) + mean(30)))
    await page.mouse.click(at(0), y)
    await page.waitForFunction(() => location.hash.includes('u=10'))
    expect(complaints).toEqual([])
  })

  it('Update: C, K, G and A of a token block, with the cell in numbers and definitions on focus', async () => {
    await using opened = await stage.open('#/r/full/update?mat=K&cell=1.2')
    const { page, complaints } = opened
    await page.waitForSelector('#panel-tokens canvas')
    const table = await tableOf(page, 'tokens')
    expect(table.slice(1).map(row => row.slice(1))).toEqual([
      ['1', '−1', '0.5'],
      ['2', '0', '−3'],
    ])
    const facts = (await page.textContent('#panel-tokens .cell-panel dl'))!
    expect(facts).toContain(`C${show(0.01 * 1 * -3 * 0.1)} nats`)
    expect(facts).toContain('rank 2 of 6')
    expect(facts).toContain('pushed up')
    await page.focus('#panel-tokens .matrix-switch button:nth-child(3)')
    expect(await page.textContent('#matrix-definition')).toContain('G > 0: the update pushes the token up')
    await page.click('#panel-tokens .matrix-switch button:has-text("C")')
    await page.waitForFunction(() => !location.hash.includes('mat='))
    const sums = (await tableOf(page, 'tokens')).slice(1)
    for (const row of sums) {
      const numbers = row.slice(1).map(text => Number(text.replaceAll('−', '-')))
      expect(numbers.slice(0, 3).reduce((a, b) => a + b, 0)).toBeCloseTo(numbers[3], 6)
    }
    expect(complaints).toEqual([])
  })

  it('Kernel: at two steps and their difference, drift, one row; a window is what its file holds', async () => {
    await using opened = await stage.open('#/r/full/kernel?norm=raw&order=prompt&s=20')
    const { page, complaints } = opened
    await page.waitForSelector('#panel-gram-change canvas')
    expect(await page.locator('.three h2').allTextContents()).toEqual([
      'K at step 20',
      'K at step 0',
      'K at step 20 less K at step 0',
    ])
    const order = [...gramProbes.keys()].sort(
      (a, b) =>
        gramProbes[a].row - gramProbes[b].row ||
        TYPES.indexOf(gramProbes[a].type) - TYPES.indexOf(gramProbes[b].type),
    )
    const [, ...change] = await csvOf(page, 'gram-change')
    expect(change).toHaveLength(N)
    for (const [r, c] of [
      [0, 1],
      [7, 30],
      [39, 2],
    ] as const) {
      const [i, j] = [order[r], order[c]]
      expect(Number(change[r][c + 1])).toBeCloseTo(gramValue(i, j, 20) - gramValue(i, j, 0), 5)
    }
    await page.waitForSelector('#panel-drift canvas')
    const drift = await tableOf(page, 'drift')
    expect(drift.slice(1).map(([step]) => step)).toEqual(['0', '20', '40'])
    expect(await page.textContent('#panel-drift .says')).toMatch(/Stable-kernel assumption/)
    expect((await tableOf(page, 'profile')).length).toBeGreaterThan(20)

    // A box from (4,4) to (11,13), dragged: all three maps zoom, and their files hold the window.
    const canvas = page.locator('#panel-gram canvas').first()
    await page.evaluate(() => scrollTo(0, 0))
    const box = (await canvas.boundingBox())!
    const place = (k: number): number => ((k + 0.5) / N) * box.width
    await page.mouse.move(box.x + place(4), box.y + place(4))
    await page.mouse.down()
    await page.mouse.move(box.x + place(13), box.y + place(11), { steps: 5 })
    await page.mouse.up()
    await page.waitForSelector('#panel-gram .mini-map')
    for (const panel of ['gram', 'gram-first', 'gram-change']) {
      const [head, ...rows] = await csvOf(page, panel)
      expect([rows.length, head.length - 1], panel).toEqual([8, 10])
    }
    await page.focus('#panel-gram .heat')
    await page.keyboard.press('0')
    await page.waitForFunction(() => !document.querySelector('.mini-map'))
    expect(complaints).toEqual([])
  })

  it('Squeeze: ranks, likeliest tokens, ledger and simplex are those of the position', async () => {
    await using opened = await stage.open('#/r/full/squeeze?s=40')
    const { page, complaints } = opened
    await page.waitForSelector('#panel-ranks svg')
    const [then, now] = [positionAt(0), positionAt(40)]
    const ranks = await tableOf(page, 'ranks')
    expect(ranks.slice(1)).toEqual(
      now.curve.map(([rank, logp], i) => [String(rank), cell(then.curve[i][1]), cell(logp)]),
    )
    const top = await csvOf(page, 'top')
    expect(top.slice(1, 4).map(row => Number(row[3]))).toEqual(now.top.slice(0, 3).map(({ logp }) => logp))
    const ledger = await csvOf(page, 'ledger')
    expect(ledger.slice(1).reduce((sum, row) => sum + Number(row.at(-1)), 0)).toBeCloseTo(0, 12)
    expect(ledger[1].slice(0, 2)).toEqual(['likeliest', '" w0"'])
    expect(await page.textContent('#panel-ledger .caution')).toContain('squeezing effect')
    expect(await page.textContent('#panel-ledger')).toContain('Valley check')
    await page.click('#panel-top button.plain:has-text("w5")')
    await page.waitForFunction(() => location.hash.includes('tok=5'))
    expect(await page.textContent('#panel-ranks .says')).toContain('followed')
    expect((await tableOf(page, 'simplex')).slice(1)).toHaveLength(5)
    expect(complaints).toEqual([])
  })

  it('every panel of the three screens can be saved as a picture or as numbers', async () => {
    for (const name of ['update', 'kernel', 'squeeze']) {
      await using opened = await stage.open(`#/r/full/${name}?s=20`, {
        viewport: { width: 1280, height: 5000 },
      })
      const { page, complaints } = opened
      await page.waitForSelector('figure.panel.drawn')
      await page.waitForFunction(() => !document.querySelector('.loading'))
      const panels = await page
        .locator('figure.panel.drawn, figure.panel.curves')
        .evaluateAll(all => all.map(one => (one as HTMLElement).dataset.panel!))
      expect(panels.length).toBeGreaterThan(4)
      for (const panel of panels) {
        await page.click(`#panel-${panel} .menu summary`)
        const waiting = page.waitForEvent('download')
        await page.click(`#panel-${panel} .menu-items button:text-is("SVG")`)
        const svg = await readFile(await (await waiting).path(), 'utf8')
        checkMarkup(svg.replace(/^<\?xml[^>]*>\n/, ''))
        expect(svg.length, `${name}: ${panel}`).toBeGreaterThan(500)
        await page.click(`#panel-${panel} .menu summary`)
      }
      expect(complaints).toEqual([])
    }
  }, 120_000)

  it('are the same pixels in both themes', async () => {
    const drawn: string[] = []
    for (const colorScheme of ['light', 'dark'] as const) {
      await using opened = await stage.open('#/r/full/kernel?s=20', { colorScheme })
      await opened.page.waitForSelector('#panel-gram-change canvas')
      drawn.push(
        await opened.page
          .locator('#panel-gram canvas')
          .first()
          .evaluate(one => (one as HTMLCanvasElement).toDataURL()),
      )
    }
    expect(drawn[0]).toBe(drawn[1])
  })

  it('a kernel that is cut off says so in its panel, and the kernels of other steps are one click away', async () => {
    await using opened = await stage.open('#/r/torn/kernel')
    const { page } = opened
    await page.waitForSelector('#panel-gram.trouble')
    expect(await page.textContent('#panel-gram')).toContain('gram-000040.safetensors')
    await page.click('#panel-gram button:has-text("Show step 20")')
    await page.waitForSelector('#panel-gram canvas')
    expect(await page.locator('.three h2').first().textContent()).toBe('K at step 20')
  })

  it('of a run that recorded nothing of the kind are greyed, with the command that would record it', async () => {
    for (const [page, panel, command] of [
      ['update', 'updates', 'observe.decompose.every'],
      ['update', 'tokens', 'ldyn kernel tokens'],
      ['kernel', 'gram', 'ldyn kernel gram'],
      ['squeeze', 'ranks', 'observe.watch.rows'],
    ]) {
      await using opened = await stage.open(`#/r/bare/${page}`)
      await opened.page.waitForSelector(`#panel-${panel}.missing`)
      expect(await opened.page.textContent(`#panel-${panel} code`)).toContain(command)
    }
  })
})
