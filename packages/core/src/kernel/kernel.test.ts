import { hostTensor, jvp, leaves, unflatten, vjp, type HostTensor, type PathFilter, type Tree } from '@ldyn/tensor'
import { describe, expect, it } from 'vitest'
import { close, f64, gramOf, oneHot } from '../../test/kernels.ts'
import { filled, numbers, pack, run, toyModel, V } from '../../test/toy.ts'
import { dpo } from '../losses/dpo.ts'
import { logProbProgram } from '../programs/forward.ts'
import { lossProgram } from '../programs/train.ts'
import { factoredBlock } from './factored.ts'
import { embeddingTangentProgram, headProgram, isTied } from './head-program.ts'
import { meanOf, normOf, signs } from './hutchinson.ts'
import { inner, matrix } from './matrix.ts'
import { gradientProgram, kernelSquaresProgram, tangentKernelProgram } from './tangent-kernel.ts'
import { lossCotangentProgram, tokenContributions } from './tokens.ts'
import { viewProgram, type View } from './views.ts'
import { symmetricEigen } from './eigen.ts'

const D = 4
const pair = [
  {
    prompt: [1, 2],
    responses: [
      [3, 4, 0],
      [5, 0],
    ],
  },
]
const other = [{ prompt: [6, 2], responses: [[2, 5, 2, 0]] }]
const pairShape = { rows: 1, length: 8, reads: 5, sequences: 2, tokens: 3 }
const otherShape = { rows: 1, length: 8, reads: 4, sequences: 1, tokens: 4 }
const update = pack(pair, pairShape)
const observe = pack(other, otherShape)

const paramsOf = (tied: boolean): Tree<HostTensor> => filled(toyModel(tied).params, numbers(11))

