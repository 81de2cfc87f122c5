import { expect, it } from 'vitest'
import { checkMarkup } from '../../test/check-markup.ts'
import type { StepsPanel } from './model.ts'
import { stepsPrint } from './print-shapes.ts'

const panel = (before: readonly number[], after: readonly number[]): StepsPanel => ({
  kind: 'steps', title: 'mass', xLabel: 'rank', yLabel: 'π (log)', places: before.map(String), before, after, log: true,
  marks: [],
})

it.each([
  ['within one decade', [-0.3, -0.6], [-0.4, -0.5], ['0', '−1']],
  ['over several', [-0.2, -3.1], [-0.1, -4.2], ['−1', '−2', '−3', '−4']],
])('a logarithmic axis of distributions %s has powers of ten', (_, before, after, powers) => {
  const svg = stepsPrint(panel(before, after), { width: 200, height: 120 })
  checkMarkup(`<svg>${svg}</svg>`)
  const shown = [...svg.matchAll(/>([^<]*)</g)].map(([, text]) => text)
  for (const power of powers) expect(shown).toContain(power)
})
