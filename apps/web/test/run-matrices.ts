// What maps are drawn from, of a test's own numbers: matrices beside a run as `ldyn kernel … --out <run>` leaves them
// (products of gradients at three steps, their norms and drift, one update token by token), distributions at watched
// positions, and tokens of updates taken apart.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { writeSafetensorsFile } from '@ldyn/formats/node'
import type { Decomposition, Watched } from '@ldyn/runs'

interface Matrix {
  readonly name: string
  readonly shape: readonly number[]
  readonly data: Float64Array
}

const save = (directory: string, name: string, matrices: readonly Matrix[], about: object): Promise<unknown> =>
  writeSafetensorsFile(
    join(directory, 'kernel', `${name}.safetensors`),
    matrices.map(matrix => ({ ...matrix, dtype: 'F64' as const })),
    {
      metadata: Object.fromEntries(
        Object.entries({ schema: 'ldyn.kernel/1', ...about }).map(([key, value]) => [
          key,
          typeof value === 'string' ? value : JSON.stringify(value),
        ]),
      ),
    },
  )

/** ⟨gᵢ, gⱼ⟩ of made-up gradients: alike within a type, less so with every step. */
const gram = (types: readonly string[], rows: number, step: number): Float64Array => {
  const of = Array.from({ length: rows * types.length }, (_, i) => ({
    row: Math.floor(i / types.length),
    type: i % types.length,
  }))
  return Float64Array.from(
    of.flatMap((a, i) =>
      of.map((b, j) => {
        const length = Math.sqrt((4 + a.type) * (4 + b.type)) * 100
        if (i === j) return length * (1 + step / 80)
        return length * (a.type === b.type ? 0.6 : 0.3 - 0.1 * Math.abs(a.type - b.type)) * (1 - step / 100)
      }),
    ),
  )
}

export const addMatrices = async (directory: string, types: readonly string[]): Promise<void> => {
  await mkdir(join(directory, 'kernel'), { recursive: true })
  const probes = [0, 1].flatMap(row => types.map(type => ({ row, type, tokens: 5 })))
  const n = probes.length
  const model = (step: number): string => `checkpoints/${String(step).padStart(6, '0')}`
  const steps = [0, 20, 40]
  for (const step of steps) {
    const name = `gram-${String(step).padStart(6, '0')}`
    const about = { model: model(step), step, probe: 'probes.jsonl', probes, per: 'response', params: 'all' }
    await save(directory, name, [{ name: 'gram', shape: [n, n], data: gram(types, 2, step) }], about)
  }
  const grams = Float64Array.from(steps.flatMap(step => [...gram(types, 2, step)]))
  await save(
    directory,
    'drift',
    [
      { name: 'grams', shape: [3, n, n], data: grams },
      { name: 'norms', shape: [3, n, n], data: grams.map(Math.abs) },
    ],
    { models: steps.map(model), steps, probe: 'probes.jsonl', probes, per: 'response' },
  )
  await save(
    directory,
    'norm-000040',
    [
      { name: 'norms', shape: [n, n], data: gram(types, 2, 40).map(Math.abs) },
      { name: 'se', shape: [n, n], data: gram(types, 2, 40).map(x => Math.abs(x) / 50) },
      { name: 'traces', shape: [n], data: Float64Array.from({ length: n }, (_, i) => 900 + i) },
    ],
    { model: model(40), step: 40, probe: 'probes.jsonl', probes, draws: 8, seed: 7 },
  )
  await addTokenMatrix(directory, model(40))
}

const OBSERVED = [' I', ' am', ' sorry', ',', '\n', ' bread', '�']
const LEARNED = [
  { type: 'chosen', text: ' in' },
  { type: 'chosen', text: ' a' },
  { type: 'chosen', text: ' <b>bag</b>' },
  { type: 'rejected', text: ' in' },
  { type: 'rejected', text: ' the' },
  { type: 'rejected', text: ' fridge' },
]

