/**
 * The work of the WebGPU benchmark, written once over an interface of numbers, so that all sides compute the same:
 * a product, a transformer block with its gradient, and a training step (embedding, blocks, head, SGD).
 */
export interface Numbers<T> {
  /** op(a)·op(b) over the last two axes; b may have rank 2. */
  matmul(a: T, b: T, ta?: boolean, tb?: boolean): T
  add(a: T, b: T): T
  reshape(a: T, shape: number[]): T
  /** Swaps the first two of three axes. */
  swap(a: T): T
  /** Causal attention of [heads, length, width]. */
  attention(q: T, k: T, v: T): T
  silu(a: T): T
  rmsNorm(a: T, gamma: T): T
  /** Rows `tokens` of a table. */
  embed(table: T): T
  /** −mean log softmax(hidden·tableᵀ)[targets]. */
  loss(hidden: T, table: T): T
  meanSquare(a: T): T
}

export interface Shape {
  readonly length: number
  readonly width: number
  readonly heads: number
  readonly layers: number
  readonly vocabulary: number
}

export type Params<T> = Readonly<Record<string, T>>
export const RATE = 0.01

/** Names and shapes of the weights. */
export function weightsOf({ width, layers, vocabulary }: Shape, whole: boolean): Record<string, number[]> {
  const block = (i: number): Record<string, number[]> => ({
    [`g${i}`]: [width], [`q${i}`]: [width, width], [`k${i}`]: [width, width], [`v${i}`]: [width, width],
    [`o${i}`]: [width, width], [`n${i}`]: [width], [`up${i}`]: [width, 4 * width], [`down${i}`]: [4 * width, width],
  })
  const blocks = Object.assign({}, ...Array.from({ length: layers }, (_, i) => block(i))) as Record<string, number[]>
  return whole ? { embed: [vocabulary, width], ...blocks } : blocks
}

/** Pre-norm block i: x + attention, then + MLP. x [length, width]. */
export function block<T>(o: Numbers<T>, { length, width, heads }: Shape, p: Params<T>, x: T, i: number): T {
  const split = (y: T): T => o.swap(o.reshape(y, [length, heads, width / heads]))
  const h = o.rmsNorm(x, p[`g${i}`])
  const [q, k, v] = ['q', 'k', 'v'].map((name) => split(o.matmul(h, p[`${name}${i}`])))
  const mixed = o.reshape(o.swap(o.attention(q, k, v)), [length, width])
  const y = o.add(x, o.matmul(mixed, p[`o${i}`]))
  return o.add(y, o.matmul(o.silu(o.matmul(o.rmsNorm(y, p[`n${i}`]), p[`up${i}`])), p[`down${i}`]))
}

/** The training loss: every layer, then the head over the embedding. */
export function modelLoss<T>(o: Numbers<T>, s: Shape, p: Params<T>): T {
  let x = o.embed(p.embed)
  for (let i = 0; i < s.layers; i++) x = block(o, s, p, x, i)
  return o.loss(x, p.embed)
}

/** Values from a formula, the same on every side: within ±scale. */
export const values = (n: number, seed: number, scale: number): Float32Array =>
  Float32Array.from({ length: n }, (_, i) => Math.sin((i + 1) * 12.9898 + seed * 78.233) * scale)

export const sizeOf = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1)

/** Starting weights: gammas 1, matrices small. */
export const initial = (s: Shape, whole: boolean): Record<string, { shape: number[]; data: Float32Array }> =>
  Object.fromEntries(Object.entries(weightsOf(s, whole)).map(([name, shape], i) => [name, {
    shape, data: shape.length === 1 ? new Float32Array(shape[0]).fill(1) : values(sizeOf(shape), i, shape[0] ** -0.5),
  }]))

export const tokensOf = ({ length, vocabulary }: Shape, seed: number): Int32Array =>
  Int32Array.from({ length }, (_, i) => (i * 31 + seed * 17 + 5) % vocabulary)

/** 0 where i sees j, −1e30 elsewhere. */
export const causalMask = (length: number): Float32Array =>
  Float32Array.from({ length: length * length }, (_, i) => (i % length <= Math.floor(i / length) ? 0 : -1e30))

/** A library on the adapter. Jobs return a check value once the device has finished. */
export interface Side {
  readonly name: string
  matmul(n: number): Promise<Job>
  block(shape: Shape): Promise<Job>
  step(shape: Shape): Promise<Job>
}
export interface Job {
  run(): Promise<number>
}
