/**
 * A backend behind a port, both ends in one thread. @ldyn/testkit runs the whole conformance suite through it
 * too.
 */
import { MessageChannel } from 'node:worker_threads'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  all, DeviceError, f32, hostTensor, i32, isFinite, mul, NonFiniteError, remoteBackend, serveBackend,
  ShapeError, sub, trace, TraceError, UnsupportedError, type Backend, type DeviceTensor, type HostTensor,
  type Port, type RemoteOptions,
} from '../index.ts'
import { referenceBackend } from '../reference/index.ts'
import { fromWire, parcel, toWire } from './protocol.ts'

const row = (...v: number[]): HostTensor => hostTensor(v, [v.length])
const double = trace(({ x }) => ({ y: mul(x, 2) }), { x: f32(2) })

async function pair(backend: Backend | Promise<Backend> = referenceBackend(), options: RemoteOptions = {}) {
  const { port1, port2 } = new MessageChannel()
  onTestFinished(() => {
    port1.close()
    port2.close()
  })
  const over = serveBackend(port2, Promise.resolve(backend))
  return { remote: await remoteBackend(port1, options), over, port1, port2 }
}
/** The reference with some methods replaced. */
const changed = (methods: Partial<Backend>): Backend => ({ ...referenceBackend(), ...methods })

describe('a remote backend', () => {
  it('computes where its tensors are, and looks like the backend behind it', async () => {
    const { remote } = await pair()
    expect([remote.name, remote.capabilities]).toEqual(['reference', referenceBackend().capabilities])
    const x = await remote.upload(row(1, 2))
    const executable = await remote.compile(double)
    const { y } = (await executable.run({ x })) as { y: DeviceTensor }
    expect((await remote.read(y)).data).toEqual(Float64Array.of(2, 4))
    expect(executable.program).toBe(double)
    expect(executable.stats.nodes).toBeGreaterThan(0)
  })
  it('knows what it holds without asking, and frees it there too', async () => {
    const behind = referenceBackend()
    const { remote } = await pair(behind)
    const x = await remote.upload(row(1, 2))
    expect(remote.memory()).toEqual({ tensors: 1, bytes: 8, pooled: 0 })
    x.dispose()
    expect(remote.memory()).toEqual({ tensors: 0, bytes: 0, pooled: 0 })
    await remote.compile(double)
    expect(behind.memory().tensors).toBe(0)
  })
  it('keeps a tensor until the run that was asked for before it was freed', async () => {
    const { remote } = await pair()
    const executable = await remote.compile(double)
    const x = await remote.upload(row(1, 2))
    const running = executable.run({ x })
    x.dispose()
    expect((await remote.read(((await running) as { y: DeviceTensor }).y)).data).toEqual(
      Float64Array.of(2, 4),
    )
  })
  it('marks donated handles dead after success, and only then', async () => {
    const step = trace(
      ({ w, g }) => {
        const next = sub(w, g)
        return { w: next, finite: all(isFinite(next)) }
      },
      { w: f32(2), g: f32(2) },
    )
    const { remote } = await pair()
    const executable = await remote.compile(step, { donate: (path) => path === 'w' })
    const w = await remote.upload(row(1, 2))
    await expect(executable.run({ w, g: row(NaN, 0) })).rejects.toBeInstanceOf(NonFiniteError)
    expect(w.alive).toBe(true)
    await executable.run({ w, g: row(1, 1) })
    expect(w.alive).toBe(false)
  })
  it('copies what is uploaded, and takes the buffer itself where it may', async () => {
    const { remote } = await pair()
    const [kept, given, view] = [row(1, 2), row(3, 4), Float32Array.of(9, 5, 6)]
    await remote.upload(kept)
    const t = await remote.upload(given, { transfer: true })
    const part = await remote.upload({ ...f32(2), data: view.subarray(1) }, { transfer: true })
    expect([kept.data.length, given.data.length, view.length]).toEqual([2, 0, 3])
    expect((await remote.read(t)).data).toEqual(Float64Array.of(3, 4))
    expect((await remote.read(part)).data).toEqual(Float64Array.of(5, 6))
  })
  it('refuses tensors of elsewhere at once', async () => {
    const [{ remote }, { remote: other }] = [await pair(), await pair()]
    const executable = await remote.compile(double)
    for (const foreign of [await other.upload(row(1, 2)), await referenceBackend().upload(row(1, 2))]) {
      await expect(executable.run({ x: foreign })).rejects.toThrow(
        "'x' lives on reference, not in this worker; read it there and upload it here",
      )
    }
  })
})

