// What the viewer does, in Chromium, with numbers that a test chose; that every screen comes up in every state, theme
// and width is states.test.ts.
import { readFile, rename, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { addKernels, addStep, addUpdate, beginRun, TYPES } from '../run-on-disk.ts'
import { hashOf, openStage, withoutBrowser, type Stage } from './viewer.ts'

const reason = withoutBrowser()
if (reason !== undefined) console.warn(`The viewer is not tried in a browser: ${reason}`)

describe.skipIf(reason !== undefined)('the viewer in Chromium', () => {
  let stage: Stage
  beforeAll(async () => {
    stage = await openStage()
    const steps = [0, 5, 10, 15, 20, 25, 30, 35, 40]
    for (const name of ['first', 'second', 'bare']) {
      const writer = await beginRun(join(stage.runs, name), steps)
      if (name !== 'bare') for (const step of [10, 20, 30]) await addUpdate(writer, step)
      await writer.finish('done')
    }
    await addKernels(join(stage.runs, 'first'))
  })
  afterAll(() => stage?.[Symbol.asyncDispose]())

  it('shows text of a run as text', async () => {
    const { page, complaints } = await stage.open('#/r/first/probes?o=2')
    await page.waitForSelector('.prompt-text')
    expect(await page.textContent('.prompt-text')).toBe('Question 2? <script>alert(2)</script>')
    expect(complaints).toEqual([])
    await page.context().close()
  })

  it('has a table of what is drawn, moves by keys, and says what it shows', async () => {
    const { page } = await stage.open('#/r/first/dynamics')
    await page.waitForSelector('#panel-dynamics canvas')
    await page.click('#panel-dynamics .actions button:first-child')
    await page.waitForSelector('#panel-dynamics thead th')
    const head = await page.locator('#panel-dynamics thead th').allTextContents()
    expect(head).toEqual(['step', 'stage', ...TYPES.flatMap(type => [type, `${type} ± se`])])
    // Chosen columns are 0, 3, 6, 9: at step 10 −20 − 4.5 − 2.5.
    expect(await page.locator('#panel-dynamics tbody tr').nth(2).locator('td').nth(1).textContent()).toBe(
      '−27',
    )
    await page.click('#panel-dynamics .actions button:first-child')
    await page.focus('#panel-dynamics .curves')
    await page.keyboard.press('Home')
    await page.keyboard.press('ArrowRight')
    await page.waitForFunction(() => location.hash.includes('s=5'))
    await page.waitForFunction(() =>
      document.querySelector('[aria-live=polite]')?.textContent?.includes('step 5, chosen'),
    )
    await expect.poll(() => page.textContent('.step-now')).toContain('step 5')
    await page.context().close()
  })

  it('takes a recorded update apart: predicted, actual and directions that add up', async () => {
    const { page, complaints } = await stage.open('#/r/first/update?u=20&t=directions,predicted')
    for (const panel of ['directions', 'predicted']) await page.waitForSelector(`#panel-${panel} tbody tr`)
    const cells = (panel: string) =>
      page.locator(`#panel-${panel} tbody tr`).first().locator('td').allTextContents()
    expect(await cells('directions')).toEqual(['0.6', '−0.1', '0.5', '0.505'])
    expect(await cells('predicted')).toEqual(['2', '0.505', '0.5', '0.005'])
    await expect.poll(() => page.textContent('main')).toContain('2 of 3 recorded')
    await expect.poll(() => page.textContent('main')).toContain('Update 19')
    await page.click('main h2')
    await page.keyboard.press(']')
    await page.waitForFunction(() => location.hash.includes('u=30'))
    expect(complaints).toEqual([])
    await page.context().close()
  })

  it('opens in a browser whose language is none', async () => {
    const { page, complaints } = await stage.open('#/r/first/dynamics')
    await page.addInitScript(() =>
      Object.defineProperty(navigator, 'language', { value: 'en-US@posix', configurable: true }),
    )
    await page.reload()
    await page.waitForSelector('#panel-dynamics canvas')
    expect(complaints).toEqual([])
    await page.context().close()
  })

  it('says where the probability went, in numbers of the run', async () => {
    const { page } = await stage.open('#/r/first/squeeze?s=40')
    await page.waitForSelector('#panel-gained svg')
    // Mass of rank 1 is 0.4 + step / 200, and the others lose alike.
    expect(await page.textContent('#panel-gained .says')).toContain('from 0.400 to 0.600')
    expect(await page.textContent('#panel-gained .says')).toContain('100.0 % went to the likeliest token')
    expect(await page.textContent('#panel-gained .caution')).toContain('squeezing')
    await page.context().close()
  })

  it('maps kernels beside the run, cell by cell, and tokens with visible signs', async () => {
    const { page, complaints } = await stage.open('#/r/first/update')
    await page.waitForSelector('#panel-tokens canvas')
    await page.focus('#panel-tokens .heat')
    await page.keyboard.press('ArrowRight')
    await page.keyboard.press('ArrowRight')
    const said = () => page.textContent('#panel-tokens .heat-said')
    await expect.poll(said).toContain('observed 0 ␣a')
    await expect.poll(said).toContain('1 <b>y</b>: −2e−5')
    await page.click('.tabs a:has-text("Kernel")')
    await page.waitForSelector('#panel-gram canvas')
    await page.click('#panel-gram .actions button:first-child')
    // −1 / √(4·4)
    expect(await page.locator('#panel-gram tbody tr').first().locator('td').nth(1).textContent()).toBe(
      '−0.25',
    )
    expect(complaints).toEqual([])
    await page.context().close()
  })

  it('exports what a zoom shows, with all digits', async () => {
    const { page } = await stage.open('#/r/first/dynamics?x=4~16')
    await page.waitForSelector('#panel-dynamics canvas')
    await page.click('#panel-dynamics .menu summary')
    const waiting = page.waitForEvent('download')
    await page.click('#panel-dynamics .menu-items button:has-text("CSV")')
    const text = await readFile(await (await waiting).path(), 'utf8')
    expect(
      text
        .split('\n')
        .slice(1, -1)
        .map(line => line.split(',').slice(0, 3)),
    ).toEqual([
      ['5', 'sft', '-25.75'],
      ['10', 'sft', '-27'],
      ['15', 'sft', '-28.25'],
    ])
    await page.context().close()
  })

  it('names settings of a link that it does not know, and opens without them', async () => {
    const { page, complaints } = await stage.open('#/r/first/dynamics?band=foo&s=10')
    await page.waitForSelector('.banner')
    expect(await page.textContent('.banner')).toContain('band=foo')
    await page.waitForSelector('#panel-dynamics canvas')
    await expect.poll(() => page.textContent('.step-now')).toContain('step 10')
    expect(complaints).toEqual([])
    await page.context().close()
  })

  it('follows a run that is being written, and leaves the zoom alone', async () => {
    const writer = await beginRun(join(stage.runs, 'live'), [0, 10])
    const { page, complaints } = await stage.open('#/r/live/dynamics?x=0~8')
    await page.waitForSelector('#panel-dynamics canvas')
    await page.waitForSelector('.state.live')
    await expect.poll(() => page.textContent('.step-now')).toContain('step 10')
    await addStep(writer, 20)
    await page.waitForFunction(() => document.querySelector('.step-now')?.textContent?.includes('step 20'))
    expect(await hashOf(page)).toContain('x=0~8')
    await writer.finish('done')
    await page.waitForSelector('.state.done')
    expect(complaints).toEqual([])
    await page.context().close()
  })

  it('keeps what was read of a run that is removed', async () => {
    await (await beginRun(join(stage.runs, 'short-lived'), [0, 10])).finish('done')
    const { page, complaints } = await stage.open('#/r/short-lived/dynamics')
    await page.waitForSelector('#panel-dynamics canvas')
    await rm(join(stage.runs, 'short-lived'), { recursive: true })
    await page.waitForSelector('.banner:has-text("gone")')
    expect(await page.locator('#panel-dynamics canvas').count()).toBe(1)
    expect(complaints).toEqual([])
    await page.context().close()
  })

  it('says of a run that was killed, of another schema, of damaged numbers, and of none, what it is', async () => {
    await (await beginRun(join(stage.runs, 'killed'), [0, 10])).close()
    for (const name of ['newer', 'damaged'])
      await (await beginRun(join(stage.runs, name), [0, 10])).finish('done')
    const manifest = join(stage.runs, 'newer', 'run.json')
    await writeFile(`${manifest}.new`, (await readFile(manifest, 'utf8')).replace('ldyn.run/1', 'ldyn.run/9'))
    await rename(`${manifest}.new`, manifest)
    await truncate(join(stage.runs, 'damaged', 'probe', 'logp.f32'), 20)
    const says = async (name: string, where: string, words: string): Promise<void> => {
      const { page, complaints } = await stage.open(`#/r/${name}/overview`)
      await page.locator(where, { hasText: words }).first().waitFor()
      expect(complaints).toEqual([])
      await page.context().close()
    }
    await says('killed', '.banner.bad', 'crashed')
    await says('newer', '.panel.trouble', 'newer')
    await says('damaged', '.banner.bad', 'cut off')
    await says('nowhere', '.panel.missing', 'no such run')
    const { page } = await stage.open('#/')
    await page.waitForSelector('table.runs')
    await expect.poll(() => page.locator('table.runs tbody tr').count()).toBe(7)
    await page.context().close()
  })
})

describe.skipIf(reason !== undefined)('an empty directory', () => {
  it('leads to a first run, and shows it as soon as it is there', async () => {
    await using stage = await openStage()
    const { page, complaints } = await stage.open('#/')
    await page.waitForSelector('.empty')
    expect(await page.textContent('.empty')).toContain('ldyn demo')
    await (await beginRun(join(stage.runs, 'first'), [0])).finish('done')
    await page.waitForSelector('table.runs')
    expect(complaints).toEqual([])
  })
})
