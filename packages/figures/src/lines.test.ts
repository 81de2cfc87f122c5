import { describe, expect, it } from 'vitest'
import { letters, sharedStage, stageMarks } from './lines.ts'

const run = (...stages: readonly (readonly [name: string, from: number, to: number])[]) => ({
  stages: stages.map(([name, from, to]) => ({ name, loss: name, from, to })),
})
const baseline = run(['sft', 0, 60], ['dpo', 60, 140])
const extend = run(['extend', 0, 120], ['dpo', 120, 200])

describe('marks of stages', () => {
  it('name the runs they are of, unless all runs begin the stage there', () => {
    expect(stageMarks([baseline]).map(({ name }) => name)).toEqual(['sft', 'dpo'])
    expect(stageMarks([baseline, baseline]).map(({ name }) => name)).toEqual(['sft', 'dpo'])
    expect(stageMarks([baseline, extend, baseline])).toEqual([
      { step: 0, name: 'sft A, C / extend B' },
      { step: 60, name: 'dpo A, C' },
      { step: 120, name: 'dpo B' },
    ])
    expect(letters([0, 1, 2, 5, 7, 8])).toBe('A–C, F, H, I')
  })

  it('lie where an axis puts each run’s own update', () => {
    const starts = [60, 120]
    expect(stageMarks([baseline, extend], (step, r) => step - starts[r])).toEqual([
      { step: -120, name: 'extend B' },
      { step: -60, name: 'sft A' },
      { step: 0, name: 'dpo' },
    ])
  })
})

describe('the stage that runs of unlike length are compared from', () => {
  it('is the last one that all have, where they reach it at different updates', () => {
    expect(sharedStage([baseline, extend])).toBe('dpo')
    expect(sharedStage([baseline, baseline])).toBeUndefined()
    expect(sharedStage([baseline, run(['sft', 0, 10])])).toBeUndefined()
    expect(sharedStage([run(['sft', 0, 5]), run(['dpo', 0, 5])])).toBeUndefined()
  })
})
