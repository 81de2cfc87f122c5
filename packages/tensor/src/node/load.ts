/**
 * Backends by name, found at run time: no backend package is a dependency of this one. A name with a slash, a
 * dot or
 * an @ is itself a module, so that a stranger's backend loads in the same way as ours.
 */
import { realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Backend } from '../backend.ts'
import { DeviceError, UnsupportedError } from '../errors.ts'
import { referenceBackend } from '../reference/index.ts'

export type BackendName = 'onnx' | 'tfjs' | 'webgpu' | 'reference'

export interface LoadOptions {
  /**
   * Whose dependencies are searched first: `import.meta.url` of the caller. Then the program's, then the
   * folder's.
   */
  readonly from?: string | URL
  /**
   * Imports a module instead: `(specifier) => import(specifier)` in the caller resolves as the caller does.
   */
  readonly load?: (specifier: string) => Promise<unknown>
}

const packages: { readonly [name: string]: string } = {
  onnx: '@ldyn/backend-onnx',
  tfjs: '@ldyn/backend-tfjs',
  webgpu: '@ldyn/backend-webgpu',
}

/** The module of a backend's name. Throws UnsupportedError for a name that is neither ours nor a module's. */
export function moduleOf(name: string): string {
  const known = packages[name] ?? (name === 'reference' ? '@ldyn/tensor/reference' : undefined)
  if (known) return known
  if (/[@./]/.test(name)) return name
  throw new UnsupportedError(
    `there is no backend '${name}'; choose ${Object.keys(packages).join(', ')}, reference, or name a module`,
  )
}

/** The program that was started, where its packages lie. */
const entry = (): string => (process.argv[1] ? realpathOf(process.argv[1]) : '')
const realpathOf = (path: string): string => {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}

/**
 * A specifier as a URL that any module can import: as seen from `from`, the program, or the current folder.
 */
export function resolveModule(specifier: string, from?: string | URL): string {
  if (/^(file|data|node):/.test(specifier)) return specifier
  for (const base of [from, entry(), join(process.cwd(), 'package.json')]) {
    if (!base) continue
    try {
      return pathToFileURL(createRequire(base).resolve(specifier)).href
    } catch {
      // Not from here; the next, and at last the importing module itself.
    }
  }
  return specifier
}

type Factory = (options: object) => Backend | Promise<Backend>

/** The factory that a backend's module exports. Throws DeviceError where it does not. */
export function factoryOf(module: unknown, specifier: string, factory = 'createBackend'): Factory {
  const made = (module as Record<string, unknown> | undefined)?.[factory]
  if (typeof made !== 'function')
    throw new DeviceError(`${specifier} exports no function '${factory}', so it is no backend`)
  return made as Factory
}

/**
 * The backend of that name, made with `options` by its package's `createBackend`. Rejects with one sentence:
 * not
 * installed and what to install, or why it does not start here (DeviceError); no such name
 * (UnsupportedError).
 */
export async function loadBackend(
  name: BackendName | (string & {}),
  options: object = {},
  how: LoadOptions = {},
): Promise<Backend> {
  if (name === 'reference') return referenceBackend(options)
  const specifier = moduleOf(name)
  const load = how.load ?? ((wanted: string) => import(/* @vite-ignore */ resolveModule(wanted, how.from)))
  const module = await load(specifier).catch((error: unknown) => {
    throw unavailable(name, specifier, error)
  })
  const create = factoryOf(module, specifier)
  try {
    return await create(options)
  } catch (error) {
    if (error instanceof DeviceError || error instanceof UnsupportedError) throw error
    throw new DeviceError(`the backend '${name}' does not start here: ${sentence(error)}`, { cause: error })
  }
}

const sentence = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** The sentence for a module that cannot be imported: not installed and what to install, or what it says itself. */
export function unavailable(name: string, specifier: string, error: unknown): DeviceError {
  const missing = /Cannot find (package|module)|Failed to (load|resolve)|ERR_MODULE_NOT_FOUND/.test(
    sentence(error),
  )
  const why =
    missing && sentence(error).includes(specifier)
      ? `the backend '${name}' is not installed: npm install ${specifier}`
      : `the backend '${name}' could not be loaded from ${specifier}: ${sentence(error)}`
  return new DeviceError(why, { cause: error })
}
