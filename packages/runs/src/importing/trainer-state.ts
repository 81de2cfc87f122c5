// trainer_state.json of Hugging Face's Trainer and of TRL's trainers on top of it: log_history, a list of
// {step, epoch, …}. Values of training are means over the batches since the last line: other examples each
// time, no fixed probes. Names are TRL's, as ours are (ldyn help metrics); `eval_` stands before evaluations.
import { RunError } from '../error.ts'
import { fewOf } from './imported.ts'
import type { ImportedRun, ImportedScalars, ImportNote } from './imported.ts'
import { parsePythonJson } from './python-json.ts'
import { stageFromName } from './released-code.ts'

const fail = (where: string, why: string, fix = 'Give trainer_state.json as the Trainer wrote it') =>
  new RunError({ code: 'bad-log', what: 'Cannot import the log', where, why, fix })

/** What a table of scalars by step cannot have, said for a run made of one. */
export const scalarsOnly: readonly string[] = [
  'a fixed probe set: what the log calls chosen or rejected is the mean over the batches since the line before, ' +
    'other examples each time',
  'argmax (log max π), and with it where the mass went',
  'values of single examples and of tokens, and so every standard error',
  'model, tokenizer, data and settings',
]

/** What was trained, as the names of the columns say. */
export const stageFromColumns = (names: ReadonlySet<string>): string | undefined =>
  ['rewards/chosen', 'rewards/margins', 'logps/chosen'].some(name => names.has(name) || names.has(`eval_${name}`))
    ? 'preference'
    : ['reward', 'completions/mean_length'].some(name => names.has(name)) ? 'rl' : undefined

/**
 * One line a step from values in the order of the log. Numbers that are not finite are left out and counted; of
 * two values of one name at one step the later stays. Steps ascend.
 */
export const scalarLines = (
  given: Iterable<{ readonly step: number, readonly name: string, readonly value: number }>,
): { scalars: readonly ImportedScalars[], notes: readonly ImportNote[] } => {
  const byStep = new Map<number, Record<string, number>>()
  const notNumbers = new Map<string, number[]>()
  const twice = new Map<string, number>()
  for (const { step, name, value } of given) {
    if (!Number.isFinite(value)) {
      notNumbers.set(name, [...notNumbers.get(name) ?? [], step])
      continue
    }
    const line = byStep.get(step) ?? {}
    byStep.set(step, line)
    if (name in line && line[name] !== value) twice.set(name, (twice.get(name) ?? 0) + 1)
    line[name] = value
  }
  return {
    scalars: [...byStep].sort(([a], [b]) => a - b).map(([step, values]) => ({ step, values })),
    notes: [
      ...[...notNumbers].map(([metric, steps]): ImportNote => ({
        code: 'not-a-number', metric, message: `${metric} is not a number at ${steps.length} steps (${fewOf(steps)}): missing there`,
      })),
      ...[...twice].map(([metric, n]): ImportNote => ({
        code: 'logged-twice', metric, message: `${metric} was logged again at ${n} steps with another value, as a run that ` +
          'was resumed does; the later one is kept',
      })),
    ],
  }
}

const asObject = (value: unknown): Record<string, unknown> | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? value as Record<string, unknown> : undefined

/** The log as a run. Throws RunError `bad-log`. */
export const importTrainerState = (
  text: string, name: string, options: { readonly runName: string, readonly stage?: string },
): ImportedRun => {
  const history = asObject(parsePythonJson(text, name))?.log_history
  if (!Array.isArray(history)) throw fail(name, 'it has no list "log_history"')
  const values: { step: number, name: string, value: number }[] = []
  const other = new Set<string>()
  history.forEach((line: unknown, i) => {
    const fields = asObject(line)
    const step = fields?.step
    if (!fields || !Number.isSafeInteger(step) || (step as number) < 0) throw fail(`${name}, log_history[${i}]`, 'it has no step')
    for (const [key, value] of Object.entries(fields)) {
      if (key === 'step') continue
      if (typeof value === 'number') values.push({ step: step as number, name: key === 't' || key === 's' || key === 'stage' ? `${key}_` : key, value })
      else other.add(key)
    }
  })
  if (values.length === 0) throw fail(name, 'its log_history is empty', 'Train with logging_steps set, or give a later checkpoint')
  const { scalars, notes } = scalarLines(values)
  const columns = new Set(values.map(value => value.name))
  const seen = stageFromColumns(columns)
  const stage = options.stage ?? stageFromName(options.runName) ?? seen ?? 'recorded'
  return {
    format: 'trainer-state',
    stage: { name: stage, loss: stage === 'recorded' || stage === 'preference' ? `${stage === 'preference' ? 'preference, kind ' : ''}unknown` : stage, updates: scalars.at(-1)?.step ?? 0 },
    columns: { metrics: [], tokens: [] },
    probes: undefined,
    evaluations: [],
    scalars,
    meansOnly: true,
    missing: scalarsOnly,
    notes: [
      ...notes,
      ...(other.size > 0 ? [{ code: 'unknown-key', message: `not imported, since they are not numbers: ${fewOf([...other])}` }] : []),
    ],
  }
}
