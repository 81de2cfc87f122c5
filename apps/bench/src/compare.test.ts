import { describe, expect, it } from 'vitest'
import { compare, flopsOf } from './compare.ts'
import { disagreements, results, type Report } from './report/results.ts'
import type { Ready } from './protocol.ts'
import type { Side } from './side.ts'

interface Told { readonly parameters?: number; readonly logp?: number; readonly necessary?: number }

/** A side that takes 1 s the first time and `seconds` later, and writes down what it was asked. */
function toy(name: string, log: string[], seconds: (job: string) => number, told: Told = {}): Side {
  const { parameters = 7, logp = -700 } = told
  const flops = flopsOf('pythia-14m')
  const asked = new Map<string, number>()
  const ready: Ready = { ready: true, shape: 'pythia-14m', threads: 2, weights: 'w', parameters, versions: { [name]: '1' } }
  return {
    name,
    ready,
    async ask<A>(job: string) {
      log.push(`${name} ${job}`)
      const n = (asked.get(job) ?? 0) + 1
      asked.set(job, n)
      const of = told.necessary ?? (job.startsWith('dpo') ? flops.step : flops.probe).necessary
      return {
        job, seconds: n === 1 ? 1 : seconds(job), peak_rss_mb: 100 * n, prepare_seconds: n === 1 ? 2 : 0, gflops: 50,
        engine_seconds: 0.9 * seconds(job), compiled: [{ passes: 0, lowering: 0, engine: 1, nodes: 10 }], updates: n,
        mean: { logp, argmax_logp: -500, rest_logp: -1, energy: 1, p_e: 1 }, loss: 0.69, grad_norm: 3,
        flops: { done: 0, necessary: of },
      } as A
    },
    cpuSeconds: () => 0,
    close: async () => {},
  }
}

const ourTime = (): number => 0.1
const theirTime = (job: string): number => (job === 'probe12' ? 0.6 : job.includes('released') ? 1.5 : 0.5)

const report = async (theirs: (log: string[]) => Side | undefined, repeat = 3): Promise<Report & { log: string[] }> => {
  const log: string[] = []
  const shape = await compare('pythia-14m', toy('ours', log, ourTime), theirs(log), repeat)
  const machine = { cpu: 'Toy', cores: 2, memoryGib: 1, system: 'any', load: 0 }
  return { date: '2026-01-01', machine, threads: 2, repeat, spin: true, shapes: [shape], log }
}

describe('a comparison', () => {
  it('lets the sides take turns, round by round', async () => {
    const { log } = await report((l) => toy('theirs', l, theirTime))
    const probes = log.filter((line) => /^\w+ probe$/.test(line))
    expect(probes).toEqual(Array.from({ length: 4 }, () => ['ours probe', 'theirs probe']).flat())
    expect(log.lastIndexOf('theirs dpo')).toBeLessThan(log.indexOf('theirs dpo released'))
  })

  it('leaves the warm-up out of times, and tells what it cost', async () => {
    const { shapes: [{ ours }] } = await report(() => undefined)
    expect(ours.probe.seconds).toEqual([0.1, 0.1, 0.1])
    // 1 s beyond 0.1 s and 2 s of preparing; a step's preparation is the reference's log-probs, as the peer's.
    expect(ours.probe.onceSeconds).toBeCloseTo(2.9, 12)
    expect(ours.step.onceSeconds).toBeCloseTo(0.9, 12)
  })

  it("prints ratios over the faster of the peer's ways, and over the released one", async () => {
    const text = results(await report((l) => toy('theirs', l, theirTime)))
    const row = text.split('\n').find((line) => line.startsWith('| pythia-14m, probes'))!
    expect(row.split('|').map((cell) => cell.trim())).toEqual(
      ['', 'pythia-14m, probes', '0.100 s (0.100 s)', '0.500 s (0.500 s)', '5.00×', '1.50 s (1.50 s)', '15.0×', '50 / 50', ''])
  })

  it('judges the targets by the necessary FLOPs, and tells whole squares beside them', async () => {
    const { shapes: [shape], ...rest } = await report(() => undefined)
    const big = { ...shape, shape: 'smollm2-135m', flops: flopsOf('smollm2-135m') } as const
    const at = (seconds: number): string => {
      const ours = { ...big.ours, probe: { ...big.ours.probe, seconds: [seconds] }, matmul: [400] }
      const text = results({ ...rest, shapes: [{ ...big, ours }] })
      return text.split('\n').find((line) => line.startsWith('| probes, share'))!.replace(/\s+/g, ' ')
    }
    // 231.4 GFLOP at 400 GFLOP/s would take 0.579 s: 70 % of the peak is 0.826 s.
    expect(at(0.8)).toBe('| probes, share of the matmul peak | ≥ 70 % | 72.3 % (whole squares: 85.8 %) | yes |')
    expect(at(0.9)).toContain('| no |')
  })

  it('without a peer says why and prints ours alone', async () => {
    const text = results({ ...(await report(() => undefined)), withoutPeer: 'python3 is not there' })
    expect(text).toContain('# ldyn alone')
    expect(text).toContain('No peer was run: python3 is not there')
    expect(text).not.toContain('ratio | PyTorch')
  })

  it('finds sides that disagree, a NaN included', async () => {
    const wrong = async (logp: number) => disagreements((await report((l) => toy('theirs', l, theirTime, { logp }))).shapes)
    expect(await wrong(-700)).toEqual([])
    expect(await wrong(-702)).toHaveLength(2)
    expect((await wrong(NaN))[0]).toContain('probe logp of pythia-14m deviates by NaN')
  })

  it('refuses to compare another model, or work that is counted otherwise', async () => {
    await expect(report((l) => toy('theirs', l, theirTime, { parameters: 8 }))).rejects.toThrow('8 in the peer')
    await expect(report((l) => toy('theirs', l, theirTime, { necessary: 1 }))).rejects.toThrow('and 1 as the peer counts')
  })
})
