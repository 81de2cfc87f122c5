import { existsSync } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openRun } from '@ldyn/runs'
import { directoryFiles, importRun } from '@ldyn/runs/node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { madeCase, ramp } from '../../test/cases.ts'
import { caseOf } from './case.ts'
import { piSquaredOf } from './closed-form.ts'
import { diagnose } from './diagnose.ts'
import { moveOf, peakOf, trendError } from './trend.ts'

/** Rises by `up` until `turn` of the way, then falls by `down`. */
const hump = (level: number, up: number, turn: number, down: number) => (t: number) =>
  t <= turn ? level + (up * t) / turn : level + up - (down * (t - turn)) / (1 - turn)

const squeezed = {
  'logp chosen': hump(-150, 8, 0.3, 20),
  'logp rejected': ramp(-120, -90),
  'logp irr_test': ramp(-160, -40),
  'argmax_logp chosen': ramp(-60, 18),
  'entropy chosen': ramp(2.6, -0.8),
}

describe('a verdict on curves of known shape', () => {
  it('squeezing: chosen ↓, argmax ↑, margin ↑, entropy ↓, from the step at which chosen turns', () => {
    const found = diagnose(madeCase({ curves: squeezed }))
    expect(found).toMatchObject({ verdict: 'squeezing', confidence: 'strong', stage: 'dpo' })
    const [finding] = found.stages[0].findings
    expect(finding.since!.step).toBeGreaterThanOrEqual(100)
    expect(finding.since!.step).toBeLessThanOrEqual(140)
    expect(finding.says).toMatch(/argmax along the same context −\d+/)
    expect(finding.evidence.filter(({ supports }) => supports === 'for').map(({ curve }) => curve)).toEqual([
      'logp chosen',
      'argmax_logp chosen',
      'entropy chosen',
      'logp chosen − logp rejected',
      'logp irr_test',
    ])
  })

  it('benign: chosen rises, whether or not everything else falls', () => {
    const benign = { ...squeezed, 'logp chosen': ramp(-150, 10) }
    expect(diagnose(madeCase({ curves: benign }))).toMatchObject({ verdict: 'benign', confidence: 'strong' })
    expect(diagnose(madeCase({ curves: benign })).stages[0].findings[0].says).toMatch(/worth watching/)
  })

  it('benign for chosen, and squeezed along rejected’s own context: said beside', () => {
    const curves = {
      'logp chosen': ramp(-150, 10),
      'logp rejected': ramp(-120, -60),
      'argmax_logp rejected': ramp(-50, 12),
    }
    const found = diagnose(madeCase({ curves }))
    expect(found.verdict).toBe('benign')
    expect(found.stages[0].findings[0].says).toMatch(
      /Along rejected’s own context mass is squeezed .*argmax_logp rejected −62/,
    )
  })

  it('benign: chosen flat within noise, argmax up with it', () => {
    const flat = { ...squeezed, 'logp chosen': ramp(-150, -1), 'argmax_logp chosen': ramp(-60, 1) }
    expect(diagnose(madeCase({ curves: flat })).verdict).toBe('benign')
  })

  it('learning rate too high: a fall at once, restless, argmax flat', () => {
    const high = {
      'logp chosen': (t: number) => -150 - 35 * (1 - Math.exp(-t / 0.04)),
      'logp rejected': (t: number) => -120 - 60 * (1 - Math.exp(-t / 0.04)),
      'argmax_logp chosen': ramp(-60, -1),
      'logp irr_test': ramp(-160, -40),
    }
    for (const jump of [0.5, 3]) {
      const found = diagnose(madeCase({ curves: high, jump }))
      expect(found.verdict).toBe('learning-rate-too-high')
      expect(found.stages[0].findings[0].says).toMatch(/% of its deepest fall happens by step/)
    }
  })

  it('displacement: chosen falls and nothing says where the mass goes', () => {
    const blind = { 'logp chosen': ramp(-150, -20), 'logp rejected': ramp(-120, -60) }
    const found = diagnose(madeCase({ curves: blind }))
    expect(found).toMatchObject({ verdict: 'displacement', confidence: 'moderate' })
    expect(found.stages[0].findings[0].wanted[0].command).toMatch(/ldyn observe/)
  })

  it('displacement, not a learning rate: chosen falls slowly and alone, argmax flat', () => {
    const slow = {
      'logp chosen': ramp(-150, -8),
      'logp rejected': ramp(-120, -30),
      'argmax_logp chosen': ramp(-60, 0.2),
    }
    const [finding] = diagnose(madeCase({ curves: slow })).stages[0].findings
    expect(finding.verdict).toBe('displacement')
    expect(finding.says).toMatch(/not squeezing, and no sign of a learning rate too high/)
  })

  it('squeezing by peakiness alone is moderate, and contradicted by argmax it is not squeezing', () => {
    const peaked = {
      'logp chosen': ramp(-150, -20),
      'logp rejected': ramp(-120, -60),
      'a_norm chosen': ramp(250, 20),
    }
    expect(diagnose(madeCase({ curves: peaked }))).toMatchObject({
      verdict: 'squeezing',
      confidence: 'moderate',
    })
    expect(
      diagnose(madeCase({ curves: { ...peaked, 'argmax_logp chosen': ramp(-60, -5) } })).verdict,
    ).not.toBe('squeezing')
  })

  it('undertrained: nothing moves by an amount that matters', () => {
    const still = {
      'logp chosen': ramp(-150, 0.3),
      'logp rejected': ramp(-120, 0.1),
      'argmax_logp chosen': ramp(-60, 0.1),
    }
    expect(diagnose(madeCase({ curves: still })).verdict).toBe('undertrained')
    const log = {
      'rewards/chosen': ramp(0, 0.001),
      'rewards/rejected': ramp(0, -0.001),
      'rewards/margins': ramp(0, 0.002),
      loss: ramp(0.6931, -0.001),
    }
    expect(diagnose(madeCase({ log, noise: 0.002, jump: 0.002 })).verdict).toBe('undertrained')
  })

  it('diverged: a loss that grows, a number that is not finite, a run that failed', () => {
    const log = { loss: ramp(0.7, 8), 'rewards/chosen': ramp(0, -30), 'rewards/rejected': ramp(0, -28) }
    expect(diagnose(madeCase({ log, jump: 0.1 })).verdict).toBe('diverged')
    const nan = [{ code: 'not-a-number', metric: 'loss', message: 'loss is not a number at 3 steps' }]
    expect(diagnose({ ...madeCase({ curves: squeezed }), notes: nan }).verdict).toBe('diverged')
    expect(
      diagnose({ ...madeCase({ curves: squeezed }), failure: 'a number that is not finite' }),
    ).toMatchObject({ verdict: 'diverged', confidence: 'strong' })
  })

  it('reference mismatch: rewards that are not 0 before anything was learned', () => {
    const log = {
      'rewards/chosen': ramp(-2, -1),
      'rewards/rejected': ramp(-3, -2),
      'rewards/margins': ramp(1, 1),
      loss: ramp(0.35, -0.1),
    }
    const off = diagnose(madeCase({ log, jump: 0.05, firstStep: 1 }))
    expect(off).toMatchObject({ verdict: 'reference-mismatch', confidence: 'strong' })
    expect(off.stages[0].findings[0].says).toMatch(/not ln 2 = 0.693/)
    const right = {
      ...log,
      'rewards/chosen': ramp(0, 1),
      'rewards/rejected': ramp(0, -2),
      loss: ramp(Math.LN2, -0.4),
    }
    expect(diagnose(madeCase({ log: right, jump: 0.05, firstStep: 1 })).verdict).toBe('benign')
    // A log of every tenth update begins with a mean over ten, which is not 0 and no mismatch.
    expect(diagnose(madeCase({ log: right, jump: 0.05, firstStep: 10 })).verdict).toBe('benign')
    // In a second stage the first update is not the run's first, and a curve that bends extends to anything.
    const second = { ...right, 'rewards/rejected': (x: number) => -3 * (1 - Math.exp(-8 * x)) }
    for (const firstStep of [1, 10]) {
      expect(diagnose(madeCase({ log: second, jump: 0.05, firstStep, begins: 60 })).verdict).toBe('benign')
      expect(diagnose(madeCase({ log, jump: 0.05, firstStep, begins: 60 })).verdict).toBe(
        'reference-mismatch',
      )
    }
  })

  it('of TRL’s log: rewards/chosen falls beside a growing margin; with entropy falling, squeezing on weak evidence', () => {
    const log = {
      'rewards/chosen': hump(0, 0.3, 0.2, 2.3),
      'rewards/rejected': ramp(0, -6),
      'rewards/margins': ramp(0, 4),
      loss: ramp(Math.LN2, -0.5),
    }
    const blind = diagnose(madeCase({ log, jump: 0.2, firstStep: 10 }))
    expect(blind.verdict).toBe('displacement')
    expect(blind.stages[0].findings[0].says).toMatch(
      /chosen reward β·\(log π − log π_ref\).*cannot be told without argmax/,
    )
    const peaked = diagnose(madeCase({ log: { ...log, entropy: ramp(2, -0.8) }, jump: 0.2, firstStep: 10 }))
    expect(peaked).toMatchObject({ verdict: 'squeezing', confidence: 'weak' })
    const flat = diagnose(
      madeCase({ log: { ...log, 'rewards/chosen': ramp(0, 0.5) }, jump: 0.2, firstStep: 10 }),
    )
    expect(flat.verdict).toBe('benign')
  })

  it('SFT: benign where chosen rises, a learning rate too high where it falls', () => {
    const sft = (change: number) => madeCase({ curves: { 'logp chosen': ramp(-150, change) }, loss: 'sft' })
    expect(diagnose(sft(50)).verdict).toBe('benign')
    expect(diagnose(sft(-30)).verdict).toBe('learning-rate-too-high')
  })

  it('inconclusive: one evaluation, or no curve of chosen at all, each said', () => {
    expect(diagnose(madeCase({ curves: squeezed, evaluations: 1 })).stages[0].findings[0].says).toMatch(
      /one evaluation only/,
    )
    expect(diagnose(madeCase({ log: { grad_norm: ramp(1, 0) } })).stages[0].findings[0].says).toMatch(
      /Nothing in the log speaks/,
    )
  })

  it('is not sure of means with few evaluations', () => {
    const few = madeCase({ curves: { 'logp chosen': ramp(-150, -20) }, evaluations: 3, probes: 0 })
    expect(diagnose(few)).toMatchObject({ verdict: 'inconclusive' })
  })

  describe('of noise alone', () => {
    const names = ['logp chosen', 'logp rejected', 'argmax_logp chosen', 'entropy chosen', 'logp irr_test']
    const curves = Object.fromEntries(
      names.map((name) => [name, () => (name.startsWith('entropy') ? 2.5 : -150)]),
    )
    const seeds = Array.from({ length: 100 }, (_, seed) => seed)
    const alarms = (wander: number) =>
      seeds
        .map((seed) =>
          diagnose(madeCase({ curves, noise: 3, jump: 1.2, wander, seed, probes: seed % 2 ? 40 : 0 })),
        )
        .filter(({ verdict }) => ['squeezing', 'learning-rate-too-high', 'displacement'].includes(verdict))
    it('there is no alarm', () => {
      expect(alarms(0)).toEqual([])
    })
    it('that adds up to a walk there are few, none of them strong', () => {
      const found = alarms(0.2)
      expect(found.length).toBeLessThanOrEqual(15)
      expect(found.filter(({ confidence }) => confidence === 'strong')).toEqual([])
    })
  })

  it('finds squeezing of 5 % in noise of the recorded runs’ size, nearly always', () => {
    const verdicts = Array.from(
      { length: 40 },
      (_, seed) => diagnose(madeCase({ curves: squeezed, jump: 1.2, seed })).verdict,
    )
    expect(verdicts.filter((verdict) => verdict === 'squeezing').length).toBeGreaterThanOrEqual(38)
  })
})

