// Pictures of screens as they were found good (ux.md §4.2), one pixel in a thousand aside. Chromium and its one font,
// Open Sans, come from npm (@sparticuz/chromium), so that a picture is the same on every machine; signs that this font
// has not are boxes here and nowhere else. What differs is left in apps/web/.cache/goldens.
import { rm } from 'node:fs/promises'
import pixelmatch from 'pixelmatch'
import { PNG } from 'pngjs'
import type { BrowserContextOptions } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeRunSet, type RunSet } from '../run-set.ts'
import { golden, leave, seenFolder } from './golden.ts'
import { indexedPng } from './indexed-png.ts'
import { openStage, settled, withoutBrowser, type Stage } from './viewer.ts'

const reason = withoutBrowser()
const MOST = 0.001
/** Words are made after figures, when there is time. */
const QUIET = 700
const dark = { colorScheme: 'dark' } as const
const phone = { viewport: { width: 390, height: 844 } } as const

type Shot = [name: string, hash: string, options?: BrowserContextOptions]
const shots: readonly Shot[] = [
  ['runs', '#/'],
  ['runs-dark', '#/', dark],
  ['overview', '#/r/full/overview'],
  ['overview-dark', '#/r/full/overview', dark],
  ['overview-recorded', '#/r/recorded/overview'],
  ['dynamics', '#/r/full/dynamics?s=25'],
  ['dynamics-dark', '#/r/full/dynamics?s=25', dark],
  ['dynamics-phone', '#/r/full/dynamics', phone],
  ['update', '#/r/full/update?u=30'],
  ['squeeze', '#/r/full/squeeze?s=40'],
  ['squeeze-dark', '#/r/full/squeeze?s=40', dark],
  ['kernel', '#/r/full/kernel'],
  ['kernel-error', '#/r/truncated/kernel'],
  ['kernel-missing-phone', '#/r/bare/kernel', { ...dark, ...phone }],
  ['probes', '#/r/full/probes?o=1&s=30'],
  ['compare', '#/r/full,second/compare'],
  ['figures', '#/r/full/figures'],
  ['lab', '#/lab'],
  ['lab-phone', '#/lab', { ...dark, ...phone }],
]

describe.skipIf(reason !== undefined)(`pictures ${reason ?? ''}`, () => {
  let [stage, set]: [Stage, RunSet] = [undefined!, undefined!]
  beforeAll(async () => {
    await rm(seenFolder, { recursive: true, force: true })
    stage = await openStage()
    set = await makeRunSet(stage.runs, ['full', 'second', 'bare', 'truncated', 'recorded', 'failed', 'newer'])
  })
  afterAll(async () => {
    await set?.[Symbol.asyncDispose]()
    await stage?.[Symbol.asyncDispose]()
  })

  it.each<Shot>(shots)('%s', async (name, hash, options) => {
    await using opened = await stage.open(hash, options)
    await settled(opened.page, QUIET)
    const bytes = await opened.page.screenshot({ animations: 'disabled', caret: 'hide' })
    // As a golden keeps it, so that what that loses is no difference.
    const file = indexedPng(PNG.sync.read(bytes))
    const now = PNG.sync.read(Buffer.from(file))
    const then = PNG.sync.read(Buffer.from(await golden(`pixels/${name}.png`, file)))
    const { width, height } = now
    expect({ width: then.width, height: then.height }).toEqual({ width, height })
    const diff = new PNG({ width, height })
    const differing = pixelmatch(then.data, now.data, diff.data, width, height, { threshold: 0.1 })
    const share = differing / (width * height)
    if (share > MOST) {
      await leave(`${name}.png`, file)
      await leave(`${name}.diff.png`, PNG.sync.write(diff))
    }
    expect(share, `share of pixels that differ; see apps/web/.cache/goldens/${name}.diff.png`).toBeLessThanOrEqual(MOST)
  })
})
