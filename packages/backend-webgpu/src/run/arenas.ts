/**
 * The buffers of intermediates, shared by all programs of a backend: runs follow each other on the queue, and what
 * lies here lives no longer than its run. They grow to what the largest program needs.
 */
import type { Buffer, Memory } from '../device/memory.ts'

export interface Arenas {
  readonly buffers: readonly Buffer[]
  /** Changes whenever a buffer was replaced. */
  readonly generation: number
  reserve(bytes: readonly number[]): void
  clear(): void
}

export function arenas(memory: Memory): Arenas {
  const buffers: Buffer[] = []
  let generation = 0
  return {
    buffers,
    get generation() {
      return generation
    },
    reserve(bytes) {
      bytes.forEach((need, i) => {
        if (buffers[i]?.bytes >= need) return
        if (buffers[i]) memory.destroy(buffers[i])
        buffers[i] = memory.take(need, true)
        generation++
      })
    },
    clear() {
      for (const b of buffers.splice(0)) memory.destroy(b)
      generation++
    },
  }
}
