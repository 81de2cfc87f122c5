/** Compiled programs by key, each compiled when it is first asked for; dispose of it when done. */
import {
  leaves,
  type Backend,
  type DeviceTensor,
  type Executable,
  type Program,
  type RunInput,
  type Tree,
} from '@ldyn/tensor'

export class Programs implements Disposable {
  readonly backend: Backend
  private readonly made = new Map<string, Promise<Executable>>()

  constructor(backend: Backend) {
    this.backend = backend
  }

  get(key: string, build: () => Program, donate: readonly string[] = []): Promise<Executable> {
    let executable = this.made.get(key)
    if (!executable) this.made.set(key, (executable = this.backend.compile(build(), { donate })))
    return executable
  }

  /** Runs once and reads all outputs back in f64, by path. */
  async read(executable: Executable, inputs: Tree<RunInput>): Promise<Record<string, Float64Array>> {
    const read: Record<string, Float64Array> = {}
    for (const { path, value } of leaves(await executable.run(inputs))) {
      read[path] = Float64Array.from((await this.backend.read(value)).data)
      value.dispose()
    }
    return read
  }

  /** Lets go of the programs whose keys begin so: each may hold memory of its own. */
  release(kind = ''): void {
    for (const [key, executable] of this.made) {
      if (!key.startsWith(kind)) continue
      this.made.delete(key)
      void executable.then(
        (e) => e.dispose(),
        () => undefined,
      )
    }
  }

  [Symbol.dispose](): void {
    this.release()
  }
}

/** A scalar output, read, its handle disposed of. */
export async function scalarOf(backend: Backend, tensor: DeviceTensor): Promise<number> {
  const { data } = await backend.read(tensor)
  tensor.dispose()
  return data[0]
}
