/**
 * Buffers and the tensors in them. A buffer is counted by those who hold it (a tensor, a run, another tensor that is
 * the same value), and goes back to a pool of equal sizes when nobody does. Work on the queue is done in order, so a
 * buffer may be written anew while an earlier run that reads it is still under way; and so all programs share the
 * arenas, in which intermediates lie no longer than their run.
 */
import { DeviceError, byteSize, show, sizeOf } from '@ldyn/tensor'
import type { DeviceTensor, HostArray, HostTensor, Spec } from '@ldyn/tensor'
import { deviceBytes } from '../plan/plan.ts'
import type { Device } from './open.ts'

/** WebGPU's flags by their values: Node has no global of them. */
const USAGE = { MAP_READ: 1, COPY_SRC: 4, COPY_DST: 8, STORAGE: 128 } as const
const TENSOR = USAGE.STORAGE | USAGE.COPY_SRC | USAGE.COPY_DST
/** What a buffer holds of each dtype. */
const WORDS = { f32: Float32Array, i32: Int32Array, bool: Uint32Array } as const
/** More free bytes than this are given back to the device rather than kept. */
const KEEP = 2 ** 30

export interface Buffer {
  readonly id: number; readonly gpu: GPUBuffer; readonly bytes: number; holders: number
  /** Its allocation failed. */
  failed?: boolean
}

const put = <T>(lists: Map<number, T[]>, size: number, item: T): void =>
  void (lists.get(size)?.push(item) ?? lists.set(size, [item]))

export class Memory {
  readonly device: Device
  readonly live = new Set<WebgpuTensor>()
  /** Buffers of intermediates, as large as the largest program needs. `generation` changes when one is replaced. */
  readonly arenas: Buffer[] = []
  generation = 0
  private readonly free = new Map<number, Buffer[]>()
  private readonly staging = new Map<number, GPUBuffer[]>()
  private freeBytes = 0
  private held = 0
  private ids = 0
  /** Allocations that no one has asked about yet. */
  private doubts: { readonly buffer: Buffer; readonly outcome: Promise<GPUError | null> }[] = []

  constructor(device: Device) { this.device = device }

  /** A buffer with one holder. Allocation fails later, where `settled` is awaited. */
  take(bytes: number): Buffer {
    const found = this.free.get(bytes)?.pop()
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
    const buffer: Buffer = { id: ++this.ids, gpu: gpu.createBuffer({ size: bytes, usage: TENSOR }), bytes, holders: 1 }
    this.doubts.push({ buffer, outcome: gpu.popErrorScope() })
    this.held += bytes
    return buffer
  }

  /** Waits until what was allocated is known to be there. Throws DeviceError; failed buffers are not used again. */
  async settled(estimate = ''): Promise<void> {
    if (this.doubts.length === 0) return
    const doubts = this.doubts.splice(0)
    const errors = await Promise.all(doubts.map(({ outcome }) => outcome))
    const error = errors.find((e) => e !== null)
    if (!error) return
    doubts.forEach(({ buffer }, i) => (buffer.failed = errors[i] !== null))
    throw new DeviceError(`the device is out of memory: ${this.held} bytes are allocated (${this.bytes()} in live ` +
      `tensors, ${this.freeBytes} free for reuse)${estimate}; use a smaller batch, checkpointing or a smaller ` +
      `chunkRows. It says: ${error.message}`)
  }

  hold(b: Buffer): Buffer {
    b.holders++
    return b
  }

  release(b: Buffer): void {
    if (--b.holders > 0) return
    if (b.failed || this.freeBytes + b.bytes > KEEP) return this.destroy(b)
    put(this.free, b.bytes, b)
    this.freeBytes += b.bytes
  }

  /** Gives it back to the device; submitted work that uses it still ends. */
  private destroy(b: Buffer): void {
    this.held -= b.bytes
    b.gpu.destroy()
  }

  /** Arenas of at least these sizes. */
  reserve(bytes: readonly number[]): void {
    bytes.forEach((need, i) => {
      if (this.arenas[i]?.bytes >= need) return
      if (this.arenas[i]) this.destroy(this.arenas[i])
      this.arenas[i] = this.take(need)
      this.generation++
    })
  }

  clearArenas(): void {
    for (const b of this.arenas.splice(0)) this.destroy(b)
    this.generation++
  }

  write(b: Buffer, { dtype }: Spec, values: HostArray): void {
    const data = dtype === 'bool' ? Uint32Array.from(values, (v) => (v ? 1 : 0))
      : values instanceof WORDS[dtype] ? values : WORDS[dtype].from(values)
    if (data.length > 0) this.device.gpu.queue.writeBuffer(b.gpu, 0, data as Float32Array<ArrayBuffer>)
  }

