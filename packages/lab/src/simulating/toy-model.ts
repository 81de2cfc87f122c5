/**
 * Three toy models of a world's contexts, from no sharing to learned features (paper.md §2.2: they differ in K alone).
 *
 *   softmax  a table of logits, a row a context: K = I within a context, 0 between
 *   linear   z = xW + b: K(x, x′) = (x·x′ + 1)·I, which never changes
 *   mlp      two hidden layers of tanh: K depends on the weights and moves with them
 */
import { mlp, normals, uniform, type Classifier } from '@ldyn/models'
import { leaves, mapTree, sizeOf, type HostTensor, type Spec, type Tree } from '@ldyn/tensor'
import type { Answer, WorldContext } from './world.ts'

export const TOY_KINDS = ['softmax', 'linear', 'mlp'] as const
export type ToyKind = (typeof TOY_KINDS)[number]

export interface ToyModelOptions {
  readonly kind: ToyKind
  readonly vocab: number
  readonly features: number
  /** Width of the mlp's hidden layers. */
  readonly hidden: number
  /** p of the token of rank r begins about as r^−peak; 0 is flat. */
  readonly peak: number
  readonly seed: number
}

export interface ToyModel {
  readonly classifier: Classifier
  readonly params: Tree<HostTensor>
  /** Below `params`; a table has no shared bias to train. */
  trainable(path: string): boolean
  /** Distinct contexts: that of y⁺ of every pair, then that of y⁻, as inputs of the classifier [2N, …]. */
  readonly inputs: HostTensor
}

/** f64 values under an f32 spec: the reference backend keeps their digits. */
export const exact = (data: Float64Array, shape: readonly number[]): HostTensor => ({ shape, dtype: 'f32', data })

export function makeToyModel(world: readonly WorldContext[], options: ToyModelOptions): ToyModel {
  const { kind, vocab, features, hidden, peak, seed } = options
  const answers = [...world.map((c) => c.chosen), ...world.map((c) => c.rejected)]
  const [inputs, width] = kind === 'softmax' ? oneHot(world) : [stacked(answers, features), features]
  const widths = kind === 'mlp' ? [width, hidden, hidden, vocab] : [width, vocab]
  const classifier = mlp(widths)
  const last = `layers.${widths.length - 2}`
  const rank = ranks(vocab, uniform(seed, 'ranks'))
  const params = mapTree<Spec, HostTensor>(classifier.params, (spec, path) => {
    if (path === `${last}.b`) return exact(Float64Array.from(rank, (r) => -peak * Math.log(1 + r)), spec.shape)
    if (path.endsWith('.b')) return exact(new Float64Array(sizeOf(spec.shape)), spec.shape)
    const deviation = kind === 'softmax' ? 0.5 : 1 / Math.sqrt(kind === 'linear' ? 1 : spec.shape[0])
    return exact(Float64Array.from(normals(sizeOf(spec.shape), uniform(seed, path), deviation)), spec.shape)
  })
  return {
    classifier,
    params,
    inputs,
    trainable: (path) => kind !== 'softmax' || path === `${last}.w`,
  }
}

export const paramCount = ({ params, trainable }: ToyModel): number =>
  leaves(params).reduce((n, { path, value }) => n + (trainable(path) ? sizeOf(value.shape) : 0), 0)

const stacked = (answers: readonly Answer[], width: number): HostTensor =>
  exact(Float64Array.from(answers.flatMap(({ x }) => [...x])), [answers.length, width])

/** A row of the table for every context; one and the same where y⁺ and y⁻ share theirs. */
function oneHot(world: readonly WorldContext[]): readonly [HostTensor, number] {
  const n = world.length
  const width = 2 * n
  const shared = (i: number): boolean => {
    const { chosen, rejected } = world[i]
    return chosen.x.every((v, f) => Math.abs(v - rejected.x[f]) < 1e-12)
  }
  const data = new Float64Array(width * width)
  for (let i = 0; i < n; i++) {
    data[i * width + i] = 1
    data[(n + i) * width + (shared(i) ? i : n + i)] = 1
  }
  return [exact(data, [width, width]), width]
}

/** A rank for every token, 0 the most frequent. */
function ranks(n: number, random: () => number): number[] {
  const keys = Array.from({ length: n }, () => random())
  const order = Array.from(keys.keys()).sort((a, b) => keys[a] - keys[b])
  const rank = new Array<number>(n)
  order.forEach((token, r) => (rank[token] = r))
  return rank
}
