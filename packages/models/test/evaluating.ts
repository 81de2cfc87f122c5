// What the tests share: where goldens and the pretrained model lie, and log-probs of a packed row by the f64 reference.
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { join } from 'node:path'
import {
  i32, hostTensor, reshape, take, tokenLogProb, trace, unflatten, type HostTensor, type Tree,
} from '@ldyn/tensor'
import { evaluate } from '@ldyn/tensor/reference'
import type { LanguageModel } from '../src/index.ts'
import type { Checkpoint } from '../src/node/index.ts'

export const golden = fileURLToPath(new URL('../../../tests/golden/', import.meta.url))

const shared = process.env.LDYN_SHARED ?? fileURLToPath(new URL('../../../../shared/', import.meta.url))
export const pretrained = join(shared, 'models/smollm2-135m-instruct')
export const texts = join(shared, 'data/hh-helpful/formal_prob_train.jsonl')

/** Why a test on the pretrained model cannot run, or undefined; the reason is printed. */
export function whySkipped(...paths: string[]): string | undefined {
  const lost = paths.find((path) => !existsSync(path))
  if (lost === undefined) return undefined
  const reason = `skipped: ${lost} is not there (set LDYN_SHARED)`
  console.warn(reason)
  return reason
}

export type Row = Readonly<Record<'tokens' | 'positions' | 'segments' | 'reads' | 'targets', number[]>>

/** A prompt and its responses as one packed row. */
export function packed(prompt: readonly number[], responses: readonly (readonly number[])[]): Row {
  const row: Row = {
    tokens: [...prompt], positions: prompt.map((_, i) => i), segments: prompt.map(() => 0), reads: [], targets: [],
  }
  responses.forEach((response, r) => response.forEach((token, i) => {
    row.reads.push(i === 0 ? prompt.length - 1 : row.tokens.length - 1)
    row.targets.push(token)
    row.tokens.push(token)
    row.positions.push(prompt.length + i)
    row.segments.push(r + 1)
  }))
  return row
}

export async function parametersTree(checkpoint: Checkpoint): Promise<Tree<HostTensor>> {
  const entries = []
  for await (const { path, tensor } of checkpoint.tensors()) entries.push({ path, value: tensor })
  return unflatten(entries)
}

/** log π of a row's targets, in f64. */
export function logProbs(model: LanguageModel, params: Tree<HostTensor>, row: Row): Float64Array {
  const length = row.tokens.length
  const program = trace((x) => {
    const tree = x.params
    const hidden = model.hidden(tree, x)
    return { logp: tokenLogProb(take(reshape(hidden, [length, model.width]), x.reads), model.head(tree), x.targets) }
  }, {
    params: model.params, tokens: i32(1, length), positions: i32(1, length), segments: i32(1, length),
    reads: i32(row.reads.length), targets: i32(row.reads.length),
  })
  const ints = (values: number[], ...shape: number[]) => hostTensor(values, shape, 'i32')
  const { logp } = evaluate(program, {
    params, tokens: ints(row.tokens, 1, length), positions: ints(row.positions, 1, length),
    segments: ints(row.segments, 1, length), reads: ints(row.reads, row.reads.length),
    targets: ints(row.targets, row.targets.length),
  }) as { logp: HostTensor }
  return logp.data as Float64Array
}

/** Largest |a − b| relative to |b|. */
export function relativeError(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Infinity
  return Array.from(a).reduce((most, x, i) => Math.max(most, Math.abs(x - b[i]) / Math.abs(b[i])), 0)
}

