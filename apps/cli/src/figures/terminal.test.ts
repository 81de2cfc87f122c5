import { describe, expect, it } from 'vitest'
import { paperMoves, syntheticData } from '../../../../packages/figures/test/synthetic-run.ts'
import { type Line, looks, type Panel, selectedPanel } from '@ldyn/figures'
import { sparkline, terminalPlot } from './terminal.ts'

const line = (key: string, mean: readonly number[]): Line => ({
  key,
  label: key,
  look: looks.chosen,
  steps: mean.map((_, i) => i * 10),
  stages: mean.map((_, i) => (i < 3 ? 'sft' : 'dpo')),
  mean,
})
const panel: Panel = {
  id: 'p',
  section: 'logp',
  title: 'p',
  says: '',
  unit: 'log π (nats)',
  lines: [line('chosen', [-10, -6, -4, -5, -8]), line('rejected', [-9, -8, -8, -14, -20])],
  stages: [
    { step: 0, name: 'sft' },
    { step: 20, name: 'dpo' },
  ],
}

describe('a plot in the terminal', () => {
  it('draws braille curves with axes, stages, and a legend', () => {
    expect(`\n${terminalPlot(panel, { width: 48, height: 12 })}\n`).toMatchSnapshot()
  })

  it('draws letters in plain ASCII where that is asked for', () => {
    const text = terminalPlot(panel, { width: 48, height: 12, ascii: true })
    expect(`\n${text}\n`).toMatchSnapshot()
    expect(text).toMatch(/^[\x00-\x7f]*$/)
  })

  it('is never wider than it may be, and as high as it was asked to be', async () => {
    const shown = selectedPanel([await syntheticData({ moves: paperMoves })], {
      metric: 'logp',
      types: ['chosen', 'rejected', 'irr_train', 'argmax'],
      per: 'response',
    })!
    for (const width of [40, 60, 80, 133]) {
      const lines = terminalPlot(shown, { width, height: 20 }).split('\n')
      expect(lines.length).toBe(20 + shown.lines.length)
      for (const text of lines) expect([...text].length, text).toBeLessThanOrEqual(width)
    }
  })

  it('draws one evaluation and a flat line', () => {
    for (const mean of [[-3], [-3, -3, -3]]) {
      expect(
        terminalPlot({ ...panel, lines: [line('chosen', mean)] }, { width: 60, height: 10 }),
      ).not.toMatch(/NaN|undefined/)
    }
  })
})

it('a sparkline goes from the lowest block to the highest', () => {
  expect(sparkline([0, 1, 2, 3, 4, 5, 6, 7])).toBe('▁▂▃▄▅▆▇█')
  expect(sparkline([5, 5])).toBe('▁▁')
  expect(sparkline([])).toBe('')
  expect(
    sparkline(
      Array.from({ length: 100 }, (_, i) => i),
      { width: 10 },
    ).length,
  ).toBe(10)
})
