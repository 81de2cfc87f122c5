// The Lab in a real Chromium, met with no GPU and with one in software (ux.md §4.1): the toy answers at once and in the
// address, and the tiny GPT really trains, by the worker on the CPU and by WebGPU, to the same numbers.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { openRun, verify } from '@ldyn/runs'
import { directoryFiles } from '@ldyn/runs/node'
import { unzipSync } from 'fflate'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readSettings } from '../../src/lab/settings.ts'
import { storyOf } from '../../src/lab/story.ts'
import { runToy } from '../../src/lab/toy.ts'
import { violationsOn } from './axe.ts'
import { openStage, overflowOf, settled, withoutBrowser, type Stage } from './viewer.ts'

const reason = withoutBrowser()
if (reason !== undefined) console.warn(`The Lab is not tried in a browser: ${reason}`)

const SMALL = '#/lab?sim=gpt&layers=1&width=16&base=2&sftUpdates=2&dpoUpdates=2'

/** What Node computes for an address. */
const toldBy = (given: Record<string, string>): readonly string[] => {
  const { toy } = readSettings(given).settings
  return storyOf(runToy(toy), toy)
}
const story = (page: Page): Promise<string[]> => page.locator('.lab-story h2, .lab-story p').allTextContents()

/** Trains to the end and gives the run as it is saved. */
const trainAndSave = async (page: Page, folder: string): Promise<string> => {
  await page.click('.lab-go')
  await page.waitForFunction(() => /^(Done|Failed)/.test(document.querySelector('.lab-standing')?.textContent ?? ''),
    undefined, { timeout: 240_000 })
  const [download] = await Promise.all([page.waitForEvent('download'), page.click('text=Save as run')])
  const files = unzipSync(await readFile(await download.path()))
  for (const [path, bytes] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), bytes)
  }
  expect(download.suggestedFilename()).toBe('gpt-7.zip')
  return join(folder, 'gpt-7')
}
const lossesOf = async (directory: string): Promise<number[]> =>
  Array.from((await openRun(directoryFiles(directory))).scalars.get('loss')!.values)

