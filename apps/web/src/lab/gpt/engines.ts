// The ladder of engines (ux.md §5.9): WebGPU where there is an adapter, else the float64 reference on the CPU.
import { createBackend } from '@ldyn/backend-webgpu'
import type { Backend } from '@ldyn/tensor'
import { referenceBackend } from '@ldyn/tensor/reference'
import type { EngineChoice } from '../settings.ts'
import type { EngineAbout } from './protocol.ts'

export interface Engine {
  readonly backend: Backend
  readonly about: EngineAbout
}

const SHOWN = ['maxBindingBytes', 'maxBufferBytes', 'maxWorkgroups', 'workgroupBytes'] as const

const webgpu = async (): Promise<Engine> => {
  const backend = await createBackend()
  const { device, limits = {} } = backend.capabilities
  return {
    backend,
    about: {
      rung: 'webgpu',
      device,
      limits: Object.fromEntries(SHOWN.flatMap(name => (name in limits ? [[name, limits[name]]] : []))),
    },
  }
}

const cpu = (instead?: string): Engine => ({
  backend: referenceBackend(),
  about: {
    rung: 'cpu',
    device: 'one core, float64, @ldyn/tensor/reference',
    limits: {},
    ...(instead === undefined ? {} : { instead }),
  },
})

/** The engine asked for; `auto` is the highest that there is. Throws where WebGPU was asked for and is not there. */
export const openEngine = async (
  choice: Exclude<EngineChoice, 'replay'>,
  instead?: string,
): Promise<Engine> => {
  if (choice === 'cpu') return cpu(instead)
  try {
    return await webgpu()
  } catch (error) {
    if (choice === 'webgpu') throw error
    return cpu(error instanceof Error ? error.message : String(error))
  }
}
