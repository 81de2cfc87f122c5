import { describe, expect, it } from 'vitest'
import {
  f32, hostTensor, i32, leaves, mapTree, print, sizeOf, trace, type HostTensor, type Spec, type Tree,
} from '@ldyn/tensor'
import { evaluate } from '@ldyn/tensor/reference'
import { buildModel, frequencies, gpt2, initParams, lenet, llama, mlp, type Gpt2Config, type LlamaConfig } from '../src/index.ts'

const small: Gpt2Config = {
  family: 'gpt2', vocab: 11, width: 8, context: 16, layers: 2, heads: 2, inner: 12, eps: 1e-5, tied: true,
  activation: 'gelu_new', scaleScores: true, scaleByLayer: false,
}

describe('initParams', () => {
  const wide = gpt2({ ...small, vocab: 500, width: 64, inner: 256, layers: 8, heads: 4 })
  const byPath = new Map(leaves(initParams(wide, 3)).map(({ path, value }) => [path, value.data as Float32Array]))
  const deviation = (x: Float32Array) => Math.sqrt(x.reduce((s, v) => s + v * v, 0) / x.length)

  it('is GPT-2\'s: 0.02, maps to the residual over √(2·layers), norms 1, biases 0', () => {
    expect(deviation(byPath.get('embed')!)).toBeCloseTo(0.02, 3)
    expect(deviation(byPath.get('layers.3.attn.qkv.w')!)).toBeCloseTo(0.02, 3)
    for (const path of ['layers.3.attn.out.w', 'layers.3.mlp.down.w']) expect(deviation(byPath.get(path)!)).toBeCloseTo(0.02 / 4, 3)
    for (const path of ['norm.w', 'layers.0.attnNorm.w', 'layers.7.mlpNorm.w']) expect(new Set(byPath.get(path))).toEqual(new Set([1]))
    for (const path of ['norm.b', 'layers.0.attn.qkv.b', 'layers.7.mlpNorm.b']) expect(new Set(byPath.get(path))).toEqual(new Set([0]))
  })

  it('depends on the seed and the path alone', () => {
    const drawn = (layers: number, seed: number) =>
      new Map(leaves(initParams(gpt2({ ...small, layers }), seed)).map(({ path, value }) => [path, value.data]))
    const [deeper, again, other] = [drawn(2, 1), drawn(1, 1), drawn(2, 2)]
    expect(again.get('embed')).toEqual(deeper.get('embed'))
    expect(deeper.get('layers.0.attn.qkv.w')).not.toEqual(deeper.get('layers.1.attn.qkv.w'))
    expect(other.get('embed')).not.toEqual(deeper.get('embed'))
  })

  it('gives the same numbers on every machine', () => {
    const embed = leaves(initParams(gpt2(small), 1)).find(({ path }) => path === 'embed')!.value.data
    expect([...embed.slice(0, 3)]).toMatchInlineSnapshot(`
      [
        0.03370684012770653,
        -0.030367622151970863,
        0.004578803200274706,
      ]
    `)
  })
})

