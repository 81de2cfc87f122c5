/**
 * A gradient in k numbers: a count-sketch (Charikar, Chen & Farach-Colton 2002; peers.md table 3, row 5c). Every
 * coordinate is added, with a random sign, to one of k buckets. ⟨Sa, Sb⟩ is unbiased for ⟨a, b⟩, with
 *
 *     Var ≤ (‖a‖²‖b‖² + ⟨a,b⟩²) / k
 *
 * and equality where no coordinate dominates. That root is the standard error stated beside every sketched number;
 * norms are exact, since each gradient is there in full once. Relative error √((1 + 1/cos²)/k): nearly orthogonal
 * pairs need a k far above 1/cos², and the stated error says when k is not enough.
 */

/** 32 well-mixed bits of a counter (the finaliser `lowbias32` of Wellons' hash-prospector). */
const mixed = (x: number): number => {
  let h = x | 0
  h = Math.imul(h ^ (h >>> 16), 0x21f0aaad)
  h = Math.imul(h ^ (h >>> 15), 0x735a2d97)
  return (h ^ (h >>> 15)) >>> 0
}

export interface Sketch {
  /** The k buckets. */
  readonly values: Float64Array
  /** ‖a‖², exact. */
  readonly square: number
}

/**
 * Adds up a gradient leaf by leaf. The same `k` and `seed` give the same map, whatever the gradient, as long as
 * leaves come in the same order. Throws RangeError for k < 1, and for a number that is not finite.
 */
export function sketcher(k: number, seed: number): { add(leaf: ArrayLike<number>): void; done(): Sketch } {
  if (!Number.isInteger(k) || k < 1) throw new RangeError(`sketcher: k is ${k}; it must be a whole number above 0`)
  const values = new Float64Array(k)
  const key = mixed(seed ^ 0x9e3779b9)
  let at = 0
  let square = 0
  return {
    add(leaf) {
      const start = at
      let own = 0
      for (let i = 0; i < leaf.length; i++) {
        const x = leaf[i]
        const h = mixed(key + Math.imul(start + i, 0x9e3779b1))
        values[((h >>> 1) % k) | 0] += (h & 1) === 0 ? x : -x
        own += x * x
      }
      if (!Number.isFinite(own))
        throw new RangeError(`sketcher: the gradient is not finite after coordinate ${start}`)
      square += own
      at += leaf.length
    },
    done: () => ({ values, square }),
  }
}

export interface Sketched {
  /** ⟨Sa, Sb⟩. */
  readonly value: number
  /** Standard error as stated above, with the estimate in ⟨a,b⟩'s place. */
  readonly se: number
}

/** The estimate of ⟨a, b⟩; a's own square is exact (error 0). */
export function sketchedInner(a: Sketch, b: Sketch): Sketched {
  if (a === b) return { value: a.square, se: 0 }
  if (a.values.length !== b.values.length)
    throw new RangeError(`sketchedInner: sketches of ${a.values.length} and ${b.values.length} buckets`)
  let value = 0
  for (let i = 0; i < a.values.length; i++) value += a.values[i] * b.values[i]
  return { value, se: Math.sqrt((a.square * b.square + value * value) / a.values.length) }
}
