/** Plans need no device: what is fused, what is kept in memory, and where it lies. */
import {
  add, constant, div, exp, f32, gelu, i32, layerNorm, logSoftmax, matmul, mul, reshape, rmsNorm, slice, softmax, sqrt,
  sub, sum, takeAlong, trace, transpose, vjp, type Program, type Tensor,
} from '@ldyn/tensor'
import { randomProgram } from '@ldyn/tensor/cases'
import { describe, expect, it } from 'vitest'
import type { Limits } from '../src/kernels/kernel.ts'
import { layout, type Life } from '../src/plan/arenas.ts'
import { planOf, type Plan } from '../src/plan/plan.ts'

const limits: Limits = {
  maxBindingBytes: 2 ** 27, maxBufferBytes: 2 ** 28, maxStorageBuffers: 8, maxWorkgroups: 65_535, maxInvocations: 256,
  maxWorkgroupSize: 256, workgroupBytes: 16_384, f16: false, subgroups: false, subgroupMin: 0, subgroupMax: 0,
  subgroupMatrices: [],
}
const plan = (program: Program, more: Partial<Limits> = {}, fusion = true): Plan =>
  planOf(program, { ...limits, ...more }, { matmulPrecision: 'f32', fusion })
const written = (p: Plan): number =>
  p.kernels.flatMap(({ kernel }) => kernel.bindings).filter(({ access }) => access === 'write').length

describe('fusion', () => {
  const wide = f32(64, 256)
  const one: Record<string, Program> = {
    softmax: trace(({ x }) => softmax(x), { x: wide }),
    logSoftmax: trace(({ x }) => logSoftmax(x), { x: wide }),
    layerNorm: trace(({ x, g, b }) => layerNorm(x, g, b, 1e-5), { x: wide, g: f32(256), b: f32(256) }),
    'rmsNorm of a sum': trace(({ x, y, g }) => rmsNorm(add(x, y), g, 1e-5), { x: wide, y: wide, g: f32(256) }),
    'the vjp of softmax': vjp(trace(({ x }) => softmax(mul(x, 2)), { x: wide }), { wrt: 'x' }),
    'a picked log-probability': trace(({ x, i }) => takeAlong(logSoftmax(x), i), { x: wide, i: i32(64) }),
    'a chain of pointwise ops': trace(({ x }) => gelu(exp(mul(add(x, 1), 0.5)), 'erf'), { x: wide }),
    'views and arithmetic': trace(
      ({ x }) => mul(transpose(reshape(slice(x, [0, 0], [64, 128]), [64, 4, 32]), [1, 0, 2]), 2), { x: wide }),
    'a product with bias and activation': trace(
      ({ x, w, b }) => gelu(add(matmul(x, w), b), 'tanh'), { x: wide, w: f32(256, 32), b: f32(32) }),
  }
  it.each(Object.entries(one))('makes one kernel of %s', (_, program) => {
    expect(plan(program).kernels.length).toBe(1)
    expect(plan(program, {}, false).kernels.length).toBeGreaterThanOrEqual(1)
  })
  it('writes all results of an optimizer step in one kernel a parameter, and nothing else', () => {
    const adam = trace(({ p, g, m, v }) => {
      const [m2, v2] = [add(mul(m, 0.9), mul(g, 0.1)), add(mul(v, 0.99), mul(mul(g, g), 0.01))]
      return { p: sub(p, mul(div(m2, add(sqrt(v2), 1e-8)), 1e-3)), m: m2, v: v2 }
    }, { p: wide, g: wide, m: wide, v: wide })
    const fused = plan(adam)
    expect([fused.kernels.length, written(fused), fused.arenas]).toEqual([1, 3, []])
  })
  it('makes two of a long sum to one number, so that a device has enough to do', () => {
    expect(plan(trace(({ x }) => sum(x), { x: f32(1 << 20) })).kernels.length).toBe(2)
  })
  it('keeps every kernel within the buffers of a stage', () => {
    for (let seed = 1; seed <= 12; seed++) {
      for (const { kernel } of plan(randomProgram(seed, 30).program, { maxStorageBuffers: 5 }).kernels)
        expect(kernel.bindings.length).toBeLessThanOrEqual(5)
    }
  })
  it('gives layers of equal shapes equal WGSL', () => {
    const layer = (x: Tensor, w: Tensor): Tensor => add(x, gelu(matmul(softmax(x), w), 'tanh'))
    const deep = trace(({ x, ws }) => ws.reduce(layer, x), {
      x: wide, ws: Array.from({ length: 6 }, () => f32(256, 256)),
    })
    const { kernels } = plan(deep)
    expect(new Set(kernels.map(({ kernel }) => kernel.wgsl)).size).toBeLessThanOrEqual(4)
    expect(kernels.length).toBe(12)
  })
})

describe('the layout of arenas', () => {
  const random = (seed: number) => () => ((seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31)
  const draw = (seed: number, count: number): Life[] => {
    const r = random(seed)
    return Array.from({ length: count }, () => {
      const from = Math.floor(r() * 200)
      return { bytes: 1 + Math.floor(r() ** 3 * 1e6), from, to: from + Math.floor(r() * 20) }
    })
  }
  it('never lets two values that live at once share bytes, and respects the size of a buffer', () => {
    for (let seed = 1; seed < 6; seed++) {
      const lives = draw(seed, 120)
      const { places, arenas } = layout(lives, 2e6)
      for (const bytes of arenas) expect(bytes).toBeLessThanOrEqual(2e6)
      lives.forEach((a, i) => lives.forEach((b, j) => {
        if (j <= i || a.to < b.from || b.to < a.from || places[i].arena !== places[j].arena) return
        const apart = places[i].offset + a.bytes <= places[j].offset || places[j].offset + b.bytes <= places[i].offset
        expect(apart).toBe(true)
      }))
    }
  })
  it('needs at most a fifth more than the most that lives at once', () => {
    const lives = draw(7, 300)
    const atOnce = Array.from({ length: 230 }, (_, t) =>
      lives.filter(({ from, to }) => from <= t && t <= to).reduce((n, { bytes }) => n + bytes, 0))
    const { arenas } = layout(lives, 1e9)
    expect(arenas.length).toBe(1)
    expect(arenas[0]).toBeLessThanOrEqual(1.2 * Math.max(...atOnce))
  })
  it('keeps intermediates of a deep program in the memory of two layers', () => {
    const deep = trace(({ x, w }) => {
      let y: Tensor = x
      for (let i = 0; i < 20; i++) y = softmax(matmul(y, w))
      return y
    }, { x: f32(256, 256), w: f32(256, 256) })
    expect(plan(deep).bytes.arenas).toBeLessThanOrEqual(2 * 4 * 256 * 256)
  })
})

it('counts inputs, constants, outputs and intermediates in its estimate', () => {
  const half = new Float64Array(64 * 64).fill(0.5)
  const p = trace(({ x }) => matmul(softmax(x), constant(half, [64, 64])), { x: f32(64, 64) })
  expect(plan(p).bytes).toEqual({ inputs: 16_384, constants: 16_384, outputs: 16_384, arenas: 16_384, total: 65_536 })
})
