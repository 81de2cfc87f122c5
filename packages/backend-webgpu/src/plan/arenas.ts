/**
 * Where intermediates lie: offsets in few large buffers, such that two values share bytes only where one is dead
 * before the other is written. Largest first, each at the lowest offset that is free for as long as it lives
 * (Pisarchyk and Lee 2020, "greedy by size"); usually within a few per cent of the largest sum of live bytes.
 */
import { roundUp } from '../kernels/kernel.ts'

/** Bytes that live from the step that writes them to the last that reads them. */
export interface Life { readonly bytes: number; readonly from: number; readonly to: number }
export interface Place { readonly arena: number; readonly offset: number }
/** A place for every life, and the bytes of every arena. */
export interface Layout { readonly places: readonly Place[]; readonly arenas: readonly number[] }
const ALIGNMENT = 256

/** No arena is larger than `largest`; a value that is larger than that has one of its own (and will be refused). */
export function layout(lives: readonly Life[], largest: number): Layout {
  const places: Place[] = []
  const arenas: { bytes: number; placed: { life: Life; offset: number; end: number }[] }[] = []
  const bySize = lives.map((life, i) => ({ life, i })).sort((a, b) => b.life.bytes - a.life.bytes || a.i - b.i)
  for (const { life, i } of bySize) {
    const bytes = Math.max(ALIGNMENT, roundUp(life.bytes, ALIGNMENT))
    for (let arena = 0; ; arena++) {
      const a = (arenas[arena] ??= { bytes: 0, placed: [] })
      // `placed` is kept in the order of offsets, so one walk finds the lowest gap.
      let offset = 0
      for (const other of a.placed) {
        if (other.life.from > life.to || other.life.to < life.from) continue
        if (other.offset - offset >= bytes) break
        offset = Math.max(offset, other.end)
      }
      if (offset + bytes > largest && a.placed.length > 0) continue
      const entry = { life, offset, end: offset + bytes }
      const where = a.placed.findIndex((p) => p.offset > offset)
      a.placed.splice(where < 0 ? a.placed.length : where, 0, entry)
      a.bytes = Math.max(a.bytes, entry.end)
      places[i] = { arena, offset }
      break
    }
  }
  return { places, arenas: arenas.map((a) => a.bytes) }
}
