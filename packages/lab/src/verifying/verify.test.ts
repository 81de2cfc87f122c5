import { buildModel, initParams } from '@ldyn/models'
import { evaluateProgram } from '@ldyn/core'
import {
  leaves, mapTree, type Backend, type HostTensor, type Node, type Program, type Tree,
} from '@ldyn/tensor'
import { evaluate, referenceBackend } from '@ldyn/tensor/reference'
import { describe, expect, it } from 'vitest'
import { fill, pack } from '../packing/pack.ts'
import type { EncodedRow, Sequence } from '../tokens/tokenise.ts'
import { uploadAll } from '../device/trees.ts'
import type { StageConfig } from '../training/stage.ts'
import { compareGradients, compareMeasurements } from './compare.ts'
import { cut, firstDisagreement, pieces } from './first-op.ts'
import { measureUpdate, type SameUpdate } from './measure.ts'

const model = buildModel({
  family: 'llama', vocab: 40, width: 16, context: 32, layers: 2, heads: 2, kvHeads: 1, headDim: 8, inner: 24,
  eps: 1e-5, tied: true, activation: 'silu', rotary: { dims: 8, base: 10000 }, attentionBias: false, mlpBias: false,
})
const weights = mapTree<HostTensor, HostTensor>(initParams(model, 3), (t) => ({ ...t, data: t.data.map((x) => 8 * x) }))
const sequence = (type: string, prompt: number[], response: number[]): Sequence => ({
  type, prompt: Int32Array.from(prompt), response: Int32Array.from(response), truncated: 0,
})
const rows: EncodedRow[] = [[1, 2, 3], [9, 8]].map((prompt, row) => ({
  row: { row, where: `row ${row}`, prompt: '', responses: {}, templated: false },
  sequences: [sequence('chosen', prompt, [5, 6, 7]), sequence('rejected', prompt, [11, 12])],
}))
const stage: StageConfig = {
  name: 'verify', loss: { name: 'dpo', beta: 0.1, labelSmoothing: 0, referenceFree: false }, targets: [], updates: 1,
  batch: 2, accumulate: 1, lr: 1e-2, schedule: { name: 'constant', warmup: 0 },
  optimizer: { name: 'sgd', momentum: 0, weightDecay: 0 }, maxGradNorm: 0, shuffle: false, dropLast: false,
} as StageConfig
const setup: SameUpdate = {
  model, probes: rows, stage, gradients: true,
  examples: rows.map(({ sequences }, row) => ({ row, sequences })),
}

/** A backend that gets one kind of op wrong: what it compiles has `op` replaced by something near to it. */
function wrongIn(op: string, wrong: (node: Node) => Node): Backend {
  const backend = referenceBackend()
  const spoiled = (p: Program): Program => ({ ...p, nodes: p.nodes.map((n) => (n.op === op ? wrong(n) : n)) })
  return { ...backend, ...{
    name: backend.name, capabilities: backend.capabilities,
    upload: (t: HostTensor) => backend.upload(t), read: (t: never) => backend.read(t),
    memory: () => backend.memory(), dispose: () => backend.dispose(),
    compile: (p: Program, o: object) => backend.compile(spoiled(p), o),
  } } as unknown as Backend
}
const looserNorm = (node: Node): Node =>
  node.op === 'rmsNorm' && node.path.includes('layers.1') ? { ...node, attrs: { ...node.attrs, eps: 1 } } : node

async function* parameters(tree: Tree<HostTensor>): AsyncGenerator<{ path: string; tensor: HostTensor }> {
  for (const { path, value } of leaves(tree)) yield { path, tensor: value }
}
const measured = async (backend: Backend) =>
  measureUpdate(backend, await uploadAll(backend, parameters(weights)), setup)

describe('the same update on two backends', () => {
  it('has no deviation from itself, and leaves nothing behind', async () => {
    const backend = referenceBackend()
    const [one, two] = [await measured(backend), await measured(backend)]
    expect(one.change.some((c) => Math.abs(c) > 1e-3)).toBe(true)
    expect(compareMeasurements(one, two).every((d) => d.deviation === 0)).toBe(true)
    expect(compareGradients(one, two).map(({ path }) => path)).toContain('layers.1.mlp.down.w')
    expect(backend.memory().tensors).toBe(0)
  })
  it('shows in which metric, response and parameter a wrong op is seen', async () => {
    const [right, wrong] = [await measured(referenceBackend()), await measured(wrongIn('rmsNorm', looserNorm))]
    const off = compareMeasurements(wrong, right).filter((d) => d.deviation > 1e-3)
    expect(off.map((d) => d.metric)).toEqual(expect.arrayContaining(['before/logp', 'update/grad_norm', 'change/logp']))
    expect(off[0].response?.type).toMatch(/chosen|rejected/)
    expect(compareGradients(wrong, right).every((d) => d.deviation > 1e-3)).toBe(true)
  })
  it('counts NaN as infinitely far', async () => {
    const right = await measured(referenceBackend())
    const broken = { ...right, update: { ...right.update, loss: NaN } }
    expect(compareMeasurements(broken, right).find((d) => d.metric === 'update/loss')!.deviation).toBe(Infinity)
  })
})

describe('the first op that disagrees', () => {
  const packing = pack(rows.flatMap((r) => r.sequences))
  const program = evaluateProgram(model, packing.shape)
  const { grid: _, mask: __, ...batch } = fill(packing, packing.shape)
  const inputs = { params: weights, batch }

  it('is named with its module, not one that inherits its error', async () => {
    const side = (backend: Backend) => ({ backend, inputs: inputs as never })
    const result = await firstDisagreement(
      program, side(wrongIn('rmsNorm', looserNorm)), side(referenceBackend()), { tolerance: 1e-4 },
    )
    expect(result.found).toMatchObject({ op: 'rmsNorm' })
    expect(result.found!.path).toMatch(/^layers\.1/)
  })
  it('is none where both agree', async () => {
    const side = () => ({ backend: referenceBackend(), inputs: inputs as never })
    const result = await firstDisagreement(program, side(), side(), { tolerance: 1e-12, bytes: 2000 })
    expect(result.found).toBeUndefined()
    expect(result.largest!.deviation).toBe(0)
  })
  it('cuts a program into pieces that compute what the whole does', () => {
    const whole = evaluate(program, inputs) as Record<string, HostTensor>
    const known = new Map<string, HostTensor>()
    for (const [from, to] of pieces(program, 4000)) {
      const piece = cut(program, program.nodes.slice(from, to))
      const made = evaluate(piece.program, { ...inputs, ...Object.fromEntries(known) }) as Record<string, HostTensor>
      for (const [name, tensor] of Object.entries(made)) known.set(name, tensor)
    }
    for (const { path, value } of program.outputs) expect(known.get(`value${value}`)).toEqual(whole[path])
  })
})
