/**
 * A backend in a worker thread of its own: the worker imports the backend's module and serves what its
 * factory makes.
 */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { DeviceError } from '../errors.ts'
import { remoteBackend, type RemoteBackend, type RemoteOptions } from '../remote/client.ts'
import { moduleOf, resolveModule, type BackendName } from './load.ts'
import type { WorkerTask } from './worker.ts'

export interface SpawnOptions extends RemoteOptions {
  /** The factory that the module exports. Default `createBackend`. */
  readonly factory?: string
  /** What the factory is given: plain data, since it is posted to the worker. */
  readonly options?: object
  /** Whose dependencies are searched first for the module: `import.meta.url` of the caller. */
  readonly from?: string | URL
}

/** Node 20 runs no TypeScript: from sources (tests of this repository) the built worker serves. */
function workerFile(): URL {
  const here = import.meta.url
  if (!here.endsWith('.ts')) return new URL('./worker.js', here)
  const built = new URL('../../dist/node/worker.js', here)
  if (!existsSync(fileURLToPath(built)))
    throw new DeviceError('the worker of @ldyn/tensor is not built: run the build first')
  return built
}

/**
 * Starts a worker with a backend: by name (`onnx`), module specifier or URL. Rejects with the sentence that
 * the
 * backend's module or factory gives, or DeviceError where the worker dies. `dispose` ends the worker.
 */
export async function spawnBackend(
  module: BackendName | URL | (string & {}),
  options: SpawnOptions = {},
): Promise<RemoteBackend> {
  const specifier = typeof module === 'string' ? resolveModule(moduleOf(module), options.from) : module.href
  const task: WorkerTask = {
    name: String(module),
    specifier,
    factory: options.factory ?? 'createBackend',
    options: options.options ?? {},
  }
  return await remoteBackend(new Worker(workerFile(), { workerData: task, name: 'ldyn backend' }), {
    onExit: options.onExit,
  })
}
