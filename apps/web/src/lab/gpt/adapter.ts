// What this browser has to compute with, asked before anything is started: the adapter and its limits, or why not.
import { show } from '@ldyn/figures'

export interface Found {
  readonly gpu: boolean
  /** In a sentence. */
  readonly says: string
}

const megabytes = (bytes: number): string => `${show(bytes / 2 ** 20)} MiB`

export const findAdapter = async (gpu: GPU | undefined): Promise<Found> => {
  if (!gpu) return { gpu: false, says: 'This browser has no WebGPU here: pages must come from https or localhost.' }
  try {
    const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' })
    if (!adapter) return { gpu: false, says: 'WebGPU finds no adapter on this machine.' }
    const { vendor, architecture, device, description, isFallbackAdapter } = adapter.info
    const name = [description || device, [vendor, architecture].filter(Boolean).join(' ')].filter(Boolean).join(', ')
    const { maxStorageBufferBindingSize: binding, maxBufferSize: buffer } = adapter.limits
    return {
      gpu: true,
      says: `WebGPU: ${name || 'an adapter without a name'}${isFallbackAdapter ? ', in software' : ''}; ${megabytes(binding)} a binding, ${megabytes(buffer)} a buffer.`,
    }
  } catch (error) {
    return { gpu: false, says: `WebGPU does not answer: ${error instanceof Error ? error.message : String(error)}` }
  }
}
