/** The pool of buffers, on a device that only counts what is allocated. */
import { beforeEach, describe, expect, it } from 'vitest'
import { Memory } from '../src/device/memory.ts'
import type { Device } from '../src/device/open.ts'
import { plainLimits } from './device.ts'

const GiB = 2 ** 30

describe('buffers that nobody holds', () => {
  let allocated: number
  let memory: Memory
  beforeEach(() => {
    allocated = 0
    const gpu = {
      pushErrorScope: () => undefined,
      popErrorScope: () => Promise.resolve(null),
      createBuffer({ size }: { size: number }) {
        allocated += size
        return { size, destroy: () => (allocated -= size) }
      },
    }
    const limits = { ...plainLimits, maxBufferBytes: 8 * GiB }
    memory = new Memory({ gpu, limits, check: () => undefined } as unknown as Device)
  })

  it('are kept up to a gibibyte', () => {
    const [a, b] = [memory.take(0.75 * GiB), memory.take(0.5 * GiB)]
    memory.release(a)
    memory.release(b)
    expect(allocated).toBe(0.75 * GiB)
  })
  it('are kept beyond that where a program has such outputs: its next ones are the weights that were donated', () => {
    memory.reserve([], 4 * GiB)
    const weights = [memory.take(2 * GiB), memory.take(2 * GiB)]
    weights.forEach((b) => memory.release(b))
    expect(allocated).toBe(4 * GiB)
    expect([memory.take(2 * GiB, weights[0]), memory.take(2 * GiB, weights[1])]).toEqual(weights)
  })
})
