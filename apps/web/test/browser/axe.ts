// axe-core on the page as it stands: names, roles, contrast, order. What it cannot see, the canvas, has a table twin
// and a spoken cursor, which honest.test.ts holds to the data.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'

const source = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const SETS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']

interface Violation {
  readonly id: string
  readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[]
}

/**
 * Broken rules, each with a few of the elements that break it: of the sets above, or of the rules that are named, and
 * outside of `without`.
 */
export const violationsOn = async (
  page: Page,
  rules?: readonly string[],
  without: readonly string[] = [],
): Promise<readonly string[]> => {
  if (!(await page.evaluate('typeof axe === "object"'))) await page.evaluate(source)
  const { violations } = (await page.evaluate(
    `axe.run(${JSON.stringify({ exclude: without })}, ${JSON.stringify({
      runOnly: rules ? { type: 'rule', values: rules } : { type: 'tag', values: SETS },
      resultTypes: ['violations'],
    })})`,
  )) as { readonly violations: readonly Violation[] }
  return violations.map(
    ({ id, nodes }) =>
      `${id}: ${nodes
        .slice(0, 3)
        .map(({ html, failureSummary = '' }) => `${html.slice(0, 160)} ${failureSummary.split('\n')[1]?.trim() ?? ''}`)
        .join(' | ')}`,
  )
}
