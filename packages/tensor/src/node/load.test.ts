import { describe, expect, it } from 'vitest'
import { DeviceError, UnsupportedError, type Backend } from '../index.ts'
import { referenceBackend } from '../reference/index.ts'
import { loadBackend, moduleOf, resolveModule } from './index.ts'

describe('loadBackend', () => {
  it('gives the reference', async () => {
    expect((await loadBackend('reference')).name).toBe('reference')
  })
  it('imports the package of a name, and hands the options on', async () => {
    const asked: unknown[] = []
    const createBackend = (options: object): Backend => {
      asked.push(options)
      return referenceBackend()
    }
    const load = async (specifier: string) => {
      asked.push(specifier)
      return { createBackend }
    }
    await loadBackend('onnx', { threads: 2 }, { load })
    await loadBackend('@someone/theirs', {}, { load })
    expect(asked).toEqual(['@ldyn/backend-onnx', { threads: 2 }, '@someone/theirs', {}])
  })
  it('says what to install', async () => {
    const load = () =>
      Promise.reject(new Error("Cannot find package '@ldyn/backend-tfjs' imported from here"))
    await expect(loadBackend('tfjs', {}, { load })).rejects.toThrow(
      new DeviceError("the backend 'tfjs' is not installed: npm install @ldyn/backend-tfjs"),
    )
  })
  it('does not call a package missing when one of its own is', async () => {
    const load = () => Promise.reject(new Error("Cannot find module './onnxruntime_binding.node'"))
    await expect(loadBackend('onnx', {}, { load })).rejects.toThrow(
      "the backend 'onnx' could not be loaded from @ldyn/backend-onnx: Cannot find module './onnxruntime_binding.node'",
    )
  })
  it('says why a backend does not start, in its own words where it has them', async () => {
    const failing = (error: Error) => ({ load: async () => ({ createBackend: () => Promise.reject(error) }) })
    await expect(loadBackend('webgpu', {}, failing(new UnsupportedError('no adapter')))).rejects.toThrow(
      new UnsupportedError('no adapter'),
    )
    await expect(loadBackend('webgpu', {}, failing(new Error('boom')))).rejects.toThrow(
      new DeviceError("the backend 'webgpu' does not start here: boom"),
    )
  })
  it('refuses a module without a factory, and a name that is none', async () => {
    await expect(loadBackend('onnx', {}, { load: async () => ({}) })).rejects.toThrow(
      "@ldyn/backend-onnx exports no function 'createBackend', so it is no backend",
    )
    await expect(loadBackend('cuda')).rejects.toThrow(
      new UnsupportedError(
        "there is no backend 'cuda'; choose onnx, tfjs, webgpu, reference, or name a module",
      ),
    )
  })
})

describe('where a module is found', () => {
  it('is a package, a path or a URL', () => {
    expect(moduleOf('webgpu')).toBe('@ldyn/backend-webgpu')
    expect(moduleOf('./mine.js')).toBe('./mine.js')
    expect(resolveModule('file:///a/b.js')).toBe('file:///a/b.js')
  })
  it('is looked for from the caller first', () => {
    expect(resolveModule('./index.ts', import.meta.url)).toBe(new URL('./index.ts', import.meta.url).href)
    expect(resolveModule('nowhere-to-be-found', import.meta.url)).toBe('nowhere-to-be-found')
  })
})
