/** Every op of the table, by its cases: what its derivative rules must satisfy whatever they are. In f64. */
import { describe, expect, it } from 'vitest'
import {
  derivativesOf, dot, drawLike, inputsOf, moved, norm, opCases, programOf, wrtOf, type OpCase,
} from '../cases/index.ts'
import { evaluate } from '../reference/index.ts'
import { ops, entry, isComposite } from '../table.ts'
import type { OpName } from './attrs.ts'
import { add, mul, square } from './pointwise.ts'
import { sum } from './reductions.ts'
import { constant } from './structure.ts'
import { outputSpecs, type Program } from '../program.ts'
import { sizeOf, type HostTensor } from '../spec.ts'
import { call, trace } from '../trace.ts'
import { expandComposites } from '../transforms/rebuild.ts'
import { jvp } from '../transforms/jvp.ts'
import { grad } from '../transforms/vjp.ts'
import { leaves, unflatten, type Branch, type Tree } from '../tree.ts'
import type { Tensor } from '../graph.ts'

type Values = Branch<HostTensor>
const run = (p: Program, inputs: Tree<HostTensor>): Values => evaluate(p, inputs) as Values
const floats = (tree: Tree<HostTensor>): Tree<HostTensor> =>
  unflatten(leaves(tree).filter(({ value }) => value.dtype === 'f32'))

/** Largest |a − b| over all leaves, where 1 is the size of the larger values. */
function gap(a: Tree<HostTensor>, b: Tree<HostTensor>): number {
  const right = leaves(b)
  let [difference, size] = [0, 1]
  leaves(a).forEach(({ value }, i) => {
    for (let k = 0; k < value.data.length; k++) {
      difference = Math.max(difference, Math.abs(value.data[k] - right[i].value.data[k]))
      size = Math.max(size, Math.abs(right[i].value.data[k]))
    }
  })
  return difference / size
}

/** φ(x) = Σ c·y² over the outputs y: a scalar that curves even where the op is linear. */
function curved(p: Program): Program {
  const specs = Object.fromEntries(p.inputs.map(({ path, value }) => [path, p.values[value]]))
  return trace((x: Record<string, Tensor>) => {
    const terms = leaves(call(p, x))
      .filter(({ value }) => value.dtype === 'f32')
      .map(({ value }, n) => {
        const weights = constant(
          Array.from({ length: sizeOf(value.shape) }, (_, i) => Math.sin(i + n + 1)),
          value.shape,
        )
        return sum(mul(square(value), weights))
      })
    return terms.reduce((a, b) => add(a, b))
  }, specs)
}

const withOut = (c: OpCase): boolean => wrtOf(c).length > 0
const everyCase = (Object.keys(ops) as OpName[]).flatMap((op) =>
  opCases[op].map((c): [string, OpName, OpCase] => [`${op}: ${c.title}`, op, c]),
)
const differentiable = everyCase.filter(([, , c]) => withOut(c))

describe('the table of cases', () => {
  it('has cases for every op, which contain the op', () => {
    for (const op of Object.keys(ops) as OpName[]) {
      expect(opCases[op].length, op).toBeGreaterThan(0)
      expect(
        opCases[op].some((c) => programOf(c).nodes.some((node) => node.op === op)),
        op,
      ).toBe(true)
    }
  })
  it('differentiates every op that has a derivative', () => {
    for (const op of Object.keys(ops) as OpName[]) {
      const { jvp: rule, expand } = entry(op)
      if (rule || expand) expect(opCases[op].some(withOut), op).toBe(true)
    }
  })
  it('names a rule for both modes or for none', () => {
    for (const [op, { jvp: forward, linearise, vjp: reverse }] of Object.entries(ops))
      expect(!forward && !linearise, op).toBe(!reverse)
  })
})

describe('values have the shapes that were inferred', () => {
  it.each(everyCase)('%s', (_, __, c) => {
    const p = programOf(c)
    const results = new Map(leaves(run(p, inputsOf(c))).map(({ path, value }) => [path, value]))
    for (const { path, value } of outputSpecs(p)) {
      expect(results.get(path)!.data.length).toBe(sizeOf(value.shape))
      expect(results.get(path)!.data).toBeInstanceOf(
        { f32: Float64Array, i32: Int32Array, bool: Uint8Array }[value.dtype],
      )
    }
  })
})

