/** What a run is, in a few words each: for the head of a page and for `ldyn runs show`. */
import { importedFacts } from './imported.ts'
import { updatesText } from './narrative.ts'
import { brief, list, plural, show } from './numbers.ts'
import type { RunData } from './series.ts'

/** The last part of a path: whose directories these are is nobody else’s business. */
export const lastPart = (path: string): string =>
  path
    .replace(/[\\/]+$/, '')
    .split(/[\\/]/)
    .at(-1) || path

/** The highest learning rate of each stage as it was applied; '' where the log has none. */
const learningRates = ({ scalars, stages }: RunData): string => {
  const column = scalars.get('lr') ?? scalars.get('learning_rate')
  if (!column) return ''
  return stages
    .flatMap(({ name }) => {
      const values = [...column.values].filter((_, i) => column.stages[i] === name)
      return values.length > 0 ? [`${name} ${show(Math.max(...values))}`] : []
    })
    .join(', ')
}

/** What a run is, for its header: label and text, empty ones left out. Paths are cut to their last part. */
export const factsOf = (data: RunData): readonly (readonly [string, string])[] => {
  const { manifest: m, probes, evaluations, types } = data
  if (m.imported) return importedFacts(data, m.imported)
  const facts: readonly (readonly [string, string])[] = [
    ['Model', `${lastPart(m.model.path)}, ${brief(m.model.params)} parameters`],
    ['Stages', updatesText(data)],
    ['Peak learning rate', learningRates(data)],
    ['Data', list(m.datasets.map(({ path, rows }) => `${lastPart(path)} (${plural(rows, 'row')})`))],
    [
      'Probes',
      probes
        ? `${plural(probes.rows.length, 'prompt')} × ${plural(types.length, 'type')}, ${plural(evaluations.length, 'evaluation')}`
        : '',
    ],
    ['Backend', `${m.backend.name} ${m.backend.version}, ${m.backend.device}`],
    ['Seed', String(m.seed)],
    ['Begun', m.created.replace('T', ' ').replace(/:\d\d(\.\d+)?Z$/, ' UTC')],
    ['Run', `${m.id}${m.status === 'done' ? '' : ` (${m.status})`}`],
  ]
  return facts.filter(([, text]) => text !== '')
}
