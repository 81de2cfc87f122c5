/** The Backend contract beyond values: who owns which tensor, what donation consumes, what misuse is told. */
import {
  add, all, bool, call, constant, div, f32, hostTensor, i32, isFinite, mul, neg, reshape, sub, sum, trace,
  DeviceError, NonFiniteError, TraceError, type DeviceTensor, type HostTensor,
} from '@ldyn/tensor'
import { evaluate, referenceBackend } from '@ldyn/tensor/reference'
import { must, mustBeA, mustEqual, mustHave } from './asserting.ts'
import { Held, once, readAll, runToHost, uploadAll, type ConformanceTest } from './session.ts'
import { mustAgree } from './tolerance.ts'

const row = (...values: number[]): HostTensor => hostTensor(values, [values.length])
const plain = (t: HostTensor): number[] => Array.from(t.data)
const double = trace(({ x }) => ({ y: mul(x, 2) }), { x: f32(3) })
/** One step of w ← w − rate·g, with the `finite` output that guards donation. */
const step = trace(
  ({ w, g, rate }) => {
    const next = sub(w, mul(g, rate))
    return { w: next, finite: all(isFinite(next)) }
  },
  { w: f32(3), g: f32(3), rate: f32() },
)

async function failure(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise
  } catch (error) {
    if (error instanceof Error) return error
  }
  throw new Error('it succeeded where it should have failed with a sentence')
}

/** Misuse is refused with an error of the tensor layer that names what is wrong. */
async function refused(promise: Promise<unknown>, names: RegExp): Promise<void> {
  const error = await failure(promise)
  must([DeviceError, TraceError].some((kind) => error instanceof kind), `it fails with ${error.name}: ${error.message}`)
  must(names.test(error.message), `'${error.message}' does not match ${names}`)
}

