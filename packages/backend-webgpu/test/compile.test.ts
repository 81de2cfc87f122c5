/**
 * Every kernel variant is valid WGSL, also those that this machine's adapter cannot run: checked on Dawn's null
 * backend, which takes every feature and computes nothing.
 */
import { grad, jvp } from '@ldyn/tensor'
import { randomProgram, tinyTransformer } from '@ldyn/tensor/cases'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { attention, attentionBackward } from '../src/kernels/attention.ts'
import { tokenLogProb, tokenLogProbBackward, tokenStats } from '../src/kernels/head.ts'
import type { Lowering, SubgroupMatrix } from '../src/kernels/kernel.ts'
import { matmul, productOf } from '../src/kernels/matmul.ts'
import { scatterAdd } from '../src/kernels/scatter.ts'
import { TILES } from '../src/kernels/tile.ts'
import { planOf } from '../src/plan/plan.ts'
import { diagnose, nullDevice, plainLimits } from './device.ts'

let device: GPUDevice
beforeAll(async () => (device = await nullDevice()))
afterAll(() => device.destroy())

const valid = async ({ kernels }: Lowering): Promise<void> => {
  expect(kernels.length).toBeGreaterThan(0)
  for (const kernel of kernels) expect(await diagnose(device, kernel)).toEqual([])
}
const epilogue = { wgsl: 'fn epilogue(v: f32, i: i32) -> f32 { return max(v, f32(i)); }', bindings: [] }

const unit: SubgroupMatrix = { m: 16, n: 16, k: 16 }
const card = {
  ...plainLimits, workgroupBytes: 49152, f16: true, subgroups: true, subgroupMin: 32, subgroupMax: 32,
  subgroupMatrices: [unit],
}

describe('matmul', () => {
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

describe('the other kernels, at sizes of real models', () => {
  const windows = { ...card, maxBindingBytes: 2 ** 24 }
  it('attention, forward and backward', async () => {
    for (const [length, width, segments] of [[864, 64, true], [513, 80, false], [1024, 128, true]] as const) {
      const shape = { batch: 4, heads: 12, groups: 4, length, width, scale: width ** -0.5, causal: true, segments }
      for (const limits of [card, windows]) {
        await valid(attention(shape, limits))
        await valid(attentionBackward(shape, limits))
      }
    }
  })
  it('the head, forward, with statistics, and backward', async () => {
    const shape = { rows: 1500, width: 576, vocabulary: 49152 }
    for (const limits of [card, windows]) {
      await valid(tokenLogProb(shape, limits))
      await valid(tokenStats(shape, limits))
      for (const precision of ['f32', 'f16'] as const)
        await valid(tokenLogProbBackward(shape, { hidden: true, head: true }, limits, precision))
    }
  })
  it('scatterAdd', async () => {
    for (const limits of [card, windows]) {
      await valid(scatterAdd(8192, 1031, 50257, limits))
    }
  })
})

describe('generated kernels', () => {
  const { program } = tinyTransformer()
  const programs = {
    'a gradient': grad(program, { wrt: 'params', of: 'loss' }),
    'several directions': jvp(program, { wrt: 'params', directions: 3 }),
    'a random program': grad(randomProgram(77, 40).program, { wrt: '', of: 'loss' }),
  }
  it.each(Object.entries(programs))('of %s, whole, unfused and by windows', async (_, given) => {
    const windows = { ...card, software: true, maxBindingBytes: 1024 }
    for (const [limits, fusion] of [[card, true], [plainLimits, false], [windows, true]] as const) {
      const { kernels } = planOf(given, limits, { matmulPrecision: 'f32', fusion })
      const distinct = new Map(kernels.map(({ kernel }) => [kernel.wgsl, kernel]))
      for (const kernel of distinct.values()) expect(await diagnose(device, kernel)).toEqual([])
    }
  })
})
