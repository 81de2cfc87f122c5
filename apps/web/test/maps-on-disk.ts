// A run with all that maps are drawn from, of numbers that a test can tell beforehand: updates token by token,
// distributions at a watched position, kernels of three steps and one update as a token block.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { writeSafetensorsFile } from '@ldyn/formats/node'
import type { DecomposedResponse, WatchedPosition } from '@ldyn/runs'
import { beginRun, TYPES } from './run-on-disk.ts'

export const TEXT = [' Keep', '\n', 'it', ' dry', '<b>']
/** What one update did to one response, token by token; predictions are a little off, the more the later. */
export const responseAt = (step: number, row: number, type: string): DecomposedResponse => {
  const sign = type === 'rejected' ? -1 : 1
  const directions = {
    '7 chosen': TEXT.map((_, m) => sign * (0.1 + 0.03 * m) + row * 0.01),
    '7 rejected': TEXT.map((_, m) => (m === 3 ? -0.4 : -0.02 * m)),
    'carry-over': TEXT.map((_, m) => 0.001 * (m - 2)),
  }
  const lists = Object.values(directions)
  const predicted = TEXT.map((_, m) => lists.reduce((sum, list) => sum + list[m], 0))
  const actual = predicted.map((x, m) => x * (1 - step / 400) + 0.001 * m)
  const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0)
  return {
    row,
    type,
    actual: sum(actual),
    predicted: sum(predicted),
    directions: Object.fromEntries(Object.entries(directions).map(([name, list]) => [name, sum(list)])),
    tokens: { text: TEXT, logp: TEXT.map((_, m) => -1 - m), actual, predicted, directions },
  }
}

const VOCAB = 50
const words = Array.from({ length: VOCAB }, (_, id) => ` w${id}`)
/** Token 0 is the likeliest and gains, 3 is chosen and falls a little, 7 is rejected and falls most. */
export const positionAt = (step: number): WatchedPosition => {
  const raw = words.map(
    (_, id) => -0.35 * id + (id === 0 ? step / 15 : id === 7 ? -step / 10 : id === 3 ? -step / 60 : 0),
  )
  const total = Math.log(raw.reduce((sum, x) => sum + Math.exp(x), 0))
  const logp = raw.map(x => x - total)
  const order = [...logp.keys()].sort((a, b) => logp[b] - logp[a])
  const of = (id: number) => ({ id, text: words[id], logp: logp[id] })
  return {
    row: 0,
    type: 'chosen',
    token: 1,
    entropy: -logp.reduce((sum, x) => sum + Math.exp(x) * x, 0),
    tokens: [
      { of: 'chosen', ...of(3), rank: order.indexOf(3) + 1 },
      { of: 'rejected', ...of(7), rank: order.indexOf(7) + 1 },
    ],
    top: order.slice(0, 20).map(of),
    curve: [1, 2, 3, 5, 8, 13, 20, 32, 50].map(rank => [rank, logp[order[rank - 1]]] as const),
  }
}

export const N = 40
export const gramValue = (i: number, j: number, step: number): number =>
  i === j ? 4 + i : Math.cos((i - j) / 3) + (step / 50) * Math.sin(i * j)
export const gramProbes = Array.from({ length: N }, (_, i) => ({
  row: i % 4,
  type: TYPES[Math.floor(i / 4) % 3],
  tokens: 5,
}))

const write = (
  path: string,
  tensors: Record<string, [readonly number[], readonly number[]]>,
  about: object,
) =>
  writeSafetensorsFile(
    path,
    Object.entries(tensors).map(([name, [shape, data]]) => ({
      name,
      shape,
      dtype: 'F64' as const,
      data: Float64Array.from(data),
    })),
    {
      metadata: Object.fromEntries(
        Object.entries(about).map(([key, value]) => [
          key,
          typeof value === 'string' ? value : JSON.stringify(value),
        ]),
      ),
    },
  )

/** Kernels and a token block, beside the run. */
export const addFiles = async (run: string): Promise<void> => {
  await mkdir(join(run, 'kernel'))
  for (const step of [0, 20, 40]) {
    const data = Array.from({ length: N * N }, (_, k) => gramValue(Math.floor(k / N), k % N, step))
    const path = join(run, 'kernel', `gram-${String(step).padStart(6, '0')}.safetensors`)
    await write(
      path,
      { gram: [[N, N], data] },
      { step, model: 'm', params: 'all', per: 'response', probes: gramProbes },
    )
  }
  const [A, K, G] = [
    [0.5, 1],
    [1, -1, 0.5, 2, 0, -3],
    [0.2, -0.4, 0.1],
  ]
  await write(
    join(run, 'kernel', 'tokens-000020-u7-og0-chosen.safetensors'),
    {
      C: [[2, 3], K.map((k, i) => 0.01 * A[Math.floor(i / 3)] * k * G[i % 3])],
      K: [[2, 3], K],
      row_A: [[2], A],
      G: [[3], G],
    },
    {
      step: 20,
      loss: 'dpo',
      lr: 0.01,
      observe: { row: 'p.jsonl#0', type: 'chosen', tokens: [0, 1].map(id => ({ id, text: ' a', logp: -1 })) },
      update: {
        row: 'd.jsonl#7',
        tokens: ['chosen', 'rejected', 'rejected'].map((type, id) => ({ id, text: '\\n', type, logp: -2 })),
      },
    },
  )
}

/** Writes the run. */
export const writeMaps = async (run: string): Promise<void> => {
  const writer = await beginRun(run, [0, 10, 20, 30, 40])
  for (const step of [10, 20, 30, 40]) {
    await writer.decomposition(step, step <= 20 ? 'sft' : 'dpo', {
      rows: [7],
      lr: 5e-7,
      grad_norm: 2,
      clip_factor: 1,
      residual: 0.1,
      probes: [0, 1].flatMap(row => TYPES.map(type => responseAt(step, row, type))),
    })
  }
  for (const step of [0, 10, 20, 30, 40])
    await writer.watched(step, step <= 20 ? 'sft' : 'dpo', { positions: [positionAt(step)] })
  await writer.finish('done')
  await addFiles(run)
}
