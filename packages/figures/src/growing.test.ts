// A run that is followed grows in place, and what was found in it is kept: what is shown must be that of the same run
// read at once.
import { describe, expect, it } from 'vitest'
import { paperMoves, syntheticData } from '../test/synthetic-run.ts'
import { narrate } from './narrative.ts'
import type { RunData } from './series.ts'
import { envelope, logPanels } from './training-panels.ts'

/** A log of `n` updates, the first two thirds in one stage; columns grow in place as those of a followed run do. */
const log = (n: number, stages: string[] = []) => {
  const stageAt = (i: number): string => (i < 600 ? 'sft' : 'dpo')
  for (let i = stages.length; i < n; i++) stages.push(stageAt(i))
  const numbers = (of: (i: number) => number): Float64Array => Float64Array.from({ length: n }, (_, i) => of(i))
  const column = (seed: number) => ({
    steps: numbers(i => i + 1),
    times: numbers(i => i),
    values: numbers(i => Math.sin(i * seed)),
    stages,
  })
  return { stages, scalars: new Map([['loss', column(3)], ['learning_rate', column(5)]]) }
}

const spans = [
  { name: 'sft', loss: 'sft', from: 0, to: 600 },
  { name: 'dpo', loss: 'dpo', from: 600, to: 900 },
]

it('the story of a run that went on is that of the same run read at once', async () => {
  const whole = await syntheticData({ moves: paperMoves, noise: 0.5 })
  const half = Math.floor(whole.evaluations.length / 2)
  const rows = new Map([...whole.rows].map(([metric, all]) => [metric, all.slice(0, half)]))
  const begun = narrate({ ...whole, evaluations: whole.evaluations.slice(0, half), rows })
  for (const [metric, all] of whole.rows) rows.get(metric)!.push(...all.slice(half))
  expect(narrate({ ...whole, rows })).toEqual(narrate(whole))
  expect(narrate(whole)).not.toEqual(begun)
})

describe('panels of the training log', () => {
  it('of a log that went on are those of the same log read at once', async () => {
    const data: RunData = { ...(await syntheticData()), stages: spans }
    const begun = log(500)
    expect(logPanels([{ ...data, scalars: begun.scalars }]).map(({ id }) => id)).toEqual(['loss-sft', 'lr'])
    const grown = logPanels([{ ...data, scalars: log(900, begun.stages).scalars }])
    expect(grown).toEqual(logPanels([{ ...data, scalars: log(900).scalars }]))
    expect(grown.map(({ id }) => id)).toEqual(['loss-sft', 'loss-dpo', 'lr'])
  })

  it('draw of many updates the lowest and highest of each stretch', () => {
    const values = Array.from({ length: 1000 }, (_, i) => Math.sin(i * i))
    const kept = envelope(values, 40).map(i => values[i])
    expect(kept).toHaveLength(40)
    const inside = values.slice(100, 900)
    expect(envelope(values, 40, 100, 900).map(i => i - 100)).toEqual(envelope(inside, 40))
    expect(envelope(values, 40, 10, 13)).toEqual([10, 11, 12])
    for (let s = 0; s < 20; s++) {
      const stretch = values.slice(s * 50, (s + 1) * 50)
      expect(kept.slice(s * 2, s * 2 + 2).sort((a, b) => a - b)).toEqual([Math.min(...stretch), Math.max(...stretch)])
    }
  })
})
