/** Lemma 1, its threshold and the paper's Claims 1–5 over random cases; the toy of App. E number by number. */
import { f32, grad, logSoftmax, neg, sum, takeAlong, trace, constant, type HostTensor } from '@ldyn/tensor'
import { describe, expect, it } from 'vitest'
import { numbers, run } from '../../test/toy.ts'
import { CASES, NOTEBOOK_SEED, toyCase, trajectory, type CaseName } from './cases.ts'
import { firstOrder, firstOrderThreshold, logsOf, logSoftmaxOf, step, threshold } from './lemma.ts'
import { argmaxOf, massByRank, massReport } from './mass.ts'
import { randomState } from './numpy-random.ts'

const next = numbers(23)
/** A random distribution of 2 to 41 classes, from flat to very peaky, and a class of it. */
function draw(): { logp: Float64Array; y: number; epsilon: number } {
  const n = 2 + Math.floor(20 * (next() + 1))
  const scale = Math.exp(2.5 * next())
  const logp = logSoftmaxOf(Array.from({ length: n }, () => 4 * scale * next()))
  return { logp, y: Math.floor((n * (next() + 1)) / 2), epsilon: Math.exp(3 * next()) }
}
/** Rises and falls smaller than this are rounding of log-probs. */
const ROUNDING = 1e-12
const many = (times: number, check: (drawn: ReturnType<typeof draw>) => void): void => {
  for (let i = 0; i < times; i++) check(draw())
}
const close = (got: ArrayLike<number>, want: readonly number[], digits: number): void =>
  want.forEach((w, i) => expect(got[i]).toBeCloseTo(w, digits))

describe('Lemma 1', () => {
  it('is a gradient step on the logits: −η times the gradient of −log p_y by autodiff', () => {
    const z = [0.3, -1.2, 2.1, 0.4]
    const program = trace((t) => ({ loss: neg(sum(takeAlong(logSoftmax(t.z), constant([2], [1], 'i32')))) }), {
      z: f32(1, 4),
    })
    const given: HostTensor = { ...f32(1, 4), data: Float64Array.from(z) }
    const gradient = run(grad(program, { wrt: 'z', of: 'loss' }), { z: given })['grads.z']
    for (const eta of [0.7, -0.7]) {
      const after = logSoftmaxOf(z.map((v, i) => v - eta * gradient[i]))
      close(step(logSoftmaxOf(z), { y: 2, eta }).logp, [...after], 14)
    }
  })

  it("has the paper's golden vectors (paper.md §2.6), η' = −0.5 and +0.5", () => {
    const goldens: readonly [number[], number, number, number[], number[]?][] = [
      [[0.2, 0.2, 0.2, 0.2, 0.2], 4, -0.5, [0.217083, 0.217083, 0.217083, 0.217083, 0.131668],
        [1.085416, 1.085416, 1.085416, 1.085416, 0.658338]],
      [[0.9, 0.05, 0.03, 0.015, 0.005], 4, -0.5, [0.933919, 0.03392, 0.02015, 0.01, 0.002012],
        [1.037687, 0.678409, 0.671658, 0.66664, 0.402321]],
      [[0.9, 0.05, 0.03, 0.015, 0.005], 0, -0.5, [0.893685, 0.053516, 0.03179, 0.015776, 0.005233]],
      [[0.3, 0.25, 0.2, 0.15, 0.1], 4, -0.5, [0.323235, 0.262712, 0.204981, 0.14994, 0.059132]],
      [[0.9, 0.05, 0.03, 0.015, 0.005], 4, 0.5, [0.849799, 0.072214, 0.043764, 0.022047, 0.012177]],
    ]
    for (const [p, y, eta, after, alpha] of goldens) {
      const stepped = step(logsOf(p), { y, eta })
      close(stepped.logp.map(Math.exp), after, 6)
      if (alpha) close(stepped.logAlpha.map(Math.exp), alpha, 6)
    }
  })

  it('keeps a distribution a distribution, and a ratio where a probability is 1e-300', () => {
    many(200, ({ logp, y, epsilon }) => {
      const { logp: after } = step(logp, { y, eta: -epsilon })
      expect(after.reduce((n, l) => n + Math.exp(l), 0)).toBeCloseTo(1, 12)
    })
    const { logAlpha } = step(Float64Array.of(-1e-13, -690, -30), { y: 1, eta: -2 })
    expect(logAlpha[1]).toBeCloseTo(-2 - 2, 9)
    expect(logAlpha[0]).toBeGreaterThan(0)
  })

  it('has the first-order change as its derivative', () => {
    many(50, ({ logp, y }) => {
      const [up, down] = [1e-6, -1e-6].map((eta) => step(logp, { y, eta }).logAlpha)
      close(firstOrder(logp, y), Array.from(up, (u, i) => (u - down[i]) / 2e-6), 6)
    })
  })
})

