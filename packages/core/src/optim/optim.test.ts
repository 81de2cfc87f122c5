import {
  add,
  call,
  f32,
  grad,
  hostTensor,
  mapTree,
  matmul,
  mean,
  reshape,
  square,
  sub,
  type HostTensor,
  type Program,
  type Spec,
  type Tensor,
  type Tree,
} from '@ldyn/tensor'
import { describe, expect, it } from 'vitest'
import { distance, golden } from '../../test/golden.ts'
import { run } from '../../test/toy.ts'
import { traceAs } from '../programs/forward.ts'
import { adam, adamw, type AdamOptions } from './adam.ts'
import { hfDecay } from './decay.ts'
import { rmsprop, type RmspropOptions } from './rmsprop.ts'
import { chain, type Optimizer } from './rule.ts'
import { cosineRate, constantRate, linearRate, paperRate, schedules } from './schedules.ts'
import { momentum, sgd, type SgdOptions } from './sgd.ts'
import { applyOptimizer, clipByGlobalNorm, globalNorm, stateSpecs } from './step.ts'

interface Run {
  readonly class: 'SGD' | 'RMSprop' | 'Adam' | 'AdamW'
  readonly options: {
    readonly lr: number
    readonly weight_decay?: number
    readonly betas?: readonly [number, number]
  } & Record<string, number | boolean>
  readonly loss: readonly number[]
  readonly gradients: readonly (readonly number[])[]
  readonly parameters: readonly (readonly number[])[]
}
const { problem, runs, clip } = golden<{
  problem: { X: readonly (readonly number[])[]; y: readonly number[]; w0: readonly number[]; b0: number }
  runs: Readonly<Record<string, Run>>
  clip: readonly {
    max_norm: number
    before: readonly (readonly number[])[]
    norm: number
    after: readonly (readonly number[])[]
  }[]
}>('optimizers.json')

/** torch's options under our names. */
function optimizerOf({
  class: name,
  options: { lr: _, weight_decay: weightDecay, betas, ...rest },
}: Run): Optimizer {
  const options = { weightDecay, ...rest, ...(betas ? { beta1: betas[0], beta2: betas[1] } : {}) }
  switch (name) {
    case 'SGD':
      return sgd(options as SgdOptions)
    case 'RMSprop':
      return rmsprop(options as RmspropOptions)
    case 'Adam':
      return adam(options as AdamOptions)
    case 'AdamW':
      return adamw(options as AdamOptions)
  }
}

const SPECS = { w: f32(3), b: f32(1) }
const exact = (spec: Spec, data: readonly number[]): HostTensor => ({
  ...spec,
  data: Float64Array.from(data),
})
const X = exact(f32(6, 3), problem.X.flat())
const y = exact(f32(6), problem.y)

/** One step of least squares, mean((X·w + b − y)²). */
function leastSquares(optimizer: Optimizer): Program {
  type Inputs = {
    params: { w: Tensor; b: Tensor }
    state: Tree<Tensor>
    hyper: Record<string, Tensor>
    X: Tensor
    y: Tensor
  }
  const data = { X: f32(6, 3), y: f32(6) }
  const loss = traceAs<Omit<Inputs, 'state' | 'hyper'>>(
    ({ params: { w, b }, X: x, y: target }) =>
      mean(square(sub(add(reshape(matmul(x, reshape(w, [3, 1])), [6]), b), target))),
    { params: SPECS, ...data },
  )
  const slope = grad(loss, { wrt: 'params' })
  const hyper = Object.fromEntries(Object.keys(optimizer.hyper(0, 0)).map((key) => [key, f32()]))
  return traceAs<Inputs>(
    (inputs) => {
      const { params, X: x, y: target } = inputs
      const { primal, grads } = call(slope, { params, X: x, y: target }) as unknown as {
        primal: Tensor
        grads: { params: Tree<Tensor> }
      }
      const { delta: _, ...next } = applyOptimizer(optimizer, { ...inputs, grads: grads.params })
      return { ...next, loss: primal, grads: grads.params }
    },
    { params: SPECS, state: stateSpecs(optimizer, SPECS), hyper, ...data },
  )
}

describe('optimizers follow torch.optim in float64', () => {
  Object.entries(runs).forEach(([name, wanted]) =>
    it(name, () => {
      const optimizer = optimizerOf(wanted)
      const program = leastSquares(optimizer)
      let params: Tree<HostTensor> = { w: exact(SPECS.w, problem.w0), b: exact(SPECS.b, [problem.b0]) }
      let state = mapTree<Spec, HostTensor>(stateSpecs(optimizer, SPECS), (s) =>
        exact(s, new Array<number>(s.shape[0]).fill(0)),
      )
      wanted.loss.forEach((loss, step) => {
        const out = run(program, { params, state, hyper: optimizer.hyper(step, wanted.options.lr), X, y })
        expect(distance(out.loss, [loss])).toBeLessThan(1e-12)
        expect(distance([...out['grads.w'], ...out['grads.b']], wanted.gradients[step])).toBeLessThan(1e-11)
        expect(distance([...out['params.w'], ...out['params.b']], wanted.parameters[step])).toBeLessThan(
          1e-11,
        )
        const taken = (tree: Tree<HostTensor>, at: string): Tree<HostTensor> =>
          mapTree<HostTensor, HostTensor>(tree, (t, path) => exact(t, out[`${at}.${path}`]))
        params = taken(params, 'params')
        state = taken(state, 'state')
      })
    }),
  )

  it('covers every rule and option that torch was run with', () => {
    expect(Object.keys(runs).length).toBeGreaterThanOrEqual(15)
  })
})