describe('what carries it', () => {
  it('names the probes that fell most, their share and their tokens', () => {
    const made = madeCase({
      curves: squeezed,
      own: (name, probe, t) => (name === 'logp chosen' && probe === 7 ? -80 * t : 0),
      tokens: true,
    })
    const { carriers } = diagnose(made).stages[0]
    expect(carriers!.top[0]).toMatchObject({ row: 7, prompt: 'Question 7?' })
    expect(carriers!.top[0].share).toBeGreaterThan(carriers!.top[1].share)
    expect(carriers!.top[0].tokens![0].token).toBe(2)
    expect(carriers!.half).toBeGreaterThan(1)
  })

  it('correlates what was known before with what happened', () => {
    const own = (name: string, probe: number, t: number) =>
      name === 'logp rejected' ? -300 * probe : name === 'logp chosen' ? -t * probe : 0
    const made = madeCase({ curves: squeezed, own, noise: 0.5 })
    const scores = new Map([['constant', new Map(made.prompts.map((_, row) => [row, 1]))]])
    const { correlations } = diagnose(made, { scores }).stages[0]
    expect(correlations.find(({ score }) => score === 'rejected_logp')!.rho).toBeGreaterThan(0.9)
    expect(correlations.some(({ score }) => score === 'constant')).toBe(false)
  })
})

