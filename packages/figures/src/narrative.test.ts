import { describe, expect, it } from 'vitest'
import {
  extendMoves,
  paperMoves,
  syntheticData,
  twoSlopes,
  type Synthetic,
} from '../test/synthetic-run.ts'
import { compareRuns } from './comparing.ts'
import { moved, pathOf, suretyOf } from './effects.ts'
import { narrate } from './narrative.ts'
import { panelsOf } from './panels.ts'
import { change, estimate, sampleOf, type RunData } from './series.ts'

const said = (data: RunData, stage: number, about: string): string =>
  narrate(data)
    [stage].sentences.filter((sentence) => sentence.about === about)
    .map(({ text }) => text)
    .join(' ')

const sayOf = async (
  moves: Synthetic['moves'],
  stage: number,
  about: string,
  own: Synthetic = {},
): Promise<string> => said(await syntheticData({ moves, ...own }), stage, about)

const flat = (): number => 0

describe('the rule', () => {
  it('is two standard errors for clearly, one for slightly, below one noise', () => {
    const at = (mean: number) => suretyOf({ mean, se: 1, n: 10 })
    expect([2.1, 2, 1.1, 1, 0.9, -2.1].map(at)).toEqual([
      'clear',
      'slight',
      'slight',
      'noise',
      'noise',
      'clear',
    ])
    expect(suretyOf({ mean: 5, se: 0, n: 10 })).toBe('clear')
    expect(suretyOf({ mean: 0, se: 0, n: 10 })).toBe('noise')
    expect(suretyOf({ mean: 5, se: 0, n: 1 })).toBe('noise')
  })

  it('puts the numbers into every sentence', () => {
    expect(moved({ mean: -12.34, se: 1.2, n: 9 })).toBe('clearly fell by 12.3 ± 1.2 nats')
    expect(moved({ mean: 1.5, se: 1, n: 9 })).toBe('slightly rose by 1.5 ± 1.0 nats')
    expect(moved({ mean: -0.4, se: 1, n: 9 })).toBe('did not move beyond noise (−0.4 ± 1.0 nats)')
    expect(moved({ mean: 3, se: 0, n: 1 })).toContain('one probe')
  })
})

describe('chosen', () => {
  it('that rises and then falls is said to, with peak, place and drop', async () => {
    const data = await syntheticData({
      moves: { chosen: (step) => (step <= 40 ? 0 : step <= 50 ? (step - 40) * 0.8 : 8 - (step - 50) * 0.6) },
      noise: 0.5,
    })
    const text = said(data, 1, 'chosen')
    const sample = sampleOf(data, 'logp', 'chosen')!
    const drop = change(sample, 10, 16)
    expect(text).toMatch(/rose by \S+ ± \S+ nats to a peak of \S+ at update 50, then fell by/)
    expect(text).toContain(`then fell by ${Math.abs(drop.mean).toFixed(2)}`)
    expect(pathOf(sample, [8, 9, 10, 11, 12, 13, 14, 15, 16]).turn).toMatchObject({ at: 10, kind: 'peak' })
  })

  it('that only rises is not said to turn', async () => {
    const text = await sayOf({ chosen: twoSlopes(40, 10) }, 0, 'chosen')
    expect(text).toMatch(/^log π of the chosen responses clearly rose by/)
    expect(text).toContain('It did not turn down again beyond noise.')
    expect(text).not.toContain('peak of')
  })

  it('that only falls is not said to have risen first', async () => {
    expect(await sayOf({ chosen: twoSlopes(0, -20) }, 1, 'chosen')).toContain(
      'It did not rise first beyond noise.',
    )
  })

  it('that is flat is said not to move beyond noise', async () => {
    // Alternating probes cancel: a mean change near 0 with a standard error well above it.
    const data = await syntheticData({ moves: { chosen: flat }, noise: 0, probes: 8 })
    const rows = data.rows.get('logp')!
    const wavering = rows.map((row, e) =>
      Float64Array.from(
        row,
        (x, i) => x + (e === 0 ? 0 : ((data.probes!.columns[i].row % 2) * 2 - 1) * (1 + e / 10)),
      ),
    )
    const text = said({ ...data, rows: new Map([...data.rows, ['logp', wavering]]) }, 0, 'chosen')
    expect(text).toContain('did not move beyond noise')
    expect(text).not.toMatch(/peak|clearly|slightly/)
  })
})

