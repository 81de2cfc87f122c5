/**
 * numpy's RandomState: MT19937 seeded by an integer, 53-bit doubles and normal deviates by the polar method, number for
 * number. With it the released notebook's toy (seed 10086) is drawn as its authors drew it, and not just like it.
 */

const N = 624
const M = 397

export interface RandomState {
  /** In [0, 1). */
  uniform(): number
  /** N(0, 1). */
  normal(): number
}

/** `np.random.RandomState(seed)`; the seed is an integer in [0, 2³²). */
export function randomState(seed: number): RandomState {
  const mt = new Uint32Array(N)
  mt[0] = seed
  for (let i = 1; i < N; i++) mt[i] = Math.imul(1812433253, mt[i - 1] ^ (mt[i - 1] >>> 30)) + i
  let at = N
  const refill = (): void => {
    for (let i = 0; i < N; i++) {
      const y = (mt[i] & 0x80000000) | (mt[(i + 1) % N] & 0x7fffffff)
      mt[i] = mt[(i + M) % N] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0)
    }
    at = 0
  }
  const word = (): number => {
    if (at === N) refill()
    let y = mt[at++]
    y ^= y >>> 11
    y ^= (y << 7) & 0x9d2c5680
    y ^= (y << 15) & 0xefc60000
    return (y ^ (y >>> 18)) >>> 0
  }
  const uniform = (): number => ((word() >>> 5) * 67108864 + (word() >>> 6)) / 9007199254740992
  let kept: number | undefined
  const normal = (): number => {
    if (kept !== undefined) {
      const value = kept
      kept = undefined
      return value
    }
    for (;;) {
      const [a, b] = [2 * uniform() - 1, 2 * uniform() - 1]
      const r = a * a + b * b
      if (r >= 1 || r === 0) continue
      const f = Math.sqrt((-2 * Math.log(r)) / r)
      kept = f * a
      return f * b
    }
  }
  return { uniform, normal }
}
