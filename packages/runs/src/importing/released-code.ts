// The released code's logs (paper.md §4.4): prob_train_metrics.json, one object of means an evaluation, and
// logp_npy_all_*.npy, [evaluations, keys, probes]. Three layouts of the array exist and two of them have 17
// rows, so its rows are named by the keys of the JSON beside it and checked against its means, never counted.
import type { NpyArray } from '@ldyn/formats'
import { RunError } from '../error.ts'
import type { Metric } from '../layout.ts'
import { layOutProbes } from '../probes.ts'
import type { Probes } from '../probes.ts'
import { ownerOfArgmax } from './argmax-defect.ts'
import type { ArgmaxOwner } from './argmax-defect.ts'
import { attemptsOf, longestAttempt } from './attempts.ts'
import type { Attempt } from './attempts.ts'
import { fewOf } from './imported.ts'
import type { ImportedRun, ImportNote } from './imported.ts'
import { parseLoggedObjects } from './python-json.ts'

export interface ReleasedLog {
  /** For messages: the path of prob_train_metrics.json. */
  readonly name: string
  readonly text: string
  /** logp_npy_all_*.npy, where there is one. */
  readonly npy?: { readonly name: string, readonly array: NpyArray }
}

export interface ReleasedOptions {
  /** The directory's name: whether it was SFT or DPO stands nowhere else. */
  readonly runName: string
  readonly stage?: string
  /** Updates between evaluations; without it a step is the number of an evaluation. */
  readonly every?: number
  /** Which attempt of a log that holds several, from 1; the longest unless given. */
  readonly attempt?: number
}

type Numbers = Readonly<Record<string, number>>

const LOGP = /^logps_eval[^/]*\/(.+)$/
const TYPED_NORM = /^(.+)_A_o$/
const SHARED: Readonly<Record<string, Metric>> = {
  argmax_prob_logits: 'argmax_logp', except_argmax_prob_logits: 'rest_logp', p_e: 'p_e', energy: 'energy',
}

const fail = (where: string, why: string, fix: string) =>
  new RunError({ code: 'bad-log', what: 'Cannot import the log', where, why, fix })

const records = ({ text, name }: ReleasedLog): { all: readonly Numbers[], torn: number } => {
  const { objects, torn } = parseLoggedObjects(text, name)
  if (objects.length === 0) throw fail(name, 'it holds no evaluation', 'Give the log of a run that was evaluated')
  const keys = Object.keys(objects[0].value)
  for (const { value, where } of objects) {
    const odd = Object.entries(value).find(([, number]) => typeof number !== 'number')
    if (odd) throw fail(where, `its field "${odd[0]}" is not a number`, 'Give prob_train_metrics.json as the released code wrote it')
    const lost = keys.find(key => !(key in value)) ?? Object.keys(value).find(key => !keys.includes(key))
    if (lost !== undefined) {
      throw fail(where, `"${lost}" is in some evaluations and not in others`, 'Logs of different code are in one file: split it')
    }
  }
  if (!keys.some(key => LOGP.test(key))) {
    throw fail(name, `none of its fields is logps_eval…/<type> (there are ${fewOf(keys)})`, 'Give prob_train_metrics.json of the released code')
  }
  return { all: objects.map(({ value }) => value as Numbers), torn }
}

/** Per key and evaluation one value a probe, or the mean alone. */
type Cells = (key: string, evaluation: number) => ArrayLike<number>

interface Matched {
  readonly attempt: Attempt
  readonly from: number
  readonly count: number
  readonly probes: number
  readonly cells: Cells
}

