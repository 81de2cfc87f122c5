/**
 * Token × token, on a backend: C[m,l] for one update and one observed response (core's kernel/tokens.ts has the
 * equation). One column of the kernel costs a vjp on one side and a jvp on the other; since k is symmetric,
 * columns are taken over the side with fewer tokens.
 */
import {
  evaluateProgram,
  lossCotangentProgram,
  tangentKernelProgram,
  tokenContributions,
  type CausalLM,
  type Loss,
  type TokenContributions,
  type TokenFigures,
} from '@ldyn/core'
import { hostTensor, type Backend, type HostTensor, type PathFilter } from '@ldyn/tensor'
import { DataError } from '../rows/row.ts'
import type { Sequence } from '../tokens/tokenise.ts'
import type { DeviceTree } from '../device/trees.ts'
import { columnsAtOnce, kernelColumns, packedSide, type PackedSide, type Progress } from './side.ts'
import { valuesOf } from '../device/programs.ts'

export interface TokenKernelRequest {
  readonly backend: Backend
  readonly model: CausalLM
  readonly params: DeviceTree
  /** The update's sequences in its loss's order: y⁺, y⁻ of each pair, or targets. */
  readonly update: readonly Sequence[]
  readonly observe: Sequence
  readonly loss: Loss
  /** log π_ref of every token of every update sequence; the model's own unless given (r = 0). */
  readonly reference?: readonly ArrayLike<number>[]
  /** The loss's own batch inputs (core's `Loss.fields`), by name. */
  readonly fields?: Readonly<Record<string, HostTensor>>
  /** Rate η of the gradient step. */
  readonly eta: number
  /** Paths of parameters that the step moves; all unless given. */
  readonly wrt?: PathFilter
  readonly progress?: Progress
}

/** A token of the update. */
export interface UpdateToken {
  /** Index of its sequence in the update, and its place in that response. */
  readonly sequence: number
  readonly token: number
  readonly id: number
  /** log π before, nats. */
  readonly logp: number
  /** −∂L/∂log π: positive for a token that the loss pulls up. */
  readonly pull: number
}

export interface TokenKernel extends TokenContributions {
  readonly observed: readonly { readonly id: number; readonly logp: number }[]
  readonly update: readonly UpdateToken[]
  /** k[m][l] = ⟨∇log π_m, ∇log π_l⟩, without η or the loss. */
  readonly kernel: readonly Float64Array[]
  /** The update's loss before the step. */
  readonly loss: number
}

interface Figures extends TokenFigures {
  readonly side: PackedSide
  /** Reads of the side's tokens, sequence after sequence. */
  readonly reads: readonly number[]
}

async function figuresOf(request: TokenKernelRequest, sequences: readonly Sequence[]): Promise<Figures> {
  const { backend, model, params } = request
  const side = packedSide(sequences)
  using executable = await backend.compile(evaluateProgram(model, side.shape))
  const all = await valuesOf(backend, executable, { params, batch: side.reads })
  const reads = sequences.flatMap((s, i) => Array.from(s.response, (_, l) => side.readAt(i, l)))
  const pick = (name: string): number[] => reads.map((read) => all[name][read])
  return { side, reads, logp: pick('logp'), piSquared: pick('piSquared'), pError: pick('pError') }
}

/**
 * The exact token kernel. Throws DataError where the loss needs fields that are not given, RangeError where `wrt`
 * selects no parameter or a number is not finite.
 */
export async function tokenKernel(request: TokenKernelRequest): Promise<TokenKernel> {
  const { backend, model, params, update, observe, eta, wrt, progress = () => {} } = request
  const [observed, updating] = [await figuresOf(request, [observe]), await figuresOf(request, update)]
  const { cotangents, value } = await cotangentsOf(request, updating)

  const overObserved = observed.reads.length <= updating.reads.length
  const [from, to] = overObserved ? [observed, updating] : [updating, observed]
  using executable = await backend.compile(
    tangentKernelProgram({
      model,
      from: { shape: from.side.shape, view: 'logp' },
      to: { shape: to.side.shape, view: 'logp' },
      columns: columnsAtOnce(from.reads.length),
      wrt,
    }),
  )
  const columns: number[][] = []
  progress(0, from.reads.length)
  const inputs = { params, from: from.side.reads, to: to.side.reads }
  for await (const column of kernelColumns(backend, executable, inputs, from.reads)) {
    columns.push(to.reads.map((r) => column[r]))
    progress(columns.length, from.reads.length)
  }
  const kernel = observed.reads.map((_, m) =>
    Float64Array.from(updating.reads, (_, l) => (overObserved ? columns[m][l] : columns[l][m])),
  )
  return {
    ...tokenContributions({ kernel, cotangents, observed, update: updating, eta, vocab: model.vocab }),
    kernel,
    loss: value,
    observed: Array.from(observe.response, (id, m) => ({ id, logp: observed.logp[m] })),
    update: update
      .flatMap(({ response }, sequence) => Array.from(response, (id, token) => ({ sequence, token, id })))
      .map((t, l) => ({ ...t, logp: updating.logp[l], pull: -cotangents[l] })),
  }
}

/** ∂L/∂log π of every update token, in the order of its reads. */
async function cotangentsOf(
  { backend, update, loss, reference, fields = {} }: TokenKernelRequest,
  { side, logp }: Figures,
): Promise<{ cotangents: number[]; value: number }> {
  const { sequences, tokens } = side.shape
  const missing = Object.keys(loss.fields?.(sequences, tokens) ?? {}).filter((name) => !(name in fields))
  if (missing.length > 0)
    throw new DataError(`the loss '${loss.name}' needs the field ${missing.map((f) => `'${f}'`).join(', ')}`, {
      why: 'its gradient depends on it',
      fix: 'take a loss that depends on log-probs alone, or give the field',
    })
  // Sequence by sequence, as `reads` go.
  const grid = (values: (sequence: number, token: number, n: number) => number): HostTensor => {
    const data = new Array<number>(sequences * tokens).fill(0)
    let n = 0
    update.forEach(({ response }, s) => {
      for (let l = 0; l < response.length; l++) data[s * tokens + l] = values(s, l, n++)
    })
    return hostTensor(data, [sequences, tokens])
  }
  using executable = await backend.compile(lossCotangentProgram(loss, sequences, tokens))
  const out = await valuesOf(backend, executable, {
    logp: grid((_s, _l, n) => logp[n]),
    batch: {
      mask: side.arrays.mask,
      ...(loss.needs.reference
        ? { ref: grid((s, l, n) => (reference ? reference[s][l] : logp[n])) }
        : {}),
      ...fields,
    },
  })
  const at = out['grads.logp']
  return {
    cotangents: update.flatMap(({ response }, s) => Array.from(response, (_, l) => at[s * tokens + l])),
    value: out['primal.loss'][0],
  }
}
