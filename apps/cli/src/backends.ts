/**
 * Backends by name: `onnx`, `onnx:webgpu`, `reference`. This is the one place of the CLI that knows which packages
 * they are in; each is loaded when it is asked for.
 */
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
  open(variant: string, options: BackendOptions): Promise<Backend>
}

export const BACKENDS = {
  onnx: {
    describe: 'ONNX Runtime',
    variants: ['cpu', 'webgpu', 'cuda', 'coreml', 'dml'],
    open: async (variant, { threads }) => {
      const { onnxBackend } = await import('@ldyn/backend-onnx')
      type Provider = NonNullable<Parameters<typeof onnxBackend>[0]>['executionProvider']
      return onnxBackend({ executionProvider: variant as Provider, threads })
    },
  },
  reference: {
    describe: 'plain loops in float64: the oracle, for small models',
    variants: [],
    open: async () => (await import('@ldyn/tensor/reference')).referenceBackend(),
  },
} as const satisfies Record<string, Entry>
export type BackendName = keyof typeof BACKENDS

/** `onnx:cpu` → its entry and variant. Throws CliError LD5001 for a name that no backend has. */
export function backendNamed(spec: string): { entry: Entry; variant: string } {
  const [name, variant] = spec.split(':')
  const entry: Entry | undefined = Object.hasOwn(BACKENDS, name) ? BACKENDS[name as BackendName] : undefined
  const all = Object.entries(BACKENDS).flatMap(([key, { variants }]) => [
    key,
    ...variants.map((v) => `${key}:${v}`),
  ])
  if (!entry || (variant !== undefined && !entry.variants.includes(variant))) {
    const near = nearest(spec, all)
    throw new CliError({
      code: 'LD5001',
      what: `there is no backend '${spec}'`,
      where: '--backend',
      fix: `${near ? `did you mean ${near}? ` : ''}Backends are ${all.join(', ')}`,
    })
  }
  return { entry, variant: variant ?? entry.variants[0] ?? '' }
}

/**
 * Opens a backend. Throws CliError LD5001 with the backend's own sentence where it is not available here.
 */
export async function openBackend(spec: string, options: BackendOptions = {}): Promise<Backend> {
  const { entry, variant } = backendNamed(spec)
  try {
    return await entry.open(variant, options)
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'UnsupportedError') throw error
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
