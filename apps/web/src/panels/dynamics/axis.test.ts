import { describe, expect, it } from 'vitest'
import { directoryFiles } from '@ldyn/runs/node'
import { addStep, beginRun, withRoot } from '../../../test/run-on-disk.ts'
import { followRun, type LiveData } from '../../data/live-run.ts'
import { axesOf, examplesAnUpdate, onAxes, throughPoints, whyNot } from './axis.ts'

const withData = (use: (data: LiveData) => void) =>
  withRoot(async root => {
    const writer = await beginRun(root, [0, 10, 20, 30])
    await addStep(writer, 40)
    await writer.close()
    use((await followRun(directoryFiles(root)).refresh())!)
  })
const withConfig = (data: LiveData, stages: readonly { name: string; batch: number; accumulate?: number }[]) => ({
  ...data,
  manifest: { ...data.manifest, config: { stages: stages.map(stage => ({ ...stage })) } },
})

describe('a map through points', () => {
  const axis = throughPoints('x', [
    [0, 0],
    [10, 20],
    [20, 80],
  ])
  it('goes there and back, within the points and beyond them', () => {
    for (const step of [0, 3, 10, 15, 20, 26]) expect(axis.stepAt(axis.at(step))).toBeCloseTo(step, 9)
    expect([axis.at(5), axis.at(15), axis.at(30)]).toEqual([10, 50, 140])
  })
  it('is level where nothing rose, and knows one point', () => {
    const level = throughPoints('x', [
      [0, 0],
      [10, 0],
      [20, 5],
    ])
    expect(level.at(7)).toBe(0)
    expect(throughPoints('x', [[4, 2]]).at(9)).toBe(2)
  })
})

describe('what a run can be drawn along', () => {
  it('counts examples by the batch of each stage, accumulated', () =>
    withData(data => {
      const run = withConfig(data, [
        { name: 'sft', batch: 4 },
        { name: 'dpo', batch: 2, accumulate: 8 },
      ])
      expect(examplesAnUpdate(run, 'dpo')).toBe(16)
      const [axis] = axesOf([run], 'examples')!
      // Twenty updates of four, then of sixteen.
      expect([axis.at(0), axis.at(20), axis.at(30)]).toEqual([0, 80, 240])
      expect(axis.stepAt(240)).toBe(30)
    }))

  it('says why not, rather than guess', () =>
    withData(data => {
      expect(axesOf([data], 'examples')).toBeUndefined()
      expect(whyNot(data, 'examples')).toContain('how many examples')
      expect(whyNot(data, 'tokens')).toContain('no column of tokens')
      expect(whyNot(data, 'step')).toBeUndefined()
    }))

  it('counts time from the beginning, in a unit that fits, and tokens as they were logged', () =>
    withData(data => {
      const steps = Float64Array.of(1, 2, 3)
      const column = { steps, times: Float64Array.of(1e6, 1e6 + 60_000, 1e6 + 600_000), stages: ['a', 'a', 'a'] }
      const run = {
        ...data,
        events: [],
        scalars: new Map([
          ['loss', { ...column, values: Float64Array.of(3, 2, 1) }],
          ['num_tokens', { ...column, values: Float64Array.of(100, 250, 300) }],
        ]),
      }
      const [wall] = axesOf([run], 'wall')!
      expect(wall.name).toBe('minutes')
      expect(wall.at(3)).toBe(10)
      expect(axesOf([run], 'tokens')![0].at(2)).toBe(250)
      expect(axesOf([run, data], 'tokens')).toBeUndefined()
    }))

  it('puts a panel on the axis and keeps the updates beside it', () => {
    const axis = throughPoints('examples', [
      [0, 0],
      [10, 40],
    ])
    const look = { light: '#000000', dark: '#ffffff', dash: '', marker: 'circle', width: 1 } as const
    const panel = onAxes(
      {
        id: 'p',
        section: 'logp',
        title: '',
        says: '',
        unit: '',
        stages: [{ step: 5, name: 'dpo' }],
        lines: [{ key: 'a', label: 'a', look, steps: [0, 5], stages: ['s', 's'], mean: [1, 2] }],
      },
      [axis],
    )
    expect(panel.lines[0]).toMatchObject({ steps: [0, 20], updates: [0, 5] })
    expect(panel.stages).toEqual([{ step: 20, name: 'dpo' }])
    expect(panel.xName).toBe('examples')
  })
})