describe('a push on y, over 5000 random cases', () => {
  it('Claim 1: y falls. Claim 2: the largest other class rises', () =>
    many(5000, ({ logp, y, epsilon }) => {
      const { logAlpha } = step(logp, { y, eta: -epsilon })
      if (logp[y] < -ROUNDING) expect(logAlpha[y]).toBeLessThan(0)
      expect(logAlpha[argmaxOf(logp, y)]).toBeGreaterThan(-ROUNDING)
    }))

  it('the rich get richer, strictly: among the others the ratio rises with the probability', () => {
    let [seen, wrong] = [0, 0]
    many(5000, ({ logp, y, epsilon }) => {
      const { logAlpha } = step(logp, { y, eta: -epsilon })
      const order = Array.from(logp.keys()).filter((i) => i !== y).sort((a, b) => logp[a] - logp[b])
      order.slice(1).forEach((i, k) => {
        const gap = Math.exp(logp[i]) - Math.exp(logp[order[k]])
        if (epsilon * gap <= ROUNDING) return
        seen++
        if (!(logAlpha[i] > logAlpha[order[k]])) wrong++
      })
    })
    expect(wrong).toBe(0)
    expect(seen).toBeGreaterThan(10_000)
  })

  it('another class rises exactly if its probability is above p_thr = ln Z/ε', () => {
    let [rose, fell, wrong] = [0, 0, 0]
    many(5000, ({ logp, y, epsilon }) => {
      const push = { y, eta: -epsilon }
      const limit = threshold(logp, push)
      const { logAlpha } = step(logp, push)
      logp.forEach((l, i) => {
        const over = epsilon * (Math.exp(l) - limit)
        if (i === y || Math.abs(over) <= ROUNDING) return
        if (over > 0) rose++
        else fell++
        if (Math.sign(logAlpha[i]) !== Math.sign(over)) wrong++
      })
    })
    expect(wrong).toBe(0)
    expect(Math.min(rose, fell)).toBeGreaterThan(4_000)
  })

  it('the threshold is ‖p‖² − p_y to first order', () =>
    many(500, ({ logp, y }) => {
      const [exact, near] = [threshold(logp, { y, eta: -1e-5 }), firstOrderThreshold(logp, y)]
      expect(Math.abs(exact - near)).toBeLessThan(2e-5)
    }))

  it('Claim 3A: of a uniform p all others rise, equally', () => {
    for (const n of [2, 5, 50, 1000]) {
      const uniform = logsOf(new Array<number>(n).fill(1))
      const { logAlpha } = step(uniform, { y: 1, eta: -0.5 })
      const others = logAlpha.filter((_, i) => i !== 1)
      expect(Math.min(...others)).toBeGreaterThan(0)
      expect(Math.max(...others) - Math.min(...others)).toBeLessThan(ROUNDING)
      expect(firstOrderThreshold(uniform, 1)).toBeCloseTo(0, 14)
    }
  })

  it('Claim 3B: of a mildly uneven p some others rise and some fall', () => {
    const { logAlpha } = step(logsOf([0.3, 0.25, 0.2, 0.15, 0.1]), { y: 4, eta: -0.5 })
    expect(Array.from(logAlpha.slice(0, 4), Math.sign)).toEqual([1, 1, 1, -1])
  })

  it('Claim 3C: of a peaky p only the argmax rises', () => {
    // p_thr is at least (p_max² − p_y) to first order: above every other class where p_max² − p_y > 1 − p_max.
    let seen = 0
    many(5000, ({ logp, y, epsilon }) => {
      const star = argmaxOf(logp, y)
      const [top, own] = [Math.exp(logp[star]), Math.exp(logp[y])]
      if (top * top - own < 1 - top || epsilon > 1) return
      seen++
      const { logAlpha } = step(logp, { y, eta: -epsilon })
      const rose = Array.from(logAlpha.keys()).filter((i) => logAlpha[i] > ROUNDING)
      expect(rose.every((i) => i === star)).toBe(true)
    })
    expect(seen).toBeGreaterThan(300)
  })

  it('Claim 4: the smaller p_y, the higher the threshold and the worse for the others', () => {
    // The others keep their proportions while y's share shrinks.
    const others = [0.6, 0.2, 0.12, 0.08]
    const at = (share: number): Float64Array => logsOf([...others.map((p) => p * (1 - share)), share])
    const found = [0.3, 0.1, 0.03, 0.01, 1e-3, 1e-6].map((share) => {
      const push = { y: 4, eta: -0.5 }
      return { limit: threshold(at(share), push), weakest: step(at(share), push).logAlpha[3] }
    })
    found.slice(1).forEach(({ limit, weakest }, i) => {
      expect(limit).toBeGreaterThan(found[i].limit)
      expect(weakest).toBeLessThan(found[i].weakest)
    })
  })

  it("Claim 5: a larger |η'| moves y and the argmax further, each in its own direction", () =>
    many(2000, ({ logp, y }) => {
      const star = argmaxOf(logp, y)
      const sizes = [0.1, 0.5, 2, 5].map((epsilon) => step(logp, { y, eta: -epsilon }).logAlpha)
      sizes.slice(1).forEach((now, i) => {
        if (logp[y] < -ROUNDING) expect(now[y]).toBeLessThan(sizes[i][y])
        expect(now[star]).toBeGreaterThan(sizes[i][star] - ROUNDING)
      })
    }))
})

