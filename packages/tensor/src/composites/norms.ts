/** LayerNorm and RMSNorm over the last axis (width d), with their closed-form derivatives. */
import type { Tensor } from '../graph.ts'
import { emit, need, needFloat, type Maybe, type Ops } from '../ops/op.ts'
import { broadcast } from '../ops/movement.ts'
import type { Spec } from '../spec.ts'
import { add, div, mul, sqrt, square, sub } from '../ops/pointwise.ts'
import { mean, sum } from '../ops/reductions.ts'

const checkWidth = (s: readonly Spec[]): void => {
  needFloat(s)
  const d = s[0].shape.at(-1)
  need(d !== undefined && d > 0, 'needs a last axis that is not empty')
  for (const p of s.slice(1)) need(p.shape.length === 1 && p.shape[0] === d, `weights must be f32[${d}]`)
}
const leading = (x: Tensor): number[] => x.shape.slice(0, -1).map((_, a) => a)
const rowMean = (x: Tensor): Tensor => mean(x, -1, true)
const plus = (a: Maybe, b: Maybe): Maybe => (a && b ? add(a, b) : (a ?? b))

/** x̂ = (x − μ)/σ and σ = √(var + ε), over rows. */
function standardised(x: Tensor, eps: number): { xhat: Tensor; sigma: Tensor } {
  const centred = sub(x, rowMean(x))
  const sigma = sqrt(add(rowMean(square(centred)), eps))
  return { xhat: div(centred, sigma), sigma }
}
/** x̂ = x/ρ and ρ = √(mean x² + ε), over rows. */
function scaled(x: Tensor, eps: number): { xhat: Tensor; rho: Tensor } {
  const rho = sqrt(add(rowMean(square(x)), eps))
  return { xhat: div(x, rho), rho }
}

export const norms: Ops<'layerNorm' | 'rmsNorm'> = {
  layerNorm: {
    doc: 'γ∘(x − μ)/√(var + ε) + β; x [..., d], γ and β [d]. x̄ = (ĝ − mean ĝ − x̂·mean(ĝ∘x̂))/σ with ĝ = γ∘ȳ.',
    infer: (s) => {
      checkWidth(s)
      return [s[0]]
    },
    expand: ([x, gamma, beta], { eps }) => [add(mul(standardised(x, eps).xhat, gamma), beta)],
    jvp: ({ x: [x, gamma], t, attrs }) => {
      const { xhat, sigma } = standardised(x, attrs.eps)
      const moved = t[0] && sub(t[0], rowMean(t[0]))
      const dx = moved && mul(gamma, div(sub(moved, mul(xhat, rowMean(mul(xhat, moved)))), sigma))
      return [plus(plus(dx, t[1] && mul(xhat, t[1])), t[2] && broadcast(t[2], x.shape))]
    },
    vjp: ({ x: [x, gamma], g: [g], attrs, needs }) => {
      const { xhat, sigma } = standardised(x, attrs.eps)
      const gh = mul(g!, gamma)
      const dx = (): Tensor => div(sub(sub(gh, rowMean(gh)), mul(xhat, rowMean(mul(gh, xhat)))), sigma)
      return [
        needs[0] ? dx() : undefined,
        needs[1] ? sum(mul(g!, xhat), leading(x)) : undefined,
        needs[2] ? sum(g!, leading(x)) : undefined,
      ]
    },
  },
  rmsNorm: {
    doc: 'γ∘x/√(mean x² + ε); x [..., d], γ [d]. x̄ = (ĝ − x̂·mean(ĝ∘x̂))/ρ with ĝ = γ∘ȳ.',
    infer: (s) => {
      checkWidth(s)
      return [s[0]]
    },
    expand: ([x, gamma], { eps }) => [mul(scaled(x, eps).xhat, gamma)],
    jvp: ({ x: [x, gamma], t, attrs }) => {
      const { xhat, rho } = scaled(x, attrs.eps)
      const dx = t[0] && mul(gamma, div(sub(t[0], mul(xhat, rowMean(mul(xhat, t[0])))), rho))
      return [plus(dx, t[1] && mul(xhat, t[1]))]
    },
    vjp: ({ x: [x, gamma], g: [g], attrs, needs }) => {
      const { xhat, rho } = scaled(x, attrs.eps)
      const dx = (): Tensor => {
        const gh = mul(g!, gamma)
        return div(sub(gh, mul(xhat, rowMean(mul(gh, xhat)))), rho)
      }
      return [needs[0] ? dx() : undefined, needs[1] ? sum(mul(g!, xhat), leading(x)) : undefined]
    },
  },
}

export const layerNorm = (x: Tensor, gamma: Tensor, beta: Tensor, eps: number): Tensor =>
  emit('layerNorm', norms.layerNorm, [x, gamma, beta], { eps })[0]
export const rmsNorm = (x: Tensor, gamma: Tensor, eps: number): Tensor =>
  emit('rmsNorm', norms.rmsNorm, [x, gamma], { eps })[0]
