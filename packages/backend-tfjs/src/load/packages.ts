/**
 * The tf namespace of an installed package, or why it cannot be had and what to do, in a sentence.
 *
 * tfjs-node 4.22 is loaded with two helps: a function that Node 23 removed (`util.isNullOrUndefined`) is put back,
 * and libtensorflow is told to print errors alone. tfjs-node and tfjs-node-gpu register the same backend, so that
 * one of them is loaded in a process, and then serves both variants.
 */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { UnsupportedError } from '@ldyn/tensor'
import type { Variant } from '../options.ts'
import type { Tf } from '../run/engine.ts'
import { NODE, NODE_GPU, nodePackage } from './binding.ts'

/** Which packages can be what a variant asks for, best first. */
const packagesOf: Readonly<Record<Variant, readonly string[]>> = {
  'node-gpu': [NODE_GPU, NODE],
  node: [NODE, NODE_GPU],
  wasm: ['@tensorflow/tfjs-backend-wasm'],
  cpu: ['@tensorflow/tfjs-backend-cpu'],
}

/** What tf calls the backend that a variant's package registers. */
export const backendOf: Readonly<Record<Variant, string>> = {
  'node-gpu': 'tensorflow',
  node: 'tensorflow',
  wasm: 'wasm',
  cpu: 'cpu',
}

/** How a package that is there but has no libtensorflow gets one. */
export const LINK = 'npx -p @ldyn/backend-tfjs ldyn-tfjs-link'

/** Where packages are looked for: beside this one, beside the program, in the current folder. */
function requires(): NodeJS.Require[] {
  const entry = process.argv[1]
  return [import.meta.url, ...(entry ? [entry] : []), join(process.cwd(), 'package.json')].flatMap((base) => {
    try {
      return [createRequire(base)]
    } catch {
      return [] // an entry that is no file path: `node -e`, a bundler's name
    }
  })
}

/** The require function that finds a package, or undefined where none does. */
export function finderOf(name: string): NodeJS.Require | undefined {
  return requires().find((find) => {
    try {
      find.resolve(`${name}/package.json`)
      return true
    } catch {
      return false
    }
  })
}

export interface Loaded {
  readonly tf: Tf
  readonly name: string
  readonly version: string
}

const install = (...names: string[]): string => `npm install ${names.join(' ')}`
const sentence = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split('\n')[0].trim()

let libtensorflow: Loaded | undefined

/** Loads what a variant needs. Throws UnsupportedError. */
export function loadPackage(variant: Variant): Loaded {
  if (variant === 'wasm' || variant === 'cpu') return loadKernels(packagesOf[variant][0])
  return (libtensorflow ??= loadNode(packagesOf[variant]))
}

/** A package that registers its kernels with tfjs-core. */
function loadKernels(name: string): Loaded {
  const find = finderOf(name)
  if (!find)
    throw new UnsupportedError(`${name} is not installed: ${install(name, '@tensorflow/tfjs-core')}`)
  try {
    find(name)
    const { version } = find(`${name}/package.json`) as { version: string }
    return { tf: find('@tensorflow/tfjs-core') as Tf, name, version }
  } catch (error) {
    throw new UnsupportedError(`${name} does not load: ${sentence(error)}`)
  }
}

/** The first of several packages that is installed and linked. */
function loadNode(names: readonly string[]): Loaded {
  const found = names.flatMap((name) => {
    const find = finderOf(name)
    return find ? [{ find, it: nodePackage(find, name) }] : []
  })
  if (found.length === 0)
    throw new UnsupportedError(
      `${names[0]} is not installed: ${install('--ignore-scripts', names[0])} && ${LINK}`,
    )
  const linked = found.find(({ it }) => it.linked)
  if (!linked)
    throw new UnsupportedError(
      `${found[0].it.name} has no native binding here (its install script fetches one for a library of 2022): ${LINK}`,
    )
  const { find, it } = linked
  prepareProcess()
  try {
    return { tf: find(it.name) as Tf, name: it.name, version: it.version }
  } catch (error) {
    const reason = sentence(error)
    const gone = /cannot open shared object|libtensorflow/.test(reason)
    throw new UnsupportedError(
      gone
        ? `${it.name} does not find the libtensorflow that it was linked to (${reason}): ${LINK}`
        : `${it.name} does not load: ${reason}`,
    )
  }
}

function prepareProcess(): void {
  const util = createRequire(import.meta.url)('node:util') as { isNullOrUndefined?: (v: unknown) => boolean }
  util.isNullOrUndefined ??= (v) => v == null
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '2'
}