/** The records that the array's means are those of, or why there are none. */
const matchNpy = (
  all: readonly Numbers[], attempts: readonly Attempt[], npy: NonNullable<ReleasedLog['npy']>,
): Matched | string => {
  const { array: { shape, data }, name } = npy
  const keys = Object.keys(all[0])
  if (shape.length !== 3 || !(data instanceof Float64Array || data instanceof Float32Array)) {
    return `${name} is not an array [evaluations, keys, probes] of floats`
  }
  const [count, rows, probes] = shape
  if (rows !== keys.length) return `${name} has ${rows} rows an evaluation and the log ${keys.length} keys`
  if (count === 0 || probes === 0) return `${name} is empty`
  const cells: Cells = (key, e) => {
    const at = (e * rows + keys.indexOf(key)) * probes
    return data.subarray(at, at + probes)
  }
  const mean = (key: string, e: number) => {
    const values = Array.from(cells(key, e)).filter(Number.isFinite)
    return values.length < probes ? NaN : values.reduce((sum, x) => sum + x, 0) / probes
  }
  const means = Array.from({ length: count }, (_, e) => keys.map(key => mean(key, e)))
  const fits = (from: number) => means.every((row, e) => row.every((value, k) =>
    !Number.isFinite(value) || Math.abs(value - all[from + e][keys[k]]) <= 1e-4 * Math.max(1, Math.abs(value))))
  for (let from = all.length - count; from >= 0; from--) {
    const attempt = attempts.find(one => from >= one.from && from + count <= one.to)
    if (attempt && fits(from)) return { attempt, from, count, probes, cells }
  }
  return `the means of ${name} are not those of any ${count} evaluations of the log`
}

interface Column { readonly key: string, readonly metric: Metric, readonly type: string }

const columnsOf = (keys: readonly string[], owner: ArgmaxOwner, lastType: string): readonly Column[] =>
  keys.flatMap((key): Column[] => {
    const logp = LOGP.exec(key)?.[1]
    if (logp !== undefined) return [{ key, metric: 'logp', type: logp }]
    const typed = TYPED_NORM.exec(key)?.[1]
    if (typed !== undefined) return [{ key, metric: 'a_norm', type: typed }]
    if (key === 'A_o') return [{ key, metric: 'a_norm', type: lastType }]
    return Object.hasOwn(SHARED, key) ? [{ key, metric: SHARED[key], type: owner.type ?? 'chosen' }] : []
  })

const ISSUE = 'Joshua-Ren/Learning_dynamics_LLM#2'

const ownerNotes = (owner: ArgmaxOwner, columns: readonly Column[]): readonly ImportNote[] => {
  const shared = columns.filter(({ key }) => key in SHARED || key === 'A_o')
  if (shared.length === 0) return []
  const because = owner.because.join('; ')
  if (owner.type === undefined) {
    return shared.map(({ key, metric, type }) => ({
      code: 'argmax-owner-unknown', metric, type,
      message: `${key} is shown as that of ${type}, and nothing in the log proves that: ${because}. Before 2025-05-09 the ` +
        `released code logged the last response type’s here (${ISSUE})`,
    }))
  }
  if (owner.type === 'chosen') return []
  return shared.map(({ key, metric, type }) => ({
    code: 'argmax-of-another-type', metric, type,
    message: `${key} is that of ${type} and not of chosen: the released code overwrote it for each response type until ` +
      `2025-05-09 (${ISSUE}). ${owner.certainty === 'proved' ? 'Proof' : 'Inferred'}: ${because}`,
  }))
}

/** Stage and loss, as far as a name says them: `qwen05_baseline_dpo_checkbug`. */
export const stageFromName = (name: string): string | undefined =>
  name.toLowerCase().split(/[^a-z]+/).findLast(word => ['sft', 'dpo', 'ipo', 'kto', 'orpo', 'simpo'].includes(word))

const EVALUATED = ['chosen', 'chosen_initial', 'chosen_gptsemantic', 'chosen_gptformat', 'rejected',
  'reject_gptsemantic', 'reject_gptformat', 'irr_train', 'irr_test', 'irr_hum', 'random_permute', 'random_nonhum']

