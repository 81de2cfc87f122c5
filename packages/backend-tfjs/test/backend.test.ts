/** What the contract leaves to a backend: leaks in tf's books, whose backend is selected, what is refused and how. */
import { createRequire } from 'node:module'
import {
  all, f32, erf, grad, hostTensor, isFinite, leaves, matmul, mul, square, sub, sum, topK, trace, UnsupportedError,
  call, type Branch, type DeviceTensor, type Tensor,
} from '@ldyn/tensor'
import { loadBackend } from '@ldyn/tensor/node'
import { describe, expect, it } from 'vitest'
import { available, tfjsBackend } from '../src/index.ts'
import type { Tf } from '../src/run/engine.ts'
import { missing } from './linked.ts'

const why = await missing()
if (why !== undefined) console.warn(`tfjs-node: skipped, because ${why}`)

const require = createRequire(import.meta.url)
const tf = require('@tensorflow/tfjs-core') as Tf
require('@tensorflow/tfjs-backend-cpu')

const loss = trace(({ params, x }) => ({ loss: sum(square(matmul(x, params.w))) }), {
  params: { w: f32(4, 3) },
  x: f32(5, 4),
})
const gradient = grad(loss, { wrt: 'params', of: 'loss' })
/** One SGD step with the output `finite` that guards donation. */
const step = trace(
  ({ params, x }) => {
    const { grads, primal } = call(gradient, { params, x }) as {
      grads: { params: { w: Tensor } }
      primal: { loss: Tensor }
    }
    const w = sub(params.w, mul(grads.params.w, 1e-3))
    return { params: { w }, loss: primal.loss, finite: all(isFinite(w)) }
  },
  { params: { w: f32(4, 3) }, x: f32(5, 4) },
)
const ones = (...shape: number[]) => hostTensor(new Float32Array(shape.reduce((n, d) => n * d, 1)).fill(1), shape)

describe.each(['node', 'wasm', 'cpu'] as const)('tfjs:%s', (variant) => {
  const here = it.skipIf(variant === 'node' && why !== undefined)

  here('leaks nothing in 1 000 training steps', async () => {
    await using backend = await tfjsBackend({ variant })
    const empty = tf.memory().numTensors
    {
      using executable = await backend.compile(step, { donate: 'params' })
      let params = { w: await backend.upload(ones(4, 3)) }
      let settled: { numTensors: number; numBytes: number } | undefined
      for (let i = 0; i < 1000; i++) {
        const next = (await executable.run({ params, x: ones(5, 4) })) as {
          params: { w: DeviceTensor }
          loss: DeviceTensor
          finite: DeviceTensor
        }
        next.loss.dispose()
        next.finite.dispose()
        params = next.params
        const { numTensors, numBytes } = tf.memory()
        if (settled === undefined) settled = { numTensors, numBytes }
        else expect({ numTensors, numBytes }).toEqual(settled)
      }
      expect((await backend.read(params.w)).data.every((v) => v > 0 && v < 0.5)).toBe(true)
      params.w.dispose()
    }
    expect(tf.memory().numTensors).toBe(empty)
  })
  here('computes on its own backend whichever is selected, and leaves that selected', async () => {
    const other = variant === 'cpu' ? 'wasm' : 'cpu'
    await tfjsBackend({ variant: other })
    await using backend = await tfjsBackend({ variant })
    await tf.setBackend(other)
    using executable = await backend.compile(loss)
    const out = (await executable.run({ params: { w: ones(4, 3) }, x: ones(5, 4) })) as { loss: DeviceTensor }
    expect(tf.getBackend()).toBe(other)
    expect((await backend.read(out.loss)).data).toEqual(Float32Array.of(240))
    out.loss.dispose()
  })
})

describe('tfjsBackend', () => {
  it('computes on a namespace that is given, outside of scopes that its owner has open', async () => {
    await tf.setBackend('cpu')
    await using backend = await tfjsBackend({ tf })
    expect(backend.capabilities).toMatchObject({ device: "the given tf's 'cpu'", version: `tfjs ${tf.version_core}` })
    using executable = await backend.compile(step)
    let run: Promise<unknown> | undefined
    tf.tidy(() => {
      run = executable.run({ params: { w: ones(4, 3) }, x: ones(5, 4) })
    })
    const out = leaves((await run) as Branch<DeviceTensor>)
    expect((await backend.read(out.find(({ path }) => path === 'loss')!.value)).data[0]).toBe(240)
    for (const { value } of out) value.dispose()
  })
  it('is found by name', async () => {
    const load = (specifier: string): Promise<unknown> =>
      specifier === '@ldyn/backend-tfjs' ? import('../src/index.ts') : Promise.reject(new Error(specifier))
    await using backend = await loadBackend('tfjs', { variant: 'cpu' }, { load })
    expect(backend.name).toBe('tfjs')
    expect(backend.capabilities.version).toMatch(/^tfjs-backend-cpu \d/)
  })
  it('names the op, the module path and the variant where a kernel is missing', async () => {
    await using backend = await tfjsBackend({ variant: 'cpu' })
    const kernel = tf.getKernel('Erf', 'cpu')
    using executable = await backend.compile(trace(({ x }) => ({ y: erf(x) }), { x: f32(2) }))
    tf.unregisterKernel('Erf', 'cpu')
    try {
      const before = tf.memory().numTensors
      const failed = executable.run({ x: ones(2) })
      await expect(failed).rejects.toBeInstanceOf(UnsupportedError)
      await expect(failed).rejects.toThrow("tfjs:cpu cannot run erf: it has no kernel 'Erf'")
      expect(tf.memory().numTensors).toBe(before)
    } finally {
      tf.registerKernel(kernel)
    }
  })
  it('refuses what it cannot open, and says what there is', async () => {
    const refused = (options: object) => available(options as { variant: 'cpu' })
    expect(await refused({ variant: 'gpu' })).toBe(
      "there is no tfjs variant 'gpu'; choose node-gpu, node, wasm, cpu",
    )
    expect(await refused({ tf: { engine: 1 } })).toContain('is no namespace of TensorFlow.js')
    expect(await refused({ tf, variant: 'cpu' })).toContain('not both')
    expect(await refused({ variant: 'cpu' })).toBeUndefined()
  })
  it.skipIf(why !== undefined)('takes the best that is installed, and says that no GPU is seen', async () => {
    const gpu = await available({ variant: 'node-gpu' })
    if (gpu !== undefined) expect(gpu).toMatch(/sees no GPU; look at nvidia-smi, .*ldyn-tfjs-link --cuda/)
    await using backend = await tfjsBackend()
    expect(backend.capabilities.version).toMatch(/^tfjs-node(-gpu)? \S+ on TensorFlow \d/)
  })
  it.skipIf(why !== undefined)('puts back what Node 23 removed and tfjs-node calls', async () => {
    const util = require('node:util') as { isNullOrUndefined?: (v: unknown) => boolean }
    expect(util.isNullOrUndefined?.(null)).toBe(true)
    await using backend = await tfjsBackend({ variant: 'node' })
    using executable = await backend.compile(trace(({ x }) => topK(x, 2), { x: f32(3) }))
    const out = (await executable.run({ x: hostTensor([1, 3, 2], [3]) })) as Record<string, DeviceTensor>
    expect((await backend.read(out.indices)).data).toEqual(Int32Array.of(1, 2))
    for (const t of Object.values(out)) t.dispose()
  })
})
