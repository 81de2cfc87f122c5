/**
 * What an imported log says of itself wherever it is shown: where it comes from, what it lacks, and which of its curves
 * are not what their name promises (packages/runs/src/importing).
 */
import type { ImportInfo, ImportNote } from '@ldyn/runs'
import { plural } from './numbers.ts'
import type { RunData } from './series.ts'

const FORMATS: Readonly<Record<ImportInfo['format'], string>> = {
  'released-code': 'the released code’s log',
  'trainer-state': 'a Hugging Face Trainer’s state',
  tfevents: 'TensorBoard events',
}

const notesOf = ({ manifest }: RunData): readonly ImportNote[] => manifest.imported?.notes ?? []

/** The response type along which the run's argmax was measured: chosen, but for a log with the known defect. */
export const argmaxType = (data: RunData): string =>
  notesOf(data).find(({ code, metric }) => code === 'argmax-of-another-type' && metric === 'argmax_logp')?.type ??
  'chosen'

/** Notes that are about a metric, or about the whole run, each message once. */
export const notesOn = (data: RunData, metrics?: readonly string[]): readonly string[] => [
  ...new Set(
    notesOf(data)
      .filter(({ metric }) => metric === undefined || metrics === undefined || metrics.includes(metric))
      .map(({ message }) => message),
  ),
]

/** The facts of a run that ldyn did not train: what is known of it, and what is not. */
export const importedFacts = (
  { manifest, probes, evaluations, types, scalars, stages }: RunData,
  { format, files, meansOnly, missing, notes }: ImportInfo,
): readonly (readonly [string, string])[] => {
  const facts: readonly (readonly [string, string])[] = [
    ['Imported', `${FORMATS[format] ?? format}: ${files.map(({ path }) => path).join(', ')}`],
    ['Stages', stages.map(({ name, to }) => `${name} to ${to}`).join(' → ')],
    [
      'Probes',
      probes
        ? `${meansOnly ? 'means alone' : plural(probes.rows.length, 'probe')} × ${plural(types.length, 'type')}, ${plural(evaluations.length, 'evaluation')}`
        : '',
    ],
    ['Training log', scalars.size > 0 ? `${plural(scalars.size, 'column')}: ${[...scalars.keys()].slice(0, 8).join(', ')}` : ''],
    ['Not in it', missing.join('; ')],
    // One a line in a terminal, one after the other on a page.
    ['Notes', [...new Set(notes.map(({ message }) => `${message}.`))].join('\n')],
    ['Log written', manifest.created.replace('T', ' ').replace(/:\d\d(\.\d+)?Z$/, ' UTC')],
    ['Run', manifest.id],
  ]
  return facts.filter(([, text]) => text !== '')
}