describe('a model', () => {
  it('names its modules in the traced nodes, and knows its head', () => {
    const model = gpt2(small)
    const inputs = { params: model.params, tokens: i32(1, 4), positions: i32(1, 4), segments: i32(1, 4) }
    const program = trace((x) => model.hidden(x.params, x), inputs)
    expect(print(program)).toMatch(/attention\(.*layers\.1\.attn$/m)
    expect(print(program)).toMatch(/gelu\(.*layers\.0\.mlp$/m)
    const untied = gpt2({ ...small, tied: false })
    expect(leaves(untied.params).at(-1)).toEqual({ path: 'head', value: f32(11, 8) })
    expect(leaves(model.params).some(({ path }) => path === 'head')).toBe(false)
    expect(() => trace((x) => untied.head(x), model.params)).toThrow('the model is untied and its parameters have no head')
  })

  it('that is tied takes another head where one is given, so that the two paths can be told apart', () => {
    const model = gpt2(small)
    const program = trace(
      ({ embed, head }) => ({ tied: model.head({ embed }), apart: model.head({ embed, head }) }),
      { embed: f32(11, 8), head: f32(11, 8) },
    )
    expect(program.outputs.map(({ value }) => value)).toEqual(program.inputs.map(({ value }) => value))
  })

  it('keeps rotary tables no longer than positions can be', () => {
    const config: LlamaConfig = {
      family: 'llama', vocab: 11, width: 8, context: 5, layers: 1, heads: 2, kvHeads: 1, headDim: 4, inner: 12, eps: 1e-5,
      tied: true, activation: 'silu', rotary: { base: 10000, dims: 4 }, attentionBias: false, mlpBias: false,
    }
    const rows = (context: number, length: number) => {
      const model = llama({ ...config, context })
      const ids = i32(1, length)
      const inputs = { params: model.params, tokens: ids, positions: ids, segments: ids }
      return /f32\[(\d+),2\] = constant/.exec(print(trace((x) => model.hidden(x.params, x), inputs)))![1]
    }
    expect([rows(5, 9), rows(100, 9)]).toEqual(['5', '9'])
  })

  it('is built by its config\'s family', () => {
    expect(buildModel(small).family).toBe('gpt2')
  })
})

describe('rotary frequencies', () => {
  it('are base^(−2i/dims), divided by a linear factor', () => {
    expect(frequencies({ base: 10000, dims: 4 })).toEqual([1, 0.01])
    expect(frequencies({ base: 10000, dims: 4, scaling: { type: 'linear', factor: 2 } })).toEqual([0.5, 0.005])
  })

  it('of Llama 3.1 keep short wavelengths and stretch long ones', () => {
    const scaling = { type: 'llama3', factor: 8, lowFreqFactor: 1, highFreqFactor: 4, originalContext: 8192 } as const
    const plain = frequencies({ base: 500000, dims: 128 })
    const scaled = frequencies({ base: 500000, dims: 128, scaling })
    expect(scaled[0]).toBe(plain[0])
    expect(scaled[63]).toBe(plain[63] / 8)
    const between = plain.findIndex((w, i) => scaled[i] !== w && scaled[i] !== w / 8)
    expect(scaled[between]).toBeLessThan(plain[between])
    expect(scaled[between]).toBeGreaterThan(plain[between] / 8)
  })
})

describe('classifiers', () => {
  const random = (specs: Tree<Spec>): Tree<HostTensor> => mapTree<Spec, HostTensor>(specs, (s) =>
    hostTensor(Float64Array.from({ length: sizeOf(s.shape) }, (_, i) => Math.sin(i * 1.7 + s.shape.length)), s.shape))

  it('an MLP is tanh between linear maps', () => {
    const net = mlp([2, 3, 2])
    const params = random(net.params)
    const program = trace((x) => net.logits(x.params, x.x), { params: net.params, x: f32(1, 2) })
    const { data } = evaluate(program, { params, x: hostTensor([0.5, -1], [1, 2]) }) as HostTensor
    const [w1, b1, w2, b2] = leaves(params).map(({ value }) => value.data)
    const hidden = [0, 1, 2].map((j) => Math.tanh(0.5 * w1[j] - w1[3 + j] + b1[j]))
    const want = [0, 1].map((k) => hidden.reduce((s, h, j) => s + h * w2[j * 2 + k], b2[k]))
    expect(Array.from(data)).toEqual(want.map((v) => expect.closeTo(v, 12)))
  })

  it('LeNet takes 1×28×28 to ten logits with 29 624 parameters', () => {
    const net = lenet()
    const program = trace((x) => net.logits(x.params, x.x), { params: net.params, x: f32(2, 1, 28, 28) })
    const x = hostTensor(Float64Array.from({ length: 2 * 784 }, (_, i) => Math.sin(i)), [2, 1, 28, 28])
    const { shape, data } = evaluate(program, { params: random(net.params), x }) as HostTensor
    expect(shape).toEqual([2, 10])
    expect(data.every(Number.isFinite)).toBe(true)
    const count = leaves(net.params).reduce((n, { value }) => n + sizeOf(value.shape), 0)
    expect(count).toBe(156 + 2416 + 24060 + 2562 + 430)
  })
})
