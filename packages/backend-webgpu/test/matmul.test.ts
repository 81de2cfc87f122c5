import { useVulkan } from '@ldyn/software-gpu'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Limits } from '../src/kernels/kernel.ts'
import { choose, matmul, productOf, type MatmulOptions, type Product } from '../src/kernels/matmul.ts'
import { TILES } from '../src/kernels/tile.ts'
import { plainLimits, run, softwareDevice } from './device.ts'

const reason = useVulkan()
const software = { ...plainLimits, software: true }
const sum = (n: number, f: (i: number) => number): number => {
  let s = 0
  for (let i = 0; i < n; i++) s += f(i)
  return s
}
/** Values that an f32 holds exactly, so that products of a short inner axis are exact too. */
const values = (n: number, seed: number): Float32Array =>
  Float32Array.from({ length: n }, (_, i) => (((i * 37 + seed * 101) % 23) - 11) / 4)

/** The plain twin. */
function expected(p: Product, a: Float32Array, b: Float32Array): Float64Array {
  const { batch, m, n, k, ta, tb } = p
  return Float64Array.from({ length: batch * m * n }, (_, at) => {
    const [z, i, j] = [Math.floor(at / (m * n)), Math.floor(at / n) % m, at % n]
    const [az, bz] = [Math.floor(z / p.repeatA) * m * k, Math.floor(z / p.repeatB) * n * k]
    return sum(k, (l) => a[az + (ta ? l * m + i : i * k + l)] * b[bz + (tb ? j * k + l : l * n + j)])
  })
}

describe.skipIf(reason !== undefined)(`matmul on a device ${reason ?? ''}`, () => {
  let device: GPUDevice
  beforeAll(async () => (device = await softwareDevice()))
  afterAll(() => device.destroy())

  async function check(p: Product, options: MatmulOptions = {}, limits: Limits = software): Promise<void> {
    const { batch, m, n, k } = p
    const [a, b] = [values((batch / p.repeatA) * m * k, 1), values((batch / p.repeatB) * n * k, 2)]
    const [y] = await run(device, matmul(p, limits, options), [a, b], [batch * m * n])
    const want = expected(p, a, b)
    let worst = 0
    y.forEach((v, i) => (worst = Math.max(worst, Math.abs(v - want[i]) / Math.max(1, Math.abs(want[i])))))
    expect(worst, JSON.stringify({ ...p, tile: options.tile?.name })).toBeLessThan(1e-5)
  }
  const product = (m: number, n: number, k: number, more: Partial<Product> = {}): Product => ({
    batch: 1, m, n, k, ta: false, tb: false, repeatA: 1, repeatB: 1, ...more,
  })
  const orientations = [[false, false], [false, true], [true, false], [true, true]] as const

  // Tiles in workgroup memory take a software driver seconds to compile: all orientations in one of them.
  const sizes = { even: [132, 136, 36], odd: [67, 33, 19] } as const
  const cases = [
    ...orientations.flatMap((o) => [
      ['small', o, 'odd'], ['small', o, 'even'], ['registers', o, 'odd'], ['registers', o, 'even'], ['medium', o, 'odd'],
    ] as const),
    ['medium', [false, false], 'even'], ['large', [false, true], 'even'], ['large', [true, false], 'odd'],
  ] as const
  it.each(cases)('%s tile, transposed %j, %s sizes', async (key, [ta, tb], parity) => {
    const [m, n, k] = sizes[parity]
    await check(product(m, n, k, { ta, tb }), { tile: TILES[key] })
  })
  it('takes batches, shared and grouped right operands', async () => {
    await check(product(5, 7, 9, { batch: 6 }))
    await check(product(40, 48, 8, { batch: 4, repeatB: 4 }))
    await check(product(9, 12, 8, { batch: 8, repeatB: 2, tb: true }))
    await check(product(9, 12, 8, { batch: 6, repeatA: 3, ta: true }))
  })
  it('splits the inner axis', async () => {
    for (const tile of [TILES.registers, TILES.small])
      await check(product(9, 21, 300, { ta: true, batch: 2 }), { tile, split: 3 })
    await check(product(64, 64, 130), { tile: TILES.registers, split: 5 })
  })
  it('knows sizes 1, and an inner axis of 0', async () => {
    await check(product(1, 1, 1))
    await check(product(1, 70, 1))
    await check(product(3, 4, 0))
  })
  it('applies an epilogue to the finished sums, split or not, once', async () => {
    for (const split of [1, 2]) {
      const wgsl = `fn epilogue(v: f32, i: i32) -> f32 { return max(v + bias[i % 12], 0.0); }`
      const bias = { name: 'bias', of: 'in2' as const, element: 'f32' as const, access: 'read' as const }
      const p = product(10, 12, 130)
      const [a, b, c] = [values(1300, 1), values(1560, 2), values(12, 3)]
      const [y] = await run(
        device, matmul(p, software, { split, epilogue: { wgsl, bindings: [bias] } }), [a, b, c], [120])
      const want = expected(p, a, b).map((v, i) => Math.max(v + c[i % 12], 0))
      y.forEach((v, i) => expect(v).toBeCloseTo(want[i], 3))
    }
  })
  it('rounds operands to f16 and sums in f32 where the adapter has f16', async ({ skip }) => {
    if (!device.features.has('shader-f16')) skip('this adapter has no shader-f16 (lavapipe has: VK_ICD_FILENAMES)')
    const limits = { ...plainLimits, f16: true }
    // Quarters up to 11/4 are exact in f16, so nothing but the sums could differ.
    await check(product(67, 70, 300), { precision: 'f16', tile: TILES.medium, split: 1 }, limits)
  })
  it('reads operands above the binding limit through windows, whichever is large', async () => {
    const limits = { ...software, maxBindingBytes: 64 * 1024 }
    for (const [ta, tb] of orientations) {
      await check(product(300, 20, 100, { ta, tb }), {}, limits)
      await check(product(20, 301, 70, { ta, tb }), {}, limits)
      await check(product(200, 100, 30, { ta, tb }), {}, limits)
      await check(product(20, 30, 700, { ta, tb }), {}, limits)
    }
    await check(product(60, 70, 10, { batch: 6, repeatB: 2 }), {}, limits)
    await check(product(150, 130, 10, { batch: 2 }), {}, limits)
  })
})

