/**
 * What the suites share: the backend under test, and running a program on it from host values to host values.
 */
import {
  leaves, unflatten, type Backend, type CompileOptions, type DeviceTensor, type Executable, type HostTensor,
  type Program, type RunInput, type Tree,
} from '@ldyn/tensor'

/** A named test on a backend that somebody else made and disposes of. */
export interface ConformanceTest {
  readonly name: string
  run(backend: Backend, slack: number): Promise<void>
}

/** The tensors of a tree, disposed of at the end of a `using` block. */
export class Held implements Disposable {
  readonly tree: Tree<DeviceTensor>
  constructor(tree: Tree<DeviceTensor>) {
    this.tree = tree
  }
  [Symbol.dispose](): void {
    for (const { value } of leaves(this.tree)) value.dispose()
  }
}

export async function readAll(backend: Backend, tree: Tree<DeviceTensor>): Promise<Tree<HostTensor>> {
  const read: { path: string; value: HostTensor }[] = []
  for (const { path, value } of leaves(tree)) read.push({ path, value: await backend.read(value) })
  return unflatten(read)
}

export async function uploadAll(backend: Backend, tree: Tree<HostTensor>): Promise<Tree<DeviceTensor>> {
  const held: { path: string; value: DeviceTensor }[] = []
  for (const { path, value } of leaves(tree)) held.push({ path, value: await backend.upload(value) })
  return unflatten(held)
}

export async function runToHost(
  backend: Backend,
  executable: Executable,
  inputs: Tree<RunInput>,
): Promise<Tree<HostTensor>> {
  using outputs = new Held(await executable.run(inputs))
  return await readAll(backend, outputs.tree)
}

/** Compiles, runs once, reads everything back and leaves nothing behind. */
export async function once(
  backend: Backend,
  program: Program,
  inputs: Tree<RunInput>,
  options?: CompileOptions,
): Promise<Tree<HostTensor>> {
  using executable = await backend.compile(program, options)
  return await runToHost(backend, executable, inputs)
}
