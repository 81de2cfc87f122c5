/**
 * Whole programs: a small transformer, its gradient, its jvp and its training, and programs drawn at random.
 */
import {
  call, grad, jvp, leaves, mapTree, mul, simplify, sub, trace, unflatten, watchFinite, type Branch,
  type DeviceTensor, type HostTensor, type Program, type Tensor, type Tree,
} from '@ldyn/tensor'
import { randomProgram, tinyTransformer } from '@ldyn/tensor/cases'
import { evaluate } from '@ldyn/tensor/reference'
import { mustEqual } from './asserting.ts'
import { checkProgram, tangentFor } from './checks.ts'
import { Held, once, readAll, uploadAll, type ConformanceTest } from './session.ts'
import { mustAgree } from './tolerance.ts'

type Values = Branch<HostTensor>

/** Small, so that rounding is not amplified from step to step. */
const rate = 0.02

/** {params, …batch} → {params, loss}: one SGD step of a program with an output `loss`. */
function training(program: Program): Program {
  const gradient = grad(program, { wrt: 'params', of: 'loss' })
  const specs = unflatten(program.inputs.map(({ path, value }) => ({ path, value: program.values[value] })))
  return trace((inputs: Record<string, Tree<Tensor>>) => {
    const { primal, grads } = call(gradient, inputs as Tree<Tensor>) as {
      primal: { loss: Tensor }
      grads: Branch<Tensor>
    }
    const slopes = new Map(leaves(grads['params']).map(({ path, value }) => [path, value]))
    const params = mapTree(inputs['params'], (w, path) => sub(w, mul(slopes.get(path)!, rate)))
    return { params, loss: primal.loss }
  }, specs as never)
}

export const programs: readonly ConformanceTest[] = [
  {
    name: 'a transformer: loss, gradient and jvp',
    run: async (backend, slack) => {
      const { program, inputs } = tinyTransformer()
      mustAgree('forward', await once(backend, program, inputs), evaluate(program, inputs), slack * 2e-5)
      await checkProgram(backend, program, inputs, 'params', slack * 5e-5)
    },
  },
  {
    name: 'a transformer: several directions at once',
    run: async (backend, slack) => {
      const { program, inputs } = tinyTransformer()
      const forward = jvp(program, { wrt: 'params', directions: 3 })
      const given = { ...inputs, tangent: tangentFor(forward) }
      mustAgree(
        'jvp',
        await once(backend, forward, given),
        evaluate(forward, given),
        slack * 5e-5,
        'derivative',
      )
    },
  },
  {
    name: 'a transformer: jvp of the gradient',
    run: async (backend, slack) => {
      const { program, inputs } = tinyTransformer()
      const curvature = simplify(jvp(grad(program, { wrt: 'params', of: 'loss' }), { wrt: 'params' }))
      const given = { ...inputs, tangent: tangentFor(curvature) }
      mustAgree(
        'Hessian product',
        await once(backend, curvature, given),
        evaluate(curvature, given),
        slack * 1e-4,
        'derivative',
      )
    },
  },
  {
    name: 'a transformer: ten training steps with donated weights',
    run: async (backend, slack) => {
      const { program, inputs } = tinyTransformer()
      const { params, ...batch } = inputs as { params: Values }
      const step = training(program)
      let expected: Tree<HostTensor> = params
      using executable = await backend.compile(step, { donate: 'params' })
      using fixed = new Held(await uploadAll(backend, batch))
      let weights = await uploadAll(backend, params)
      for (let i = 0; i < 10; i++) {
        const want = evaluate(step, { ...batch, params: expected }) as { params: Values; loss: HostTensor }
        const got = (await executable.run({ ...(fixed.tree as object), params: weights })) as {
          params: Branch<DeviceTensor>
          loss: DeviceTensor
        }
        mustAgree(`loss of step ${i}`, await backend.read(got.loss), want.loss, slack * 1e-4)
        got.loss.dispose()
        for (const { value } of leaves(weights)) mustEqual(value.alive, false)
        weights = got.params
        expected = want.params
      }
      using held = new Held(weights)
      mustAgree(
        'weights after ten steps',
        await readAll(backend, held.tree),
        expected,
        slack * 1e-4,
        'derivative',
      )
    },
  },
  {
    name: 'finds where a number stopped being finite',
    run: async (backend) => {
      const { program, inputs } = tinyTransformer()
      const broken = {
        ...inputs,
        params: {
          ...(inputs['params'] as Values),
          gamma: poisoned((inputs['params'] as { gamma: HostTensor }).gamma),
        },
      }
      const { program: watch, sites } = watchFinite(program)
      const { finite } = (await once(backend, watch, broken)) as { finite: HostTensor }
      const first = sites.filter((_, i) => finite.data[i] === 0).map(({ op, path }) => `${op} ${path}`)
      mustEqual(first.slice(0, 2), ['input params.gamma', 'rmsNorm head'])
    },
  },
]

const poisoned = (t: HostTensor): HostTensor => ({
  ...t,
  data: Float32Array.from(t.data, (v, i) => (i === 3 ? NaN : v)),
})

/** A random program, its gradient and a jvp of it. */
export const fuzz = (seed: number): ConformanceTest => ({
  name: `random program ${seed}`,
  run: async (backend, slack) => {
    const { program, inputs } = randomProgram(seed)
    await checkProgram(backend, program, inputs, '', slack * 1e-4)
  },
})
