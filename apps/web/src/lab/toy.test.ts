import {
  dpoC, firstOrderSqueeze, logSoftmaxOf, massReport, squeezeStep, squeezeThreshold, toyCase, trajectory,
} from '@ldyn/core'
import { describe, expect, it } from 'vitest'
import { readSettings, toyDefaults, writeSettings, type ToySettings } from './settings.ts'
import { STEPS, stepOf } from './steps.ts'
import { isSqueeze, storyOf } from './story.ts'
import { lastUpdate, movedBy, runToy, startOf } from './toy.ts'

const toyOf = (patch: Partial<ToySettings> = {}): ToySettings => ({ ...toyDefaults('squeeze'), ...patch })
const settings = (address: Record<string, string>) => readSettings(address).settings

describe('the address of the Lab', () => {
  it('gives back every setting, and leaves defaults out', () => {
    for (const given of [
      {},
      { sim: 'race' },
      { V: '80', lr: '0.25', seed: '11', push: 'both', beta: '0.5', pos: '3', neg: '70', ext: '4', n: '0', peak: '2' },
      { sim: 'gpt', seed: '3', layers: '3', width: '48', engine: 'cpu', ext: '1', dpoLr: '0.002' },
    ]) {
      const read = readSettings(given as Record<string, string>)
      expect(read.unknown).toEqual([])
      expect(writeSettings(read.settings)).toEqual(given)
      expect(readSettings(writeSettings(read.settings)).settings).toEqual(read.settings)
    }
    expect(settings({ lr: '.5' }).toy.lr).toBe(0.5)
  })

  it('names what it does not know and what it cannot take, and keeps the rest', () => {
    const { settings: found, unknown } = readSettings({ lr: 'NaN', V: '1e9', foo: '1', push: 'up', seed: '3', n: '1.5' })
    expect(unknown).toEqual(['lr=NaN', 'V=1e9', 'foo=1', 'push=up', 'n=1.5'])
    expect(found.toy).toEqual(toyOf({ seed: 3 }))
    expect(readSettings({ sim: 'chess' }).unknown).toEqual(['sim=chess'])
  })

  it('puts classes that are not there on the last one', () => {
    expect(settings({ V: '10', neg: '42' }).toy).toMatchObject({ V: 10, pos: 9, neg: 9 })
  })
})

describe('the toy', () => {
  it("is @ldyn/core's: the notebook's case D number for number, and Lemma 1 for every update", () => {
    const core = toyCase('D')
    const order = [...core.logits.keys()].sort((a, b) => core.logits[b] - core.logits[a])
    const neg = order.indexOf(core.steps[0].y)
    const toy = runToy(toyOf({ start: 'D', lr: core.lr, neg, n: 3 }))
    trajectory(core, 3).forEach((logp, u) =>
      logp.forEach((value, y) => expect(toy.path[u][order.indexOf(y)]).toBeCloseTo(value, 12)))
    expect(Math.exp(toy.path[0][0])).toBeCloseTo(0.7627, 4)
    expect(Math.exp(toy.path[1][0])).toBeCloseTo(0.9863, 4)
  })

  it('draws the same from the same seed, and another distribution from another', () => {
    const a = startOf(toyOf({ seed: 7 })).logits
    expect(startOf(toyOf({ seed: 7 })).logits).toEqual(a)
    expect(startOf(toyOf({ seed: 8 })).logits).not.toEqual(a)
    const uniform = logSoftmaxOf(startOf(toyOf({ peak: 0 })).logits)
    for (const value of uniform) expect(value).toBeCloseTo(-Math.log(50), 12)
  })

  it('takes pull and push of one update at once, weighed by DPO as core has it', () => {
    const s = toyOf({ push: 'both', beta: 0.5, n: 2 })
    const { path } = runToy(s)
    const first = s.lr * dpoC(0, { beta: 0.5 })
    expect(path[1]).toEqual(
      squeezeStep(path[0], { y: s.neg, eta: -first }, { y: s.pos, eta: first }).logp)
    const h = path[1][s.pos] - path[0][s.pos] - (path[1][s.neg] - path[0][s.neg])
    const second = s.lr * dpoC(h, { beta: 0.5 })
    expect(path[2]).toEqual(squeezeStep(path[1], { y: s.neg, eta: -second }, { y: s.pos, eta: second }).logp)
  })

  it('learns y⁻ first where it is told to, and counts from there', () => {
    const s = toyOf({ ext: 3, n: 2 })
    const { path, updates } = runToy(s)
    expect(updates.map(({ stage }) => stage)).toEqual(['sft', 'sft', 'sft', 'push', 'push'])
    expect(path[1]).toEqual(squeezeStep(path[0], { y: s.neg, eta: s.lr }).logp)
    expect(movedBy(runToy(s), s)).toEqual(massReport(path[3], path[5], s.neg))
  })

  it('takes the last update apart: prediction of first order, what happened, the threshold', () => {
    const s = toyOf({ n: 4 })
    const toy = runToy(s)
    const last = lastUpdate(toy, s.lr)!
    const before = toy.path[3]
    expect(last.threshold).toBe(squeezeThreshold(before, { y: s.neg, eta: -s.lr }))
    const slope = firstOrderSqueeze(before, s.neg)
    last.predicted.forEach((value, i) => expect(value).toBeCloseTo(-s.lr * slope[i], 14))
    last.actual.forEach((value, i) => {
      if (i !== s.neg) expect(value > 0).toBe(Math.exp(before[i]) > last.threshold!)
    })
    expect(last.G[s.neg]).toBeCloseTo(1 - Math.exp(before[s.neg]), 12)
    const smaller = { ...s, lr: s.lr / 100, n: 1 }
    const ratio = lastUpdate(runToy({ ...s, n: 1 }), s.lr)!.residual / lastUpdate(runToy(smaller), smaller.lr)!.residual
    expect(Math.log10(ratio)).toBeCloseTo(4, 0)
    expect(lastUpdate(runToy(toyOf({ n: 0 })), 1)).toBeUndefined()
  })
})