describe('what follows in closed form', () => {
  it('each loss’s pull and push at the log-ratios that were reached', () => {
    const made = madeCase({
      curves: { 'logp chosen': ramp(-150, -10), 'logp rejected': ramp(-120, -60) },
      noise: 0,
      jump: 0,
    })
    const { pushes } = diagnose(made, { beta: 0.1 }).stages[0]
    const dpo = pushes!.losses.find(({ loss }) => loss === 'dpo')!
    // At the start h = 0: β/2. At the end h = 50: β(1 − σ(5)).
    expect(dpo.chosen[0]).toBeCloseTo(0.05, 6)
    expect(dpo.rejected[1]).toBeCloseTo(-0.1 / (1 + Math.exp(5)), 6)
    const ipo = pushes!.losses.find(({ loss }) => loss === 'ipo')!
    expect(ipo.rejected[1]).toBeCloseTo(-2 * (5 - 50), 6)
  })

  it('Lemma 1’s threshold from ‖A‖, where the vocabulary fits it', () => {
    // Pythia-410M's ‖A‖ along chosen before training (paper.md §8), V = 50 304.
    expect(piSquaredOf(251.66, 50304)).toBeCloseTo(0.259, 3)
    expect(piSquaredOf(251.66, 151936)).toBeUndefined()
    const made = madeCase({
      curves: { ...squeezed, 'a_norm chosen': ramp(251.66, 16), 'energy chosen': ramp(0.69, 0) },
    })
    const { threshold } = diagnose(made, { vocab: 50304 }).stages[0]
    expect(threshold!.valley[1]).toBeGreaterThan(threshold!.valley[0])
    expect(threshold!.own![0]).toBeLessThan(0.1)
  })

  it('says what cannot be told without the model, and the command that would tell', () => {
    const { unpredicted } = diagnose(madeCase({ curves: squeezed, probes: 0 })).stages[0]
    expect(unpredicted.map(({ what }) => what).join()).toMatch(
      /examples and tokens.*loss pulls.*Lemma 1.*learning rate, extend/,
    )
  })

  it('a stage that is not there is an error that names those that are', () => {
    expect(() => diagnose(madeCase({ curves: squeezed }), { stage: 'sft' })).toThrow(
      /no stage 'sft': the run has dpo/,
    )
  })
})