describe('a pull and an equal push in one context', () => {
  it('cancel: every other class moves by the same ratio, and its peak stays (paper.md §1.8)', () =>
    many(500, ({ logp, y, epsilon }) => {
      if (logp.length < 4) return
      const up = (y + 1) % logp.length
      const { logAlpha } = step(logp, { y, eta: -epsilon }, { y: up, eta: epsilon })
      const others = logAlpha.filter((_, i) => i !== y && i !== up)
      expect(Math.max(...others) - Math.min(...others)).toBeLessThan(ROUNDING)
    }))

  it('is to first order −εc(p₊ − p₋) for everybody else', () => {
    const logp = logsOf([0.5, 0.2, 0.2, 0.1])
    const { logAlpha } = step(logp, { y: 3, eta: -1e-6 }, { y: 1, eta: 1e-6 })
    expect(logAlpha[0] / 1e-6).toBeCloseTo(-(0.2 - 0.1), 5)
  })
})

const NUMPY = {
  uniform: [0.10298228080009664, 0.020425467476693493, 0.5024204772772058],
  normal: [3.183479727996105, 0.19642248683310456, 0.44912730288001984, -0.1486070626804359],
}

describe("numpy's RandomState", () => {
  it('gives the numbers that numpy gives', () => {
    const { uniform } = randomState(10086)
    const { normal } = randomState(10086)
    // np.random.RandomState(10086).random_sample(3), .randn(4)
    close([uniform(), uniform(), uniform()], NUMPY.uniform, 15)
    close([normal(), normal(), normal(), normal()], NUMPY.normal, 14)
  })
})

