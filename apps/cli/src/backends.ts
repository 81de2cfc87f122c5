/**
 * Backends by name: `onnx`, `onnx:webgpu`, `webgpu`, `tfjs:node`, `reference`, or the module of somebody else's. This
 * is the one place of the CLI that knows which packages they are in. Each computes in a worker thread of its own, so
 * that signals and progress stay alive.
 */
import { resolve as absolute } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Backend } from '@ldyn/tensor'
import { CliError } from './contract/errors.ts'
import { nearest } from './contract/nearest.ts'

export interface BackendOptions {
  /** Threads that compute; all that the machine offers unless given. */
  readonly threads?: number
}

interface Entry {
  readonly describe: string
  /** What may follow the colon, the default first. */
  readonly variants: readonly string[]
  /** What its factory is given. */
  options(variant: string, options: BackendOptions): object
}

export const BACKENDS = {
  onnx: {
    describe: 'ONNX Runtime',
    variants: ['cpu', 'webgpu', 'cuda', 'coreml', 'dml'],
    // No arenas: sessions of several lengths would each keep gigabytes; start.ts makes up for the speed.
    options: (variant, { threads }) => ({ executionProvider: variant, threads, arena: false }),
  },
  webgpu: {
    describe: 'WebGPU kernels of our own, through Dawn',
    // What matrix products are rounded to.
    variants: ['f32', 'split-f16', 'f16'],
    options: (variant) => ({ matmulPrecision: variant }),
  },
  tfjs: {
    describe: 'TensorFlow.js: CUDA, libtensorflow, WebAssembly or plain JavaScript',
    // `auto` is the best that is installed.
    variants: ['auto', 'node-gpu', 'node', 'wasm', 'cpu'],
    options: (variant) => (variant === 'auto' ? {} : { variant }),
  },
  reference: {
    describe: 'plain loops in float64: the oracle, for small models',
    variants: [],
    options: () => ({}),
  },
} as const satisfies Record<string, Entry>
export type BackendName = keyof typeof BACKENDS

/** What `--backend` takes, for the help of every command that has it. */
export const BACKEND_HELP =
  'onnx[:cpu|webgpu|cuda|…], webgpu[:f32|split-f16|f16], tfjs[:node-gpu|node|wasm|cpu], reference, or a module that exports createBackend'

interface Named {
  /** One of ours, or a module's name, path or URL. */
  readonly name: string
  readonly entry: Entry
  readonly variant: string
}

/** Somebody else's: its factory is given what every backend may use. */
const theirs: Entry = { describe: 'a module', variants: [], options: (_, options) => options }

/** A relative path is taken from the current directory, as the shell would. */
const moduleNamed = (spec: string): string =>
  spec.startsWith('.') ? pathToFileURL(absolute(spec)).href : spec

/** `onnx:cpu` → its entry and variant. Throws CliError LD5001 for a name that no backend has. */
export function backendNamed(spec: string): Named {
  if (/[@./]/.test(spec)) return { name: moduleNamed(spec), entry: theirs, variant: '' }
  const [name, variant] = spec.split(':')
  const entry: Entry | undefined = Object.hasOwn(BACKENDS, name) ? BACKENDS[name as BackendName] : undefined
  if (entry && (variant === undefined || entry.variants.includes(variant))) {
    return { name, entry, variant: variant ?? entry.variants[0] ?? '' }
  }
  const all = Object.entries(BACKENDS).flatMap(([key, { variants }]) => [
    key,
    ...variants.map((v) => `${key}:${v}`),
  ])
  const near = nearest(spec, all)
  throw new CliError({
    code: 'LD5001',
    what: `there is no backend '${spec}'`,
    where: '--backend',
    fix: `${near ? `did you mean ${near}? ` : ''}Backends are ${all.join(', ')}`,
  })
}

/** Opens a backend. Throws CliError LD5001 with the backend's own sentence where it is not available here. */
export async function openBackend(spec: string, options: BackendOptions = {}): Promise<Backend> {
  const { name, entry, variant } = backendNamed(spec)
  const { spawnBackend } = await import('@ldyn/tensor/node')
  try {
    return await spawnBackend(name, { options: entry.options(variant, options), from: import.meta.url })
  } catch (error) {
    if (!(error instanceof Error) || !['UnsupportedError', 'DeviceError'].includes(error.name)) throw error
    throw new CliError(
      {
        code: 'LD5001',
        what: `the backend '${spec}' is not available`,
        where: '--backend',
        why: error.message,
        fix: 'see what `ldyn doctor` says of this machine',
      },
      { cause: error },
    )
  }
}
