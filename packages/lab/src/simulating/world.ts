/**
 * A toy world for finetuning: contexts with features, each with a preferred and a dispreferred answer of one token, and
 * a model that begins with a peaky distribution, as a pretrained one does.
 *
 * Contexts come in groups of two that are alike (`similarity` is about their cosine). The context of y⁻ is that of y⁺
 * turned by `divergence`: 0 is the same context, as for the first token in which two responses differ, where the π
 * terms of y⁺ and y⁻ cancel and nothing is squeezed (paper.md §1.8); 1 is an orthogonal one, as many tokens later.
 */
import { normals, uniform } from '@ldyn/models'

export interface WorldOptions {
  /** Contexts with a pair each. */
  readonly contexts: number
  readonly vocab: number
  /** Features of a context: a unit vector. */
  readonly features: number
  /** In [0, 1]: the share that two contexts of a group have in common. */
  readonly similarity: number
  /** In [0, 1]: one minus the cosine of the contexts of y⁺ and y⁻. */
  readonly divergence: number
  readonly seed: number
}

/** An answer in its context: features [F] and a token. */
export interface Answer {
  readonly x: Float64Array
  readonly y: number
}

export interface WorldContext {
  readonly chosen: Answer
  readonly rejected: Answer
  /** In y⁺'s context: another context's y⁺, the answer of one that is never trained on, a token of nobody's. */
  readonly irr_train: Answer
  readonly irr_test: Answer
  readonly random_nonhum: Answer
}

export const WORLD_TYPES = ['chosen', 'rejected', 'irr_train', 'irr_test', 'random_nonhum'] as const
export type WorldType = (typeof WORLD_TYPES)[number]

const unit = (x: Float64Array): Float64Array => {
  const norm = Math.sqrt(x.reduce((n, v) => n + v * v, 0))
  return x.map((v) => v / norm)
}
const mix = (a: number, x: Float64Array, b: number, y: Float64Array): Float64Array =>
  x.map((v, i) => a * v + b * y[i])
/** The part of y that is orthogonal to the unit vector x, of length 1. */
const across = (x: Float64Array, y: Float64Array): Float64Array => {
  const along = x.reduce((n, v, i) => n + v * y[i], 0)
  return unit(mix(1, y, -along, x))
}

/** Throws RangeError for a world that cannot hold its answers. */
export function makeWorld(options: WorldOptions): WorldContext[] {
  const { contexts, vocab, features, similarity, divergence, seed } = options
  const tokens = 3 * contexts + 1
  if (!(Number.isInteger(contexts) && contexts >= 2)) throw new RangeError(`world: ${contexts} contexts; at least 2`)
  if (vocab < tokens)
    throw new RangeError(`world: ${vocab} tokens are too few for ${contexts} contexts; at least ${tokens} are needed`)
  if (features < 2) throw new RangeError(`world: ${features} features; at least 2 are needed`)
  const range = (name: string, v: number, least: number, most: number): void => {
    if (!(v >= least && v <= most)) throw new RangeError(`world: ${name} is ${v}; it must be in [${least}, ${most}]`)
  }
  range('similarity', similarity, 0, 1)
  range('divergence', divergence, 0, 1)
  const direction = (name: string): Float64Array =>
    unit(Float64Array.from(normals(features, uniform(seed, name), 1)))
  const permuted = permutation(vocab, uniform(seed, 'tokens'))
  const [plus, minus, test, rest] = [0, 1, 2, 3].map((k) => permuted.slice(k * contexts, (k + 1) * contexts))
  const other = (n: number): number => (n + 1 + Math.floor(uniform(seed, `other ${n}`)() * (contexts - 1))) % contexts
  return Array.from({ length: contexts }, (_, n) => {
    const group = direction(`group ${Math.floor(n / 2)}`)
    const x = unit(
      mix(Math.sqrt(similarity), group, Math.sqrt(1 - similarity), across(group, direction(`own ${n}`))),
    )
    const cosine = 1 - divergence
    const turned = mix(cosine, x, Math.sqrt(1 - cosine * cosine), across(x, direction(`after ${n}`)))
    const at = (y: number): Answer => ({ x, y })
    return {
      chosen: at(plus[n]),
      rejected: { x: turned, y: minus[n] },
      irr_train: at(plus[other(n)]),
      irr_test: at(test[n]),
      random_nonhum: at(rest[n] ?? rest[0]),
    }
  })
}

function permutation(n: number, random: () => number): number[] {
  const list = Array.from({ length: n }, (_, i) => i)
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    ;[list[i], list[j]] = [list[j], list[i]]
  }
  return list
}
