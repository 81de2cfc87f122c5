// What a panel says beside its drawing: its table and its files, as a reader gets them.
import { readFile } from 'node:fs/promises'
import type { Page } from 'playwright-core'

/** Rows of the panel's table, the head first. The drawing is back afterwards. */
export const tableOf = async (page: Page, panel: string): Promise<string[][]> => {
  await page.click(`#panel-${panel} .actions button:first-child`)
  const rows = page.locator(`#panel-${panel} .table-view tr`)
  await rows.first().waitFor()
  const found = await rows.evaluateAll(all => all.map(row => [...row.children].map(cell => cell.textContent)))
  await page.click(`#panel-${panel} .actions button:first-child`)
  return found
}
/** The file that the panel's menu gives under this name. */
export const fileOf = async (page: Page, panel: string, kind: 'SVG' | 'CSV'): Promise<string> => {
  const waiting = page.waitForEvent('download')
  await page.click(`#panel-${panel} .menu summary`)
  await page.click(`#panel-${panel} .menu-items button:text-matches("^${kind}")`)
  const text = await readFile(await (await waiting).path(), 'utf8')
  await page.click(`#panel-${panel} .menu summary`)
  return text
}

/** Rows of the panel's CSV, the head first. */
export const csvOf = async (page: Page, panel: string): Promise<string[][]> =>
  (await fileOf(page, panel, 'CSV'))
    .trimEnd()
    .split(/\n(?=[^"]*(?:"[^"]*"[^"]*)*$)/)
    .map(line => line.split(','))

/** As the page shows it: six figures, a true minus. */
export const cell = (value: number): string =>
  Number.isInteger(value)
    ? String(value).replace('-', '−')
    : String(Number(value.toPrecision(6))).replace(/-/g, '−')
