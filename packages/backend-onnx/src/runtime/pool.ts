/**
 * Host memory for tensors, reused by byte length. A training step writes its new parameters where those of two
 * steps ago lay: two sets swap by themselves, nothing is allocated and nothing is zeroed again.
 *
 * A block may be freed while a run still reads it (its tensor was disposed of meanwhile); then it returns to the
 * pool when the last reader lets go.
 */

export interface Block {
  readonly buffer: ArrayBuffer
  /** Runs that read or write it now. */
  pins: number
  freed: boolean
}

export interface Pool {
  take(bytes: number): Block
  /** Back to the pool, at once or when unpinned. */
  free(block: Block): void
  pin(block: Block): void
  unpin(block: Block): void
  /** Bytes that wait for reuse. */
  pooled(): number
  clear(): void
}

export function pool(): Pool {
  const waiting = new Map<number, ArrayBuffer[]>()
  let pooled = 0
  let live = 0
  let most = 0

  // What waits never exceeds what was live at once: enough for two sets that swap, and no leak of odd sizes.
  const settle = (block: Block): void => {
    if (!block.freed || block.pins > 0) return
    const size = block.buffer.byteLength
    live -= size
    if (pooled + size > most) return
    pooled += size
    const same = waiting.get(size)
    if (same) same.push(block.buffer)
    else waiting.set(size, [block.buffer])
  }

  return {
    take(bytes) {
      const found = waiting.get(bytes)?.pop()
      if (found) pooled -= bytes
      live += bytes
      most = Math.max(most, live)
      return { buffer: found ?? new ArrayBuffer(bytes), pins: 0, freed: false }
    },
    free(block) {
      if (block.freed) return
      block.freed = true
      settle(block)
    },
    pin: (block) => void block.pins++,
    unpin(block) {
      block.pins--
      settle(block)
    },
    pooled: () => pooled,
    clear() {
      waiting.clear()
      pooled = 0
      most = live
    },
  }
}
