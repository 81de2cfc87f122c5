import { evaluateProgram, logProbProgram, lossProgram, dpo } from '@ldyn/core'
import { fill, pack, type Sequence } from '@ldyn/lab'
import { buildModel, type LanguageModel, type LlamaConfig, type NeoxConfig } from '@ldyn/models'
import { expandComposites, grad, jvp, simplify, type Program } from '@ldyn/tensor'
import { describe, expect, it } from 'vitest'
import { forwardFlops, matmulFlops, workOf, type RowWork } from './flops.ts'

const llama: LlamaConfig = {
  family: 'llama', vocab: 50, width: 12, context: 64, layers: 2, heads: 6, kvHeads: 3, headDim: 2, inner: 20, eps: 1e-5,
  tied: true, activation: 'silu', rotary: { base: 1e4, dims: 2 }, attentionBias: false, mlpBias: false,
}
const neox: NeoxConfig = {
  family: 'gpt_neox', vocab: 50, width: 16, context: 64, layers: 3, heads: 2, inner: 24, eps: 1e-5, tied: false,
  activation: 'gelu', rotary: { base: 1e4, dims: 2 }, parallel: true, attentionBias: true,
}
const models: readonly LanguageModel[] = [buildModel(llama), buildModel(neox)]

const rows: readonly RowWork[] = [
  { prompt: 7, responses: [5, 3, 4] },
  { prompt: 9, responses: [4, 4, 2] },
]
const ids = (length: number, from: number): Int32Array => Int32Array.from({ length }, (_, i) => (i * 7 + from) % 50)
const sequences: readonly Sequence[] = rows.flatMap(({ prompt, responses }, r) =>
  responses.map((n, k) => ({ type: 'any', prompt: ids(prompt, r), response: ids(n, 10 * r + k), truncated: 0 })))

/** Matrix products of a program, split by whether they are attention's (operands of rank 4). */
function products(program: Program): { attention: number; others: number } {
  const flat = expandComposites(simplify(program, { final: true }), () => false)
  const count = { attention: 0, others: 0 }
  for (const node of flat.nodes) {
    if (node.op !== 'matmul') continue
    const [a, b] = node.inputs.map((v) => flat.values[v].shape)
    const out = flat.values[node.outputs[0]].shape
    const inner = a.at(node.attrs.ta ? -2 : -1)!
    const flops = 2 * inner * out.reduce((n, d) => n * d, 1)
    count[b.length === 4 ? 'attention' : 'others'] += flops
  }
  return count
}

describe('necessary FLOPs', () => {
  // One row as long as what it holds, so that nothing of the program is padding.
  const one = rows.slice(0, 1)
  const packing = pack(sequences.slice(0, 3))
  const { segments } = fill(packing, packing.shape)
  const length = packing.shape.length
  let visible = 0
  for (let i = 0; i < length; i++)
    for (let j = 0; j <= i; j++) if (segments.data[j] === 0 || segments.data[j] === segments.data[i]) visible++

  models.forEach((model) => {
    it(`are the traced products of a packed row, attention only where its mask lets through: ${model.family}`, () => {
      const { attention, others } = products(evaluateProgram(model, packing.shape))
      const { necessary, wholeSquares } = forwardFlops(model, workOf(one))
      expect(others + (attention * visible) / length ** 2).toBe(necessary)
      expect(others + attention).toBe(wholeSquares)
    })

    it(`count all products of a program whose rows are all needed, prompts repeated or not: ${model.family}`, () => {
      const alone = sequences.slice(0, 1)
      const { shape } = pack(alone, { shared: false })
      const counted = forwardFlops(model, workOf([{ prompt: 7, responses: [5] }]))
      expect(matmulFlops(evaluateProgram(model, shape))).toBe(counted.wholeSquares)
    })

    it(`triple in a training step and in a jvp along all weights: ${model.family}`, () => {
      const pairs = sequences.filter((_, i) => i % 3 < 2)
      const { shape } = pack(pairs)
      const forward = matmulFlops(logProbProgram(model, shape))
      const loss = lossProgram({ model, shape, loss: dpo({ beta: 0.1 }) })
      expect(matmulFlops(grad(loss, { wrt: 'params', of: 'loss' }))).toBe(3 * forward)
      expect(matmulFlops(jvp(logProbProgram(model, shape), { wrt: 'params' }))).toBe(3 * forward)
    })
  })

  it('of rows add up, and a response shares its prompt', () => {
    const [a, b] = rows.map((row) => workOf([row]))
    const together = workOf(rows)
    expect(together.tokens).toBe(a.tokens + b.tokens)
    expect(together).toEqual({ tokens: 7 + 4 + 2 + 3 + 9 + 3 + 3 + 1, reads: 22, attended: a.attended + b.attended,
      squares: 16 ** 2 + 16 ** 2 })
    const repeated = workOf([5, 3, 4].map((r) => ({ prompt: 7, responses: [r] })))
    expect(repeated.tokens - a.tokens).toBe(2 * 7)
    expect(repeated.reads).toBe(a.reads)
  })
})
