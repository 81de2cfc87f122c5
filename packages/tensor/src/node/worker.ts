/**
 * The file that a worker thread of `spawnBackend` runs. It listens before it imports, so that no message is
 * lost.
 */
import { parentPort, workerData } from 'node:worker_threads'
import type { Backend } from '../backend.ts'
import { serveBackend } from '../remote/serve.ts'
import { factoryOf, unavailable } from './load.ts'

export interface WorkerTask {
  /** What the caller called it: for the message where it is not there. */
  readonly name: string
  readonly specifier: string
  readonly factory: string
  readonly options: object
}

async function open({ name, specifier, factory, options }: WorkerTask): Promise<Backend> {
  const module: unknown = await import(specifier).catch((error: unknown) => {
    throw unavailable(name, specifier, error)
  })
  return await factoryOf(module, specifier, factory)(options)
}

if (parentPort) void serveBackend(parentPort, open(workerData as WorkerTask))
