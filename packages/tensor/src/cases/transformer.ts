/**
 * A language model on one screen: rotary, grouped heads, packed rows, checkpointed layers, a tied embedding.
 * What
 * training needs of a backend meets in it, at a size that the f64 reference runs in milliseconds.
 */
import { gelu } from '../composites/activations.ts'
import { tokenLogProb } from '../composites/head.ts'
import { layerNorm, rmsNorm } from '../composites/norms.ts'
import { attention, linear, rope } from '../composites/transformer.ts'
import { checkpoint, scope, type Tensor } from '../graph.ts'
import { take } from '../ops/indexing.ts'
import { reshape, transpose } from '../ops/movement.ts'
import { add, neg } from '../ops/pointwise.ts'
import { mean } from '../ops/reductions.ts'
import { constant } from '../ops/structure.ts'
import type { Program } from '../program.ts'
import type { HostTensor } from '../spec.ts'
import { trace, type Traced } from '../trace.ts'
import type { Branch } from '../tree.ts'
import { draw, given, indices, positive, small } from './argument.ts'

const [batch, length, width, heads, groups, vocabulary] = [2, 6, 8, 4, 2, 11]
const headWidth = width / heads

const layer = () => ({
  norm: { gamma: positive(width), beta: small(width) },
  q: small(width, width),
  k: small(width, groups * headWidth),
  v: small(width, groups * headWidth),
  out: small(width, width),
  mlp: {
    gamma: positive(width),
    up: small(width, 2 * width),
    bias: small(2 * width),
    down: small(2 * width, width),
  },
})
const specs = {
  params: { embed: small(vocabulary, width), layers: [layer(), layer()], gamma: positive(width) },
  tokens: indices(vocabulary, batch, length),
  targets: indices(vocabulary, batch * length),
  segments: given([0, 0, 1, 1, 2, 2, 0, 1, 1, 1, 2, 2], [batch, length], 'i32'),
}
type Inputs = Traced<typeof specs>

const split = (x: Tensor, n: number): Tensor =>
  transpose(reshape(x, [batch, length, n, headWidth]), [0, 2, 1, 3])
const table = (f: (angle: number) => number): Tensor =>
  constant(
    Array.from({ length }, (_, t) => f(t)),
    [1, length, headWidth / 2],
  )

function mixed(x: Tensor, p: Inputs['params']['layers'][number], segments: Tensor): Tensor {
  const h = layerNorm(x, p.norm.gamma, p.norm.beta, 1e-5)
  const [cos, sin] = [table(Math.cos), table(Math.sin)]
  const [q, k] = [rope(split(linear(h, p.q), heads), cos, sin), rope(split(linear(h, p.k), groups), cos, sin)]
  const y = attention(q, k, split(linear(h, p.v), groups), {
    scale: headWidth ** -0.5,
    causal: true,
    segments,
  })
  return linear(reshape(transpose(y, [0, 2, 1, 3]), [batch, length, width]), p.out)
}

function fed(x: Tensor, { mlp }: Inputs['params']['layers'][number]): Tensor {
  return linear(gelu(linear(rmsNorm(x, mlp.gamma, 1e-6), mlp.up, mlp.bias), 'tanh'), mlp.down)
}

function model({ params, tokens, targets, segments }: Inputs): { loss: Tensor; logp: Tensor } {
  let x = scope('embed', () => take(params.embed, tokens))
  params.layers.forEach((p, i) => {
    x = scope(`layers.${i}`, () =>
      checkpoint(() => {
        const h = scope('attn', () => add(x, mixed(x, p, segments)))
        return scope('mlp', () => add(h, fed(h, p)))
      }),
    )
  })
  return scope('head', () => {
    const h = reshape(rmsNorm(x, params.gamma, 1e-6), [batch * length, width])
    const logp = tokenLogProb(h, params.embed, targets, 5)
    return { loss: neg(mean(logp)), logp }
  })
}

/** inputs {params, tokens, targets, segments} → {loss, logp}, with values for the inputs. */
export const tinyTransformer = (seed = 3): { program: Program; inputs: Branch<HostTensor> } => ({
  program: trace(model, specs),
  inputs: draw(specs, seed),
})
