/**
 * What runs on cards alone (attention in blocks, the head without logits, shared tiles), tried on a software adapter
 * that is treated as a card: a language model's loss and gradient, packed rows and grouped heads included.
 */
import { useVulkan } from '@ldyn/software-gpu'
import { grad, leaves, type DeviceTensor, type HostTensor, type Tree } from '@ldyn/tensor'
import { tinyTransformer } from '@ldyn/tensor/cases'
import { evaluate } from '@ldyn/tensor/reference'
import { describe, expect, it } from 'vitest'
import { webgpuBackend } from '../src/index.ts'

const reason = useVulkan()

describe.skipIf(reason !== undefined)(`a software adapter treated as a card ${reason ?? ''}`, () => {
  it('computes the loss and gradient of a language model as in f64', async () => {
    await using backend = await webgpuBackend({ limits: { software: false } })
    const { program, inputs } = tinyTransformer()
    const slope = grad(program, { wrt: 'params', of: 'loss' })
    const want = new Map(leaves(evaluate(slope, inputs) as Tree<HostTensor>).map(({ path, value }) => [path, value]))
    const run = await backend.compile(slope)
    const out = leaves((await run.run(inputs)) as Tree<DeviceTensor>)
    expect(out.length).toBe(want.size)
    for (const { path, value } of out) {
      const { data } = await backend.read(value)
      const exact = want.get(path)!.data
      data.forEach((v: number, i: number) => expect(Math.abs(v - exact[i]), path).toBeLessThan(2e-4))
    }
  }, 300_000)
})