describe('the hallucination effect', () => {
  it('shows where other training answers rise more than held-out ones', async () => {
    const text = await sayOf({ irr_train: twoSlopes(18, 0), irr_test: twoSlopes(6, 0) }, 0, 'hallucination')
    expect(text).toContain('That is the hallucination effect')
  })

  it('does not where both rise alike, or where they fall', async () => {
    const alike = await syntheticData({
      moves: { irr_train: twoSlopes(10, 0), irr_test: twoSlopes(10, 0) },
      noise: 0,
    })
    expect(said(alike, 0, 'hallucination')).toContain('may be fluency')
    expect(
      await sayOf({ irr_train: twoSlopes(-9, 0), irr_test: twoSlopes(-12, 0) }, 0, 'hallucination'),
    ).toContain('does not show here')
  })

  it('is not judged without held-out answers', async () => {
    expect(
      await sayOf({ irr_train: twoSlopes(10, 0) }, 0, 'hallucination', { types: ['chosen', 'irr_train'] }),
    ).toContain('Without held-out answers')
  })
})

describe('squeezing', () => {
  it('shows where argmax rises while chosen falls under a preference loss', async () => {
    const moves = { chosen: twoSlopes(10, -15), argmax: twoSlopes(5, 12) }
    expect(await sayOf(moves, 1, 'argmax')).toContain('the squeezing effect.')
    expect(await sayOf(moves, 0, 'argmax')).not.toContain('squeezing')
  })

  it('does not where argmax falls, or chosen rises with it', async () => {
    expect(await sayOf({ chosen: twoSlopes(0, -15), argmax: twoSlopes(0, -9) }, 1, 'argmax')).toContain(
      'does not show',
    )
    expect(await sayOf({ chosen: twoSlopes(0, 15), argmax: twoSlopes(0, 9) }, 1, 'argmax')).toContain(
      'Chosen did not fall with it',
    )
  })
})

describe('two runs', () => {
  const extend = {
    id: 'b',
    moves: extendMoves,
    stages: [
      { name: 'extend', loss: 'sft', updates: 40 },
      { name: 'dpo', loss: 'dpo', updates: 40 },
    ],
  }
  const text = (runs: readonly RunData[], about: string): string =>
    compareRuns(runs)[0]
      .sentences.filter((sentence) => sentence.about === about)
      .map((sentence) => sentence.text)
      .join(' ')

  it('are told apart by decay and argmax, each with the paired difference', async () => {
    const runs = [await syntheticData({ moves: paperMoves }), await syntheticData(extend)]
    expect(text(runs, 'others')).toContain('They decayed clearly less in B.')
    expect(text(runs, 'argmax')).toContain('squeezing was weaker there')
    expect(text(runs, 'rejected level')).toContain('clearly higher in B')
    expect(text(runs, 'others')).toContain('24 shared probes')
    expect(text([runs[1], runs[0]], 'others')).toContain('They decayed clearly more in B.')
  })

  it('that are the same run do not differ', async () => {
    const run = await syntheticData({ moves: paperMoves })
    expect(text([run, run], 'others')).toContain('Neither run kept them better')
    expect(text([run, run], 'argmax')).toContain('do not differ beyond noise')
  })

  it('with other probes are not compared', async () => {
    const runs = [
      await syntheticData({ moves: paperMoves }),
      await syntheticData({ ...extend, text: 'other' }),
    ]
    expect(text(runs, 'others')).toContain('share no probe')
  })

  it('without a preference stage say so', async () => {
    const sft = await syntheticData({ stages: [{ name: 'sft', loss: 'sft', updates: 10 }] })
    expect(text([sft, sft], 'stages')).toContain('A and B have no preference stage')
  })
})

it('a stage with one evaluation, and a run without probes, say what is missing', async () => {
  const data = await syntheticData()
  const one = {
    ...data,
    evaluations: data.evaluations.slice(0, 1),
    rows: new Map([...data.rows].map(([k, v]) => [k, v.slice(0, 1)])),
  }
  expect(said(one, 0, 'probes')).toContain('fewer than twice')
  expect(
    said({ ...data, probes: undefined, types: [], evaluations: [], rows: new Map() }, 0, 'probes'),
  ).toContain('no probes')
})

it('the figures of a sentence are those of the drawn line', async () => {
  const data = await syntheticData({ moves: paperMoves })
  const line = panelsOf([data]).find(({ id }) => id === 'chosen')!.lines[0]
  const sample = sampleOf(data, 'logp', 'chosen')!
  expect(line.mean.at(-1)).toBe(estimate(sample.at.at(-1)!).mean)
  expect(said(data, 1, 'chosen')).toContain(`→ −${Math.abs(line.mean.at(-1)!).toFixed(1)})`)
})
