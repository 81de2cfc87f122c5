/**
 * ‖K_ou‖_F of the logits' kernel between responses, and tr K_oo, by random vectors: every draw is one vjp at u and
 * one jvp at o, whatever V is (core's kernel/hutchinson.ts states the error).
 */
import { kernelSquaresProgram, meanOf, normOf, signs, type CausalLM, type Estimate } from '@ldyn/core'
import type { Backend, PathFilter } from '@ldyn/tensor'
import type { Sequence } from '../tokens/tokenise.ts'
import type { DeviceTree } from '../device/trees.ts'
import { holding, packedSide, type Progress } from './side.ts'
import { valuesOf } from '../device/programs.ts'

export interface NormsRequest {
  readonly backend: Backend
  readonly model: CausalLM
  readonly params: DeviceTree
  readonly probes: readonly Sequence[]
  readonly draws: number
  /** The same seed draws the same vectors: two checkpoints then share their noise. */
  readonly seed: number
  /** Leaves out what moves all logits alike, which no probability feels: P·K·P, P = I − 11ᵀ/V. */
  readonly centred?: boolean
  readonly wrt?: PathFilter
  readonly progress?: Progress
}

export interface KernelNorms {
  /**
   * norms[u][o] = ‖K_ou‖_F over all V·T_o × V·T_u entries. Symmetric, since K_uo is K_ouᵀ: each pair is drawn once.
   */
  readonly norms: readonly (readonly Estimate[])[]
  /** tr K_oo: Σ over tokens and vocabulary of ‖∇z‖². */
  readonly traces: readonly Estimate[]
}

/** Throws RangeError for fewer than one draw, and where `wrt` selects no parameter. */
export async function kernelNorms(request: NormsRequest): Promise<KernelNorms> {
  const { backend, model, params, probes, draws, seed, centred, wrt, progress = () => {} } = request
  if (!Number.isInteger(draws) || draws < 1) throw new RangeError(`kernelNorms: ${draws} draws; give 1 or more`)
  const shape = holding(probes.map((p) => packedSide([p]).shape))
  const sides = probes.map((p) => packedSide([p], shape))
  const kernel = { model, from: { shape, view: 'logits' }, to: { shape, view: 'logits' }, columns: 1, wrt } as const
  using executable = await backend.compile(kernelSquaresProgram(kernel, { same: true, centred }))
  const n = probes.length
  const squares = probes.map(() => probes.map((): number[] => []))
  const quadratics = probes.map((): number[] => [])
  const total = ((n * (n + 1)) / 2) * draws
  let done = 0
  for (let u = 0; u < n; u++) {
    const used = probes[u].response.length * model.vocab
    for (let k = 0; k < draws; k++) {
      // Entries of padded reads stay 0: they belong to no token.
      const data = new Float32Array(shape.reads * model.vocab)
      data.set(signs(used, seed + 7919 * (u * draws + k)))
      const cotangents = await backend.upload({ shape: [1, shape.reads, model.vocab], dtype: 'f32', data })
      try {
        for (let o = u; o < n; o++) {
          progress(done++, total)
          const out = await valuesOf(backend, executable, {
            params,
            from: sides[u].reads,
            to: sides[o].reads,
            cotangents,
          })
          squares[u][o].push(first(out.squares, probes[o].response.length))
          if (o === u) quadratics[u].push(first(out.quadratic, probes[u].response.length))
        }
      } finally {
        cotangents.dispose()
      }
    }
  }
  progress(done, total)
  return {
    norms: squares.map((row, u) => row.map((_, o) => normOf(squares[Math.min(u, o)][Math.max(u, o)]))),
    traces: quadratics.map(meanOf),
  }
}

/** Σ of the first entries: those of real tokens. */
function first(x: ArrayLike<number>, count: number): number {
  let sum = 0
  for (let t = 0; t < count; t++) sum += x[t]
  return sum
}
