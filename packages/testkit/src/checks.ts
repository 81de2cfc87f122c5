/** What is asked of a backend about one op or one program: each check throws a sentence, or says nothing. */
import {
  expandComposites, grad, isComposite, jvp, unflatten, type Backend, type Branch, type HostTensor,
  type OpName, type Program, type Tree,
} from '@ldyn/tensor'
import {
  derivativesOf, dot, drawLike, inputsOf, norm, programOf, wrtOf, type OpCase,
} from '@ldyn/tensor/cases'
import { evaluate } from '@ldyn/tensor/reference'
import { once } from './session.ts'
import { mustAgree, tolerances } from './tolerance.ts'

type Values = Branch<HostTensor>

const allowance = (op: OpName, { terms = 1 }: OpCase, slack: number): number =>
  slack * tolerances[op] * Math.sqrt(terms)

/**
 * Values against the reference, as the backend lowers the op and (a composite that it lowers itself)
 * expanded.
 */
export async function checkValues(backend: Backend, op: OpName, c: OpCase, slack = 1): Promise<void> {
  const program = programOf(c)
  const inputs = inputsOf(c)
  const expected = evaluate(program, inputs)
  const measure = c.relative ? 'relative' : 'element'
  mustAgree(op, await once(backend, program, inputs), expected, allowance(op, c, slack), measure)
  if (isComposite(op) && backend.capabilities.composites.includes(op)) {
    const plain = expandComposites(program, () => false)
    mustAgree(
      `${op}, expanded`,
      await once(backend, plain, inputs),
      expected,
      allowance(op, c, slack),
      measure,
    )
  }
}

/**
 * Both derivatives against the reference, and against each other: ⟨v, Ju⟩ = ⟨Jᵀv, u⟩. A derivative chains
 * several
 * ops, so it gets four times the allowance.
 */
export async function checkDerivatives(backend: Backend, op: OpName, c: OpCase, slack = 1): Promise<void> {
  const { forward, reverse, tangent, cotangent } = derivativesOf(programOf(c), wrtOf(c))
  const inputs = inputsOf(c)
  const tolerance = 4 * Math.max(allowance(op, c, slack), slack * 1e-6)
  const compare = async (what: string, program: Program, given: Values): Promise<Values> => {
    const actual = await once(backend, program, given)
    mustAgree(`${what} of ${op}`, actual, evaluate(program, given), tolerance, 'derivative')
    return actual as Values
  }
  const ju = (await compare('jvp', forward, { ...inputs, tangent })).tangent
  const jtv = (await compare('vjp', reverse, { ...inputs, cotangent })).grads
  const [left, right] = [dot(cotangent, ju), dot(jtv, tangent)]
  if (!(Math.abs(left - right) <= tolerance * Math.max(1, norm(cotangent) * norm(ju)))) {
    throw new Error(`${op}: ⟨v, Ju⟩ = ${left} where ⟨Jᵀv, u⟩ = ${right}`)
  }
}

/** A program's outputs, and the gradient and a jvp of its output `loss`, against the reference. */
export async function checkProgram(
  backend: Backend,
  program: Program,
  inputs: Values,
  wrt: string | readonly string[],
  tolerance: number,
): Promise<void> {
  const reverse = grad(program, { wrt, of: 'loss' })
  mustAgree(
    'gradient',
    await once(backend, reverse, inputs),
    evaluate(reverse, inputs),
    tolerance,
    'derivative',
  )
  const forward = jvp(program, { wrt })
  const moving = { ...inputs, tangent: tangentFor(forward) }
  mustAgree('jvp', await once(backend, forward, moving), evaluate(forward, moving), tolerance, 'derivative')
}

/** A random tangent for the inputs `tangent.…` of a jvp. */
export function tangentFor(forward: Program, seed = 5): Tree<HostTensor> {
  const prefix = 'tangent.'
  const named = forward.inputs.filter(({ path }) => path.startsWith(prefix))
  return drawLike(
    unflatten(
      named.map(({ path, value }) => ({ path: path.slice(prefix.length), value: forward.values[value] })),
    ),
    seed,
  )
}