describe.skipIf(reason !== undefined)('the Lab in Chromium', () => {
  let [bare, soft]: (Stage | undefined)[] = []
  beforeAll(async () => {
    bare = await openStage()
    soft = await openStage({ gpu: 'software' })
  })
  afterAll(async () => {
    await bare?.[Symbol.asyncDispose]()
    await soft?.[Symbol.asyncDispose]()
  })

  it('opens with a squeeze, told with the very numbers of @ldyn/core', async () => {
    await using opened = await bare!.open('#/lab')
    const { page, complaints } = opened
    await settled(page)
    await expect.poll(() => story(page)).toEqual(toldBy({}))
    await page.goto(`${bare!.viewer.url}#/lab?V=80&seed=11&lr=0.3&push=both&n=5`)
    await page.waitForFunction(() => document.querySelector('.lab-story h2')?.textContent?.startsWith('5 updates'))
    await expect.poll(() => story(page)).toEqual(toldBy({ V: '80', seed: '11', lr: '0.3', push: 'both', n: '5' }))
    expect(complaints).toEqual([])
  })

  it('takes classes by hand and by keys, and puts them in the address', async () => {
    await using opened = await bare!.open('#/lab')
    const { page } = opened
    await settled(page)
    const bars = page.locator('.lab-bars')
    await bars.focus()
    for (const key of ['ArrowRight', 'ArrowRight', 'ArrowRight', 'Enter']) await page.keyboard.press(key)
    await page.waitForFunction(() => location.hash.includes('pos=3'))
    const box = (await bars.boundingBox())!
    await page.mouse.move(box.x + 60, box.y + 60)
    await bars.click({ position: { x: 52, y: 60 }, modifiers: ['Alt'] })
    await page.waitForFunction(() => location.hash.includes('neg=0'))
    await page.click('text=One update')
    await page.waitForFunction(() => location.hash.includes('n=11'))
    await page.click('.lab-steps li:nth-child(4) a')
    await page.waitForFunction(() => location.hash === '#/lab?ext=8')
    await expect.poll(() => story(page)).toEqual(toldBy({ ext: '8' }))
    await page.goto(`${bare!.viewer.url}#/lab?lr=nonsense&seed=3`)
    await page.waitForSelector('main .banner')
    expect(await page.textContent('main .banner')).toContain('lr=nonsense')
  })

  it.each(['light', 'dark'] as const)('breaks no rule and fits a telephone, %s', async colorScheme => {
    for (const hash of ['#/lab', '#/lab?sim=race', '#/lab?sim=gpt']) {
      await using opened = await bare!.open(hash, { colorScheme, viewport: { width: 390, height: 844 } })
      const { page, complaints } = opened
      await settled(page)
      expect(await violationsOn(page), hash).toEqual([])
      expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth), hash).toBeLessThanOrEqual(0)
      expect(complaints).toEqual([])
    }
  })

  it.each(['light', 'dark'] as const)('breaks no rule with the figures of a training, %s', async colorScheme => {
    await using opened = await bare!.open('#/lab?sim=gpt&engine=replay', {
      colorScheme, viewport: { width: 390, height: 844 },
    })
    const { page, complaints } = opened
    await settled(page)
    await page.click('.lab-go')
    await page.waitForFunction(() => document.querySelector('.lab-standing')?.textContent?.startsWith('Done'))
    await settled(page)
    await expect.poll(() => page.locator('.lab-story h2').allTextContents()).toContainEqual(expect.stringMatching(/^Squeezed: 60 /))
    expect(await page.locator('#panel-moves .picture svg').getAttribute('role')).toBe('img')
    expect(await violationsOn(page)).toEqual([])
    expect(await overflowOf(page)).toBe(0)
    // The table says what the picture shows.
    const table = page.locator('#panel-moves')
    await table.locator('button[title^="Show as a table"]').click()
    await expect.poll(() => table.locator('tbody tr').count()).toBe(7)
    expect(complaints).toEqual([])
  })

  it('trains by the worker on the CPU; all screens show the run, the zip verifies', { timeout: 300_000 }, async () => {
    await using opened = await bare!.open(SMALL)
    const { page, complaints } = opened
    await settled(page)
    await expect.poll(() => page.textContent('.lab-story')).toMatch(/no adapter|no WebGPU/i)
    const saved = await trainAndSave(page, bare!.runs)
    await expect.poll(() => page.textContent('.lab-story')).toContain('Computed by a worker on the CPU')
    expect(await verify(directoryFiles(saved))).toEqual([])
    for (const screen of ['Overview', 'Dynamics', 'Squeeze', 'Probes', 'Update']) {
      await page.click(`.lab-links a:has-text("${screen}")`)
      await page.waitForFunction(name => location.hash.startsWith('#/r/lab%3Agpt-7/') && location.hash.includes(name),
        screen.toLowerCase())
      await settled(page)
      expect(await page.locator('.panel.trouble').count(), screen).toBe(0)
      await page.goBack()
      await page.waitForSelector('.lab-links')
    }
    // The same run, saved, lies in the viewer's directory by now.
    await page.goto(`${bare!.viewer.url}#/r/gpt-7/dynamics`)
    await settled(page)
    await page.waitForSelector('#panel-dynamics canvas')
    expect(complaints).toEqual([])
  })

  it('trains by WebGPU to the CPU’s losses', { timeout: 300_000 }, async () => {
    const losses: number[][] = []
    for (const engine of ['webgpu', 'cpu']) {
      await using opened = await soft!.open(`${SMALL}&engine=${engine}`)
      const { page, complaints } = opened
      await settled(page)
      const saved = await trainAndSave(page, join(soft!.runs, engine))
      await expect.poll(() => page.textContent('.lab-story')).toContain(
        engine === 'webgpu' ? 'Computed by WebGPU' : 'Computed by a worker')
      expect(await verify(directoryFiles(saved))).toEqual([])
      losses.push(await lossesOf(saved))
      expect(complaints).toEqual([])
    }
    expect(losses[0]).toHaveLength(6)
    losses[0].forEach((loss, i) => expect(Math.abs(loss - losses[1][i]), `update ${i}`).toBeLessThan(1e-3))
  })

  it('says why where WebGPU was asked for and is not there', async () => {
    await using opened = await bare!.open(`${SMALL}&engine=webgpu`)
    const { page } = opened
    await settled(page)
    await page.click('.lab-go')
    await page.waitForSelector('.banner.bad')
    await expect.poll(() => page.textContent('.banner.bad')).toContain('WebGPU finds no adapter')
  })

  it('plays a recorded run where one is asked for, or where no worker starts', async () => {
    for (const hash of ['#/lab?sim=gpt&engine=replay', '#/lab?sim=gpt']) {
      await using opened = await bare!.open(hash)
      const { page, complaints } = opened
      await page.evaluate('globalThis.Worker = class { constructor() { throw new Error("workers are off") } }')
      await settled(page)
      await page.click('.lab-go')
      await page.waitForFunction(() => document.querySelector('.lab-standing')?.textContent?.startsWith('Done'))
      await expect.poll(() => page.textContent('.lab-story')).toContain('Nothing is computed: a run that was recorded, seed 7')
      await page.waitForSelector('#panel-dynamics canvas')
      expect(complaints).toEqual([])
    }
  })

  it('pauses, goes on and stops', async () => {
    await using opened = await bare!.open('#/lab?sim=gpt&layers=1&width=16&base=400&engine=cpu')
    const { page } = opened
    await settled(page)
    await page.click('.lab-go')
    await page.waitForSelector('progress')
    await page.click('text=Pause')
    await page.waitForFunction(() => document.querySelector('.lab-standing')?.textContent?.startsWith('Paused'))
    await page.waitForTimeout(600)
    const at = await page.textContent('.lab-standing')
    await page.waitForTimeout(600)
    expect(await page.textContent('.lab-standing')).toBe(at)
    await page.click('text=Go on')
    await page.waitForFunction(was => document.querySelector('.lab-standing')?.textContent !== was, at)
    await page.click('text=Stop')
    await page.waitForFunction(() => document.querySelector('.lab-standing')?.textContent?.startsWith('Stopped'))
  })
})
