// Backends behind one flag, as users swap them: verify, bench, a module of one's own.
import { join } from 'node:path'
import { vulkan } from '@ldyn/software-gpu'
import { describe, expect, it } from 'vitest'
import { ldyn, root, start } from './ldyn.ts'

/** A module that exports createBackend, as anybody's does: the reference, by its path. */
const module = join(root, 'packages', 'tensor', 'dist', 'reference', 'index.js')

interface Verdict {
  readonly agrees: boolean
  readonly backends: readonly {
    readonly backend: string
    readonly deviations: readonly { readonly metric: string; readonly deviation: number }[]
    readonly layers?: readonly object[]
    readonly firstOp?: { readonly values: number; readonly found?: object }
  }[]
}
interface Timings {
  readonly backend: string
  readonly matmuls: readonly object[]
  readonly steps: readonly { readonly loss: number }[]
  readonly failures: readonly { readonly why: string }[]
}
const verdictOf = (out: string): Verdict => (JSON.parse(out) as { data: Verdict }).data
const few = ['--limit', '1', '--update', '1', '--types', 'chosen,rejected']

describe('ldyn verify', { timeout: 240_000 }, () => {
  it('measures backends against the first, a module of one’s own among them', async () => {
    const { code, out, err } = await ldyn('verify', '--backends', `onnx,${module}`, ...few, '--layers', '--json')
    expect(code, err).toBe(0)
    const { agrees, backends } = verdictOf(out)
    expect(agrees).toBe(true)
    expect(backends.map(({ backend }) => backend)).toEqual(['onnx', module])
    expect(backends[1].deviations.map(({ metric }) => metric)).toEqual(
      expect.arrayContaining(['before/logp', 'update/loss', 'update/grad_norm', 'change/logp']),
    )
    expect(backends[1].layers!.length).toBeGreaterThan(10)
  })

  it('ends with 7 above the tolerance, and looks for the op', async () => {
    const { code, out } = await ldyn('verify', '--backends', 'reference,onnx', ...few, '--tolerance', '1e-12', '--json')
    expect(code).toBe(7)
    const { agrees, backends } = verdictOf(out)
    expect(agrees).toBe(false)
    // f32 rounds: no op of ONNX Runtime is wrong by itself.
    expect(backends[1].firstOp!.values).toBeGreaterThan(100)
    expect(backends[1].firstOp!.found).toBeUndefined()
  })

  it('says what is wrong with what it is given', async () => {
    expect(await ldyn('verify', '--backends', 'onnx')).toMatchObject({ code: 2 })
    const alone = await ldyn('verify', '--model', root)
    expect(alone.code).toBe(2)
    expect(alone.err).toContain('--model needs --probe too')
    const absent = await ldyn('verify', '--backends', 'onnx,./nowhere.js', ...few)
    expect(absent).toMatchObject({ code: 5, out: '' })
    expect(absent.err).toMatch(/^error\[LD5001\] the backend '\.\/nowhere\.js' is not available/m)
    expect((await ldyn('verify', '--backends', 'onnx,onx')).err).toContain('did you mean onnx?')
  })

  it('holds our WebGPU kernels against ONNX Runtime', async ({ skip }) => {
    const found = vulkan()
    if (typeof found === 'string') return skip(found)
    const { code, out, err } = await start(
      ['verify', '--backends', 'onnx,webgpu', ...few, '--json'], found.env,
    ).finished
    expect(code, err).toBe(0)
    expect(verdictOf(out).agrees).toBe(true)
  })
})

describe('ldyn bench', { timeout: 240_000 }, () => {
  it('is one table of products and steps, and says which backend is not here', async () => {
    const { code, out, err } = await ldyn(
      'bench', 'backends', '--backends', 'onnx,onnx:cuda', '--matmul', '64', '--repeat', '1', '--pairs', '1',
      '--prompt', '8', '--response', '4', '--json',
    )
    expect(code, err).toBe(0)
    const { timings } = (JSON.parse(out) as { data: { timings: Timings[] } }).data
    expect(timings.map(({ backend, matmuls, steps }) => [backend, matmuls.length, steps.length])).toEqual([
      ['onnx', 1, 1], ['onnx:cuda', 0, 0],
    ])
    expect(timings[0].steps[0].loss).toBeGreaterThan(0)
    expect(timings[1].failures[0].why).toMatch(/cuda/i)
  })
  it('refuses a shape that it has not', async () => {
    expect((await ldyn('bench', 'gpu', '--shapes', 'gpt5')).err).toMatch(/there is no shape 'gpt5'/)
  })
})
