/** Rematerialisation: the same derivatives from fewer kept values, and no pass undoes it. */
import { describe, expect, it } from 'vitest'
import { tinyTransformer } from '../cases/index.ts'
import {
  checkpoint, exp, expandComposites, f32, grad, hostTensor, jvp, leaves, mul, silu, simplify, sum, tanh,
  trace, type HostTensor, type Program, type Tensor, type Tree,
} from '../index.ts'
import { evaluate } from '../reference/index.ts'

const block = (x: Tensor): Tensor => tanh(mul(exp(tanh(x)), x))
const network = (wrap: (f: () => Tensor) => Tensor): Program =>
  trace(({ x }) => sum([0, 1, 2].reduce((h) => wrap(() => block(h)), x)), { x: f32(4) })
const plain = network((f) => f())
const marked = network(checkpoint)
const x: HostTensor = hostTensor([0.3, -1, 2, 0.1], [4])
const same = (a: Program, b: Program, inputs: Tree<HostTensor>): void => {
  const [left, right] = [leaves(evaluate(a, inputs)), leaves(evaluate(b, inputs))]
  left.forEach(({ value }, n) =>
    value.data.forEach((v, i) => expect(v).toBeCloseTo(right[n].value.data[i], 13)),
  )
}

/** Values that the forward pass made and the backward pass reads: what must be kept between the two. */
function kept(p: Program): string[] {
  const isBackward = (path: string) => path.includes('ᵀ')
  const forward = new Map<number, string>()
  for (const node of p.nodes) {
    if (node.op === 'input' || node.op === 'constant') continue
    if (node.remat === undefined && !isBackward(node.path))
      for (const v of node.outputs) forward.set(v, node.op)
  }
  const read = new Set<number>()
  for (const node of p.nodes)
    if (node.remat !== undefined || isBackward(node.path))
      for (const v of node.inputs) if (forward.has(v)) read.add(v)
  return [...read].map((v) => forward.get(v)!)
}

describe('checkpoint', () => {
  const [gradient, kind] = [grad(plain, { wrt: 'x' }), grad(marked, { wrt: 'x' })]

  it('changes no value, no gradient and no jvp', () => {
    same(plain, marked, { x })
    same(gradient, kind, { x })
    same(jvp(plain, { wrt: 'x' }), jvp(marked, { wrt: 'x' }), { x, tangent: { x } })
    same(jvp(gradient, { wrt: 'x' }), jvp(kind, { wrt: 'x' }), { x, tangent: { x } })
    same(
      grad(jvp(plain, { wrt: 'x' }), { wrt: 'x', of: 'tangent' }),
      grad(jvp(marked, { wrt: 'x' }), { wrt: 'x', of: 'tangent' }),
      { x, tangent: { x } },
    )
  })
  it('computes a region again and lets the backward pass read the copies', () => {
    expect(
      kind.nodes.filter((n) => n.remat !== undefined && n.op === 'exp' && !n.path.includes('ᵀ')),
    ).toHaveLength(3)
    expect(new Set(kind.nodes.map((n) => n.remat).filter((r) => r !== undefined)).size).toBe(3)
    // Between regions one value each is kept; without regions, every intermediate.
    expect(kept(kind)).toEqual(['tanh', 'tanh'])
    expect(kept(gradient).length).toBeGreaterThan(8)
  })
  it('survives simplify, again and with composites expanded', () => {
    expect(kept(simplify(kind))).toEqual(['tanh', 'tanh'])
    expect(kept(simplify(simplify(kind, { final: true }), { final: true }))).toEqual(['tanh', 'tanh'])
  })
  it("a rule that repeats a forward expression of the region's input is not merged with it", () => {
    const gated = trace(({ x }) => sum(checkpoint(() => silu(tanh(checkpoint(() => x))))), { x: f32(4) })
    const two = trace(({ x }) => sum([0, 1].reduce((h) => checkpoint(() => silu(h)), mul(x, x))), {
      x: f32(4),
    })
    for (const p of [gated, two]) {
      const whole = simplify(expandComposites(simplify(grad(p, { wrt: 'x' })), () => false))
      const sigmoids = kept(whole).filter((op) => op !== 'mul')
      expect(sigmoids).toEqual([])
    }
  })
  it('keeps the same gradient through a transformer', () => {
    const { program, inputs } = tinyTransformer()
    const bare: Program = { ...program, nodes: program.nodes.map((node) => ({ ...node, region: undefined })) }
    same(
      grad(program, { wrt: 'params', of: 'loss' }),
      simplify(grad(bare, { wrt: 'params', of: 'loss' })),
      inputs,
    )
    const count = (p: Program) => kept(simplify(grad(p, { wrt: 'params', of: 'loss' }))).length
    expect(count(program)).toBeLessThan(count(bare) / 2)
  })
})