/** The log as a run. Throws RunError `bad-log`, and FormatError through its parts. */
export const importReleased = (log: ReleasedLog, options: ReleasedOptions): ImportedRun => {
  const { all, torn } = records(log)
  const notes: ImportNote[] = []
  const note = (code: string, message: string, about: Pick<ImportNote, 'metric' | 'type'> = {}) =>
    notes.push({ code, message, ...about })
  if (torn > 0) note('torn', `${torn} characters at the end of the log belong to an evaluation that was not finished`)

  const attempts = attemptsOf(all)
  const { attempt: asked, every } = options
  if (asked !== undefined && !(Number.isSafeInteger(asked) && asked >= 1 && asked <= attempts.length)) {
    throw fail(log.name, `there is no attempt ${asked}: the log holds ${attempts.length}`, `Give one of 1 to ${attempts.length}`)
  }
  const found = log.npy ? matchNpy(all, attempts, log.npy) : undefined
  if (typeof found === 'string') note('array-ignored', `${found}, so that only means are imported`)
  const array = typeof found === 'object' ? found : undefined
  const choice = asked !== undefined ? asked - 1 : array ? attempts.indexOf(array.attempt) : longestAttempt(attempts)
  const single = array && attempts[choice] === array.attempt ? array : undefined
  const from = single?.from ?? attempts[choice].from
  const count = single?.count ?? attempts[choice].to - attempts[choice].from
  const own = all.slice(from, from + count)
  if (attempts.length > 1) {
    const lengths = attempts.map(one => one.to - one.from).join(', ')
    note('restarted', `the log holds ${attempts.length} attempts (${lengths} evaluations): each begins with the very numbers of ` +
      `the first evaluation, as a program started again in the same directory writes them (or one whose model did not change). This is number ${choice + 1}`)
  }

  const keys = Object.keys(own[0])
  const types = [...new Set(keys.flatMap(key => LOGP.exec(key)?.[1] ?? TYPED_NORM.exec(key)?.[1] ?? []))]
  const lastType = EVALUATED.findLast(type => types.includes(type)) ?? types.at(-1)!
  const cells: Cells = single?.cells ?? ((key, e) => [own[e][key]])
  const chosenKey = keys.find(key => LOGP.exec(key)?.[1] === 'chosen') ?? ''
  const pairs = function* (): Generator<readonly [number, number]> {
    if (!chosenKey || !keys.includes('argmax_prob_logits')) return
    for (let e = 0; e < count; e++) {
      const [chosen, argmax] = [cells(chosenKey, e), cells('argmax_prob_logits', e)]
      for (let i = 0; i < chosen.length; i++) yield [chosen[i], argmax[i]]
    }
  }
  const owner = ownerOfArgmax({ keys, chosenKey, lastType, pairs: pairs(), first: own[0] })
  const columns = columnsOf(keys, owner, lastType)
  const strange = keys.filter(key => !columns.some(column => column.key === key))
  if (strange.length > 0) note('unknown-key', `not imported, since their meaning is not known: ${fewOf(strange)}`)

  const n = single?.probes ?? 1
  const rows = Array.from({ length: n }, (_, row) => ({
    prompt: single ? `(probe ${row}; the log has no text)` : '(the mean over the probes; the log has no single ones)',
    group: single ? String(row) : 'mean', responses: {},
  }))
  // Lengths are not known: a count of 0 says so, and the response is there all the same.
  const laidOut = layOutProbes(rows, types, () => 0)
  const { metrics, missing, values } = gather(columns, laidOut, count, cells, note)
  const probes: Probes = { ...laidOut, absent: [], missing }
  notes.push(...ownerNotes(owner, columns.filter(({ metric }) => metrics.includes(metric))))

  if (every === undefined) {
    note('steps-unknown', 'steps count evaluations: the log does not say how many updates lie between (the released code’s ' +
      'default is 100 examples, 25 updates of 4)')
  }
  if (metrics.includes('a_norm')) {
    note('a-norm-of-mean', '‖A‖ is √(V·m² + V − 2) with m the mean over tokens of ‖π_t‖, as the released code defines it; ldyn’s ' +
      'own a_norm is the mean over tokens of ‖A_t‖, which is never smaller', { metric: 'a_norm' })
  }
  const guessed = stageFromName(options.runName)
  const name = options.stage ?? guessed ?? 'recorded'
  if (options.stage === undefined) {
    note('stage-guessed', guessed === undefined
      ? 'which loss was trained stands neither in the log nor in its name'
      : `that this is ${guessed} is taken from the name "${options.runName}"`)
  }
  return {
    format: 'released-code',
    stage: { name, loss: options.stage ?? guessed ?? 'unknown', updates: (count - 1) * (every ?? 1) },
    columns: { metrics, tokens: [] },
    probes,
    evaluations: values.map((row, e) => ({ step: e * (every ?? 1), values: row })),
    scalars: [],
    meansOnly: !single,
    missing: whatIsMissing(columns, metrics, types, single !== undefined),
    notes,
  }
}

