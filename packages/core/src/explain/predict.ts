/**
 * What probes feel of a direction in parameters, to first order, and exactly along a segment.
 *
 * One jvp along Δθ gives Δlog π of every token of every probe, whatever optimizer made Δθ (peers.md table 3, row 4).
 * Own logit or normaliser: with logits centred over the vocabulary, z̃ = z − z̄, log π_y = z̃_y − log Σ e^z̃, and the
 * change of either is meaningful (an uncentred split depends on an arbitrary constant). z̃_y = h·(W_y − W̄) needs no
 * vector of vocabulary size. Whole-vocabulary changes are made at watched reads only.
 */
import {
  add,
  call,
  f32,
  i32,
  jvp,
  leaves,
  logSoftmax,
  mapTree,
  matmul,
  mean,
  mul,
  reshape,
  sliceAxis,
  sub,
  sum,
  take,
  tokenLogProb,
  unflatten,
  type PathFilter,
  type Program,
  type Tensor,
  type Tree,
} from '@ldyn/tensor'
import type { CausalLM } from '../model.ts'
import { gradSpecs } from '../programs/accumulate.ts'
import { readSpecs, type ReadShape } from '../programs/evaluate.ts'
import { readHidden, traceAs, type Batch, type ModelInputs } from '../programs/forward.ts'

export interface ProbeOptions {
  /** Reads of which every vocabulary entry's log π is wanted; 0 unless given. */
  readonly watched?: number
}

interface ProbeInputs extends ModelInputs {
  readonly batch: Batch & { readonly watch?: Tensor }
}

/** Specs of a probe batch: `readSpecs`, and the watched reads' indices i32 [W]. */
const probeSpecs = (shape: ReadShape, { watched = 0 }: ProbeOptions) => ({
  ...readSpecs(shape),
  ...(watched > 0 ? { watch: i32(watched) } : {}),
})

/** log π and the centred own logit of every read; log π of the whole vocabulary at watched reads. */
function probe(model: CausalLM, params: Tree<Tensor>, batch: ProbeInputs['batch']): Record<string, Tensor> {
  const hidden = readHidden(model, params, batch)
  const head = model.head(params)
  const centre = mean(head, 0)
  return {
    logp: tokenLogProb(hidden, head, batch.targets),
    own: sub(
      sum(mul(hidden, take(head, batch.targets)), -1),
      reshape(matmul(hidden, reshape(centre, [-1, 1])), [-1]),
    ),
    ...(batch.watch ? { watched: logSoftmax(matmul(take(hidden, batch.watch), head, false, true)) } : {}),
  }
}

/**
 * Inputs {params, batch}; outputs {logp [N], own [N], watched? [W,V]} in the order of `batch.reads`: log π(y), z̃_y
 * (log π(y) less it is minus the log-normaliser), and log π of all entries at watched reads. Nats.
 */
export const probeProgram = (model: CausalLM, shape: ReadShape, options: ProbeOptions = {}): Program =>
  traceAs<ProbeInputs>(({ params, batch }) => probe(model, params, batch), {
    params: model.params,
    batch: probeSpecs(shape, options),
  })

/** {…, tangent.params} → {primal, tangent}: `probeProgram` and its change along a direction of trained parameters. */
export const predictProgram = (
  model: CausalLM,
  shape: ReadShape,
  { trainable = '', ...options }: ProbeOptions & { readonly trainable?: PathFilter } = {},
): Program =>
  jvp(probeProgram(model, shape, options), {
    wrt: (path) =>
      path.startsWith('params.') && matchesTrained(model, trainable, path.slice('params.'.length)),
  })

const matchesTrained = (model: CausalLM, trainable: PathFilter, path: string): boolean =>
  leaves(gradSpecs(model.params, trainable)).some((leaf) => leaf.path === path)

interface SegmentInputs extends ProbeInputs {
  readonly delta: Tree<Tensor>
  readonly t: Tensor
}

/**
 * Inputs {params, delta, t, batch, tangent.t}; outputs {primal, tangent} of `probeProgram` at θ + t·Δ, the tangent
 * along Δ for tangent.t = 1. Its integral over t from 0 to 1 is the change itself.
 */
export function segmentProgram(model: CausalLM, shape: ReadShape, options: ProbeOptions = {}): Program {
  const inner = probeProgram(model, shape, options)
  const along = traceAs<SegmentInputs>(
    ({ params, delta, t, batch }) => {
      const by = new Map(leaves(delta).map(({ path, value }) => [path, value]))
      const moved = mapTree<Tensor, Tensor>(params, (p, path) => {
        const d = by.get(path)
        return d ? add(p, mul(d, t)) : p
      })
      return call(inner, { params: moved, batch: { ...batch } })
    },
    { params: model.params, delta: model.params, t: f32(), batch: probeSpecs(shape, options) },
  )
  return jvp(along, { wrt: 't' })
}

/** Inputs {params, delta, mask, batch}: a direction of which only some tensors count, by a factor for every one. */
export function maskedProgram(model: CausalLM, shape: ReadShape): Program {
  const paths = leaves(model.params).map(({ path }) => path)
  const inner = predictProgram(model, shape)
  return traceAs<ModelInputs & { readonly delta: Tree<Tensor>; readonly mask: Tensor }>(
    ({ params, batch, delta, mask }) => {
      const tangent = unflatten(
        leaves(delta).map(({ path, value }) => ({
          path,
          value: mul(value, reshape(sliceAxis(mask, 0, paths.indexOf(path), paths.indexOf(path) + 1), [])),
        })),
      )
      const { tangent: out } = call(inner, { params, batch: { ...batch }, tangent: { params: tangent } }) as {
        readonly tangent: Tree<Tensor>
      }
      return { tangent: out }
    },
    { params: model.params, batch: readSpecs(shape), delta: model.params, mask: f32(paths.length) },
  )
}
