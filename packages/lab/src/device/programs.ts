/** Compiled programs by key, each compiled when it is first asked for, and run. */
import {
  leaves,
  type Backend,
  type DeviceTensor,
  type Executable,
  type HostArray,
  type Program,
  type RunInput,
  type Tree,
} from '@ldyn/tensor'

/** Runs once and brings everything back: outputs by path. On a card, waiting for one after the other takes long. */
export async function valuesOf(
  backend: Backend,
  executable: Executable,
  inputs: Tree<RunInput>,
): Promise<Record<string, HostArray>> {
  const outputs = leaves(await executable.run(inputs))
  try {
    const read = await Promise.all(
      outputs.map(async ({ path, value }: { path: string; value: DeviceTensor }) => {
        return [path, (await backend.read(value)).data] as const
      }),
    )
    return Object.fromEntries(read)
  } finally {
    for (const { value } of outputs) value.dispose()
  }
}

/** Owns what it compiles; dispose of it when done. */
export class Programs implements Disposable {
  readonly backend: Backend
  private readonly made = new Map<string, Promise<Executable>>()

  constructor(backend: Backend) {
    this.backend = backend
  }

  /** `donate` says of the program which inputs' memory it may take. */
  get(
    key: string,
    build: () => Program,
    donate: (program: Program) => readonly string[] = () => [],
  ): Promise<Executable> {
    let executable = this.made.get(key)
    if (!executable) {
      const program = build()
      executable = this.backend.compile(program, { donate: donate(program) })
      this.made.set(key, executable)
    }
    return executable
  }

  /** Runs once and reads all outputs back in f64, by path. */
  async read(executable: Executable, inputs: Tree<RunInput>): Promise<Record<string, Float64Array>> {
    const read = await valuesOf(this.backend, executable, inputs)
    return Object.fromEntries(Object.entries(read).map(([path, data]) => [path, Float64Array.from(data)]))
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