/** The numbers by metric and column, and which columns each metric lacks. NaN never passes. */
const gather = (
  columns: readonly Column[], probes: Probes, count: number, cells: Cells,
  note: (code: string, message: string, about: Pick<ImportNote, 'metric' | 'type'>) => void,
) => {
  const width = probes.columns.length
  const n = probes.rows.length
  const types = width / n
  const order = probes.columns.slice(0, types).map(column => column.type)
  const metrics: Metric[] = []
  const missing: Record<string, readonly number[]> = {}
  const values = Array.from({ length: count }, (): Record<string, Float32Array> => ({}))
  for (const metric of [...new Set(columns.map(column => column.metric))]) {
    const known = new Set<number>()
    const rows = values.map(() => new Float32Array(width))
    for (const { key, type } of columns.filter(column => column.metric === metric)) {
      const at = order.indexOf(type)
      let bad = 0
      const bereft = new Set<number>()
      for (let e = 0; e < count; e++) {
        const given = cells(key, e)
        for (let i = 0; i < n; i++) {
          rows[e][i * types + at] = given[i]
          if (Number.isFinite(given[i])) continue
          bad++
          bereft.add(i)
        }
      }
      for (let i = 0; i < n; i++) {
        if (bereft.has(i)) for (const row of rows) row[i * types + at] = 0
        else known.add(i * types + at)
      }
      if (bad === 0) continue
      const why = key === 'except_argmax_prob_logits' ? ', as log(1 − p) in float32 gives where p rounds to 1' : ''
      note('not-a-number', bereft.size === n
        ? `${key}: ${bad} of ${n * count} values are NaN or infinite${why}; nothing of it is shown`
        : `${key}: ${bad} of ${n * count} values are NaN or infinite${why}. The ${bereft.size} of ${n} probes that they belong to are left ` +
          'out of this curve; they are the most certain ones, so it is that of the others', { metric, type })
    }
    if (known.size === 0) continue
    metrics.push(metric)
    rows.forEach((row, e) => { values[e][metric] = row })
    if (known.size < width) missing[metric] = Array.from({ length: width }, (_, i) => i).filter(i => !known.has(i))
  }
  return { metrics, missing, values }
}

const whatIsMissing = (
  columns: readonly Column[], metrics: readonly Metric[], types: readonly string[], single: boolean,
): readonly string[] => {
  const has = (metric: Metric, type: string) => columns.some(column => column.metric === metric && column.type === type)
  const lacking = (metric: Metric) => types.filter(type => !has(metric, type))
  const ofTypes = (metric: Metric, words: string) => {
    const lost = metrics.includes(metric) ? lacking(metric) : types
    if (lost.length === 0 || lost.length === types.length) return lost.length === 0 ? [] : [words]
    const kept = types.filter(type => !lost.includes(type))
    return [lost.length > kept.length ? `${words} of every type but ${fewOf(kept)}` : `${words} of ${fewOf(lost)}`]
  }
  return [
    ...ofTypes('logp', 'log π'),
    ...ofTypes('argmax_logp', 'argmax (log max π)'),
    ...ofTypes('rest_logp', 'log-mass of the rest (rest_logp)'),
    ...ofTypes('energy', 'energy'),
    ...ofTypes('p_e', '‖G‖ (p_e)'),
    ...ofTypes('a_norm', '‖A‖'),
    'entropy',
    ...(single ? [] : ['values of single probes, and so every standard error']),
    'prompts, responses and their lengths, and so values per token',
    'the training log (loss, learning rate, gradient norm, rewards)',
    'model, tokenizer, data, settings and seed',
  ]
}
