/**
 * What a response's curve shows, from the statistics of its tokens that `evaluateProgram` returns (paper.md §5,
 * contracts.md §4). Teacher forcing: token t is scored given the prompt and the response's own tokens before it.
 *
 * `logp`, `argmax_logp` and `rest_logp` are sums over tokens in nats; all others are means over tokens. A fall of
 * `logp` is confidence lost; a rise of `argmax_logp` beside it is mass moving to the greedy token (squeezing).
 */

/** Host values of tokenStats, each [N]. */
export interface TokenStatsValues {
  readonly logp: ArrayLike<number>
  readonly argmaxLogp: ArrayLike<number>
  readonly restLogp: ArrayLike<number>
  readonly entropy: ArrayLike<number>
  readonly piSquared: ArrayLike<number>
  readonly pError: ArrayLike<number>
  readonly argmax: ArrayLike<number>
}

export interface ResponseMetrics {
  /** Response tokens, the EOS among them. */
  readonly tokens: number
  /** Σ log π(y_t): ≤ 0. */
  readonly logp: number
  /** Σ log max_v π(v): ≥ logp. The greedy token at each position, not a free-running greedy answer. */
  readonly argmax_logp: number
  /** Σ log(1 − max_v π(v)), as a log-sum-exp over the others. */
  readonly rest_logp: number
  /** Mean of 1 − π(y_t), in [0, 1]. */
  readonly energy: number
  /** Mean of ‖π − e_y‖₂, in [0, √2]: the size of G, of what the token would push with. */
  readonly p_e: number
  /** Mean of ‖A‖_F = √(V − 2 + V‖π‖²): "peakiness"; √(V − 1) for a uniform π, √(2V − 2) for a certain one. */
  readonly a_norm: number
  /** The paper's variant √(V·m² + V − 2) with m the mean of ‖π‖₂. */
  readonly paper_a_norm: number
  /** Mean of −Σ π log π, in nats. */
  readonly entropy: number
  /** Share of tokens that are the most probable one. */
  readonly accuracy: number
}

/** 1 − π(y), without cancellation for a π(y) near 1. */
export const energyOf = (logp: number): number => -Math.expm1(logp)

/** ‖A‖_F of one token from ‖π‖². */
export const aNormOf = (piSquared: number, vocab: number): number => Math.sqrt(vocab - 2 + vocab * piSquared)

export interface ResponseOptions {
  /** V. */
  readonly vocab: number
  /** The tokens that were read, [N]. */
  readonly targets: ArrayLike<number>
}

/**
 * Metrics of one response; `reads` are its tokens' indices among the N, as in a row of the batch's grid.
 * Throws RangeError for a response without tokens, and for a value that is not finite, with the token's place.
 */
export function responseMetrics(
  stats: TokenStatsValues,
  reads: readonly number[],
  options: ResponseOptions,
): ResponseMetrics {
  const { vocab, targets } = options
  const tokens = reads.length
  if (tokens === 0)
    throw new RangeError('responseMetrics: a response without tokens has no means; leave it out')
  const sumOf = (name: keyof TokenStatsValues, f: (x: number) => number = (x) => x): number =>
    reads.reduce((total, n, t) => {
      const x = stats[name][n]
      if (!Number.isFinite(x))
        throw new RangeError(`responseMetrics: ${name} of token ${t} (read ${n}) is ${x}`)
      return total + f(x)
    }, 0)
  const meanOf = (name: keyof TokenStatsValues, f?: (x: number) => number): number => sumOf(name, f) / tokens
  return {
    tokens,
    logp: sumOf('logp'),
    argmax_logp: sumOf('argmaxLogp'),
    rest_logp: sumOf('restLogp'),
    energy: meanOf('logp', energyOf),
    p_e: meanOf('pError'),
    a_norm: meanOf('piSquared', (x) => aNormOf(x, vocab)),
    paper_a_norm: aNormOf(meanOf('piSquared', Math.sqrt) ** 2, vocab),
    entropy: meanOf('entropy'),
    accuracy: reads.filter((n) => stats.argmax[n] === targets[n]).length / tokens,
  }
}
