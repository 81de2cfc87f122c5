/**
 * Links tfjs-node to the libtensorflow inside a Python wheel: fetches the wheel, builds tfjs-node's native binding
 * against it (two C++ files, some ten seconds) and puts that where tfjs-node looks for it. So neither the install
 * script's download nor its library of 2022 (CUDA 11) is needed, and current GPUs work.
 *
 * What is written: the binding inside the installed package, and the unpacked wheel in the cache folder, which the
 * binding refers to by its path.
 */
import { existsSync, readdirSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { NODE, NODE_GPU, nodePackage, type NodePackage } from '../load/binding.ts'
import { finderOf } from '../load/packages.ts'
import { findTools, LinkError, run, wheelPlatform, type Tools } from './tools.ts'
import { unpackedWheel } from './wheel.ts'

export { LinkError } from './tools.ts'

export interface LinkOptions {
  /** Fetch the build with CUDA 12, and NVIDIA's libraries. Default: for the CPU. */
  readonly cuda?: boolean
  /** Where the unpacked wheel lives. Default `$XDG_CACHE_HOME/ldyn/libtensorflow`, or ~/.cache/…. */
  readonly cache?: string
  /** Version of TensorFlow. Default 2.21.0, which was tried. */
  readonly tensorflow?: string
  /** A folder that holds `tensorflow/`, unpacked or installed (Python's site-packages), in place of a download. */
  readonly from?: string
  /** Build again though the package is linked. */
  readonly force?: boolean
  /** Sees what pip prints, and what is done. */
  readonly show?: (text: string) => void
  /** Let pip write to stderr itself, where it draws a progress bar on a terminal. */
  readonly terminal?: boolean
}

export interface Linked {
  /** The package that was linked. */
  readonly name: string
  readonly binding: string
  /** Version of libtensorflow, as it says itself. */
  readonly tensorflow: string
}

const defaultCache = (): string =>
  join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'ldyn', 'libtensorflow')

/** The tfjs-node that is installed. Throws LinkError. */
export function installed(): NodePackage {
  for (const name of [NODE, NODE_GPU]) {
    const find = finderOf(name)
    if (find) return nodePackage(find, name)
  }
  throw new LinkError(`${NODE} is not installed here: npm install --ignore-scripts ${NODE}`)
}

/** Is a tfjs-node installed, with a binding that it can load? */
export const isLinked = (): boolean =>
  [NODE, NODE_GPU].some((name) => {
    const find = finderOf(name)
    return find !== undefined && nodePackage(find, name).linked
  })

/**
 * Links the installed tfjs-node; where it is linked already and its library loads, only says so. Rejects with
 * LinkError: what is missing, and the command that brings it.
 */
export async function linkTensorflow(options: LinkOptions = {}): Promise<Linked> {
  const target = installed()
  if (target.linked && !options.force && !options.cuda) {
    const version = await versionOf(target.binding)
    if (version !== undefined) return { name: target.name, binding: target.binding, tensorflow: version }
  }
  const platform = wheelPlatform()
  const tools = await findTools()
  const show = options.show ?? (() => undefined)
  const tensorflow =
    options.from === undefined
      ? await unpackedWheel(tools, {
          cache: resolve(options.cache ?? defaultCache()),
          cuda: options.cuda ?? false,
          tensorflow: options.tensorflow ?? '2.21.0',
          platform,
          show,
          terminal: options.terminal ?? false,
        })
      : resolve(options.from, 'tensorflow')
  show(`building the binding of ${target.name} against ${tensorflow}\n`)
  return { name: target.name, binding: target.binding, tensorflow: await build(tools, target, tensorflow) }
}

/** Compiles the binding into its place; the version of the library that it then loads. */
async function build({ compiler }: Tools, target: NodePackage, tensorflow: string): Promise<string> {
  const libraries = ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'].map((f) => join(tensorflow, f))
  for (const library of libraries)
    if (!existsSync(library)) throw new LinkError(`${library} is not there; give a folder that holds tensorflow/`)
  const sources = join(target.folder, 'binding')
  const headers = dirname(createRequire(import.meta.url).resolve('node-api-headers/package.json'))
  const draft = `${target.binding}.${process.pid}`
  try {
    await mkdir(dirname(target.binding), { recursive: true })
    const { status, output } = await run(compiler, [
      ...['-std=c++17', '-O2', '-shared', '-fPIC', `-DNAPI_VERSION=${target.napi}`],
      ...['-I', join(headers, 'include'), '-I', join(tensorflow, 'include'), '-I', target.folder],
      ...readdirSync(sources)
        .filter((f) => f.endsWith('.cc'))
        .map((f) => join(sources, f)),
      ...['-o', draft, ...libraries, `-Wl,-rpath,${tensorflow}`],
    ])
    if (status !== 0) throw new LinkError(`${compiler} could not build the binding:\n${output.trim().slice(-2000)}`)
    const version = await versionOf(draft)
    if (version === undefined)
      throw new LinkError(`the binding was built, but does not load: ${await whyUnloadable(draft)}`)
    await rename(draft, target.binding)
    return version
  } catch (error) {
    if (error instanceof LinkError) throw error
    throw new LinkError(
      `${dirname(target.binding)} cannot be written (${error instanceof Error ? error.message : String(error)})`,
    )
  } finally {
    await rm(draft, { force: true })
  }
}

/** A binding is tried in a process of its own: one that crashes takes nobody along. */
const load = (binding: string) =>
  run(
    process.execPath,
    [
      '-e',
      `const m = { exports: {} }; process.dlopen(m, ${JSON.stringify(binding)}); console.log('TensorFlow', m.exports.TF_Version)`,
    ],
    { env: { TF_CPP_MIN_LOG_LEVEL: '2' } },
  )

async function versionOf(binding: string): Promise<string | undefined> {
  const { status, output } = await load(binding)
  return status === 0 ? /^TensorFlow (\S+)$/m.exec(output)?.[1] : undefined
}

async function whyUnloadable(binding: string): Promise<string> {
  const { output } = await load(binding)
  return output.split('\n').find((line) => /Error/.test(line)) ?? output.trim().slice(-300)
}
