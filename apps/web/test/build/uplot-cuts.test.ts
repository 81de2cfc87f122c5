import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { Linter } from 'eslint'
import { describe, expect, it } from 'vitest'
import { CUTS, withoutCuts } from '../../build/uplot-cuts.ts'

const source = readFileSync(
  createRequire(import.meta.url).resolve('uplot').replace('cjs', 'esm'),
  'utf8',
)

const BROWSER = [
  'window', 'document', 'navigator', 'devicePixelRatio', 'matchMedia', 'queueMicrotask', 'CustomEvent',
  'HTMLElement', 'Path2D', 'Intl',
]
/** Names that the code uses and nothing in it or in a browser defines. */
const unknownNames = (code: string): readonly string[] =>
  new Linter()
    .verify(code, {
      rules: { 'no-undef': 'error' },
      languageOptions: { globals: Object.fromEntries(BROWSER.map(name => [name, 'readonly' as const])) },
    })
    .map(({ message }) => message)

describe('uPlot without what the page does not use', () => {
  it('names nothing that went', () => {
    expect(unknownNames(source)).toEqual([])
    expect(unknownNames(withoutCuts(source))).toEqual([])
  })

  it('stops at a source that it does not know, and says at what', () => {
    for (const { from } of CUTS)
      expect(() => withoutCuts(source.replace(from, '')), from).toThrow('out of uPlot')
    expect(() => withoutCuts('export default 1')).toThrow(/Was uPlot updated\?/)
  })
})
