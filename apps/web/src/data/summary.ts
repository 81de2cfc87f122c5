// A run that was read as its line in the list (wire.ts), wherever its files are. How it stands now, and its small
// curves, are told by whoever has its files.
import { lastPart, stepName } from '@ldyn/figures'
import type { Run } from '@ldyn/runs'
import type { RunSummary } from '../wire.ts'

export const summaryOf = (key: string, run: Run): Omit<RunSummary, 'state' | 'sparks'> => {
  const { manifest, probes, evaluations, scalars, events, types } = run
  const lr = scalars.get('learning_rate') ?? scalars.get('lr')
  const logged = Math.max(0, ...[...scalars.values()].map(({ steps }) => steps.at(-1) ?? 0))
  return {
    key,
    id: manifest.id,
    created: manifest.created,
    model: lastPart(manifest.model.path),
    params: manifest.model.params,
    stages: manifest.stages.map(({ name, loss, updates }) => ({ name, loss, updates })),
    ...(manifest.imported && { imported: manifest.imported.format }),
    ...(stepName(run) === 'evaluation' && { counts: 'evaluation' as const }),
    ...(lr && { lr: lr.values.reduce((most, value) => Math.max(most, value), 0) }),
    step: Math.max(evaluations.at(-1)?.step ?? 0, logged),
    updates: manifest.stages.reduce((sum, { updates }) => sum + updates, 0),
    evaluations: evaluations.length,
    probes: manifest.imported?.meansOnly ? 0 : (probes?.rows.length ?? 0),
    types: types.length,
    warnings: [...new Set(events.flatMap(event => (event.type === 'warning' ? [event.code] : [])))],
  }
}