describe('a composite expands to the specs that it infers', () => {
  it.each(everyCase.filter(([, op]) => isComposite(op)))('%s', (_, op, c) => {
    for (const node of programOf(c).nodes.filter((n) => n.op === op)) {
      const p = programOf(c)
      const specs = node.inputs.map((v) => p.values[v])
      const expanded = trace(
        (x: readonly Tensor[]) => entry(op).expand!(x, node.attrs as never),
        specs as never,
      )
      expect(outputSpecs(expanded).map(({ value }) => value)).toEqual(node.outputs.map((v) => p.values[v]))
    }
  })
})

describe('⟨v, Ju⟩ = ⟨Jᵀv, u⟩', () => {
  it.each(differentiable)('%s', (_, __, c) => {
    const d = derivativesOf(programOf(c), wrtOf(c))
    const x = inputsOf(c)
    const ju = run(d.forward, { ...x, tangent: d.tangent }).tangent
    const jtv = run(d.reverse, { ...x, cotangent: d.cotangent }).grads
    const [left, right] = [dot(d.cotangent, ju), dot(jtv, d.tangent)]
    expect(Math.abs(left - right)).toBeLessThanOrEqual(1e-12 * Math.max(1, norm(ju) * norm(d.cotangent)))
  })
})

describe('a jvp is the limit of differences', () => {
  it.each(differentiable.filter(([, , c]) => c.smooth ?? true))('%s', (_, __, c) => {
    const p = programOf(c)
    const { forward, tangent } = derivativesOf(p, wrtOf(c))
    const x = inputsOf(c)
    const h = 1e-5
    const ju = run(forward, { ...x, tangent }).tangent
    const [ahead, behind] = [h, -h].map((s) => leaves(floats(run(p, moved(x, tangent, s)))))
    const slope = unflatten(
      ahead.map(({ path, value }, i) => ({
        path,
        value: {
          ...value,
          data: Float64Array.from(value.data, (v, k) => (v - behind[i].value.data[k]) / (2 * h)),
        },
      })),
    )
    expect(gap(ju, slope)).toBeLessThan(1e-7)
  })
})

describe('jvp and vjp nest: the Hessian is symmetric, and the same in both orders', () => {
  it.each(differentiable)('%s', (_, __, c) => {
    const p = curved(programOf(c))
    const wrt = wrtOf(c)
    const x = inputsOf(c)
    const [u, w] = [derivativesOf(p, wrt, 11).tangent, derivativesOf(p, wrt, 13).tangent]
    const forwardOverReverse = jvp(grad(p, { wrt }), { wrt })
    const along = (t: Tree<HostTensor>) =>
      (run(forwardOverReverse, { ...x, tangent: t }).tangent as Values).grads
    const [hu, hw] = [along(u), along(w)]
    expect(Math.abs(dot(w, hu) - dot(u, hw))).toBeLessThanOrEqual(
      1e-11 * Math.max(1, norm(hu) * norm(w), norm(hw) * norm(u)),
    )
    const reverseOverForward = grad(jvp(p, { wrt }), { wrt, of: 'tangent' })
    expect(gap(run(reverseOverForward, { ...x, tangent: u }).grads, hu)).toBeLessThan(1e-11)
  })
})

describe('a composite has the derivative of its expansion', () => {
  it.each(differentiable.filter(([, op]) => isComposite(op)))('%s', (_, __, c) => {
    const p = programOf(c)
    const wrt = wrtOf(c)
    const x = inputsOf(c)
    const d = derivativesOf(p, wrt)
    const e = derivativesOf(
      expandComposites(p, () => false),
      wrt,
    )
    const forward = { ...x, tangent: d.tangent }
    const reverse = { ...x, cotangent: d.cotangent }
    expect(gap(run(d.forward, forward).tangent, run(e.forward, forward).tangent)).toBeLessThan(1e-12)
    expect(gap(run(d.reverse, reverse).grads, run(e.reverse, reverse).grads)).toBeLessThan(1e-12)
  })
})

it('drawLike gives the same directions for the same seed and others for another', () => {
  const specs = { a: { shape: [3], dtype: 'f32' as const } }
  expect(drawLike(specs, 1)).toEqual(drawLike(specs, 1))
  expect(drawLike(specs, 1)).not.toEqual(drawLike(specs, 2))
})
