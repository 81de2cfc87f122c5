/** A small decoder with tied embedding, grouped key heads and rotary positions, written out for these tests. */
import {
  add,
  attention,
  call,
  constant,
  f32,
  grad,
  i32,
  isFinite,
  linear,
  mapTree,
  mul,
  neg,
  leaves,
  reshape,
  rmsNorm,
  rope,
  silu,
  sub,
  sum,
  take,
  tokenLogProb,
  trace,
  transpose,
  checkpoint,
  type Program,
  type Spec,
  type Tensor,
  type Traced,
} from '@ldyn/tensor'

const [B, T, WIDTH, HEADS, KV, D, INNER, VOCAB] = [2, 6, 12, 4, 2, 4, 20, 17]

export const params = {
  embed: f32(VOCAB, WIDTH),
  layers: [0, 1].map(() => ({
    norm: f32(WIDTH),
    q: f32(WIDTH, HEADS * D),
    k: f32(WIDTH, KV * D),
    v: f32(WIDTH, KV * D),
    out: f32(HEADS * D, WIDTH),
    norm2: f32(WIDTH),
    gate: f32(WIDTH, INNER),
    up: f32(WIDTH, INNER),
    down: f32(INNER, WIDTH),
  })),
  norm: f32(WIDTH),
}
export const batch = { tokens: i32(B, T), segments: i32(B, T), targets: i32(B * T) }
const specs = { params, batch }
type Inputs = Traced<typeof specs>

const heads = (x: Tensor, n: number): Tensor => transpose(reshape(x, [B, T, n, D]), [0, 2, 1, 3])

function logProbs({ params: p, batch: b }: Inputs, recompute: boolean): Tensor {
  const angles = (f: (a: number) => number): Tensor =>
    constant(
      Array.from({ length: (T * D) / 2 }, (_, i) => f(Math.floor(i / 2) / 10 ** (i % 2))),
      [1, T, D / 2],
    )
  const [cos, sin] = [angles(Math.cos), angles(Math.sin)]
  let x = take(p.embed, b.tokens)
  for (const l of p.layers) {
    const layer = (): Tensor => {
      const n = rmsNorm(x, l.norm, 1e-5)
      const [q, k, v] = [heads(linear(n, l.q), HEADS), heads(linear(n, l.k), KV), heads(linear(n, l.v), KV)]
      const y = attention(rope(q, cos, sin), rope(k, cos, sin), v, {
        scale: 0.5,
        causal: true,
        segments: b.segments,
      })
      const h = add(x, linear(reshape(transpose(y, [0, 2, 1, 3]), [B, T, HEADS * D]), l.out))
      const m = rmsNorm(h, l.norm2, 1e-5)
      return add(h, linear(mul(silu(linear(m, l.gate)), linear(m, l.up)), l.down))
    }
    x = recompute ? checkpoint(layer) : layer()
  }
  return tokenLogProb(reshape(rmsNorm(x, p.norm, 1e-5), [B * T, WIDTH]), p.embed, b.targets, 5)
}

/** Token log-probabilities [B·T]. */
export const forward = (recompute = false): Program => trace((x: Inputs) => logProbs(x, recompute), specs)
/** Minus their sum, and its gradients by all parameters. */
export const gradient = (recompute = false): Program =>
  grad(
    trace((x: Inputs) => neg(sum(logProbs(x, recompute))), specs),
    { wrt: 'params' },
  )

/** {params, velocity, batch, rate} → both one momentum step later, the loss, and whether it is finite. */
export const step = (): Program => {
  const program = gradient()
  return trace(
    (x) => {
      const out = call(program, { params: x.params, batch: x.batch } as never) as {
        primal: Tensor
        grads: { params: never }
      }
      const of = (tree: never): Map<string, Tensor> =>
        new Map(leaves<Tensor>(tree).map((l) => [l.path, l.value]))
      const [grads, velocity] = [of(out.grads.params), of(x.velocity as never)]
      const moved = mapTree<Tensor, Tensor>(x.params as never, (_, path) =>
        add(mul(velocity.get(path)!, 0.9), grads.get(path)!),
      )
      const next = of(moved as never)
      return {
        params: mapTree<Tensor, Tensor>(x.params as never, (w, path) => sub(w, mul(next.get(path)!, x.rate))),
        velocity: moved,
        loss: out.primal,
        finite: isFinite(out.primal),
      }
    },
    { params, velocity: params, batch, rate: f32() as Spec },
  )
}
