// What the Lab says of a training, held against the recorded one and against effects that are made up.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gather, looks, type RunData } from '@ldyn/figures'
import { memoryFiles, openRun, type WatchedLine } from '@ldyn/runs'
import { beforeAll, describe, expect, it } from 'vitest'
import { gptDefaults } from '../settings.ts'
import { effectOf, type Effect, type Moved } from './effect.ts'
import { clearest, isDrained, placesOf } from './places.ts'
import { recordedFiles } from './replay.ts'
import { besideOf, toldOf } from './told.ts'

let run: RunData
let watched: readonly WatchedLine[]
let effect: Effect
beforeAll(async () => {
  const files = recordedFiles(readFileSync(fileURLToPath(new URL('recorded.txt', import.meta.url)), 'utf8'))
  run = await gather(await openRun(memoryFiles(files, 'recorded')))
  effect = effectOf(run)!
  watched = new TextDecoder()
    .decode(files.get('watched.jsonl'))
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as WatchedLine)
})

const moved = (key: string, mean: number, se: number): Moved => ({
  key, name: key, look: looks.chosen, before: -20, after: -20 + mean, by: { mean, se, n: 6 },
})

describe('what DPO did', () => {
  it('is the change since the last evaluation before it, over the probes’ own changes', () => {
    const first = run.evaluations.findLastIndex(({ stage }) => stage === 'sft')
    const own = run.probes!.columns.flatMap(({ type }, i) => (type === 'chosen' ? [i] : []))
    const rows = run.rows.get('logp')!
    const mean = own.reduce((sum, i) => sum + rows.at(-1)![i] - rows[first][i], 0) / own.length
    expect(effect.chosen.by.mean).toBeCloseTo(mean, 5)
    expect([effect.from, effect.to]).toEqual([run.evaluations[first].step, run.evaluations.at(-1)!.step])
    expect(effect.others.map(({ key }) => key)).toEqual(
      ['chosen_gptsemantic', 'irr_train', 'irr_test', 'random_permute'])
  })

  it('is not told before DPO was evaluated', () => {
    const before = run.evaluations.findIndex(({ stage }) => stage === 'dpo')
    const stages = run.stages.filter(({ name }) => name !== 'dpo')
    expect(effectOf({ ...run, stages, evaluations: run.evaluations.slice(0, before) })).toBeUndefined()
    expect(effectOf({ ...run, rows: new Map() })).toBeUndefined()
  })

  it('says that it does not squeeze where it does not, and what to turn', () => {
    const one = (kind: Effect['kind'], chosen: number, argmax: number): Effect => ({
      ...effect, kind, chosen: moved('chosen', chosen, 0.5), argmax: moved('argmax', argmax, 0.5),
    })
    const [spared] = toldOf(one('spared', 2, 1), gptDefaults)
    expect(spared).toMatch(/^Not squeezed so far: in 60 updates of DPO y⁺ went from −20\.0 to −18\.0 nats/)
    const turned = { ...gptDefaults, known: true, dpoLr: 0.01, beta: 2 }
    const advice = toldOf(one('drained', -3, -1), turned).at(-1)!
    expect(advice).toContain('To see it, try: ')
    for (const knob of ['off-policy', 'higher DPO lr (now 0.01)', 'smaller β (now 2)']) expect(advice).toContain(knob)
    expect(toldOf(one('faint', -0.1, 0.1), gptDefaults).at(-1)).toContain('another seed')
    expect(toldOf(effect, turned).join(' ')).not.toContain('To see it')
  })

  it('says that the model collapsed, and which rate was too high, rather than that it was squeezed', () => {
    const e = run.evaluations.length - 1
    const rows = new Map(run.rows).set('logp', run.rows.get('logp')!.map((row, i) => (i < e ? row : Array.from(row, () => -1e4))))
    const broken = effectOf({ ...run, rows })!
    expect(broken.kind).toBe('collapsed')
    const told = toldOf(broken, { ...gptDefaults, dpoLr: 900 })
    expect(told[0]).toMatch(/^Collapsed: after 60 updates of DPO y⁺ stands at −10000\.0 nats/)
    expect(told[1]).toContain('Lower DPO lr (now 900)')
  })

  it('is set beside that of another run in the words of any comparison', () => {
    const told = besideOf({ run, effect }, { run, effect })
    expect(told[0]).toMatch(/^With extend \(B\) the same DPO moved the wanted answer y⁺ by −/)
    expect(told.join(' ')).toContain('Neither run kept them better than the other, beyond noise.')
  })
})

describe('single places', () => {
  it('are those behind the shared first word, with the words’ own probabilities', () => {
    for (const type of ['chosen', 'rejected']) {
      const places = placesOf(watched, type, effect.from)
      expect(places.length).toBeGreaterThan(5)
      for (const { token, words, own, star } of places) {
        expect(token).toBeGreaterThan(0)
        expect(words.find(({ role }) => role === 'own')).toMatchObject(own)
        expect(words.find(({ role }) => role === 'likeliest')).toMatchObject(star)
        expect(words.map(({ after }) => after)).toEqual(words.map(({ after }) => after).sort((a, b) => b - a))
      }
    }
  })

  it('show it where it shows most: pushed along y⁻, y⁻’s word falls and the likeliest rises', () => {
    const place = clearest(placesOf(watched, 'rejected', effect.from))!
    expect(isDrained(place)).toBe(true)
    expect(place.star.after).toBeGreaterThan(2 * place.star.before)
    expect(clearest([])).toBeUndefined()
  })
})
