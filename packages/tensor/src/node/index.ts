/** @ldyn/tensor/node: what needs Node. Backends by name, and backends in a worker thread. */
export { loadBackend, moduleOf, resolveModule, type BackendName, type LoadOptions } from './load.ts'
export { spawnBackend, type SpawnOptions } from './spawn.ts'