export const contract: readonly ConformanceTest[] = [
  {
    name: 'gives back what was uploaded: every dtype, scalars and nothing',
    run: async (backend) => {
      const values = {
        f32: hostTensor([1, -2.5, 3e30, 1e-30, -0, 16777217], [2, 3]),
        i32: hostTensor([2 ** 31 - 1, -(2 ** 31), 0], [3], 'i32'),
        bool: hostTensor([1, 0, 1], [3, 1], 'bool'),
        scalar: hostTensor([7], []),
        empty: hostTensor([], [2, 0]),
      }
      using held = new Held(await uploadAll(backend, values))
      mustAgree('a round trip', await readAll(backend, held.tree), values, 0)
      const { f64 } = backend.capabilities
      const kinds = held.tree as Record<string, DeviceTensor>
      mustBeA((await backend.read(kinds.f32)).data, f64 ? Float64Array : Float32Array)
      mustBeA((await backend.read(kinds.i32)).data, Int32Array)
      mustBeA((await backend.read(kinds.bool)).data, Uint8Array)
    },
  },
  {
    name: 'takes f32 values as Float64Array too',
    run: async (backend) => {
      using t = await backend.upload({ shape: [2], dtype: 'f32', data: Float64Array.of(0.5, -3) })
      mustEqual(plain(await backend.read(t)), [0.5, -3])
    },
  },
  {
    name: 'keeps its own copy of what is uploaded, and gives copies away',
    run: async (backend) => {
      const value = row(1, 2, 3)
      using t = await backend.upload(value)
      value.data[0] = 99
      const first = await backend.read(t)
      first.data[1] = 99
      mustEqual(plain(await backend.read(t)), [1, 2, 3])
    },
  },
  {
    name: 'uploads a view of a larger buffer',
    run: async (backend) => {
      const buffer = Float32Array.of(9, 9, 1, 2, 3, 9)
      using t = await backend.upload({ shape: [3], dtype: 'f32', data: buffer.subarray(2, 5) })
      mustEqual(plain(await backend.read(t)), [1, 2, 3])
      mustEqual(buffer.length, 6)
    },
  },
  {
    name: 'counts live tensors and bytes, and forgets what is disposed of',
    run: async (backend) => {
      const before = backend.memory()
      const t = await backend.upload(hostTensor([1, 2, 3, 4, 5, 6], [2, 3]))
      const m = await backend.upload(hostTensor([1, 0], [2], 'bool'))
      mustHave(backend.memory(), { tensors: before.tensors + 2, bytes: before.bytes + 26 })
      mustEqual([t.alive, t.backend, t.shape, t.dtype], [true, backend.name, [2, 3], 'f32'])
      t.dispose()
      t.dispose()
      m.dispose()
      mustEqual(t.alive, false)
      mustHave(backend.memory(), { tensors: before.tensors, bytes: before.bytes })
    },
  },
  {
    name: 'refuses a tensor that was disposed of',
    run: async (backend) => {
      const t = await backend.upload(row(1, 2, 3))
      t.dispose()
      await refused(backend.read(t), /dispos/)
      using executable = await backend.compile(double)
      await refused(executable.run({ x: t }), /'x'.*dispos/)
    },
  },
  {
    name: 'refuses a tensor of another backend',
    run: async (backend) => {
      const other = referenceBackend()
      const foreign = await other.upload(row(1, 2, 3))
      using executable = await backend.compile(double)
      await refused(executable.run({ x: foreign }), /'x'/)
      await refused(backend.read(foreign), /./)
      await other.dispose()
    },
  },
  {
    name: 'refuses inputs that are missing or do not fit, by their path',
    run: async (backend) => {
      using executable = await backend.compile(double)
      await refused(executable.run({}), /'x'/)
      await refused(executable.run({ x: row(1, 2) }), /'x'/)
      await refused(executable.run({ x: hostTensor([1, 2, 3], [3], 'i32') }), /'x'/)
      await refused(executable.run({ x: 1 }), /'x'/)
      await refused(executable.run({ x: { shape: [3], dtype: 'f32', data: Float32Array.of(1, 2) } }), /'x'/)
      using short = await backend.upload(row(1, 2))
      await refused(executable.run({ x: short }), /'x'/)
      await refused(backend.upload({ shape: [3], dtype: 'f32', data: Float32Array.of(1, 2) }), /f32\[3\]/)
      mustEqual(plain(((await runToHost(backend, executable, { x: row(1, 2, 3) })) as { y: HostTensor }).y), [2, 4, 6])
    },
  },
  {
    name: 'runs on handles, host values and numbers, and ignores inputs that the program has not',
    run: async (backend) => {
      using w = await backend.upload(row(1, 2, 3))
      const inputs = { w, g: row(1, 1, 2), rate: 0.5, other: row(1) }
      const next = (await once(backend, step, inputs)) as { w: HostTensor; finite: HostTensor }
      mustEqual(plain(next.w), [0.5, 1.5, 2])
      mustEqual(plain(next.finite), [1])
      mustEqual(w.alive, true)
    },
  },
  {
    name: 'gives outputs that live and die by themselves',
    run: async (backend) => {
      const program = trace(({ x }) => ({ x, again: x, y: neg(x), same: reshape(x, [3, 1]) }), { x: f32(3) })
      using executable = await backend.compile(program)
      const x = await backend.upload(row(1, 2, 3))
      const out = (await executable.run({ x })) as Record<string, DeviceTensor>
      x.dispose()
      out.again.dispose()
      mustEqual(plain(await backend.read(out.x)), [1, 2, 3])
      out.x.dispose()
      mustEqual(plain(await backend.read(out.same)), [1, 2, 3])
      mustEqual(plain(await backend.read(out.y)), [-1, -2, -3])
      for (const t of Object.values(out)) t.dispose()
    },
  },
  {
    name: 'keeps the outputs of one run through the next',
    run: async (backend) => {
      using executable = await backend.compile(double)
      using first = new Held(await executable.run({ x: row(1, 2, 3) }))
      using second = new Held(await executable.run({ x: row(4, 5, 6) }))
      mustEqual(plain(await backend.read((first.tree as { y: DeviceTensor }).y)), [2, 4, 6])
      mustEqual(plain(await backend.read((second.tree as { y: DeviceTensor }).y)), [8, 10, 12])
    },
  },
  {
    name: 'consumes donated inputs, step after step, in constant memory',
    run: async (backend) => {
      using executable = await backend.compile(step, { donate: 'w' })
      using g = await backend.upload(row(1, 2, -1))
      let w = await backend.upload(row(0, 0, 0))
      let settled = 0
      for (let i = 1; i <= 20; i++) {
        const next = (await executable.run({ w, g, rate: 0.5 })) as { w: DeviceTensor; finite: DeviceTensor }
        next.finite.dispose()
        mustEqual(w.alive, false)
        await refused(backend.read(w), /donat|dispos/)
        w = next.w
        if (i === 1) settled = backend.memory().bytes
      }
      mustEqual(g.alive, true)
      mustEqual(plain(await backend.read(w)), [-10, -20, 10])
      mustEqual(backend.memory().bytes, settled)
      w.dispose()
    },
  },
  {
    name: "a run whose 'finite' is false rejects, consumes nothing and leaves nothing behind",
    run: async (backend) => {
      using executable = await backend.compile(step, { donate: ['w', 'g'] })
      using w = await backend.upload(row(1, 2, 3))
      using g = await backend.upload(row(1, Infinity, 0))
      const before = backend.memory()
      mustBeA(await failure(executable.run({ w, g, rate: 1 })), NonFiniteError)
      mustEqual([w.alive, g.alive], [true, true])
      mustEqual(plain(await backend.read(w)), [1, 2, 3])
      mustHave(backend.memory(), { tensors: before.tensors, bytes: before.bytes })
      // And the next step goes on from the old values.
      const next = (await executable.run({ w, g: row(1, 1, 1), rate: 1 })) as {
        w: DeviceTensor
        finite: DeviceTensor
      }
      mustEqual(plain(await backend.read(next.w)), [0, 1, 2])
      mustEqual(w.alive, false)
      new Held(next)[Symbol.dispose]()
    },
  },
  {
    name: 'a run that fails consumes nothing',
    run: async (backend) => {
      using executable = await backend.compile(step, { donate: 'w' })
      using w = await backend.upload(row(1, 2, 3))
      await refused(executable.run({ w, rate: 1 }), /'g'/)
      mustEqual(w.alive, true)
      mustEqual(plain(await backend.read(w)), [1, 2, 3])
    },
  },
  {
    name: 'runs at the same time do not disturb each other',
    run: async (backend) => {
      using twice = await backend.compile(double)
      using other = await backend.compile(trace(({ x }) => ({ y: sum(mul(x, x)) }), { x: f32(3) }))
      const each = Array.from({ length: 12 }, (_, i) => i)
      const results = await Promise.all(
        each.map((i) => runToHost(backend, i % 2 ? twice : other, { x: row(i, 1, 2) })),
      )
      results.forEach((r, i) =>
        mustEqual(plain((r as { y: HostTensor }).y), i % 2 ? [2 * i, 2, 4] : [i * i + 5]),
      )
    },
  },
  {
    name: "tells programs apart that differ in a constant or in their inputs' names",
    run: async (backend) => {
      const times = (c: number) => trace(({ x }) => ({ y: mul(x, constant([c, c, 1])) }), { x: f32(3) })
      const named = trace(({ z }) => ({ y: mul(z, 2) }), { z: f32(3) })
      const x = row(1, 2, 3)
      for (const c of [2, 3, 2])
        mustEqual(plain(((await once(backend, times(c), { x })) as { y: HostTensor }).y), [c, 2 * c, 3])
      mustEqual(plain(((await once(backend, double, { x })) as { y: HostTensor }).y), [2, 4, 6])
      mustEqual(plain(((await once(backend, named, { z: x })) as { y: HostTensor }).y), [2, 4, 6])
    },
  },
  {
    name: 'two executables of one program live and die by themselves',
    run: async (backend) => {
      const first = await backend.compile(double)
      using second = await backend.compile(double)
      first.dispose()
      first.dispose()
      await refused(first.run({ x: row(1, 2, 3) }), /dispos/)
      mustEqual(plain(((await runToHost(backend, second, { x: row(1, 2, 3) })) as { y: HostTensor }).y), [2, 4, 6])
    },
  },
  {
    name: 'compiles a program that was copied, as a worker receives it',
    run: async (backend) => {
      const inner = trace(({ a, b }) => div(add(a, b), constant([1, 2])), { a: f32(2), b: f32(2) })
      const program = trace(({ a, m, i }) => ({ y: call(inner, { a, b: a }), m, i }), {
        a: f32(2),
        m: bool(2),
        i: i32(1),
      })
      const inputs = { a: row(1, 2), m: hostTensor([1, 0], [2], 'bool'), i: hostTensor([5], [1], 'i32') }
      mustAgree(
        'a copy',
        await once(backend, structuredClone(program), inputs),
        evaluate(program, inputs),
        1e-6,
      )
    },
  },
  {
    name: 'reports what it compiled',
    run: async (backend) => {
      using executable = await backend.compile(step)
      const { simplifyMs, lowerMs, engineMs, nodes } = executable.stats
      for (const n of [simplifyMs, lowerMs, engineMs, nodes]) must(n >= 0, `${n} is below 0`)
      must(executable.program === step, 'an executable has the program that it was compiled from')
      const { device, version } = backend.capabilities
      must(device !== '' && version !== '', 'device and version are said in words')
    },
  },
]
