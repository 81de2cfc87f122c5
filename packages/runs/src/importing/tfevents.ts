// TensorBoard event files as a run. Hugging Face's callback writes train/<name> and eval/<name>: these get back
// the names that its trainer_state.json has. Several files of one directory are attempts of one run: where a
// later file goes over a step again, its value is kept, as TensorBoard shows it.
import type { TfEvents } from '@ldyn/formats'
import { RunError } from '../error.ts'
import type { ImportedRun, ImportNote } from './imported.ts'
import { runOfScalars, scalarLines } from './scalars.ts'

const plainName = (tag: string): string => {
  const name = tag.startsWith('train/') ? tag.slice(6) : tag.startsWith('eval/') ? `eval_${tag.slice(5)}` : tag
  return ['s', 't', 'stage'].includes(name) ? `${name}_` : name
}

/** The files' scalars as a run, files in the order of writing. Throws RunError `bad-log` where there is none. */
export const importTfEvents = (
  files: readonly { readonly name: string, readonly events: TfEvents }[],
  options: { readonly runName: string, readonly stage?: string },
): ImportedRun => {
  const all = files.flatMap(({ events }) => events.scalars)
  if (all.length === 0) {
    throw new RunError({
      code: 'bad-log', what: 'Cannot import the log', where: files.map(({ name }) => name).join(', '),
      why: 'it holds no scalar', fix: 'Give event files that hold scalars; images, text and histograms are not read',
    })
  }
  const early = all.filter(({ step }) => !Number.isSafeInteger(step) || step < 0).length
  const usable = all.filter(({ step }) => Number.isSafeInteger(step) && step >= 0)
  const { scalars, notes } = scalarLines(usable.map(({ tag, step, value }) => ({ step, name: plainName(tag), value })))
  const torn = files.filter(({ events }) => events.torn > 0)
  const more: ImportNote[] = [
    ...torn.map(({ name, events }) => ({ code: 'torn', message: `${events.torn} bytes at the end of ${name} belong to a record that was not finished` })),
    ...(early > 0 ? [{ code: 'bad-step', message: `${early} scalars have a step below 0 and are left out` }] : []),
    ...(files.length > 1 ? [{ code: 'several-files', message: `made of ${files.length} event files, in the order of their names` }] : []),
  ]
  const columns = new Set(scalars.flatMap(({ values }) => Object.keys(values)))
  return runOfScalars('tfevents', scalars, columns, [...notes, ...more], options)
}
