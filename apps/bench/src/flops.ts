/**
 * The FLOPs that the work cannot do without: each prompt once, attention only where a mask lets something through, the
 * head on response tokens only. Matrix products alone are counted, a multiply-add as 2; a training step is three
 * times its forward pass (every product has two more, for its two operands' gradients), and so is a jvp along all
 * weights. `wholeSquares` counts all pairs of positions of a packed row, masked ones too: what a graph multiplies that
 * masks scores rather than skips them.
 */
import type { LanguageModel } from '@ldyn/models'
import { expandComposites, leaves, simplify, sizeOf, type Program } from '@ldyn/tensor'

/** One packed row: tokens of its prompt and of each response. */
export interface RowWork {
  readonly prompt: number
  readonly responses: readonly number[]
}

/** What a forward pass over rows consists of. */
export interface Work {
  /** Tokens that pass the layers. A response's last token is never an input. */
  readonly tokens: number
  /** Pairs (query, key) that attend, and all pairs of positions of a row. */
  readonly attended: number
  readonly squares: number
  /** Response tokens: what the head runs on. */
  readonly reads: number
}

export interface Flops {
  readonly necessary: number
  readonly wholeSquares: number
}

export const FORMULA =
  '2·(weights in layers)·tokens + 4·width·layers·(pairs that attend) + 2·width·vocabulary·(response tokens)'

const causal = (n: number): number => (n * (n + 1)) / 2
const total = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0)

export function workOf(rows: readonly RowWork[]): Work {
  const inputs = ({ responses }: RowWork): number[] => responses.map((r) => r - 1)
  return {
    tokens: total(rows.map((row) => row.prompt + total(inputs(row)))),
    attended: total(rows.map((row) => causal(row.prompt) + total(inputs(row).map((n) => n * row.prompt + causal(n))))),
    squares: total(rows.map((row) => (row.prompt + total(inputs(row))) ** 2)),
    reads: total(rows.map((row) => total(row.responses))),
  }
}

/** Weights of the layers that multiply every token; biases and norms add and scale, and are not counted. */
const layerWeights = (model: LanguageModel): number =>
  total(
    leaves(model.params)
      .filter(({ path, value }) => path.startsWith('layers.') && value.shape.length === 2)
      .map(({ value }) => sizeOf(value.shape)),
  )

/** FLOPs of a forward pass. */
export function forwardFlops(model: LanguageModel, { tokens, attended, squares, reads }: Work): Flops {
  const { layers, heads } = model.config
  const headDim = 'headDim' in model.config ? model.config.headDim : model.width / heads
  const rest = 2 * layerWeights(model) * tokens + 2 * model.width * model.vocab * reads
  const pair = 4 * heads * headDim * layers
  return { necessary: rest + pair * attended, wholeSquares: rest + pair * squares }
}

/** All FLOPs of the matrix products of a program, counted node by node after the passes that backends run. */
export function matmulFlops(program: Program): number {
  const flat = simplify(expandComposites(simplify(program, { final: true }), () => false), { final: true })
  return total(
    flat.nodes.map((node) => {
      if (node.op !== 'matmul') return 0
      const a = flat.values[node.inputs[0]].shape
      return 2 * sizeOf(flat.values[node.outputs[0]].shape) * a.at(node.attrs.ta ? -2 : -1)!
    }),
  )
}