  /** A buffer to map; give it back with `returnStaging`. */
  takeStaging(size: number): GPUBuffer {
    return this.staging.get(size)?.pop() ??
      this.device.gpu.createBuffer({ size, usage: USAGE.MAP_READ | USAGE.COPY_DST })
  }

  returnStaging(buffer: GPUBuffer): void {
    buffer.unmap()
    if (buffer.size > 4096) return buffer.destroy()
    put(this.staging, buffer.size, buffer)
  }

  async read(b: Buffer, { shape, dtype }: Spec): Promise<HostArray> {
    const n = sizeOf(shape)
    if (n === 0) return dtype === 'bool' ? new Uint8Array(0) : (new WORDS[dtype](0) as HostArray)
    const { gpu } = this.device
    this.hold(b)
    const staging = this.takeStaging(b.bytes)
    try {
      const encoder = gpu.createCommandEncoder()
      encoder.copyBufferToBuffer(b.gpu, 0, staging, 0, b.bytes)
      gpu.queue.submit([encoder.finish()])
      const words = new WORDS[dtype]((await this.mapped(staging)).slice(0, 4 * n))
      return dtype === 'bool' ? Uint8Array.from(words) : (words as HostArray)
    } finally {
      this.returnStaging(staging)
      this.release(b)
    }
  }

  /** Maps a staging buffer. A device that is lost meanwhile is a DeviceError. */
  async mapped(staging: GPUBuffer): Promise<ArrayBuffer> {
    await staging.mapAsync(USAGE.MAP_READ).catch((error: unknown) => {
      this.device.check()
      throw new DeviceError(`reading from the device failed: ${error instanceof Error ? error.message : String(error)}`)
    })
    this.device.check()
    return staging.getMappedRange()
  }

  bytes(): number { return [...this.live].reduce((n, t) => n + byteSize(t), 0) }

  /** Everything that the device holds and no live tensor has. */
  pooled(): number {
    return [...new Set([...this.live].map((t) => t.buffer))].reduce((n, b) => n - b.bytes, this.held)
  }

  clear(): void {
    this.clearArenas()
    for (const list of this.free.values()) for (const b of list) this.destroy(b)
    for (const list of this.staging.values()) for (const b of list) b.destroy()
    this.free.clear()
    this.staging.clear()
    this.freeBytes = 0
  }
}

/** A tensor in device memory. */
export class WebgpuTensor implements DeviceTensor {
  readonly backend = 'webgpu'
  readonly shape: Spec['shape']
  readonly dtype: Spec['dtype']
  readonly buffer: Buffer
  private readonly memory: Memory
  private gone = ''

  constructor(memory: Memory, { shape, dtype }: Spec, buffer: Buffer) {
    this.memory = memory
    this.shape = shape
    this.dtype = dtype
    this.buffer = buffer
    memory.live.add(this)
  }

  get alive(): boolean { return this.gone === '' }
  [Symbol.dispose](): void { this.dispose() }

  dispose(): void {
    if (this.alive) this.memory.release(this.buffer)
    this.end('disposed of')
  }

  /** Its values are gone; what it held is its caller's (a run that consumes it takes its place). */
  end(how: string): void {
    this.gone ||= how
    this.memory.live.delete(this)
  }

  /** Throws DeviceError where its values are gone. */
  check(name: string): void {
    if (!this.alive) throw new DeviceError(`${name} (${show(this)}) was ${this.gone}`)
  }
}

/** The tensor of this backend behind a handle. Throws DeviceError where it is another's, or dead. */
export function own(memory: Memory, tensor: DeviceTensor, name: string): WebgpuTensor {
  if (!(tensor instanceof WebgpuTensor) || (tensor.alive && !memory.live.has(tensor)))
    throw new DeviceError(
      `${name} is a tensor of another backend ('${tensor.backend}'); read it there and upload it here`)
  tensor.check(name)
  return tensor
}

/** Uploads host values into a buffer of their own. Throws DeviceError where they do not fill the shape. */
export function hosted(memory: Memory, name: string, value: HostTensor): Buffer {
  if (value.data.length !== sizeOf(value.shape))
    throw new DeviceError(`${name} has ${value.data.length} values, which do not fill ${show(value)}`)
  const buffer = memory.take(deviceBytes(value))
  memory.write(buffer, value, value.data)
  return buffer
}
