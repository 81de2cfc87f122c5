/**
 * A plan at work: its calls one after the other, every value disposed of after its last reader. All of it is one
 * synchronous stretch, so runs never interleave and no tensor of one is seen by another.
 */
import type { Plan } from '../lower/program.ts'
import type { Engine, Tensor } from './engine.ts'

/**
 * The outputs, each a tensor of its own, kept out of any scope that the caller has open. Throws what `Engine.failure`
 * makes of a failed call, with nothing left behind.
 */
export function interpret(
  { tf, failure }: Engine,
  plan: Plan,
  constants: readonly Tensor[],
  inputs: readonly Tensor[],
): Tensor[] {
  const values = new Array<Tensor | undefined>(plan.values)
  const made = new Set<Tensor>()
  plan.constants.forEach((c, i) => (values[c.id] = constants[i]))
  plan.inputs.forEach((p, i) => (values[p.id] = inputs[i]))
  plan.steps.forEach(({ run, inputs: reads, outputs, op, path }, n) => {
    try {
      run(...reads.map((v) => values[v]!)).forEach((tensor, i) => {
        values[outputs[i]] = tensor
        made.add(tensor)
      })
    } catch (error) {
      for (const tensor of made) tensor.dispose()
      throw failure(error, op, path)
    }
    for (const v of plan.frees[n]) {
      values[v]!.dispose()
      made.delete(values[v]!)
      values[v] = undefined
    }
  })
  // An input or constant that is an output too, or a value that is two, gets a handle that lives by itself.
  return plan.outputs.map(({ id }) => {
    const value = values[id]!
    return tf.keep(made.delete(value) ? value : tf.clone(value))
  })
}
