/** Comparing a backend's results with the f64 reference. */
import {
  leaves,
  mapTree,
  type Backend,
  type DeviceTensor,
  type HostTensor,
  type Program,
  type Tree,
} from '@ldyn/tensor'
import { evaluate, type HostInput } from '@ldyn/tensor/reference'
import { expect } from 'vitest'

export interface Tolerance {
  readonly relative?: number
  readonly absolute?: number
}

/** Every element within absolute + relative·max|want| of its tensor; dtype and shape equal; NaN where NaN is wanted. */
export function expectClose(
  got: Tree<HostTensor>,
  want: Tree<HostTensor>,
  { relative = 3e-6, absolute = 1e-6 }: Tolerance = {},
): void {
  const expected = leaves(want)
  const actual = leaves(got)
  expect(actual.map((l) => l.path)).toEqual(expected.map((l) => l.path))
  expected.forEach(({ path, value }, i) => {
    const { data, shape, dtype } = actual[i].value
    expect({ path, shape, dtype }).toEqual({ path, shape: value.shape, dtype: value.dtype })
    const finite = Array.from(value.data, Math.abs).filter(Number.isFinite)
    const bound = value.dtype === 'f32' ? absolute + relative * finite.reduce((a, b) => Math.max(a, b), 0) : 0
    for (let j = 0; j < value.data.length; j++) {
      const [a, b] = [data[j], value.data[j]]
      const fits = Object.is(a, b) || Math.abs(a - b) <= bound
      if (!fits) expect.fail(`${path || 'output'}[${j}] is ${a}, the reference says ${b} (bound ${bound})`)
    }
  })
}

/** Runs once on a backend and reads every output; all that it made is disposed of. */
export async function runOn(
  backend: Backend,
  program: Program,
  inputs: Tree<HostInput>,
): Promise<Tree<HostTensor>> {
  const executable = await backend.compile(program)
  const outputs = (await executable.run(inputs)) as Tree<DeviceTensor>
  const list = leaves(outputs)
  const read = await Promise.all(list.map(({ value }) => backend.read(value)))
  for (const { value } of list) value.dispose()
  executable.dispose()
  const values = new Map(list.map(({ value }, i) => [value, read[i]]))
  return mapLeaves(outputs, values)
}

const mapLeaves = (
  tree: Tree<DeviceTensor>,
  values: ReadonlyMap<DeviceTensor, HostTensor>,
): Tree<HostTensor> => mapTree(tree, (t) => values.get(t)!)

export async function expectLikeReference(
  backend: Backend,
  program: Program,
  inputs: Tree<HostInput>,
  tolerance?: Tolerance,
): Promise<void> {
  expectClose(await runOn(backend, program, inputs), evaluate(program, inputs), tolerance)
}
