import { describe, expect, it } from 'vitest'
import type { DeviceTensor } from './backend.ts'
import { DeviceError, NonFiniteError, TraceError } from './errors.ts'
import { finiteOf, holdings, type Compiled } from './holdings.ts'
import { trace } from './trace.ts'
import { f32, hostTensor, spec } from './spec.ts'

/** A device whose values are numbers, and what it was asked to free. */
function device() {
  const freed: number[] = []
  const held = holdings<number>('numbers', { put: ({ data }) => data[0], free: (v) => void freed.push(v) })
  let finite = true
  const doubled: Compiled<number, { simplifyMs: 0; lowerMs: 0; engineMs: 0; nodes: 0 }> = {
    inputs: [{ path: 'x', spec: f32() }, { path: 'rate', spec: f32() }],
    outputs: [{ path: 'x', spec: f32() }],
    stats: { simplifyMs: 0, lowerMs: 0, engineMs: 0, nodes: 0 },
    run: async ([x, rate]) => (finite ? [x * rate] : undefined),
    release: () => void freed.push(-1),
  }
  const program = trace(({ x }) => x, { x: f32() })
  return {
    held, freed, fail: () => (finite = false),
    upload: (value: number) => held.handle(f32(), held.put(hostTensor([value], []), 'it')),
    executable: held.executable(program, doubled, { donate: 'x' }),
  }
}

describe('what a backend has given out', () => {
  it('is counted until it is disposed of, and freed once', () => {
    const { held, freed, upload } = device()
    const t = upload(3)
    expect([held.memory(), held.valueOf(t, 't')]).toEqual([{ tensors: 1, bytes: 4 }, 3])
    t.dispose()
    t.dispose()
    expect([held.memory().tensors, freed]).toEqual([0, [3]])
    expect(() => held.valueOf(t, 't')).toThrow("'t' was disposed of or donated")
  })

  it('is not taken from another backend', () => {
    const [a, b] = [device(), device()]
    expect(() => a.held.valueOf(b.upload(1), 't')).toThrow(/'t' lives on another backend \(numbers\)/)
  })

  it('runs: donated handles are consumed, copies of host values freed', async () => {
    const { freed, upload, executable } = device()
    const x = upload(3)
    const out = (await executable.run({ x, rate: 2 })) as { x: DeviceTensor }
    expect([x.alive, out.x.alive, freed]).toEqual([false, true, [3, 2]])
    await expect(executable.run({ x, rate: 2 })).rejects.toThrow(DeviceError)
  })

  it('refuses what does not fit, by its path', async () => {
    const { executable, upload } = device()
    for (const [inputs, why] of [
      [{ rate: 1 }, "input 'x' (f32[]) is missing"],
      [{ x: hostTensor([1, 2], [2]), rate: 1 }, "input 'x' is f32[2] where the program takes f32[]"],
      [{ x: upload(1), rate: { ...spec([]), data: new Float32Array(2) } }, "input 'rate' has 2 values"],
    ] as const) {
      const error = await executable.run(inputs).catch((e: unknown) => e as Error)
      expect(error).toBeInstanceOf(TraceError)
      expect((error as Error).message).toContain(why)
    }
  })

  it('keeps donated inputs where `finite` is false', async () => {
    const { executable, upload, fail } = device()
    const x = upload(3)
    fail()
    await expect(executable.run({ x, rate: 2 })).rejects.toThrow(NonFiniteError)
    expect(x.alive).toBe(true)
  })

  it('ends with the backend: runs first, then executables and tensors', async () => {
    const { held, freed, upload, executable } = device()
    const run = executable.run({ x: upload(3), rate: 2 })
    await held.close()
    expect(((await run) as { x: DeviceTensor }).x.alive).toBe(false)
    expect(freed).toEqual([3, 2, -1, 6])
    await expect(executable.run({ x: 1, rate: 1 })).rejects.toThrow('the numbers backend was disposed of')
  })

  it('knows which output says whether a run counts', () => {
    expect(finiteOf([{ path: 'y', spec: f32() }, { path: 'finite', spec: spec([], 'bool') }])).toBe(1)
    expect(finiteOf([{ path: 'finite', spec: spec([1], 'bool') }])).toBe(-1)
  })
})
