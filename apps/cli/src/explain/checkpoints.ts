/** The change of a probe set between two checkpoints: to first order, by module, and integrated. */
import {
  difference,
  disposeSegment,
  explainSegment,
  loadSegment,
  NEAR_ROUNDING,
  ProbeSet,
  readRows,
  tokenDefaults,
  type Rounding,
  type TokenMode,
  type TokenOptions,
} from '@ldyn/lab'
import { openModel } from '@ldyn/models/node'
import type { Backend } from '@ldyn/tensor'
import { encodeProbes, typesIn } from '../observe/observe.ts'
import type { Reporter } from '../progress/reporter.ts'
import { summedByName } from './update.ts'

export interface CheckpointsRequest {
  readonly from: string
  readonly to: string
  readonly probe: string
  readonly limit?: number
  readonly types?: readonly string[]
  /** Gauss–Legendre nodes of the integral. */
  readonly nodes: number
  readonly tokenMode: TokenMode
  readonly backend: Backend
  readonly progress: Reporter
  readonly warn: (text: string) => void
}

/** One response; changes are of token log-probs, B's minus A's, in nats. */
export interface ExplainedChange {
  readonly row: number
  readonly type: string
  readonly before: Float64Array
  readonly actual: Float64Array
  readonly predicted: Float64Array
  readonly integrated: Float64Array
  /** The part of `integrated` that is the token's own centred logit. */
  readonly ownLogit: Float64Array
  /** Of Σ predicted by module. */
  readonly layers: Readonly<Record<string, number>>
}

export interface ExplainedCheckpoints {
  readonly from: string
  readonly to: string
  readonly rounding: Rounding
  readonly responses: readonly ExplainedChange[]
}

/** Throws DataError naming the first tensor that differs, and what opening and reading throw. */
export async function explainCheckpoints(request: CheckpointsRequest): Promise<ExplainedCheckpoints> {
  const { backend, progress, warn } = request
  await using from = await openModel(request.from)
  await using to = await openModel(request.to)
  const { mustMatch } = await import('@ldyn/lab')
  mustMatch(from, to)
  const tokenizer = await from.tokenizer()
  const rows = await readRows(request.probe, { tokenizer, limit: request.limit })
  const tokens: TokenOptions = { ...tokenDefaults(from.model.context), mode: request.tokenMode }
  const encoded = encodeProbes(rows, typesIn(rows, request.types), tokenizer, tokens, warn)
  const segment = await loadSegment(backend, from, to, (done, total) =>
    progress.update({ task: 'load', done, total, unit: 'tensors' }),
  )
  warnOfRounding(segment.rounding, warn)
  try {
    using probes = new ProbeSet(backend, from.model, encoded)
    const found = await explainSegment(probes, segment, {
      nodes: request.nodes,
      modules: true,
      report: (task, done, total) => progress.update({ task, done, total, unit: 'steps' }),
    })
    const integrated = found.integrated!
    return {
      from: request.from,
      to: request.to,
      rounding: segment.rounding,
      responses: probes.responses.map(({ example, type }, i) => ({
        row: rows[example].row,
        type,
        before: found.before.logp[i],
        actual: difference([found.after.logp[i]], [found.before.logp[i]])[0],
        predicted: found.predicted.logp[i],
        integrated: integrated.logp[i],
        ownLogit: integrated.own[i],
        layers: summedByName(found.modules![i]),
      })),
    }
  } finally {
    disposeSegment(segment)
  }
}

function warnOfRounding({ change, rounding, unchanged, dtype }: Rounding, warn: (text: string) => void): void {
  if (change === 0) {
    warn('the two checkpoints hold the very same numbers')
    return
  }
  if (change >= NEAR_ROUNDING * rounding) return
  const times = (change / rounding).toPrecision(2)
  warn(
    `the difference is near the rounding of how the checkpoints are stored (${dtype}): parameters changed by ` +
      `${change.toExponential(1)} (root mean square), ${times} times what rounding alone does, and ` +
      `${(100 * unchanged).toFixed(0)} % of them not at all. What is explained is the stored change; ` +
      'save checkpoints in float32 to see what training did',
  )
}
