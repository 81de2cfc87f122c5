/**
 * erf in f64 to about 1e-16: the Maclaurin series below 2.5, a continued fraction for erfc above
 * (Abramowitz & Stegun 7.1.6 and 7.1.14).
 */
export function erf(x: number): number {
  if (Number.isNaN(x)) return NaN
  const a = Math.abs(x)
  if (a > 6) return Math.sign(x)
  if (a < 2.5) {
    // erf x = 2/√π · e^(−x²) · Σ 2ⁿ x^(2n+1) / (2n+1)!!: all terms positive, so nothing cancels.
    let term = a
    let total = a
    for (let n = 1; term > total * 1e-18; n++) {
      term *= (2 * a * a) / (2 * n + 1)
      total += term
    }
    return Math.sign(x) * (2 / Math.sqrt(Math.PI)) * Math.exp(-a * a) * total
  }
  let fraction = 0
  for (let n = 120; n > 0; n--) fraction = n / 2 / (a + fraction)
  return Math.sign(x) * (1 - Math.exp(-a * a) / (Math.sqrt(Math.PI) * (a + fraction)))
}
