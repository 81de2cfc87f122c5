// Maps and what stands around them, in a real browser: what the table, the files and the screen reader say of Update,
// Kernel and Squeeze is what was recorded.
import { truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { show } from '@ldyn/figures'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { addFiles, gramProbes, gramValue, N, positionAt, responseAt, writeMaps } from '../maps-on-disk.ts'
import { beginRun, TYPES } from '../run-on-disk.ts'
import { cell, csvOf, tableOf } from './twins.ts'
import { openStage, settled, withoutBrowser, type Stage } from './viewer.ts'

const reason = withoutBrowser()
if (reason !== undefined) console.warn(`Maps are not tried in a browser: ${reason}`)

describe.skipIf(reason !== undefined)('maps in Chromium', () => {
  let stage: Stage
  beforeAll(async () => {
    stage = await openStage()
    await writeMaps(join(stage.runs, 'full'))
    await (await beginRun(join(stage.runs, 'bare'), [0, 10])).finish('done')
    await (await beginRun(join(stage.runs, 'torn'), [0, 20, 40])).finish('done')
    await addFiles(join(stage.runs, 'torn'))
    await truncate(join(stage.runs, 'torn', 'kernel', 'gram-000040.safetensors'), 5000)
  })
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
    await expect.poll(() => page.textContent('#panel-by-token .heat-said')).toBe(expected)
    await page.waitForFunction(
      text => document.querySelector('[aria-live]')?.textContent?.includes(text),
      expected,
    )
    await page.keyboard.press('Enter')
    await page.waitForFunction(() => location.hash.includes('cell=1.1'))
    await expect.poll(() => page.locator('#panel-text .token[aria-pressed="true"]').textContent()).toContain('↵')
    await expect.poll(() => page.textContent('#panel-by-token .says')).toContain('Σ predicted')
    expect(complaints).toEqual([])
  })

  it('Update: dragging over the timeline sums updates up, a click goes to one', async () => {
    await using opened = await stage.open('#/r/full/update?y=chosen')
    const { page, complaints } = opened
    const timeline = page.locator('#panel-updates .timeline')
    await settled(page)
    await timeline.scrollIntoViewIfNeeded()
    const box = (await timeline.boundingBox())!
    // Four slots between the left and the right edge of the plot, at the width that the drawing has.
    const at = (slot: number): number => box.x + 46 + (slot + 0.5) * ((box.width - 46 - 12) / 4)
    const y = box.y + box.height / 2
    await page.mouse.move(at(1), y)
    await page.mouse.down()
    await page.mouse.move(at(2), y, { steps: 4 })
    await page.mouse.up()
    await page.waitForFunction(() => location.hash.includes('ur=20~30'))
    await expect.poll(() => page.textContent('#panel-cumulative h2')).toContain('Steps 20 to 30 together')
    await settled(page)
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
    await expect.poll(() => page.textContent('#matrix-definition')).toContain('G > 0: the update pushes the token up')
    await page.click('#panel-tokens .matrix-switch button:has-text("C")')
    await page.waitForFunction(() => !location.hash.includes('mat='))
    await settled(page)
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
    await settled(page)
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
    await settled(page)
    const drift = await tableOf(page, 'drift')
    expect(drift.slice(1).map(([step]) => step)).toEqual(['0', '20', '40'])
    expect(await page.textContent('#panel-drift .says')).toMatch(/Stable-kernel assumption/)
    expect((await tableOf(page, 'profile')).length).toBeGreaterThan(20)

    // A box from (4,4) to (11,13), dragged: all three maps zoom, and their files hold the window.
    const canvas = page.locator('#panel-gram canvas').first()
    await page.evaluate(() => scrollTo(0, 0))
    await settled(page)
    const box = (await canvas.boundingBox())!
    const place = (k: number): number => ((k + 0.5) / N) * box.width
    await page.mouse.move(box.x + place(4), box.y + place(4))
    await page.mouse.down()
    await page.mouse.move(box.x + place(13), box.y + place(11), { steps: 5 })
    await page.mouse.up()
    await page.waitForSelector('#panel-gram .mini-map')
    await settled(page)
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
    await settled(page)
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
    await expect.poll(() => page.textContent('#panel-ranks .says')).toContain('followed')
    await settled(page)
    expect((await tableOf(page, 'simplex')).slice(1)).toHaveLength(5)
    expect(complaints).toEqual([])
  })

  it('are the same pixels in both themes', async () => {
    const drawn: string[] = []
    for (const colorScheme of ['light', 'dark'] as const) {
      await using opened = await stage.open('#/r/full/kernel?s=20', { colorScheme })
      await opened.page.waitForSelector('#panel-gram-change canvas')
      await settled(opened.page)
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
    await expect.poll(() => page.locator('.three h2').first().textContent()).toBe('K at step 20')
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
