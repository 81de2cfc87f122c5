/** From options to an engine that computes: a namespace that is given, the variant asked for, the best installed. */
import { UnsupportedError } from '@ldyn/tensor'
import { variants, type TfjsOptions, type Variant } from '../options.ts'
import { engineOf, type Engine, type Tf } from '../run/engine.ts'

export interface Opened {
  readonly engine: Engine
  /** What computes, in words. */
  readonly device: string
  readonly version: string
}

/** What the backends for Node say of themselves. */
interface NodeBackend {
  firstUse?: boolean
  readonly isUsingGpuDevice?: boolean
  readonly binding?: { readonly TF_Version?: string }
}

// Only this needs Node: with a namespace of the caller's, the package runs wherever tfjs does.
const packages = () => import('./packages.ts')

async function openGiven(given: object): Promise<Opened> {
  const tf = given as Tf
  if (typeof tf.engine !== 'function' || typeof tf.matMul !== 'function')
    throw new UnsupportedError(
      "the option 'tf' is no namespace of TensorFlow.js: give what `import * as tf from '@tensorflow/tfjs-core'` gives",
    )
  await tf.ready()
  const backend = tf.getBackend()
  const engine = engineOf(tf, backend, undefined)
  return { engine, device: `the given tf's '${backend}'`, version: `tfjs ${tf.version_core}` }
}

async function openVariant(variant: Variant): Promise<Opened> {
  const { backendOf, loadPackage, LINK } = await packages()
  const { tf, name, version } = loadPackage(variant)
  const backend = backendOf[variant]
  const selected = tf.getBackend()
  if (!(await tf.setBackend(backend)))
    throw new UnsupportedError(`${name} is there, but its backend '${backend}' does not start here`)
  const started = tf.backend() as unknown as NodeBackend
  // Else it prints an advertisement for tfjs-node when it is first used.
  if (variant === 'cpu') started.firstUse = false
  const { isUsingGpuDevice: gpu, binding } = started
  if (selected && selected !== backend) await tf.setBackend(selected)
  const library = binding?.TF_Version === undefined ? '' : ` on TensorFlow ${binding.TF_Version}`
  if (variant === 'node-gpu' && !gpu)
    throw new UnsupportedError(
      `${name}${library} sees no GPU; look at nvidia-smi, and link a libtensorflow with CUDA: ${LINK} --cuda`,
    )
  return {
    engine: engineOf(tf, backend, variant),
    device: await deviceOf(variant, gpu === true),
    version: `${name.replace('@tensorflow/', '')} ${version}${library}`,
  }
}

async function deviceOf(variant: Variant, gpu: boolean): Promise<string> {
  const { cpus } = await import('node:os')
  const cpu = cpus()[0]?.model.trim() ?? 'CPU'
  if (gpu) return 'GPU (CUDA)'
  if (variant === 'node') return cpu
  return `${cpu}, one thread of ${variant === 'wasm' ? 'WebAssembly' : 'JavaScript'}`
}

/** Throws UnsupportedError, with the reason of every variant that was tried. */
export async function openEngine(options: TfjsOptions): Promise<Opened> {
  if (options.tf) {
    if (options.variant !== undefined)
      throw new UnsupportedError("give 'tf' or 'variant', not both: a given tf computes with what it has selected")
    return await openGiven(options.tf)
  }
  if (options.variant !== undefined) {
    if (!variants.includes(options.variant))
      throw new UnsupportedError(`there is no tfjs variant '${options.variant}'; choose ${variants.join(', ')}`)
    return await openVariant(options.variant)
  }
  const reasons: string[] = []
  for (const variant of variants) {
    try {
      return await openVariant(variant)
    } catch (error) {
      if (!(error instanceof UnsupportedError)) throw error
      reasons.push(error.message)
    }
  }
  throw new UnsupportedError(`no TensorFlow.js is installed that computes: ${reasons.join('; ')}`)
}
