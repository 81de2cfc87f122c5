import {
  add,
  all,
  bool,
  byteSize,
  DeviceError,
  div,
  exp,
  f32,
  hostTensor,
  i32,
  isFinite,
  leaves,
  matmul,
  mul,
  NonFiniteError,
  sum,
  take,
  trace,
  TraceError,
  unflatten,
  type Backend,
  type DeviceTensor,
  type HostTensor,
  type Tree,
} from '@ldyn/tensor'
import { referenceBackend } from '@ldyn/tensor/reference'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { available, onnxBackend } from '../src/index.ts'
import { step } from './block.ts'
import { inputsOf } from './random.ts'

let backend: Backend
beforeEach(async () => {
  backend = await onnxBackend({ spin: false, threads: 1 })
})
afterEach(() => backend.dispose())

const scalar = (v: number): HostTensor => hostTensor([v], [])
const numbers = async (t: DeviceTensor): Promise<number[]> => Array.from((await backend.read(t)).data)
const upload = async (tree: Tree<HostTensor>): Promise<Map<string, DeviceTensor>> =>
  new Map(
    await Promise.all(
      leaves(tree).map(async ({ path, value }) => [path, await backend.upload(value)] as const),
    ),
  )
// w ← w − rate·g, refused where the sum overflows. Large enough for results to be handed over in place.
const update = (n: number) =>
  trace(
    ({ w, g, rate }) => {
      const next = add(w, mul(g, mul(rate, -1)))
      return { w: next, finite: all(isFinite(next)) }
    },
    { w: f32(n), g: f32(n), rate: f32() },
  )

describe('tensors', () => {
  it('come back as they were sent: f32, i32, bool, scalars, empty ones', async () => {
    const values = [
      hostTensor([1.5, -2], [2]),
      hostTensor([3, -4], [1, 2], 'i32'),
      hostTensor([1, 0, 1], [3], 'bool'),
      scalar(7),
      hostTensor([], [0, 3]),
    ]
    for (const value of values) {
      const tensor = await backend.upload(value)
      expect(await backend.read(tensor)).toEqual(value)
      tensor.dispose()
    }
  })

  it('are copies: neither what was uploaded nor what was read is shared', async () => {
    const data = Float32Array.of(1, 2)
    const tensor = await backend.upload({ shape: [2], dtype: 'f32', data })
    data[0] = 9
    ;(await backend.read(tensor)).data[1] = 9
    expect(await numbers(tensor)).toEqual([1, 2])
  })

  it('round f64 once and take any non-zero byte as true', async () => {
    expect(
      await numbers(await backend.upload({ shape: [], dtype: 'f32', data: Float64Array.of(0.1) })),
    ).toEqual([Math.fround(0.1)])
    expect(
      await numbers(await backend.upload({ shape: [2], dtype: 'bool', data: Uint8Array.of(7, 0) })),
    ).toEqual([1, 0])
  })

  it('count as live until they are disposed of, and their bytes wait for reuse', async () => {
    const tensor = await backend.upload(hostTensor([1, 2, 3], [3]))
    expect(backend.memory()).toEqual({ tensors: 1, bytes: 12, pooled: 0 })
    tensor.dispose()
    tensor.dispose()
    expect(backend.memory()).toEqual({ tensors: 0, bytes: 0, pooled: 12 })
    await backend.upload(hostTensor([1, 2, 3], [3]))
    expect(backend.memory()).toEqual({ tensors: 1, bytes: 12, pooled: 0 })
  })

  it('say what is wrong when they are dead or of another backend', async () => {
    const tensor = await backend.upload(scalar(1))
    tensor.dispose()
    await expect(backend.read(tensor)).rejects.toThrow(DeviceError)
    const foreign = await referenceBackend().upload(scalar(1))
    await expect(backend.read(foreign)).rejects.toThrow(/lives on another backend \(reference\)/)
  })
})

