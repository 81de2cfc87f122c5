/**
 * Buffers. One is counted by those who hold it (a tensor, a run, another tensor that is the same value), and goes back
 * to a pool of equal sizes when nobody does. Work on the queue is done in order, so a buffer may be written anew while
 * an earlier run that reads it is still under way; and so all programs share the arenas, in which intermediates lie no
 * longer than their run.
 */
import { DeviceError, sizeOf, type HostArray, type HostTensor, type Spec } from '@ldyn/tensor'
import { deviceBytes } from '../plan/plan.ts'
import type { Device } from './open.ts'

/** WebGPU's flags by their values: Node has no global of them. */
const USAGE = { MAP_READ: 1, COPY_SRC: 4, COPY_DST: 8, STORAGE: 128 } as const
const TENSOR = USAGE.STORAGE | USAGE.COPY_SRC | USAGE.COPY_DST
/** What a buffer holds of each dtype. */
const WORDS = { f32: Float32Array, i32: Int32Array, bool: Uint32Array } as const
/** More free bytes than this, beside what the largest program's outputs take, are given back to the device. */
const KEEP = 2 ** 30
/** Buffers to map are kept up to so many bytes, small ones always: allocating takes longer than reading. */
const [KEEP_MAPPED, SMALL] = [2 ** 26, 4096]

export interface Buffer {
  readonly gpu: GPUBuffer; readonly bytes: number; holders: number
  /** Its allocation failed. */
  failed?: boolean
}

const put = <T>(lists: Map<number, T[]>, size: number, item: T): void =>
  void (lists.get(size)?.push(item) ?? lists.set(size, [item]))

export class Memory {
  readonly device: Device
  /** Buffers of intermediates, as large as the largest program needs. */
  readonly arenas: Buffer[] = []
  /** Bytes that the device holds for all of it. */
  held = 0
  /** Free bytes that are kept. A training's donated weights must be among them: they are its next outputs. */
  private keep = KEEP
  private mappedBytes = 0
  private readonly free = new Map<number, Buffer[]>()
  private readonly staging = new Map<number, GPUBuffer[]>()
  private freeBytes = 0
  /** Allocations that no one has asked about yet. */
  private doubts: { readonly buffer: Buffer; readonly outcome: Promise<GPUError | null> }[] = []

  constructor(device: Device) { this.device = device }
  /** A buffer with one holder: `wanted`, where it is free. Allocation fails later, where `settled` is awaited. */
  take(bytes: number, wanted?: Buffer): Buffer {
    const free = this.free.get(bytes) ?? []
    const [found] = free.splice(wanted && free.includes(wanted) ? free.indexOf(wanted) : -1, 1)
    if (found) {
      this.freeBytes -= bytes
      found.holders = 1
      return found
    }
    const { gpu, limits: { maxBufferBytes } } = this.device
    if (bytes > maxBufferBytes)
      throw new DeviceError(`a tensor of ${bytes} bytes does not fit a buffer of this device, which holds ` +
        `${maxBufferBytes}; use a smaller batch, shorter rows or a smaller chunkRows`)
    gpu.pushErrorScope('out-of-memory')
    const buffer: Buffer = { gpu: gpu.createBuffer({ size: bytes, usage: TENSOR }), bytes, holders: 1 }
    this.doubts.push({ buffer, outcome: gpu.popErrorScope() })
    this.held += bytes
    return buffer
  }

  get doubtful(): boolean { return this.doubts.length > 0 }
  /** Waits until what was allocated is known to be there. Throws DeviceError; failed buffers are not used again. */
  async settled(estimate = ''): Promise<void> {
    const doubts = this.doubts.splice(0)
    const errors = await Promise.all(doubts.map(({ outcome }) => outcome))
    const error = errors.find((e) => e !== null)
    if (!error) return
    doubts.forEach(({ buffer }, i) => (buffer.failed = errors[i] !== null))
    throw new DeviceError(`the device is out of memory: ${this.held} bytes are allocated (${this.freeBytes} free for ` +
      `reuse)${estimate}; use a smaller batch, checkpointing or a smaller chunkRows. It says: ${error.message}`)
  }

  hold(b: Buffer): Buffer {
    b.holders++
    return b
  }

  release(b: Buffer): void {
    if (--b.holders > 0) return
    if (b.failed || this.freeBytes + b.bytes > this.keep) return this.destroy(b)
    put(this.free, b.bytes, b)
    this.freeBytes += b.bytes
  }

  /** Gives it back to the device; submitted work that uses it still ends. */
  private destroy(b: Buffer): void {
    this.held -= b.bytes
    b.gpu.destroy()
  }

  /** Arenas of at least these sizes, and room for a run's outputs among what is free. */
  reserve(bytes: readonly number[], outputs: number): void {
    this.keep = Math.max(this.keep, KEEP + outputs)
    bytes.forEach((need, i) => {
      if (this.arenas[i]?.bytes >= need) return
      if (this.arenas[i]) this.destroy(this.arenas[i])
      this.arenas[i] = this.take(need)
    })
  }

  clearArenas(): void { for (const b of this.arenas.splice(0)) this.destroy(b) }
  /** A buffer with these values. */
  put(value: HostTensor): Buffer {
    const { dtype, data: given } = value
    const data = dtype === 'bool' ? Uint32Array.from(given, (v) => (v ? 1 : 0))
      : given instanceof WORDS[dtype] ? given : WORDS[dtype].from(given)
    const b = this.take(deviceBytes(value))
    if (data.length > 0) this.device.gpu.queue.writeBuffer(b.gpu, 0, data as Float32Array<ArrayBuffer>)
    return b
  }

  /** Records a copy of a buffer's first bytes; what it gives reads them, once that is submitted. */
  copied(encoder: GPUCommandEncoder, b: Buffer, bytes: number): () => Promise<ArrayBuffer> {
    const kept = this.staging.get(bytes)?.pop()
    if (kept) this.mappedBytes -= bytes
    const staging = kept ?? this.device.gpu.createBuffer({ size: bytes, usage: USAGE.MAP_READ | USAGE.COPY_DST })
    encoder.copyBufferToBuffer(b.gpu, 0, staging, 0, bytes)
    return async () => {
      await staging.mapAsync(USAGE.MAP_READ).catch((error: Error) => {
        this.device.check()
        throw new DeviceError(`reading from the device failed: ${error.message}`)
      })
      this.device.check()
      const copy = staging.getMappedRange().slice(0)
      staging.unmap()
      if (bytes > SMALL && this.mappedBytes + bytes > KEEP_MAPPED) staging.destroy()
      else {
        this.mappedBytes += bytes
        put(this.staging, bytes, staging)
      }
      return copy
    }
  }

  async read(b: Buffer, { shape, dtype }: Spec): Promise<HostArray> {
    const { gpu } = this.device
    const n = sizeOf(shape)
    const encoder = gpu.createCommandEncoder()
    const values = this.copied(encoder, b, Math.max(4, 4 * n))
    gpu.queue.submit([encoder.finish()])
    const words = new WORDS[dtype](await values(), 0, n)
    return dtype === 'bool' ? Uint8Array.from(words) : (words as HostArray)
  }

  clear(): void {
    this.clearArenas()
    for (const list of this.free.values()) for (const b of list) this.destroy(b)
    for (const list of this.staging.values()) for (const b of list) b.destroy()
    this.free.clear()
    this.staging.clear()
    this.freeBytes = this.mappedBytes = 0
  }
}
