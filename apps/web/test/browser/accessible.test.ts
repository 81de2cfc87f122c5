// Every screen in both themes against axe-core: names, roles, contrast, order. What it cannot see, the canvas,
// has a table twin and a spoken cursor, which screens.test.ts holds to the data.
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { screens } from '../../src/screens/index.ts'
import { addKernels, addUpdate, beginRun } from '../run-on-disk.ts'
import { openStage, withoutBrowser, type Stage } from './viewer.ts'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

interface Violation {
  readonly id: string
  readonly nodes: readonly { readonly html: string }[]
}

describe.skipIf(withoutBrowser() !== undefined)('the viewer for everybody', () => {
  let stage: Stage
  beforeAll(async () => {
    stage = await openStage()
    for (const name of ['first', 'bare']) {
      const writer = await beginRun(join(stage.runs, name), [0, 5, 10, 20, 30, 40])
      if (name === 'first') await addUpdate(writer, 20)
      await writer.finish('done')
    }
    await addKernels(join(stage.runs, 'first'))
  }, 60_000)
  afterAll(() => stage?.[Symbol.asyncDispose]())

  const addresses = [
    '#/',
    ...screens.map(({ page }) => `#/r/first/${page}`),
    '#/r/bare/kernel',
    '#/r/first,bare/compare',
    '#/r/first/dynamics?t=dynamics&nonsense',
    '#/r/nowhere/overview',
  ]
  describe.each(['light', 'dark'] as const)('%s', colorScheme => {
    it.each(addresses)('%s breaks no rule', async hash => {
      const { page } = await stage.open(hash, { colorScheme })
      await page.waitForSelector('main table, figure.panel')
      await page.waitForFunction(() => !document.querySelector('.loading'))
      await page.evaluate(axe)
      const found = (await page.evaluate(
        `axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })`,
      )) as { violations: readonly Violation[] }
      expect(
        found.violations.map(
          ({ id, nodes }) =>
            `${id}: ${nodes
              .slice(0, 3)
              .map(({ html }) => html.slice(0, 160))
              .join(' | ')}`,
        ),
      ).toEqual([])
      await page.context().close()
    })
  })
})
