/**
 * Every kernel variant is valid WGSL, also those that this machine's adapter cannot run: checked on Dawn's null
 * backend, which takes every feature and computes nothing.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Lowering, SubgroupMatrix } from '../src/kernels/kernel.ts'
import { matmul, productOf } from '../src/kernels/matmul.ts'
import { TILES } from '../src/kernels/tile.ts'
import { diagnose, nullDevice, plainLimits } from './device.ts'

let device: GPUDevice
beforeAll(async () => (device = await nullDevice()))
afterAll(() => device.destroy())

const valid = async ({ kernels }: Lowering): Promise<void> => {
  expect(kernels.length).toBeGreaterThan(0)
  for (const kernel of kernels) expect(await diagnose(device, kernel)).toEqual([])
}
const epilogue = { wgsl: 'fn epilogue(v: f32, i: i32) -> f32 { return max(v, f32(i)); }', bindings: [] }

describe('matmul', () => {
  const unit: SubgroupMatrix = { component: 'f16', result: 'f32', m: 16, n: 16, k: 16 }
  const card = {
    ...plainLimits, workgroupBytes: 49152, f16: true, subgroups: true, subgroupMin: 32, subgroupMax: 32,
    subgroupMatrices: [unit],
  }
  const apple = { ...card, subgroupMatrices: [{ ...unit, m: 8, n: 8, k: 8 }] }
  for (const [ta, tb] of [[false, false], [false, true], [true, false]] as const) {
    for (const [m, n, k] of [[256, 512, 128], [131, 67, 33]]) {
      const p = { ...productOf([3, m, k], [3, k, n], false, false), ta, tb }
      const name = `${ta ? 't' : 'n'}${tb ? 't' : 'n'} ${m}×${n}×${k}`
      for (const [key, tile] of Object.entries(TILES))
        it(`${name}, ${key} tile`, () => valid(matmul(p, plainLimits, { tile, epilogue })))
      it(`${name}, f16 in workgroup memory`, () =>
        valid(matmul(p, { ...plainLimits, f16: true }, { precision: 'f16', tile: TILES.medium })))
      for (const precision of ['f16', 'split-f16'] as const) {
        it(`${name}, ${precision} on matrix units`, async () => {
          for (const limits of [card, apple]) {
            const { kernels } = matmul(p, limits, { precision, epilogue })
            expect(kernels.map((kernel) => kernel.label).join()).toContain('units')
            await valid({ kernels, temporaries: [] })
          }
        })
      }
    }
  }
  it('without matrix units split-f16 is the f32 kernel, which is more exact', () => {
    const p = productOf([64, 64], [64, 64], false, false)
    expect(matmul(p, plainLimits, { precision: 'split-f16' })).toEqual(matmul(p, plainLimits))
  })
})
