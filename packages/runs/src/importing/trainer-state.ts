// trainer_state.json of Hugging Face's Trainer and of TRL's trainers on top of it: log_history, a list of
// {step, epoch, …}. Values of training are means over the batches since the last line: other examples each
// time, no fixed probes. Names are TRL's, as ours are (ldyn help metrics); `eval_` stands before evaluations.
import { RunError } from '../error.ts'
import { fewOf } from './imported.ts'
import type { ImportedRun, ImportNote } from './imported.ts'
import { parsePythonJson } from './python-json.ts'
import { runOfScalars, scalarLines } from './scalars.ts'

const fail = (where: string, why: string, fix = 'Give trainer_state.json as the Trainer wrote it') =>
  new RunError({ code: 'bad-log', what: 'Cannot import the log', where, why, fix })

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
  const more: readonly ImportNote[] = other.size > 0
    ? [{ code: 'unknown-key', message: `not imported, since they are not numbers: ${fewOf([...other])}` }]
    : []
  return runOfScalars('trainer-state', scalars, columns, [...notes, ...more], options)
}