describe('a run', () => {
  it('takes handles, host tensors and numbers', async () => {
    const e = await backend.compile(
      trace(({ a, b, c }) => add(mul(a, b), c), { a: f32(2), b: f32(2), c: f32() }),
    )
    const a = await backend.upload(hostTensor([1, 2], [2]))
    expect(await numbers((await e.run({ a, b: hostTensor([3, 4], [2]), c: 0.5 })) as DeviceTensor)).toEqual([
      3.5, 8.5,
    ])
    expect(a.alive).toBe(true)
  })

  it('leaves only what the caller owns', async () => {
    const e = await backend.compile(trace(({ a }) => exp(a), { a: f32(300) }))
    for (let i = 0; i < 3; i++)
      ((await e.run({ a: hostTensor(new Float32Array(300), [300]) })) as DeviceTensor).dispose()
    expect(backend.memory()).toMatchObject({ tensors: 0, bytes: 0 })
  })

  it('says which input is missing or does not fit', async () => {
    const e = await backend.compile(trace(({ w, i }) => take(w, i), { w: f32(4), i: i32(2) }))
    const w = hostTensor([1, 2, 3, 4], [4])
    await expect(e.run({ w })).rejects.toThrow(new TraceError("input 'i' (i32[2]) is missing"))
    await expect(e.run({ w, i: hostTensor([1, 2], [2]) })).rejects.toThrow(
      new TraceError("input 'i' is f32[2] where the program takes i32[2]"),
    )
    await expect(e.run({ w, i: 1 })).rejects.toThrow(TraceError)
    expect(backend.memory()).toMatchObject({ tensors: 0, bytes: 0 })
  })

  it('that fails in the engine is a DeviceError, and donated inputs live on', async () => {
    const e = await backend.compile(
      trace(({ w, i }) => take(w, i), { w: f32(4), i: i32(2) }),
      { donate: 'w' },
    )
    const w = await backend.upload(hostTensor([1, 2, 3, 4], [4]))
    await expect(e.run({ w, i: hostTensor([1, 99], [2], 'i32') })).rejects.toThrow(DeviceError)
    expect(await numbers(w)).toEqual([1, 2, 3, 4])
  })

  it('copies an input that is also an output, and a value that is two', async () => {
    const e = await backend.compile(trace(({ a }) => ({ same: a, twice: [exp(a), exp(a)] }), { a: f32(2) }))
    const a = await backend.upload(hostTensor([0, 1], [2]))
    const out = (await e.run({ a })) as { same: DeviceTensor; twice: DeviceTensor[] }
    a.dispose()
    out.twice[0].dispose()
    await backend.upload(hostTensor([9, 9], [2]))
    await backend.upload(hostTensor([9, 9], [2]))
    expect(await numbers(out.same)).toEqual([0, 1])
    expect((await numbers(out.twice[1]))[0]).toBe(1)
  })

  it('may overlap others, of the same and of other executables', async () => {
    const e = await backend.compile(trace(({ a }) => matmul(a, a), { a: f32(40, 40) }))
    const f = await backend.compile(trace(({ a }) => sum(a), { a: f32(40, 40) }))
    const inputs = Array.from({ length: 6 }, (_, i) => hostTensor(Array(1600).fill(i), [40, 40]))
    const products = inputs.map((a) => e.run({ a }) as Promise<DeviceTensor>)
    const sums = inputs.map((a) => f.run({ a }) as Promise<DeviceTensor>)
    for (const [i, p] of products.entries()) expect((await numbers(await p))[5]).toBe(40 * i * i)
    for (const [i, s] of sums.entries()) expect(await numbers(await s)).toEqual([1600 * i])
  })

  it('reads what its inputs were when it began, though they are disposed of before it ends', async () => {
    const e = await backend.compile(trace(({ a }) => add(a, 1), { a: f32(2) }))
    const a = await backend.upload(hostTensor([1, 2], [2]))
    const running = e.run({ a })
    a.dispose()
    const other = await backend.upload(hostTensor([7, 7], [2]))
    expect(await numbers((await running) as DeviceTensor)).toEqual([2, 3])
    expect(await numbers(other)).toEqual([7, 7])
  })
})