const addTokenMatrix = async (directory: string, model: string): Promise<void> => {
  const [M, L] = [OBSERVED.length, LEARNED.length]
  const cell = (m: number, l: number): number =>
    (LEARNED[l].type === 'chosen' ? 1 : -1) * 1e-4 * (1 + ((m * 5 + l * 3) % 7)) * 0.5 ** Math.abs(m - l)
  const at = (f: (m: number, l: number) => number): Float64Array =>
    Float64Array.from({ length: M * L }, (_, i) => f(Math.floor(i / L), i % L))
  const predicted = Float64Array.from(OBSERVED, (_, m) => LEARNED.reduce((sum, _l, l) => sum + cell(m, l), 0))
  await save(
    directory,
    'tokens-000040-u3-o1-rejected',
    [
      { name: 'C', shape: [M, L], data: at(cell) },
      { name: 'k', shape: [M, L], data: at((m, l) => 2 + m + l) },
      { name: 'K', shape: [M, L], data: at((m, l) => 20 + m * l) },
      { name: 'A', shape: [M], data: Float64Array.from(OBSERVED, (_, m) => 220 + m) },
      { name: 'row_A', shape: [M], data: Float64Array.from(OBSERVED, (_, m) => 0.9 - m / 20) },
      { name: 'G', shape: [L], data: Float64Array.from(LEARNED, (_, l) => 0.7 + l / 30) },
      { name: 'predicted', shape: [M], data: predicted },
    ],
    {
      model,
      step: 40,
      loss: 'dpo',
      lr: 1e-6,
      parameters: 14_067_712,
      observe: {
        row: 'prefs.jsonl#1',
        type: 'rejected',
        tokens: OBSERVED.map((text, m) => ({ id: 300 + m, text, logp: -1.5 - m / 4, predicted: predicted[m] })),
      },
      update: {
        row: 'prefs.jsonl#3',
        loss: 0.61,
        tokens: LEARNED.map((token, l) => ({ ...token, id: 400 + l, logp: -2 - l / 5 })),
      },
      by_response: {
        chosen: at(cell).reduce((sum, x, i) => sum + (LEARNED[i % L].type === 'chosen' ? x : 0), 0),
        rejected: at(cell).reduce((sum, x, i) => sum + (LEARNED[i % L].type === 'rejected' ? x : 0), 0),
      },
      predicted: predicted.reduce((sum, x) => sum + x, 0),
    },
  )
}

const WORDS = [' not', ' in', ' a', ' bag', ' fresh', '\n', ' keep', ' it', ' bread', '�', '<|end|>', ' <i>']

/** Distributions at two positions of the first probe: the likeliest token gains with every step. */
export const watchedAt = (step: number): Watched => ({
  positions: [0, 2].map(token => {
    const first = 0.38 + 0.3 * (step / 40) ** 2
    const share = (rank: number): number => (rank === 1 ? first : (1 - first) * 0.45 * 0.55 ** (rank - 2))
    const top = WORDS.map((text, i) => ({ id: 100 + i, text, logp: Math.log(share(i + 1)) }))
    const marked = (of: string, rank: number) => ({ ...top[rank - 1], of, rank })
    return {
      row: 0,
      type: 'chosen',
      token,
      entropy: 2.2 - 1.8 * first,
      tokens: [marked('chosen', step < 20 ? 4 : 6), ...(token === 0 ? [marked('rejected', step < 20 ? 3 : 9)] : [])],
      top,
      curve: [1, 2, 4, 8, 12, 100, 1000, 50_000].map(
        rank => [rank, rank <= 12 ? Math.log(share(rank)) : -8 - Math.log(rank)] as const,
      ),
    }
  }),
})

/** What was predicted and what happened of every token of a response; they add up to its figures. */
export const tokensOf = (
  { actual, predicted, directions }: Decomposition['probes'][number],
  n: number,
): NonNullable<Decomposition['probes'][number]['tokens']> => {
  const part = (m: number): number => (2 * (m + 1)) / (n * (n + 1))
  const spread = (total: number): number[] => Array.from({ length: n }, (_, m) => total * part(m))
  return {
    text: Array.from({ length: n }, (_, m) => WORDS[m % WORDS.length]),
    logp: Array.from({ length: n }, (_, m) => -1 - (m % 4)),
    actual: spread(actual),
    predicted: spread(predicted),
    directions: Object.fromEntries(Object.entries(directions).map(([name, value]) => [name, spread(value)])),
  }
}
