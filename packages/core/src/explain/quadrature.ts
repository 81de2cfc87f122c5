/**
 * Gauss–Legendre nodes on [0, 1]: n of them integrate polynomials up to degree 2n − 1 exactly. Node i is the root of
 * the Legendre polynomial P_n near cos(π(i + ¾)/(n + ½)), found by Newton's method; its weight is
 * 1/((1 − x²)P′_n(x)²).
 */
export interface Node {
  readonly t: number
  readonly weight: number
}

/** n nodes, in order; weights add up to 1. n = 1 is the midpoint. Throws RangeError for n < 1. */
export function gaussLegendre(n: number): Node[] {
  if (!Number.isInteger(n) || n < 1)
    throw new RangeError(`gaussLegendre: ${n} nodes; give a whole number above 0`)
  return Array.from({ length: n }, (_, i) => {
    let x = Math.cos((Math.PI * (n - 1 - i + 0.75)) / (n + 0.5))
    for (let step = 0; step < 20; step++) {
      const { value, slope } = legendre(n, x)
      x -= value / slope
    }
    const { slope } = legendre(n, x)
    return { t: (1 + x) / 2, weight: 1 / ((1 - x * x) * slope * slope) }
  })
}

/** P_n(x) and its derivative, by the three-term recurrence. */
function legendre(n: number, x: number): { value: number; slope: number } {
  let [before, value] = [1, x]
  for (let k = 2; k <= n; k++) [before, value] = [value, ((2 * k - 1) * x * value - (k - 1) * before) / k]
  return { value, slope: (n * (x * value - before)) / (x * x - 1) }
}