describe.each([
  ['copied results', 10],
  ['results handed over in place', 400_000],
])('donation, with %s', (_, n) => {
  const start = async () => ({
    w: await backend.upload(hostTensor(new Float32Array(n).fill(1), [n])),
    g: await backend.upload(hostTensor(new Float32Array(n).fill(2), [n])),
  })

  it('kills the handle, and two sets of memory swap for ever after', async () => {
    const e = await backend.compile(update(n), { donate: 'w' })
    const { w: first, g } = await start()
    let w = first
    for (let i = 1; i <= 4; i++) {
      const out = (await e.run({ w, g, rate: 0.25 })) as { w: DeviceTensor; finite: DeviceTensor }
      expect(w.alive).toBe(false)
      expect((await numbers(out.w)).every((v) => v === 1 - 0.5 * i)).toBe(true)
      out.finite.dispose()
      w = out.w
      expect(backend.memory()).toMatchObject({ tensors: 2, bytes: 8 * n })
      expect(backend.memory().pooled).toBeLessThanOrEqual(4 * n + 8)
    }
    await expect(e.run({ w: g, g, rate: 1 })).resolves.toBeDefined()
    await expect(e.run({ w, g, rate: 1 })).rejects.toThrow(/disposed of or donated/)
  })

  it('does not happen when `finite` comes out false', async () => {
    const e = await backend.compile(update(n), { donate: ['w', 'g'] })
    const { w, g } = await start()
    await expect(e.run({ w, g, rate: 3e38 })).rejects.toThrow(NonFiniteError)
    expect([w.alive, g.alive]).toEqual([true, true])
    expect((await numbers(w))[n - 1]).toBe(1)
    expect(backend.memory()).toMatchObject({ tensors: 2, bytes: 8 * n })
  })
})

describe('an executable', () => {
  it('trains, all memory going back to zero', async () => {
    const program = step()
    const { params, velocity, batch } = inputsOf(program, 3) as Record<string, Tree<HostTensor>>
    const e = await backend.compile(program, { donate: ['params', 'velocity'] })
    let losses: number[] = []
    let [p, v] = [await uploadTree(params), await uploadTree(velocity)]
    for (let i = 0; i < 5; i++) {
      const out = (await e.run({ params: p, velocity: v, batch, rate: 0.01 })) as {
        params: Tree<DeviceTensor>
        velocity: Tree<DeviceTensor>
        loss: DeviceTensor
        finite: DeviceTensor
      }
      losses = [...losses, ...(await numbers(out.loss))]
      out.loss.dispose()
      out.finite.dispose()
      ;[p, v] = [out.params, out.velocity]
    }
    expect(losses[4]).toBeLessThan(losses[0])
    for (const { value } of [...leaves(p), ...leaves(v)]) value.dispose()
    expect(backend.memory()).toMatchObject({ tensors: 0, bytes: 0 })
  })

  it('shares its session with equal programs and survives their disposal', async () => {
    const make = () => trace(({ a }) => exp(a), { a: f32() })
    const [first, second] = [await backend.compile(make()), await backend.compile(make())]
    expect(second.stats).toBe(first.stats)
    first.dispose()
    first.dispose()
    await expect(first.run({ a: 0 })).rejects.toThrow(DeviceError)
    expect(await numbers((await second.run({ a: 0 })) as DeviceTensor)).toEqual([1])
  })

  it('may be disposed of while it runs, and so may the backend: the run ends first', async () => {
    const e = await backend.compile(trace(({ a }) => add(a, 1), { a: f32() }))
    const [first, second] = [e.run({ a: 1 }), e.run({ a: 2 })] as Promise<DeviceTensor>[]
    e.dispose()
    expect(await numbers(await first)).toEqual([2])
    const gone = backend.dispose()
    expect((await second).shape).toEqual([])
    await gone
    expect(backend.memory()).toEqual({ tensors: 0, bytes: 0, pooled: 0 })
  })

  it('gives nothing away after the backend is disposed of', async () => {
    const e = await backend.compile(trace(({ a }) => div(a, 2), { a: f32() }))
    const tensor = await backend.upload(scalar(1))
    await backend.dispose()
    expect(tensor.alive).toBe(false)
    await expect(e.run({ a: 1 })).rejects.toThrow(DeviceError)
    await expect(backend.upload(scalar(1))).rejects.toThrow(DeviceError)
    await expect(backend.compile(trace(({ a }) => exp(a), { a: f32() }))).rejects.toThrow(DeviceError)
    expect(backend.memory()).toEqual({ tensors: 0, bytes: 0, pooled: 0 })
  })
})

describe('availability', () => {
  it('is said in a sentence', async () => {
    expect(await available()).toBeUndefined()
    expect(await available({ executionProvider: process.platform === 'darwin' ? 'dml' : 'coreml' })).toMatch(
      /has no execution provider .* install/,
    )
  })
  it('is known before anything runs', () => {
    expect(backend.name).toBe('onnx')
    expect(backend.capabilities.version).toMatch(/^onnxruntime-node \d+\.\d+/)
    expect(byteSize(bool(3))).toBe(3)
  })
})

const uploadTree = async (tree: Tree<HostTensor>): Promise<Tree<DeviceTensor>> => {
  const tensors = await upload(tree)
  return unflatten([...tensors].map(([path, value]) => ({ path, value })))
}
