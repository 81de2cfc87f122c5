// A log that holds scalars by step and nothing else, as a run: trainer_state.json and TensorBoard's events.
import { fewOf } from './imported.ts'
import type { ImportedRun, ImportedScalars, ImportNote } from './imported.ts'
import { stageFromName } from './released-code.ts'

/** What a table of scalars by step cannot have, said for a run made of one. */
const scalarsOnly: readonly string[] = [
  'a fixed probe set: what the log calls chosen or rejected is the mean over the batches since the line before, ' +
    'other examples each time',
  'argmax (log max π), and with it where the mass went',
  'values of single examples and of tokens, and so every standard error',
  'model, tokenizer, data and settings',
]

/** What was trained, as the names of the columns say. */
const stageFromColumns = (names: ReadonlySet<string>): string | undefined =>
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

/** The run of such a log. `columns` are the names of all that it logged. */
export const runOfScalars = (
  format: ImportedRun['format'], scalars: readonly ImportedScalars[], columns: ReadonlySet<string>,
  notes: readonly ImportNote[], options: { readonly runName: string, readonly stage?: string },
): ImportedRun => {
  const name = options.stage ?? stageFromName(options.runName) ?? stageFromColumns(columns) ?? 'recorded'
  const loss = name === 'recorded' ? 'unknown' : name === 'preference' ? 'preference, kind unknown' : name
  return {
    format,
    stage: { name, loss, updates: scalars.at(-1)?.step ?? 0 },
    columns: { metrics: [], tokens: [] },
    probes: undefined,
    evaluations: [],
    scalars,
    meansOnly: true,
    missing: scalarsOnly,
    notes,
  }
}