describe('a trend', () => {
  it('has the error of a least-squares slope: 200 noisy lines stay within it', () => {
    let within = 0
    for (let seed = 0; seed < 200; seed++) {
      const [track] = madeCase({
        curves: { 'logp chosen': ramp(-100, -10) },
        probes: 0,
        jump: 1,
        seed,
      }).stages[0].probes.values()
      const { change } = moveOf(track)
      if (Math.abs(change + 10) < 2 * trendError(track.mean)!) within++
    }
    expect(within).toBeGreaterThan(175)
  })
  it('begins to fall where it last was at its top', () => {
    const track = {
      name: 'x',
      metric: 'logp',
      of: 'means' as const,
      steps: [0, 1, 2, 3, 4, 5, 6],
      mean: [0, 3, 5, 5, 5, 2, 0],
    }
    expect(peakOf(track)).toBe(4)
    expect(peakOf({ ...track, mean: [0, 1, 2, 3, 4, 5, 6] })).toBeUndefined()
  })
})

const shared = process.env.LDYN_SHARED ?? new URL('../../../../../shared', import.meta.url).pathname
const recorded = join(shared, 'data', 'recorded-runs')
const here = existsSync(recorded)

describe.skipIf(!here)(
  `the authors’ recorded runs${here ? '' : ` (skipped: ${recorded} is not there; set LDYN_SHARED)`}`,
  () => {
    let root = ''
    beforeAll(async () => void (root = await mkdtemp(join(tmpdir(), 'ldyn-diagnose-'))))
    afterAll(() => rm(root, { recursive: true }))
    const read = async (name: string) => {
      await importRun(join(recorded, name), join(root, name))
      return caseOf(await openRun(directoryFiles(join(root, name))))
    }
    // paper.md §4.2: without _5e7 a higher learning rate, argmax flat, no visible squeezing; §1.1, §6.4: squeezing at
    // 5e-7 survives the corrected argmax; the first 40 evaluations of it do not show a fall yet.
    const expected: Readonly<Record<string, readonly [string, string]>> = {
      baseline_sft_qwen05_ep8: ['inconclusive', 'strong'],
      extend_sft_qwen18_observe: ['benign', 'strong'],
      prob_pythia410m_dpo: ['squeezing', 'moderate'],
      pythia410_baseline_dpo_checkbug: ['learning-rate-too-high', 'strong'],
      pythia410_baseline_dpo_checkbug_5e7: ['benign', 'moderate'],
      pythia410_baseline_sft_verify_argmax_bug: ['benign', 'strong'],
      // One run that wanders: its chosen fell by no more than a walk of its step might.
      pythia410m_baseline_dpo_checkbug_5e7: ['squeezing', 'moderate'],
      qwen05_baseline_dpo_checkbug: ['learning-rate-too-high', 'strong'],
      qwen05_baseline_dpo_checkbug_5e7: ['squeezing', 'strong'],
      qwen05_baseline_sft_checkbug: ['benign', 'strong'],
      test: ['inconclusive', 'strong'],
      verifyargmax_pythia1b_dpo_ep10_chosen: ['squeezing', 'moderate'],
    }
    it('are all there', async () => {
      expect((await readdir(recorded)).sort()).toEqual(Object.keys(expected).sort())
    })
    it.each(Object.entries(expected))('%s', async (name, [verdict, confidence]) => {
      expect(diagnose(await read(name))).toMatchObject({ verdict, confidence })
    })
    it('with the argmax defect never count another type’s argmax as chosen’s, and say so', async () => {
      const found = diagnose(await read('prob_pythia410m_dpo'))
      expect(found.stages[0].findings[0].evidence.map(({ curve }) => curve)).not.toContain(
        'argmax_logp chosen',
      )
      expect(found.notes.join()).toMatch(/argmax_logp.*: that of random_nonhum and not of chosen/)
      expect(found.stages[0].carriers!.probes).toBe(500)
    })
  },
)
