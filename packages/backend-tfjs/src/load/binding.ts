/** Where tfjs-node keeps its native binding, which its own install script would have fetched and `link` builds. */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** Packages that compute with libtensorflow; they differ in name alone. */
export const NODE = '@tensorflow/tfjs-node'
export const NODE_GPU = '@tensorflow/tfjs-node-gpu'

interface Manifest {
  readonly version: string
  readonly binary?: { readonly napi_versions: readonly number[] }
}

export interface NodePackage {
  readonly name: string
  readonly version: string
  readonly folder: string
  /** The newest N-API that both it and this Node know. */
  readonly napi: number
  readonly binding: string
  readonly linked: boolean
}

/** An installed tfjs-node(-gpu), as `find` resolves it. */
export function nodePackage(find: NodeJS.Require, name: string): NodePackage {
  const file = find.resolve(`${name}/package.json`)
  const { version, binary } = createRequire(import.meta.url)(file) as Manifest
  const known = (binary?.napi_versions ?? [8]).filter((n) => n <= Number(process.versions['napi'] ?? 8))
  const napi = Math.max(...known)
  const folder = dirname(file)
  const binding = join(folder, 'lib', `napi-v${napi}`, 'tfjs_binding.node')
  return { name, version, folder, napi, binding, linked: existsSync(binding) }
}