/** Rows of J by one vjp each, parameters in the order of their leaves: the kernel's definition, written out. */
function jacobian(
  tied: boolean,
  side: { batch: typeof update; shape: typeof pairShape; view: View },
  wrt?: PathFilter,
): number[][] {
  const model = toyModel(tied)
  const size = side.view === 'logp' ? 1 : side.view === 'hidden' ? D : V
  const count = side.shape.reads * size
  const shape = side.view === 'logp' ? [side.shape.reads] : [side.shape.reads, size]
  const program = gradientProgram(model, side, wrt)
  return Array.from({ length: count }, (_, k) =>
    Object.values(
      run(program, { params: paramsOf(tied), batch: side.batch, cotangent: f64(oneHot(count, k), ...shape) }),
    ).flat(),
  )
}
describe.each([true, false])('the tangent kernel (tied head: %s)', (tied) => {
  const model = toyModel(tied)
  const params = paramsOf(tied)
  const u = { batch: update, shape: pairShape }
  const o = { batch: observe, shape: otherShape }

  it.each(['logp', 'hidden', 'logits'] as const)('of %s is J_o·J_uᵀ, column by column', (view) => {
    const exact = gramOf(jacobian(tied, { ...o, view }), jacobian(tied, { ...u, view }))
    const size = view === 'logp' ? 1 : view === 'hidden' ? D : V
    const n = 5 * size
    const program = tangentKernelProgram({
      model,
      from: { shape: pairShape, view },
      to: { shape: otherShape, view },
      columns: n,
    })
    const cotangents = f64(
      Array.from({ length: n }, (_, k) => oneHot(n, k)).flat(),
      n,
      ...(view === 'logp' ? [5] : [5, size]),
    )
    const { columns } = run(program, { params, from: update, to: observe, cotangents })
    const rows = otherShape.reads * size
    close(
      columns,
      Array.from({ length: n }, (_, j) => Array.from({ length: rows }, (_, i) => exact[i][j])).flat(),
    )
  })

  it('contracted with a loss’s gradient is the jvp along −η·∇L, and the dots of materialised gradients', () => {
    const eta = 0.3
    const loss = dpo({ beta: 0.5, referenceFree: true })
    const objective = { model, shape: pairShape, loss }
    // One way: the training gradient itself, pushed through the observed log-probs.
    const whole = run(vjp(lossProgram(objective), { wrt: 'params', of: 'loss' }), {
      params,
      batch: update,
      cotangent: { loss: f64([1]) },
    })
    const step = unflatten(
      leaves(params).map(({ path, value }) => ({
        path,
        value: { ...value, data: Float64Array.from(whole[`grads.params.${path}`], (g) => -eta * g) },
      })),
    )
    const pushed = run(jvp(logProbProgram(model, otherShape), { wrt: 'params' }), {
      params,
      batch: observe,
      tangent: { params: step },
    })['tangent.logp']
    // Another: token cotangents of the loss, then the contracted kernel.
    const logp = run(logProbProgram(model, pairShape), { params, batch: update }).logp
    const { 'grads.logp': c } = run(lossCotangentProgram(loss, 2, 3), {
      logp: f64(logp, 2, 3),
      batch: { mask: update.mask },
    })
    const grid = Array.from(update.grid.data)
    const cotangent = new Array<number>(5).fill(0)
    grid.forEach((read, k) => read < 5 && (cotangent[read] = c[k]))
    const kernel = { model, from: { shape: pairShape, view: 'logp' as const }, to: { shape: otherShape, view: 'logp' as const } }
    const { columns } = run(tangentKernelProgram({ ...kernel, columns: 1 }), {
      params,
      from: update,
      to: observe,
      cotangents: f64(cotangent, 1, 5),
    })
    close(columns, pushed.map((x) => -x / eta))
    // A third: every gradient there in full. Σ_l C[m,l] is all of them.
    const k = gramOf(jacobian(tied, { ...o, view: 'logp' }), jacobian(tied, { ...u, view: 'logp' }))
    const figures = (n: number) => {
      return { logp: oneHot(n, 0), piSquared: oneHot(n, 0), pError: new Array<number>(n).fill(1) }
    }
    const parts = { kernel: k, cotangents: cotangent, eta, vocab: V, observed: figures(4), update: figures(5) }
    const { C, byObserved, byUpdate, total } = tokenContributions(parts)
    close(byObserved, pushed)
    close([total], [pushed.reduce((a, b) => a + b)])
    close(byUpdate, oneHot(5, 0).map((_, l) => C.reduce((n, row) => n + row[l], 0)))
    // y⁺ pulls its own tokens up, y⁻ is pushed down: signs of the cotangents.
    expect(cotangent.map(Math.sign)).toEqual([-1, -1, -1, 1, 1])
  })

  it('is that of chosen parameters alone where a filter says so, and the parts add up', () => {
    const filters = ['layer', 'place', 'embed', ...(tied ? [] : ['head'])]
    const part = (wrt?: PathFilter): number[] =>
      run(
        tangentKernelProgram({
          model,
          from: { shape: pairShape, view: 'logp' },
          to: { shape: otherShape, view: 'logp' },
          columns: 1,
          wrt,
        }),
        { params, from: update, to: observe, cotangents: f64([1, 1, 1, 0, 0], 1, 5) },
      ).columns
    const parts = filters.map((f) => part(f))
    close(
      part(),
      parts[0].map((_, m) => parts.reduce((n, p) => n + p[m], 0)),
    )
    expect(() => part('layers')).toThrow('trainable selects none of the parameters')
  })

  it('has a factored V×V block of rank d that is the exact one: entries, norm, trace, spectrum', () => {
    const exactAll = gramOf(jacobian(tied, { ...o, view: 'logits' }), jacobian(tied, { ...u, view: 'logits' }))
    const [m, l] = [2, 1]
    const exact = exactAll.slice(m * V, (m + 1) * V).map((row) => row.slice(l * V, (l + 1) * V))
    const block = blockOf(tied, { ...o, read: m }, { ...u, read: l })
    const entries = exact.flatMap((_, v) => exact.map((_, w) => block.entry(v, w)))
    close(entries, exact.flat(), 1e-9)
    close([block.factored.trace], [exact.reduce((n, row, v) => n + row[v], 0)], 1e-9)
    const norm = Math.sqrt(inner(exact.flat(), exact.flat()))
    close([block.factored.frobenius], [norm], 1e-9)
    const { values, alpha, multiplicity } = block.factored.spectrum(false)
    const all = [...values, ...new Array<number>(multiplicity).fill(Math.abs(alpha))].sort((a, b) => b - a)
    const e = symmetricEigen({ n: V, data: gramOf(exact, exact).flat() }).values
    close(all.map((x) => x * x), e, 1e-9)

    const { centred } = block.factored
    const mean = (x: number[]): number => x.reduce((a, b) => a + b, 0) / V
    const columns = exact.map((_, w) => exact.map((row) => row[w]))
    const PKP = exact.map((row) => row.map((x, w) => x - mean(row) - mean(columns[w]) + mean(exact.map(mean))))
    close([centred.frobenius], [Math.sqrt(inner(PKP.flat(), PKP.flat()))], 1e-9)
    close([centred.trace], [PKP.reduce((n, row, v) => n + row[v], 0)], 1e-9)
    const c = centred.spectrum(false)
    const left = [...c.values, ...new Array<number>(Math.max(0, c.multiplicity)).fill(Math.abs(c.alpha))]
    const want = symmetricEigen({ n: V, data: gramOf(PKP, PKP).flat() }).values
    close(left.sort((a, b) => b - a).map((x) => x * x), want.slice(0, left.length), 1e-9)
    expect(left).toHaveLength(V - 1)
  })

  it('has a symmetric block for one token beside itself, with its eigenvalues', () => {
    const side = { batch: update, shape: pairShape, read: 3 }
    const all = gramOf(jacobian(tied, { ...u, view: 'logits' }), jacobian(tied, { ...u, view: 'logits' }))
    const exact = all.slice(3 * V, 4 * V).map((row) => row.slice(3 * V, 4 * V))
    const { values, alpha, multiplicity } = blockOf(tied, side, side).factored.spectrum(true)
    const got = [...values, ...new Array<number>(multiplicity).fill(alpha)].sort((a, b) => b - a)
    close(got, symmetricEigen({ n: V, data: exact.flat() }).values, 1e-9)
    expect(got.at(-1)).toBeGreaterThanOrEqual(-1e-9 * got[0])
  })

  it('has a norm and a trace that random vectors estimate within their stated errors', () => {
    const exact = gramOf(jacobian(tied, { ...u, view: 'logits' }), jacobian(tied, { ...u, view: 'logits' }))
    const n = 400
    const program = kernelSquaresProgram(
      { model, from: { shape: pairShape, view: 'logits' }, to: { shape: pairShape, view: 'logits' }, columns: 8 },
      { same: true },
    )
    const squares: number[] = []
    const traces: number[] = []
    for (let k = 0; k < n / 8; k++) {
      const cotangents = f64([...signs(8 * 5 * V, k)], 8, 5, V)
      const out = run(program, { params, from: update, to: update, cotangents })
      for (let i = 0; i < 8; i++) {
        squares.push(out.squares.slice(5 * i, 5 * i + 5).reduce((a, b) => a + b))
        traces.push(out.quadratic.slice(5 * i, 5 * i + 5).reduce((a, b) => a + b))
      }
    }
    const norm = normOf(squares)
    const trace = meanOf(traces)
    const wantNorm = Math.sqrt(inner(exact.flat(), exact.flat()))
    const wantTrace = exact.reduce((s, row, i) => s + row[i], 0)
    expect(Math.abs(norm.value - wantNorm)).toBeLessThan(4 * norm.se)
    expect(Math.abs(trace.value - wantTrace)).toBeLessThan(4 * trace.se)
    // The errors say something: a few per cent at this many draws.
    expect(norm.se / norm.value).toBeLessThan(0.1)
    expect(norm.se).toBeGreaterThan(0)
  })
})

