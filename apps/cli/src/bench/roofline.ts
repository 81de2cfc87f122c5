/**
 * What a kernel of the webgpu backend costs, counted from its shape: what can be judged of a tile without a card.
 * `bytes` is the least that memory must move (every operand once), `traffic` what the workgroups ask of the caches;
 * seconds on a card are at least the larger of flops over its peak and bytes over its bandwidth (the roofline of
 * Williams et al. 2009).
 */
import {
  choose, matmul, productOf, type AttentionShape, type Limits, type MatmulPrecision, type Product,
} from '@ldyn/backend-webgpu'

/** `barriers` are those that a workgroup waits at, in the dispatch that does the work. */
export type Counts = { readonly [K in 'flops' | 'bytes' | 'traffic' | 'dispatches' | 'barriers']: number }

/** A product by the kernels that `matmul` chooses for it. f16 counts the flops of its units, split-f16 three times. */
export function matmulCounts(p: Product, limits: Limits, precision: MatmulPrecision = 'f32'): Counts {
  const { batch, m, n, k } = p
  const { kernels } = matmul(p, limits, { precision })
  const units = /(\d+)×(\d+) on /.exec(kernels[0].label)
  const { tile, split } = choose(p, limits)
  const [high, wide] = units ? units.slice(1).map(Number) : [tile.size, tile.size]
  const inner = units ? 32 : tile.inner
  const parts = split > 1 && !units ? 2 * split * batch * m * n : 0
  return {
    flops: 2 * batch * m * n * k * (units && precision === 'split-f16' ? 3 : 1),
    bytes: 4 * ((batch / p.repeatA) * m * k + (batch / p.repeatB) * n * k + batch * m * n + parts),
    traffic: 4 * (batch * (Math.ceil(n / wide) * m * k + Math.ceil(m / high) * n * k + m * n) + parts),
    dispatches: kernels.length,
    barriers: inner ? 2 * Math.ceil(k / (units ? 1 : split) / inner) : 0,
  }
}

/** Attention by blocks; `pairs` is how many (query, key) pairs are seen in all rows of the batch (one head). */
export function attentionCounts(s: AttentionShape, pairs: number, backward: boolean): Counts {
  const { batch, heads, groups, length, width } = s
  // Products over the pairs: scores and result; backward scores three times, ȳvᵀ twice, and q̄, k̄, v̄.
  const products = backward ? 8 : 2
  const [queries, keys] = [batch * heads * length * width, batch * groups * length * width]
  const blocks = (pairs * heads) / 32 / 32
  // Query heads that share a key head: their parts of k̄ and v̄ are written, and read to be summed.
  const parts = backward && heads > groups ? 4 * queries : 0
  const steps = Math.ceil(width / 32)
  return {
    flops: 2 * products * pairs * heads * width,
    bytes: 4 * (backward ? 4 * queries + 4 * keys + parts : 2 * queries + 2 * keys),
    // A block of 32 rows of each side is read for every product that it enters.
    traffic: 4 * (blocks * 32 * width * (backward ? 13 : 3) + 2 * queries),
    dispatches: !backward ? 1 : parts > 0 ? 4 : 3,
    barriers: (blocks / (batch * heads) / Math.ceil(length / 32)) * (backward ? 12 * steps + 2 : 4 * steps + 3),
  }
}

/** f32 outside matrix units and f16 with f32 sums on them, in flop/s; bytes/s of memory. */
export interface Card { readonly name: string; readonly f32: number; readonly f16: number; readonly memory: number }

/** From the makers' data sheets (dense figures, highest clock). */
export const CARDS: readonly Card[] = [
  { name: 'NVIDIA A100 80 GB', f32: 19.5e12, f16: 312e12, memory: 2.039e12 },
  { name: 'NVIDIA H100 SXM', f32: 67e12, f16: 989e12, memory: 3.35e12 },
  { name: 'NVIDIA H200', f32: 67e12, f16: 989e12, memory: 4.8e12 },
  { name: 'NVIDIA RTX 4090', f32: 82.6e12, f16: 165e12, memory: 1.008e12 },
  { name: 'Apple M2, 10 cores', f32: 3.6e12, f16: 3.6e12, memory: 0.1e12 },
]

/** The least time, what sets it, and flops per byte of memory, and per byte that workgroups read. */
export interface Roofline {
  readonly seconds: number; readonly bound: 'arithmetic' | 'memory'; readonly intensity: number
  readonly tileIntensity: number
}

export function roofline(c: Counts, card: Card, precision: MatmulPrecision = 'f32'): Roofline {
  const arithmetic = c.flops / (precision === 'f32' ? card.f32 : card.f16)
  const memory = c.bytes / card.memory
  const [intensity, tileIntensity] = [c.flops / c.bytes, c.flops / c.traffic]
  const bound = arithmetic >= memory ? 'arithmetic' : 'memory'
  return { seconds: Math.max(arithmetic, memory), bound, intensity, tileIntensity }
}

/** What WebGPU grants everywhere, with matrix units as current cards list them. */
const ANY_CARD: Limits = {
  maxBindingBytes: 2 ** 31, maxBufferBytes: 2 ** 32, maxStorageBuffers: 10, maxWorkgroups: 65535, maxInvocations: 256,
  maxWorkgroupSize: 256, workgroupBytes: 32768, f16: true, subgroups: true, subgroupMin: 32, subgroupMax: 32,
  subgroupMatrices: [{ m: 16, n: 16, k: 16 }],
}

export interface LeastTime extends Roofline {
  readonly card: string; readonly size: number; readonly precision: MatmulPrecision
}

/** The roofline of square products on every known card: what a measured time is to be compared with. */
export const leastTimes = (sizes: readonly number[], precisions: readonly MatmulPrecision[]): LeastTime[] =>
  CARDS.flatMap((card) => precisions.flatMap((precision) => sizes.map((size) => {
    const counts = matmulCounts(productOf([size, size], [size, size], false, false), ANY_CARD, precision)
    return { card: card.name, size, precision, ...roofline(counts, card, precision) }
  })))
