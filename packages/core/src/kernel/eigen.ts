/**
 * Eigenvalues and eigenvectors of a symmetric matrix: Householder's reduction to tridiagonal form, then QL with
 * implicit shifts (Martin, Reinsch & Wilkinson 1968; EISPACK's tred2 and tql2). O(n³): some seconds at n = 1500.
 */

/** Row-major n×n. */
export interface SquareMatrix {
  readonly n: number
  readonly data: ArrayLike<number>
}

export interface Eigen {
  /** In falling order. */
  readonly values: Float64Array
  /** Column k of the n×n row-major matrix belongs to value k; columns are orthonormal. */
  readonly vectors: Float64Array
}

const MAX_TURNS = 60

/**
 * Of the symmetric part of a matrix. Throws RangeError for one that is not square or not finite.
 */
export function symmetricEigen({ n, data }: SquareMatrix): Eigen {
  if (data.length !== n * n)
    throw new RangeError(`symmetricEigen: ${data.length} numbers are no ${n} × ${n} matrix`)
  const z = new Float64Array(n * n)
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++) {
      const x = (data[i * n + j] + data[j * n + i]) / 2
      if (!Number.isFinite(x)) throw new RangeError(`symmetricEigen: entry (${i}, ${j}) is ${x}`)
      z[i * n + j] = x
    }
  const d = new Float64Array(n)
  const e = new Float64Array(n)
  tridiagonalise(n, z, d, e)
  diagonalise(n, z, d, e)
  const order = Array.from(d.keys()).sort((a, b) => d[b] - d[a])
  const vectors = new Float64Array(n * n)
  for (let i = 0; i < n; i++) order.forEach((from, k) => (vectors[i * n + k] = z[from * n + i]))
  return { values: Float64Array.from(order, (k) => d[k]), vectors }
}

/**
 * Reflects rows n−1 … 1 of z into tridiagonal form, diagonal d and subdiagonal e[1…]. Afterwards row k of z is the
 * k-th column of the orthogonal matrix: rows are contiguous, and `diagonalise` turns pairs of them.
 */
function tridiagonalise(n: number, z: Float64Array, d: Float64Array, e: Float64Array): void {
  const reflectors: { readonly v: Float64Array; readonly size: number }[] = []
  for (let i = n - 1; i > 1; i--) {
    const row = z.subarray(i * n, i * n + i)
    let norm = 0
    for (let k = 0; k < i; k++) norm = Math.hypot(norm, row[k])
    e[i] = norm
    if (norm === 0) continue
    const last = row[i - 1]
    const alpha = last > 0 ? -norm : norm
    e[i] = alpha
    const v = Float64Array.from(row)
    v[i - 1] -= alpha
    // H = I − v·vᵀ/h with h = ‖v‖²/2 turns the row into (0, …, 0, α).
    const h = norm * norm - last * alpha
    const p = new Float64Array(i)
    for (let a = 0; a < i; a++) {
      let s = 0
      const from = a * n
      for (let b = 0; b <= a; b++) s += z[from + b] * v[b]
      for (let b = a + 1; b < i; b++) s += z[b * n + a] * v[b]
      p[a] = s / h
    }
    let vp = 0
    for (let a = 0; a < i; a++) vp += v[a] * p[a]
    for (let a = 0; a < i; a++) p[a] -= (vp / (2 * h)) * v[a]
    for (let a = 0; a < i; a++) {
      const from = a * n
      for (let b = 0; b <= a; b++) z[from + b] -= v[a] * p[b] + p[a] * v[b]
    }
    reflectors.push({ v: v.map((x) => x / Math.sqrt(h)), size: i })
  }
  if (n > 1) e[1] = z[n]
  for (let i = 0; i < n; i++) d[i] = z[i * n + i]
  // Rows of z become the columns of Q = H_{n−1} ⋯ H_2.
  z.fill(0)
  for (let i = 0; i < n; i++) z[i * n + i] = 1
  for (const { v, size } of reflectors.reverse()) {
    for (let k = 0; k < n; k++) {
      const from = k * n
      let s = 0
      for (let a = 0; a < size; a++) s += z[from + a] * v[a]
      if (s !== 0) for (let a = 0; a < size; a++) z[from + a] -= s * v[a]
    }
  }
}

/** QL with Wilkinson's shift, one eigenvalue at a time; turns the rows of z along. */
function diagonalise(n: number, z: Float64Array, d: Float64Array, e: Float64Array): void {
  for (let i = 1; i < n; i++) e[i - 1] = e[i]
  if (n > 0) e[n - 1] = 0
  for (let l = 0; l < n; l++) {
    for (let turn = 0; ; turn++) {
      let m = l
      while (m < n - 1 && Math.abs(e[m]) > Number.EPSILON * (Math.abs(d[m]) + Math.abs(d[m + 1]))) m++
      if (m === l) break
      if (turn === MAX_TURNS)
        throw new RangeError(`symmetricEigen: eigenvalue ${l} has not settled in ${MAX_TURNS} turns`)
      let g = (d[l + 1] - d[l]) / (2 * e[l])
      let r = Math.hypot(g, 1)
      g = d[m] - d[l] + e[l] / (g + (g >= 0 ? r : -r))
      let [s, c, p] = [1, 1, 0]
      let i = m - 1
      for (; i >= l; i--) {
        const f = s * e[i]
        const b = c * e[i]
        r = Math.hypot(f, g)
        e[i + 1] = r
        if (r === 0) {
          d[i + 1] -= p
          e[m] = 0
          break
        }
        s = f / r
        c = g / r
        g = d[i + 1] - p
        r = (d[i] - g) * s + 2 * c * b
        p = s * r
        d[i + 1] = g + p
        g = c * r - b
        const [upper, lower] = [(i + 1) * n, i * n]
        for (let k = 0; k < n; k++) {
          const t = z[upper + k]
          z[upper + k] = s * z[lower + k] + c * t
          z[lower + k] = c * z[lower + k] - s * t
        }
      }
      if (r === 0 && i >= l) continue
      d[l] -= p
      e[l] = g
      e[m] = 0
    }
  }
}
