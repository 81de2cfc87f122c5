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

type Imported = Pick<RunData, 'manifest'>

const notesOf = ({ manifest }: Imported): readonly ImportNote[] => manifest.imported?.notes ?? []

/** What a run's steps count: an imported log may not say how many updates lie between its evaluations. */
export const stepName = (run: Imported): 'update' | 'evaluation' =>
  notesOf(run).some(({ code }) => code === 'steps-unknown') ? 'evaluation' : 'update'

/** What a place of the cursor is called: "step 40", of a log that counts evaluations "evaluation 40". */
export const placeName = (run: Imported): 'step' | 'evaluation' =>
  stepName(run) === 'evaluation' ? 'evaluation' : 'step'

/** Whether the log is in doubt about a metric: it may be another type’s, or of some of the probes alone. */
export const isDoubtful = (run: Imported, metric: string): boolean =>
  notesOf(run).some((note) => note.metric === metric)

/** The response type along which the run's argmax was measured: chosen, but for a log with the known defect. */
export const argmaxType = (data: Imported): string =>
  notesOf(data).find(({ code, metric }) => code === 'argmax-of-another-type' && metric === 'argmax_logp')?.type ??
  'chosen'

/** Notes that are about a metric, or about the whole run, each message once. */
export const notesOn = (data: Imported, metrics?: readonly string[]): readonly string[] => [
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
  // Of evaluations the first is before any training: 137 of them are 136 apart.
  const counted = stepName({ manifest }) === 'evaluation'
  const lengths = stages.map(({ name, from, to }) =>
    counted ? `${name}, evaluations ${from}–${to}` : `${name}, ${plural(to - from, 'update')}`,
  )
  const facts: readonly (readonly [string, string])[] = [
    ['Imported', `${FORMATS[format] ?? format}: ${files.map(({ path }) => path).join(', ')}`],
    ['Stages', lengths.join(' → ')],
    [
      'Probes',
      probes
        ? `${meansOnly ? 'means alone, of' : `${plural(probes.rows.length, 'probe')} ×`} ${plural(types.length, 'type')}, ${plural(evaluations.length, 'evaluation')}`
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