describe('productOf', () => {
  it('folds the batch into the rows where the right operand has rank 2', () => {
    expect(productOf([2, 3, 4, 5], [5, 6], false, false)).toMatchObject({ batch: 1, m: 24, k: 5, n: 6 })
    expect(productOf([2, 4, 5], [2, 4, 6], true, false)).toMatchObject({ batch: 2, m: 5, k: 4, n: 6 })
  })
})

describe('choose', () => {
  const shape = (m: number, n: number, k: number) => ({ ...productOf([m, k], [k, n], false, false) })
  it('takes large tiles for large products, splits long inner axes, and keeps small ones in registers', () => {
    const card = { ...plainLimits, workgroupBytes: 49152 }
    expect(choose(shape(4096, 4096, 4096), card)).toEqual({ tile: TILES.large, split: 1 })
    expect(choose(shape(4096, 4096, 4096), plainLimits)).toEqual({ tile: TILES.medium, split: 1 })
    expect(choose(shape(896, 1024, 4096), card)).toEqual({ tile: TILES.large, split: 2 })
    expect(choose(shape(896, 1024, 1024), card)).toEqual({ tile: TILES.medium, split: 1 })
    expect(choose(shape(896, 192, 576), card)).toEqual({ tile: TILES.medium, split: 4 })
    expect(choose(shape(768, 768, 8192), card)).toEqual({ tile: TILES.large, split: 3 })
    expect(choose(shape(256, 256, 8192), plainLimits)).toMatchObject({ tile: TILES.medium, split: 16 })
    expect(choose(shape(8, 4096, 512), plainLimits).tile).toBe(TILES.small)
    expect(choose(shape(4096, 4096, 64), { ...plainLimits, software: true }).tile).toBe(TILES.registers)
  })
})
