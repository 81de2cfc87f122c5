/** Small dense matrices on the host, row-major in f64: what remains of K once the vocabulary is factored out. */

export interface Matrix {
  readonly rows: number
  readonly cols: number
  readonly data: Float64Array
}

export const matrix = (rows: number, cols: number, data: ArrayLike<number>): Matrix => {
  if (data.length !== rows * cols)
    throw new RangeError(`matrix: ${data.length} numbers do not fill ${rows} × ${cols}`)
  return { rows, cols, data: Float64Array.from(data) }
}

/** a·b. */
export function product(a: Matrix, b: Matrix): Matrix {
  if (a.cols !== b.rows)
    throw new RangeError(`product: ${a.rows} × ${a.cols} times ${b.rows} × ${b.cols}: the inner sizes differ`)
  const data = new Float64Array(a.rows * b.cols)
  for (let i = 0; i < a.rows; i++) {
    const row = data.subarray(i * b.cols, (i + 1) * b.cols)
    for (let k = 0; k < a.cols; k++) {
      const x = a.data[i * a.cols + k]
      if (x === 0) continue
      const from = k * b.cols
      for (let j = 0; j < b.cols; j++) row[j] += x * b.data[from + j]
    }
  }
  return { rows: a.rows, cols: b.cols, data }
}

export function transposed({ rows, cols, data }: Matrix): Matrix {
  const turned = new Float64Array(rows * cols)
  for (let i = 0; i < rows; i++) for (let j = 0; j < cols; j++) turned[j * rows + i] = data[i * cols + j]
  return { rows: cols, cols: rows, data: turned }
}

/** Σ a∘b. */
export const inner = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let total = 0
  for (let i = 0; i < a.length; i++) total += a[i] * b[i]
  return total
}

/** m·x. */
export const times = (m: Matrix, x: ArrayLike<number>): Float64Array =>
  Float64Array.from({ length: m.rows }, (_, i) => inner(m.data.subarray(i * m.cols, (i + 1) * m.cols), x))

export const traceOf = ({ rows, cols, data }: Matrix): number => {
  let total = 0
  for (let i = 0; i < Math.min(rows, cols); i++) total += data[i * cols + i]
  return total
}

/** Puts `part` into `whole` with its first element at (row, col). `whole` must be the caller's own. */
export function place(whole: Matrix, part: Matrix, row: number, col: number): void {
  for (let i = 0; i < part.rows; i++)
    whole.data.set(part.data.subarray(i * part.cols, (i + 1) * part.cols), (row + i) * whole.cols + col)
}
