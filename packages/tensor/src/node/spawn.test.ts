/**
 * A real thread. Node 20 runs no TypeScript in it, so this needs the built package, with this test's own
 * sources.
 */
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import {
  DeviceError, f32, hostTensor, mul, NonFiniteError, all, isFinite, trace, type DeviceTensor,
} from '../index.ts'
import { spawnBackend } from './index.ts'

const built = new URL('../../dist/node/worker.js', import.meta.url)
const reference = new URL('../../dist/reference/index.js', import.meta.url)
const ready =
  existsSync(built) &&
  readFileSync(new URL('../../dist/reference/index.js', import.meta.url), 'utf8').includes('createBackend')
const fixture = (code: string) => new URL(`data:text/javascript,${encodeURIComponent(code)}`)

describe('spawnBackend', () => {
  const when = it.skipIf(!ready)
  if (!ready)
    console.warn('spawnBackend in a real thread: skipped, because packages/tensor/dist is not built')

  when('computes in a thread of its own', async () => {
    await using backend = await spawnBackend(reference)
    const program = trace(
      ({ x }) => {
        const y = mul(x, 2)
        return { y, finite: all(isFinite(y)) }
      },
      { x: f32(2) },
    )
    const executable = await backend.compile(program)
    const { y } = (await executable.run({ x: hostTensor([1, 2], [2]) })) as { y: DeviceTensor }
    expect((await backend.read(y)).data).toEqual(Float64Array.of(2, 4))
    await expect(executable.run({ x: hostTensor([Infinity, 0], [2]) })).rejects.toBeInstanceOf(NonFiniteError)
  })
  when('says what the module says when it does not start', async () => {
    await expect(
      spawnBackend(fixture('export const createBackend = () => { throw new Error("no such device") }')),
    ).rejects.toThrow('no such device')
    await expect(spawnBackend(reference, { factory: 'other' })).rejects.toThrow("exports no function 'other'")
    await expect(spawnBackend('@nobody/nothing')).rejects.toThrow(
      new DeviceError("the backend '@nobody/nothing' is not installed: npm install @nobody/nothing"),
    )
  })
  when('rejects what is pending when the worker dies', async () => {
    const exits: DeviceError[] = []
    const code = `import { createBackend as make } from '${reference.href}'
      export const createBackend = () => ({ ...make(), upload: () => process.exit(7) })`
    const backend = await spawnBackend(fixture(code), { onExit: (error) => exits.push(error) })
    await expect(backend.upload(hostTensor([1], [1]))).rejects.toThrow(
      "the worker of the backend 'reference' ended during upload: it exited with code 7; start it again",
    )
    expect(exits).toHaveLength(1)
    await backend.dispose()
  })
})
