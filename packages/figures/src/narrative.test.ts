import { describe, expect, it } from 'vitest'
import type { ImportInfo, ImportNote } from '@ldyn/runs'
import {
  extendMoves,
  paperMoves,
  syntheticData,
  twoSlopes,
  type Synthetic,
} from '../test/synthetic-run.ts'
import { compareRuns } from './comparing.ts'
import { caution, moved, pathOf, suretyOf } from './effects.ts'
import { factsOf } from './facts.ts'
import { narrate } from './narrative.ts'
import { describe as described } from './chart-layout.ts'
import { panelsOf } from './panels.ts'
import { chart } from './svg.ts'
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
    expect(suretyOf({ mean: 5, se: 0, n: 1 })).toBe('unknown')
  })

  it('puts the numbers into every sentence', () => {
    expect(moved({ mean: -12.34, se: 1.2, n: 9 })).toBe('clearly fell by 12.3 ± 1.2 nats')
    expect(moved({ mean: 1.5, se: 1, n: 9 })).toBe('slightly rose by 1.5 ± 1.0 nats')
    expect(moved({ mean: -0.4, se: 1, n: 9 })).toBe('did not move beyond noise (−0.4 ± 1.0 nats)')
    expect(moved({ mean: 3, se: 0, n: 1 })).toBe('rose by 3.00 nats')
    expect(moved({ mean: 0, se: 0, n: 1 })).toBe('is what it was')
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

/** A recorded log: one value a type, a mean over probes that it does not hold, and steps that count evaluations. */
const recorded = async (own: Synthetic, notes: readonly ImportNote[] = []): Promise<RunData> => {
  const stages = [{ name: 'dpo', loss: 'dpo', updates: 40 }]
  const data = await syntheticData({ probes: 1, every: 1, noise: 0, stages, ...own })
  const imported: ImportInfo = {
    format: 'released-code',
    files: [],
    meansOnly: true,
    missing: [],
    notes: [
      { code: 'steps-unknown', message: 'steps count evaluations' },
      { code: 'stage-guessed', message: 'from the name' },
      ...notes,
    ],
  }
  return { ...data, manifest: { ...data.manifest, imported } }
}
const allSaid = (data: RunData): readonly string[] =>
  narrate(data).flatMap(({ title, sentences }) => [title, ...sentences.map(({ text }) => text)])
const SURE = /clear|slight|noise|±|one probe|1 probe|does not show|Nor did/

describe('a log of means alone', () => {
  const squeezed = { chosen: twoSlopes(-15, 0), argmax: twoSlopes(9, 0) }

  it('is told by which way it went: no word says how surely, whatever moved', async () => {
    const ways = [-12, -0.01, 0, 0.01, 12]
    for (const a of ways)
      for (const b of ways) {
        const [one, other] = [twoSlopes(a, 0), twoSlopes(b, 0)]
        const moves = { chosen: one, argmax: other, rejected: other, irr_train: twoSlopes(-b, 0) }
        for (const loss of ['dpo', 'sft'])
          for (const text of allSaid(await recorded({ moves, stages: [{ name: loss, loss, updates: 6 }] })))
            expect(text).not.toMatch(SURE)
      }
  })

  it('says once what is not known, apart from the numbers', async () => {
    const data = await recorded({ moves: squeezed })
    expect(caution([data])).toMatch(/^The log holds means over probes alone/)
    expect(caution([await syntheticData(), data])).toMatch(/^The log of B holds/)
    expect(caution([await syntheticData()])).toBe('')
    expect(said(data, 0, 'margin')).toMatch(/probable one on average\.$/)
  })

  it('shows the picture of squeezing as one, and never says that there is none', async () => {
    expect(said(await recorded({ moves: squeezed }), 0, 'argmax')).toContain('The squeezing effect looks like that')
    expect(said(await recorded({ moves: { chosen: twoSlopes(5, 0), argmax: twoSlopes(9, 0) } }), 0, 'argmax')).toContain(
      'Squeezing would have lowered chosen',
    )
    expect(said(await recorded({ moves: { argmax: twoSlopes(-9, 0) } }), 0, 'argmax')).toContain(
      'Squeezing would have raised it',
    )
  })

  it('says nothing of squeezing where the argmax may be another response’s', async () => {
    const message = 'argmax is shown as that of chosen'
    const doubt = { code: 'argmax-owner-unknown', message, metric: 'argmax_logp', type: 'chosen' }
    const data = await recorded({ moves: squeezed }, [doubt])
    expect(allSaid(data).join(' ')).not.toMatch(/argmax|queez/)
    const other = await recorded({ moves: squeezed })
    expect(compareRuns([data, other])[0].sentences.map(({ text }) => text)).toContain(
      'The likeliest token cannot be compared: what A holds of it is not, or not surely, along chosen.',
    )
  })

  it('tells a turn that is a good part of the way, and no twitch', async () => {
    const turning =
      (height: number) =>
      (step: number): number =>
        step <= 20 ? (step / 20) * height : height - (step - 20)
    expect(said(await recorded({ moves: { chosen: turning(10) } }), 0, 'chosen')).toMatch(
      /rose by 10\.00 nats to a peak of \S+ at evaluation 20, then fell by 20\.00; over the stage it fell by 10\.00 nats/,
    )
    expect(said(await recorded({ moves: { chosen: turning(0.5) } }), 0, 'chosen')).not.toContain('peak')
  })

  it('counts evaluations wherever it counts steps', async () => {
    const data = await recorded({ moves: squeezed })
    expect(narrate(data)[0].title).toBe('dpo, evaluations 0–40')
    expect(factsOf(data)).toContainEqual(['Stages', 'dpo, evaluations 0–40'])
    const panel = panelsOf([data]).find(({ id }) => id === 'chosen')!
    expect(described(panel)).toContain('Evaluations 0 to 40')
    expect(chart(panel)).toContain('evaluation 40 ·')
    const both = [data, await syntheticData()]
    expect(described(panelsOf(both)[0])).toContain('Updates or evaluations 0 to')
    expect(compareRuns(both)[0].sentences.find(({ about }) => about === 'length')!.text).toContain(
      'Steps of A count evaluations and those of B updates',
    )
  })

  it('is compared with another one by its means, which are not called paired', async () => {
    const runs = [await recorded({ moves: paperMoves }), await recorded({ moves: extendMoves, id: 'b' })]
    const texts = compareRuns(runs)[0].sentences.map(({ text }) => text)
    for (const text of texts) expect(text).not.toMatch(/paired|shared probe|clearly|slightly|hardly|noise/)
    expect(texts[0]).toContain('Both logs hold means alone')
  })
})

it('of one probe it is said which way it went, and once that no more is known', async () => {
  const data = await syntheticData({ probes: 1, moves: paperMoves })
  for (const text of allSaid(data)) expect(text).not.toMatch(/clear|slight|noise|±|does not show/)
  expect(caution([data])).toBe('There is only 1 probe: what it did can be said, and not how sure that is.')
  expect(said(data, 1, 'margin')).toContain('of 1 probe.')
})
