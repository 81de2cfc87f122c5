import { attention, attentionBackward, productOf, type Limits } from '@ldyn/backend-webgpu'
import { describe, expect, it } from 'vitest'
import { attentionCounts, CARDS, leastTimes, matmulCounts, roofline } from './roofline.ts'

/** What a small card allows. */
const plainLimits: Limits = {
  maxBindingBytes: 2 ** 27, maxBufferBytes: 2 ** 28, maxStorageBuffers: 8, maxWorkgroups: 65535, maxInvocations: 256,
  maxWorkgroupSize: 256, workgroupBytes: 32768, f16: false, subgroups: false, subgroupMin: 0, subgroupMax: 0,
  subgroupMatrices: [],
}

const square = (n: number) => productOf([n, n], [n, n], false, false)
const h200 = CARDS.find(({ name }) => name.includes('H200'))!

describe('counts', () => {
  it('of a large product: 32 flops for every byte that a 128×128 tile reads, and bound by arithmetic on a card', () => {
    const c = matmulCounts(square(4096), plainLimits)
    expect(c).toMatchObject({ flops: 2 * 4096 ** 3, bytes: 12 * 4096 ** 2, dispatches: 1, barriers: 256 })
    const { bound, tileIntensity, seconds } = roofline(c, h200)
    expect([bound, Math.round(tileIntensity)]).toEqual(['arithmetic', 32])
    expect(seconds).toBeCloseTo((2 * 4096 ** 3) / 67e12, 6)
  })
  it('of a matrix times a vector: bound by memory', () => {
    expect(roofline(matmulCounts(productOf([1, 4096], [4096, 4096], false, false), plainLimits), h200).bound).toBe('memory')
  })
  it('of a split product: a second dispatch, and the parts written and read', () => {
    const c = matmulCounts(productOf([8192, 128], [8192, 128], true, false), plainLimits)
    expect(c.dispatches).toBe(2)
    expect(c.bytes).toBeGreaterThan(4 * (2 * 8192 * 128 + 128 * 128))
  })
  it('of split-f16 on matrix units: three products', () => {
    const unit = { m: 16, n: 16, k: 16 } as const
    const card = {
      ...plainLimits, workgroupBytes: 49152, f16: true, subgroups: true, subgroupMin: 32, subgroupMax: 32,
      subgroupMatrices: [unit],
    }
    expect(matmulCounts(square(1024), card, 'split-f16').flops).toBe(6 * 1024 ** 3)
  })
  it('of attention: as many dispatches as its lowering, and flops of the pairs that are seen alone', () => {
    const s = { batch: 2, heads: 4, groups: 2, length: 64, width: 32, scale: 1, causal: true, segments: false }
    const pairs = 2 * (64 * 65) / 2
    const [forward, backward] = [attentionCounts(s, pairs, false), attentionCounts(s, pairs, true)]
    expect(forward.dispatches).toBe(attention(s, plainLimits).kernels.length)
    expect(backward.dispatches).toBe(attentionBackward(s, plainLimits).kernels.length)
    expect(forward.flops).toBe(4 * pairs * 4 * 32)
    expect(backward.flops).toBe(4 * forward.flops)
  })
  it('of square products on every card: half precision is faster where units are, and takes three times as much split', () => {
    const times = leastTimes([4096], ['f32', 'f16', 'split-f16']).filter(({ card }) => card === h200.name)
    const [f32, f16, split] = times.map(({ seconds }) => seconds)
    expect(f32 / f16).toBeCloseTo(989 / 67, 3)
    expect(split / f16).toBeCloseTo(3, 6)
  })
})
