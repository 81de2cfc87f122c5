/**
 * The toy of the paper's App. E (squeeze_effect.ipynb; paper.md §6.1): logistic regression z = Wᵀx on one input x, and
 * one update of a few classes. All of it happens at the logits, z' = z − Σ η'(p − e_y) with η' = lr·‖x‖².
 *
 *   A   a pull on class 21, W drawn N(0,1)
 *   B   a push on class 42 of a flat distribution: 49 rise, 1 falls
 *   C   a push on class 11, which lies on a plateau of classes that were learned: the argmax takes it all
 *   D   a push on class 42 in the valley (p = 4e-10): the same, from a class that had nothing to give
 *   D'  D with an equal pull on class 25 in the same context, as the released notebook has it: the π terms cancel and
 *       the peak does not move (paper.md §1.8)
 *   E   a push on class 100 of V = 1000, 50 features
 */
import { logSoftmaxOf, step, type Step } from './lemma.ts'
import { randomState } from './numpy-random.ts'

export const CASES = ['A', 'B', 'C', 'D', "D'", 'E'] as const
export type CaseName = (typeof CASES)[number]

/** The notebook's seed. */
export const NOTEBOOK_SEED = 10086

export interface CaseOptions {
  readonly seed?: number
  /** Classes, and features of the input; the notebook's unless given. */
  readonly vocab?: number
  readonly features?: number
  /** Learning rate of the case's steps; their signs are the case's own. */
  readonly lr?: number
}

export interface ToyCase {
  readonly name: CaseName
  readonly title: string
  /** Logits before the first step, [V]. */
  readonly logits: Float64Array
  /** ‖x‖². */
  readonly xSquared: number
  readonly lr: number
  /** What every update does; η' = ±lr·‖x‖². The first is the one that the case is about. */
  readonly steps: readonly Step[]
}

interface Form {
  readonly title: string
  readonly start: 'uniform' | 'flat' | 'peaky' | 'wide'
  readonly vocab: number
  readonly features: number
  readonly lr: number
  /** Classes pulled up, and pushed down. */
  readonly pull?: number
  readonly push?: number
}

const FORMS: Readonly<Record<CaseName, Form>> = {
  A: { title: 'a pull, any distribution', start: 'uniform', vocab: 50, features: 4, lr: 0.5, pull: 21 },
  B: { title: 'a push, flat distribution', start: 'flat', vocab: 50, features: 4, lr: 0.3, push: 42 },
  C: { title: 'a push on a plateau, peaky distribution', start: 'peaky', vocab: 50, features: 4, lr: 0.5, push: 11 },
  D: { title: 'a push in the valley, peaky distribution', start: 'peaky', vocab: 50, features: 4, lr: 0.5, push: 42 },
  "D'": {
    title: 'the same with an equal pull in the same context',
    start: 'peaky',
    vocab: 50,
    features: 4,
    lr: 0.5,
    push: 42,
    pull: 25,
  },
  E: { title: 'a push, 1000 classes', start: 'wide', vocab: 1000, features: 50, lr: 1, push: 100 },
}

/** The classes that the peaky start has learned, in one step of learning rate 1. */
const LEARNED = { from: 5, to: 12 }

/** Throws RangeError for sizes that do not hold the case's classes. */
export function toyCase(name: CaseName, options: CaseOptions = {}): ToyCase {
  const form = FORMS[name]
  const { seed = NOTEBOOK_SEED, vocab = form.vocab, features = form.features, lr = form.lr } = options
  const classes = [form.pull, form.push, form.start === 'peaky' ? LEARNED.to : 0].filter((c) => c !== undefined)
  if (!(vocab > Math.max(...classes)))
    throw new RangeError(`case ${name}: ${vocab} classes do not hold class ${Math.max(...classes)}`)
  if (!(features >= 1)) throw new RangeError(`case ${name}: ${features} features; at least 1 is needed`)
  if (!(lr > 0)) throw new RangeError(`case ${name}: the learning rate is ${lr}; it must be above 0`)
  const { normal } = randomState(seed)
  const draw = (n: number): number[] => Array.from({ length: n }, normal)
  // As the notebook draws: x, then the uniform, the flat and the peaky W, each [features, V].
  const x = draw(features)
  const xSquared = x.reduce((n, v) => n + v * v, 0)
  const logitsOf = (w: (v: number) => number): number[] => {
    const rows = Array.from({ length: features }, () => draw(vocab).map(w))
    return Array.from({ length: vocab }, (_, v) => rows.reduce((n, row, f) => n + row[v] * x[f], 0))
  }
  const plain = (v: number): number => v
  const starts = {
    uniform: () => logitsOf(plain),
    flat: () => (logitsOf(plain), logitsOf((v) => 1 + 0.05 * v)),
    peaky: () => {
      logitsOf(plain)
      logitsOf(plain)
      const z = logitsOf(plain)
      const logp = logSoftmaxOf(z)
      const target = (i: number): number => (i >= LEARNED.from && i <= LEARNED.to ? 1 : 0)
      return z.map((v, i) => v - xSquared * (Math.exp(logp[i]) - target(i)))
    },
    wide: () => logitsOf((v) => 0.5 * v),
  }
  const logits = Float64Array.from(starts[form.start]())
  const eta = lr * xSquared
  const push = form.push === undefined ? [] : [{ y: form.push, eta: -eta }]
  const pull = form.pull === undefined ? [] : [{ y: form.pull, eta }]
  return { name, title: form.title, logits, xSquared, lr, steps: [...push, ...pull] }
}

/** log p after 0, 1, … n updates of a case: n + 1 arrays of [V]. */
export function trajectory({ logits, steps }: ToyCase, updates: number): Float64Array[] {
  const path = [logSoftmaxOf(logits)]
  for (let u = 0; u < updates; u++) path.push(step(path[u], ...steps).logp)
  return path
}
