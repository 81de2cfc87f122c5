/** Runs that must give finite numbers: where one does not, the same inputs are run again to find which op made it. */
import {
  NonFiniteError,
  watchFinite,
  type Backend,
  type Executable,
  type Program,
  type RunInput,
  type Tree,
} from '@ldyn/tensor'
import { valuesOf } from '../device/programs.ts'
import { NumericalError } from './update.ts'

/** What the executable gives. Throws NumericalError, with its inputs alive, where a number is not finite. */
export async function runFinite(
  backend: Backend,
  executable: Executable,
  inputs: Tree<RunInput>,
  at: { readonly stage: string; readonly update: number },
): Promise<Awaited<ReturnType<Executable['run']>>> {
  try {
    return await executable.run(inputs)
  } catch (error) {
    if (!(error instanceof NonFiniteError)) throw error
    const first = await firstNonFinite(backend, executable.program, inputs)
    throw new NumericalError(at.stage, at.update, first.op, first.path)
  }
}

/** Runs the same inputs through a program that reports, value by value, what is finite. */
async function firstNonFinite(
  backend: Backend,
  program: Program,
  inputs: Tree<RunInput>,
): Promise<{ op: string; path: string }> {
  const watched = watchFinite(program)
  using executable = await backend.compile(watched.program)
  const { finite } = await valuesOf(backend, executable, inputs)
  const at = finite.findIndex((flag) => flag === 0)
  return at < 0 ? { op: 'an op that this backend fuses', path: '' } : watched.sites[at]
}