describe('errors cross', () => {
  it('with their class, message and fields', async () => {
    const shape = new ShapeError('matmul', [f32(2, 3), i32(4)], 'inner sizes differ', 'layers.0')
    for (const error of [
      shape,
      new DeviceError('a'),
      new UnsupportedError('b'),
      new NonFiniteError('c'),
      new TraceError('d'),
      new RangeError('e'),
      new TypeError('f'),
    ]) {
      const { remote } = await pair(changed({ upload: () => Promise.reject(error) }))
      const caught = (await remote.upload(row(1)).catch((e: Error) => e)) as Error
      expect(caught).toBeInstanceOf(error.constructor)
      expect([caught.name, caught.message]).toEqual([error.name, error.message])
    }
    const back = fromWire(structuredClone(toWire(shape))) as ShapeError
    expect([back.op, back.operands, back.path]).toEqual(['matmul', [f32(2, 3), i32(4)], 'layers.0'])
  })
  it('with the name of a class that nobody here knows, and from what is no error', () => {
    class Odd extends Error {
      override name = 'Odd'
    }
    expect(fromWire(toWire(new Odd('x')))).toMatchObject({ name: 'Odd', message: 'x' })
    expect(fromWire(toWire('text'))).toMatchObject({ name: 'Error', message: 'text' })
  })
  it('when the backend does not open', async () => {
    const { port1, port2 } = new MessageChannel()
    void serveBackend(port2, Promise.reject(new UnsupportedError('no adapter')))
    await expect(remoteBackend(port1)).rejects.toThrow(new UnsupportedError('no adapter'))
  })
  it('from the reference itself, and the next request is served', async () => {
    const { remote } = await pair()
    const executable = await remote.compile(double)
    await expect(executable.run({})).rejects.toThrow(new TraceError("input 'x' (f32[2]) is missing"))
    await expect(executable.run({ x: row(1, 2) })).resolves.toBeDefined()
  })
  it('when a message cannot be posted, without waiting for an answer', async () => {
    const { remote } = await pair()
    await expect(remote.compile({ ...double, nodes: [(() => 1) as never] })).rejects.toThrow(
      /could not be cloned/,
    )
    await expect(remote.upload(row(1))).resolves.toBeDefined()
  })
})

describe('the end', () => {
  const never = () => new Promise<never>(() => undefined)
  it('of a worker rejects what is pending and all that follows, saying what happened', async () => {
    const exits: Error[] = []
    const { remote, port2 } = await pair(changed({ upload: never }), { onExit: (error) => exits.push(error) })
    const pending = remote.upload(row(1))
    port2.close()
    await expect(pending).rejects.toThrow(
      new DeviceError(
        "the worker of the backend 'reference' ended during upload: its port was closed; start it again",
      ),
    )
    await expect(remote.compile(double)).rejects.toThrow(DeviceError)
    expect(exits).toHaveLength(1)
  })
  it("of a Node worker is told by its error and exit events, of a browser's by its error event", async () => {
    for (const how of ['exit', 'error', 'event'] as const) {
      const heard = new Map<string, (value: unknown) => void>()
      const listener = (event: string, f: (value: unknown) => void) => void heard.set(event, f)
      const asked: { id: number }[] = []
      const port: Port = {
        postMessage: (m) => void asked.push(m as { id: number }),
        ...(how === 'event' ? { addEventListener: listener } : { on: listener }),
      }
      const answer = (value: object) => heard.get('message')!(how === 'event' ? { data: value } : value)
      const opening = remoteBackend(port)
      answer({ id: asked[0].id, answer: { name: 'onnx', capabilities: {} }, pooled: 0 })
      const remote = await opening
      const pending = remote.upload(row(1))
      if (how === 'exit') heard.get('exit')!(134)
      else heard.get('error')!(how === 'error' ? new Error('out of memory') : { message: 'out of memory' })
      await expect(pending).rejects.toThrow(
        `the worker of the backend 'onnx' ended during upload: it ${how === 'exit' ? 'exited with code 134' : 'threw out of memory'}; start it again`,
      )
    }
  })
  it('by dispose comes after what was asked before, ends the backend, and is no exit', async () => {
    const exits: Error[] = []
    const behind = referenceBackend()
    const { remote, over } = await pair(behind, { onExit: (error) => exits.push(error) })
    const executable = await remote.compile(double)
    const last = executable.run({ x: row(1, 2) })
    await remote.dispose()
    await over
    await expect(last).resolves.toBeDefined()
    await expect(behind.upload(row(1))).rejects.toThrow('disposed')
    await expect(remote.upload(row(1))).rejects.toThrow(
      new DeviceError("the backend 'reference' was disposed"),
    )
    expect(remote.memory()).toMatchObject({ tensors: 0, bytes: 0 })
    await remote.dispose()
    expect(exits).toEqual([])
  })
  it('terminates a worker', async () => {
    const { port1, port2 } = new MessageChannel()
    void serveBackend(port2, Promise.resolve(referenceBackend()))
    let terminated = 0
    const port: Port = {
      postMessage: (m, t) => port1.postMessage(m, t),
      on: (event, f) => port1.on(event, f),
      terminate: () => {
        terminated++
        port1.close()
      },
    }
    await (await remoteBackend(port)).dispose()
    expect(terminated).toBe(1)
  })
  it('of the caller disposes of the backend', async () => {
    const behind = referenceBackend()
    const { over, port1 } = await pair(behind)
    port1.close()
    await over
    await expect(behind.upload(row(1))).rejects.toThrow('disposed')
  })
})

it('a parcel is never more than the view', () => {
  const buffer = Float32Array.of(1, 2, 3, 4)
  expect(parcel(buffer.subarray(1, 3), true).data.buffer.byteLength).toBe(8)
  expect(parcel(buffer, true).data).toBe(buffer)
  expect(parcel(buffer, false).data).not.toBe(buffer)
  const shared = new Float32Array(new SharedArrayBuffer(8))
  expect(parcel(shared, true).data.buffer).toBeInstanceOf(ArrayBuffer)
})

it('needs a port that can be heard', async () => {
  await expect(remoteBackend({ postMessage: () => undefined })).rejects.toThrow(
    'a port needs either on (Node) or addEventListener (browsers)',
  )
})
