/**
 * The file that a worker thread of `spawnBackend` runs. It listens before it imports, so that no message is
 * lost.
 */
import { parentPort, workerData } from 'node:worker_threads'
import type { Backend } from '../backend.ts'
import { serveBackend } from '../remote/serve.ts'
import { factoryOf } from './load.ts'

export interface WorkerTask {
  readonly specifier: string
  readonly factory: string
  readonly options: object
}

async function open({ specifier, factory, options }: WorkerTask): Promise<Backend> {
  return await factoryOf(await import(specifier), specifier, factory)(options)
}

if (parentPort) void serveBackend(parentPort, open(workerData as WorkerTask))