describe("the toy of the paper's App. E", () => {
  const one = (name: CaseName) => {
    const toy = toyCase(name)
    const [before, after] = trajectory(toy, 1)
    return { toy, before, after, report: massReport(before, after, toy.steps[0].y) }
  }
  const p = (logp: Float64Array, i: number): number => Math.exp(logp[i])

  it('has the input of the notebook', () => expect(one('A').toy.xSquared).toBeCloseTo(10.3969, 4))

  it('A: the target rises from .0720 to .9465, all 49 others fall', () => {
    const { before, after, report } = one('A')
    expect([p(before, 21), p(after, 21)].map((v) => v.toFixed(4))).toEqual(['0.0720', '0.9465'])
    expect([report.up, report.down]).toEqual([1, 49])
  })

  it('B: of a flat distribution the target falls from .0233 to .00106 and 49 rise', () => {
    const { before, after, report } = one('B')
    expect([p(before, 42), p(after, 42)].map((v) => v.toPrecision(3))).toEqual(['0.0233', '0.00106'])
    expect([report.up, report.down]).toEqual([49, 1])
    expect([report.peak.before, report.peak.after].map((v) => v.toFixed(4))).toEqual(['0.0278', '0.0291'])
  })

  it('C: the argmax takes what a class on the plateau loses, .7627 → .9871, 49 fall', () => {
    const { report } = one('C')
    expect(report.star.class).toBe(8)
    expect([report.star.before, report.star.after].map((v) => v.toFixed(4))).toEqual(['0.7627', '0.9871'])
    expect([report.up, report.down, report.starShare]).toEqual([1, 49, 1])
  })

  it('D: a push in the valley squeezes as much, 4.0e-10 → 5.5e-14', () => {
    const { before, after, report } = one('D')
    expect([report.star.before, report.star.after].map((v) => v.toFixed(4))).toEqual(['0.7627', '0.9863'])
    expect([p(before, 42), p(after, 42)].map((v) => v.toExponential(1))).toEqual(['4.0e-10', '5.5e-14'])
    expect([report.up, report.down]).toEqual([1, 49])
    // What was taken came from those who were not pushed at all.
    expect(report.takenFromOthers / report.takenFromY).toBeGreaterThan(1e8)
  })

  it("D': with an equal pull in the same context the peak does not move", () => {
    const { report, after } = one("D'")
    expect([report.star.before, report.star.after].map((v) => v.toFixed(4))).toEqual(['0.7627', '0.7627'])
    expect(p(after, 25)).toBeLessThan(1e-3)
  })

  it('E: of 1000 classes the largest takes most of it', () => {
    const { before, report } = one('E')
    expect(before).toHaveLength(1000)
    expect(report.star.after).toBeGreaterThan(3 * report.star.before)
    expect(report.starShare).toBeGreaterThan(0.9)
  })

  it('goes on: each further push of C and D leaves less to everybody but the argmax', () => {
    for (const name of ['C', 'D'] as const) {
      const path = trajectory(toyCase(name), 5)
      const peaks = path.map((logp) => p(logp, 8))
      peaks.slice(1).forEach((v, i) => expect(v).toBeGreaterThan(peaks[i]))
    }
  })

  it('takes other sizes, rates and seeds, and refuses those that do not hold the case', () => {
    expect(trajectory(toyCase('E', { vocab: 300, features: 8, lr: 0.1, seed: 3 }), 1)[1]).toHaveLength(300)
    expect(NOTEBOOK_SEED).toBe(10086)
    expect(CASES).toHaveLength(6)
    expect(() => toyCase('C', { vocab: 12 })).toThrow(/case C: 12 classes do not hold class 12/)
    expect(() => toyCase('A', { lr: 0 })).toThrow(/learning rate is 0/)
    expect(() => step(logsOf([0.5, 0.5]), { y: 2, eta: 1 })).toThrow(/class 2 is none of 0…1/)
    expect(() => threshold(logsOf([0.5, 0.5]), { y: 1, eta: 1 })).toThrow(/only a push/)
  })
})

describe('mass by rank', () => {
  it('ranks anew, adds up to 1 and has nothing where the vocabulary ends', () => {
    const p = Array.from({ length: 120 }, (_, i) => 1 / (i + 1))
    const shuffled = [...p.slice(60), ...p.slice(0, 60)]
    const bands = massByRank(logsOf(shuffled))
    const total = p.reduce((a, b) => a + b)
    expect(bands['1']).toBeCloseTo(1 / total, 14)
    expect(bands['2-5']).toBeCloseTo((1 / 2 + 1 / 3 + 1 / 4 + 1 / 5) / total, 14)
    expect(Object.values(bands).reduce((a, b) => a + b)).toBeCloseTo(1, 14)
    expect(massByRank(logsOf([1, 1, 2]))).toEqual({ '1': expect.closeTo(0.5, 14), '2-5': expect.closeTo(0.5, 14), '6-20': 0, '21-100': 0, rest: 0 })
  })
})