interface At {
  readonly batch: typeof update
  readonly shape: typeof pairShape
  readonly read: number
}

/** A factored block by its programs, and its entries K[v,w]. */
function blockOf(tied: boolean, o: At, u: At) {
  const model = toyModel(tied)
  const params = paramsOf(tied)
  const hidden = ({ batch, shape, read }: At): number[] =>
    run(viewProgram(model, { shape, view: 'hidden' }), { params, batch }).seen.slice(read * D, (read + 1) * D)
  const [ho, hu] = [hidden(o), hidden(u)]
  const columns = run(
    tangentKernelProgram({
      model,
      from: { shape: u.shape, view: 'hidden' },
      to: { shape: o.shape, view: 'hidden' },
      columns: D,
    }),
    {
      params,
      from: u.batch,
      to: o.batch,
      cotangents: f64(
        Array.from({ length: D }, (_, j) => oneHot(u.shape.reads * D, u.read * D + j)).flat(),
        D,
        u.shape.reads,
        D,
      ),
    },
  ).columns
  const N = o.shape.reads
  const body = matrix(
    D,
    D,
    Array.from({ length: D * D }, (_, k) => columns[(k % D) * N * D + o.read * D + Math.floor(k / D)]),
  )
  const tokens = [...new Set([...Array.from(o.batch.tokens.data), ...Array.from(u.batch.tokens.data)])]
  const rows = Array.from({ length: V }, (_, v) => v)
  const head = run(headProgram(model, 1, V), {
    params,
    vectors: f64(oneHot(V, 0), 1, V),
    rows: hostTensor(rows, [V], 'i32'),
  })
  const W = (v: number): number[] => head.rows.slice(v * D, (v + 1) * D)
  expect(head.projected).toEqual(W(0))
  const moved = (at: At, direction: number[]): number[] => {
    const { tangents } = run(embeddingTangentProgram(model, at.shape, tokens.length), {
      params,
      batch: at.batch,
      rows: hostTensor(tokens, [tokens.length], 'i32'),
      direction: f64(direction, D),
    })
    const n = at.shape.reads * D
    return tokens.flatMap((_, r) => tangents.slice(r * n + at.read * D, r * n + (at.read + 1) * D))
  }
  const factored = factoredBlock({
    vocab: V,
    alpha: inner(ho, hu),
    body,
    headGram: matrix(D, D, head.gram),
    headSum: Array.from({ length: D }, (_, i) => rows.reduce((n, v) => n + W(v)[i], 0)),
    ...(isTied(model)
      ? {
          tied: {
            tokens,
            rows: matrix(tokens.length, D, tokens.flatMap(W)),
            update: matrix(tokens.length, D, moved(u, ho)),
            observed: matrix(tokens.length, D, moved(o, hu)),
          },
        }
      : {}),
  })
  const direction = (v: number) => {
    return { projected: W(v), atTokens: isTied(model) ? tokens.map((t) => Number(t === v)) : [] }
  }
  return {
    factored,
    entry: (v: number, w: number) => factored.quadratic(direction(v), direction(w), Number(v === w)).total,
  }
}