describe('clipping by the global norm', () => {
  clip.forEach(({ max_norm, before, norm, after }) =>
    it(`from ${norm.toFixed(2)} to at most ${max_norm}, as torch`, () => {
      const specs = { a: f32(2, 2), b: f32(2) }
      const program = traceAs<{ a: Tensor; b: Tensor }>((grads) => {
        const total = globalNorm({ ...grads })
        return { total, factor: clipByGlobalNorm(max_norm)(total) }
      }, specs)
      const { total, factor } = run(program, { a: exact(specs.a, before[0]), b: exact(specs.b, before[1]) })
      expect(distance(total, [norm])).toBeLessThan(1e-14)
      before.forEach((g, i) =>
        expect(
          distance(
            g.map((v) => v * factor[0]),
            after[i],
          ),
        ).toBeLessThan(1e-14),
      )
    }),
  )
})

describe('a rule', () => {
  const nodes = (optimizer: Optimizer, withFactor: boolean): number => {
    const hyper = Object.fromEntries(Object.keys(optimizer.hyper(0, 0)).map((key) => [key, f32()]))
    type Inputs = {
      params: Tree<Tensor>
      grads: Tree<Tensor>
      state: Tree<Tensor>
      hyper: Record<string, Tensor>
      factor?: Tensor
    }
    const specs = { w: f32(100, 100) }
    const program = traceAs<Inputs>(
      (inputs) => {
        const { params, state } = applyOptimizer(optimizer, inputs)
        return { params, state }
      },
      {
        params: specs,
        grads: specs,
        state: stateSpecs(optimizer, specs),
        hyper,
        ...(withFactor ? { factor: f32() } : {}),
      },
    )
    // Only what reaches an output: the delta that nobody asked for is dead.
    const alive = new Set(program.outputs.map((o) => o.value))
    const passes = program.nodes.toReversed().filter((node) => {
      if (!node.outputs.some((v) => alive.has(v))) return false
      node.inputs.forEach((v) => alive.add(v))
      return (
        !['input', 'broadcast', 'constant'].includes(node.op) &&
        program.values[node.outputs[0]].shape.length > 0
      )
    })
    return passes.length
  }

  it('takes few passes over memory, and none for clipping, corrections and the rate', () => {
    for (const clipped of [false, true]) {
      expect(nodes(sgd(), clipped)).toBe(2)
      expect(nodes(rmsprop(), clipped)).toBe(9)
      expect(nodes(adamw({ weightDecay: 0 }), clipped)).toBe(12)
      expect(nodes(adamw(), clipped)).toBe(13)
    }
  })

  it('decays only what it is told to: Hugging Face leaves out biases and norms', () => {
    const step = (decay: AdamOptions['decay']): Record<string, number[]> => {
      const optimizer = adamw({ weightDecay: 0.5, decay })
      const specs = { w: f32(1, 2), bias: f32(2) }
      const one = mapTree<Spec, HostTensor>(specs, (s) => hostTensor([1, 1], s.shape))
      const zero = mapTree<Spec, HostTensor>(specs, (s) => hostTensor([0, 0], s.shape))
      const hyper = optimizer.hyper(0, 0.1)
      const program = traceAs<{
        params: Tree<Tensor>
        grads: Tree<Tensor>
        state: Tree<Tensor>
        hyper: Record<string, Tensor>
      }>(
        (inputs) => ({
          params: applyOptimizer(optimizer, inputs).params,
          delta: applyOptimizer(optimizer, inputs).delta,
        }),
        {
          params: specs,
          grads: specs,
          state: stateSpecs(optimizer, specs),
          hyper: Object.fromEntries(Object.keys(hyper).map((k) => [k, f32()])),
        },
      )
      return run(program, { params: one, grads: zero, state: { m: zero, v: zero }, hyper })
    }
    expect(step(undefined)).toMatchObject({ 'params.w': [0.95, 0.95], 'params.bias': [0.95, 0.95] })
    const hf = step(hfDecay)
    expect(hf).toMatchObject({ 'params.w': [0.95, 0.95], 'params.bias': [1, 1] })
    expect(distance(hf['delta.w'], [-0.05, -0.05])).toBeLessThan(1e-12)
  })

  it('refuses what torch refuses, and links that would share a name', () => {
    expect(() => sgd({ nesterov: true })).toThrow(/nesterov needs a momentum/)
    expect(() => adamw({ weightDecay: -1 })).toThrow(/weightDecay is -1/)
    expect(() => chain('twice', ...momentum({ momentum: 0.9 }), ...momentum({ momentum: 0.5 }))).toThrow(
      /use the name 'momentum'/,
    )
  })
})

describe('schedules follow transformers', () => {
  const { runs: wanted } = golden<{
    runs: Readonly<
      Record<string, { kind: string; warmup: number; steps: number; lr: number; used: readonly number[] }>
    >
  }>('schedules.json')
  const kinds = {
    linear: linearRate,
    cosine: cosineRate,
    constant: constantRate,
    constant_with_warmup: constantRate,
    released: paperRate,
  }

  Object.entries(wanted).forEach(([name, { kind, warmup, steps, lr, used }]) =>
    it(name, () => {
      const rate = kinds[kind as keyof typeof kinds]({ warmup, steps })
      expect(
        distance(
          used.map((_, step) => lr * rate(step)),
          used,
        ),
      ).toBeLessThan(1e-14)
    }),
  )

  it('keep to 0 after their last step, and have names', () => {
    for (const name of ['linear', 'cosine'] as const)
      expect(schedules[name]({ warmup: 2, steps: 10 })(25)).toBe(0)
    expect(schedules.paper({ warmup: 150, steps: 1 })(149)).toBeCloseTo(150 / 151, 15)
  })
})
