/** The fixed JSON of `ldyn explain` (contracts.md §4). Sums over tokens in nats; with `tokens` one number a token. */
import type { ExplainedCheckpoints } from './checkpoints.ts'
import type { ExplainedResponse, ExplainedUpdate } from './update.ts'

export const UPDATE_SCHEMA = 'ldyn.explain/1'
export const CHECKPOINTS_SCHEMA = 'ldyn.explain.checkpoints/1'

export const total = (values: Float64Array): number => values.reduce((n, x) => n + x, 0)
export const minus = (a: Float64Array, b: Float64Array): Float64Array => a.map((x, t) => x - b[t])

/** ‖·‖₂ of actual − predicted over all tokens of all responses. */
export const residualOf = (
  responses: readonly { readonly actual: Float64Array; readonly predicted: Float64Array }[],
): number => Math.hypot(...responses.map(({ actual, predicted }) => Math.hypot(...minus(actual, predicted))))

/** The key of a response: its type, and where several rows are observed its row before it. */
export const keyOf = ({ row, type }: { row: number; type: string }, several: boolean): string =>
  several ? `${row}/${type}` : type

type Shown = number | readonly number[]

export function updateForm({ responses, tokenizer }: ExplainedUpdate, tokens = false): object {
  const several = new Set(responses.map(({ row }) => row)).size > 1
  const shown = (values: Float64Array): Shown => (tokens ? [...values] : total(values))
  const one = (r: ExplainedResponse): object => ({
    actual: shown(r.actual),
    predicted: shown(r.predicted),
    residual: shown(minus(r.actual, r.predicted)),
    directions: Object.fromEntries(
      Object.entries(r.directions).map(([name, values]) => [name, shown(values)]),
    ),
    own_logit: shown(r.ownLogit),
    normaliser: shown(minus(r.predicted, r.ownLogit)),
    ...(r.layers
      ? {
          layers: r.layerTokens
            ? Object.fromEntries(Object.entries(r.layerTokens).map(([name, values]) => [name, shown(values)]))
            : r.layers,
        }
      : {}),
    ...(r.watched.length > 0
      ? {
          watched: Object.fromEntries(
            r.watched.map(({ token, predicted, actual }) => [
              String(token),
              {
                token: r.ids[token],
                text: tokenizer.decode([r.ids[token]]),
                actual: [...actual],
                predicted: [...predicted],
              },
            ]),
          ),
        }
      : {}),
  })
  return {
    schema: UPDATE_SCHEMA,
    types: Object.fromEntries(responses.map((r) => [keyOf(r, several), one(r)])),
    residual: residualOf(responses),
  }
}

/** `residual` is that of the first order, over all tokens. */
export function checkpointsForm({ responses }: ExplainedCheckpoints): object {
  return {
    schema: CHECKPOINTS_SCHEMA,
    rows: responses.map((r) => ({
      row: r.row,
      type: r.type,
      actual: total(r.actual),
      predicted: total(r.predicted),
      integrated: total(r.integrated),
      layers: r.layers,
      own_logit: total(r.ownLogit),
      normaliser: total(minus(r.integrated, r.ownLogit)),
    })),
    residual: residualOf(responses),
  }
}

/** Share of the variance of `actual` that `predicted` has: 1 − Σ(a − p)²/Σ(a − ā)²; NaN for fewer than two numbers. */
export function rSquared(actual: readonly number[], predicted: readonly number[]): number {
  const mean = actual.reduce((n, x) => n + x, 0) / actual.length
  const left = actual.reduce((n, x, i) => n + (x - predicted[i]) ** 2, 0)
  const spread = actual.reduce((n, x) => n + (x - mean) ** 2, 0)
  return actual.length < 2 || spread === 0 ? NaN : 1 - left / spread
}