describe('the guided steps', () => {
  it('are addresses, and each shows what its title says', () => {
    const reports = STEPS.map(({ settings: { toy } }) => movedBy(runToy(toy), toy)!)
    STEPS.forEach((step, i) => {
      expect(stepOf(readSettings(writeSettings(step.settings)).settings)).toBe(i)
      expect(stepOf({ ...step.settings, toy: { ...step.settings.toy, n: 3 } })).toBe(i)
    })
    const [pull, peak, valley] = reports
    expect(pull.y.after).toBeGreaterThan(10 * pull.y.before)
    expect(isSqueeze(peak)).toBe(false)
    expect(peak.takenFromY).toBeGreaterThan(peak.takenFromOthers)
    expect(isSqueeze(valley)).toBe(true)
    expect(valley.down).toBe(49)
    const [, , bare, fixed] = STEPS.map(({ settings: { toy } }) => runToy(toy))
    expect(Math.max(...fixed.path.at(-1)!)).toBeLessThan(Math.max(...bare.path.at(-1)!))
    expect(fixed.path.at(-1)![21]).toBeGreaterThan(bare.path.at(-1)![21])
    expect(stepOf(settings({ lr: '0.7' }))).toBe(-1)
  })

  it('open with the third: the first frame is a squeeze, and says so in its own numbers', () => {
    const { toy } = settings({})
    expect(stepOf(settings({}))).toBe(2)
    const run = runToy(toy)
    const [headline] = storyOf(run, toy)
    expect(headline).toMatch(/^Squeezed: y⁻ \(class 42\) was pushed 10 times and went from 0\.0016 to 4\.83e−7/)
    expect(headline).toContain('49 of 50 classes fell, y⁺ (class 21) among them')
  })

  it('say what they do also before the first update, and for a pull, a pair, and a brake', () => {
    const say = (patch: Partial<ToySettings>): string => {
      const s = toyOf(patch)
      return storyOf(runToy(s), s).join(' ')
    }
    expect(say({ n: 0 })).toContain('Nothing has been done yet')
    expect(say({ push: 'pos' })).toContain('nothing is squeezed, the peak pays')
    expect(say({ push: 'both' })).toContain('The π terms of pull and push cancel')
    expect(say({ ext: 8 })).toContain('Without learning y⁻ first')
    expect(say({ beta: 1, n: 60 })).toContain('It brakes itself')
    expect(say({ neg: 0 })).not.toContain('Squeezed')
  })
})
