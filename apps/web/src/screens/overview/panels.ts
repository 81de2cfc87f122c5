// The figures of the Overview, as models: how far each kind of response moved since the beginning, where the
// probability is, and the losses.
import { isDoubtful, logPanels, looks, spareLook, stageMarks } from '@ldyn/figures'
import { BANDS, massOf, withoutMass } from '../squeeze/data.ts'
import type { LiveData } from '../../data/live-run.ts'
import { linesOf } from '../../panels/lines.ts'
import { bandFor, unitText } from '../../panels/metrics.ts'
import { namedArgmax, typesIn } from '../../panels/types.ts'
import { noProbes } from '../../panels/no-probes.ts'
import type { PanelModel } from '../../panels/panel.ts'
import type { App } from '../../shell/context.ts'

/** The types that every story is about; where none is watched, the first few. */
const leading = (run: LiveData): readonly string[] => {
  const wanted = ['chosen', 'rejected', 'irr_train', 'irr_test', 'random_permute']
  const found = typesIn([run])
    .map(({ key }) => key)
    .filter(key => wanted.includes(key))
  return found.length > 0 ? found : run.types.slice(0, 5)
}

export const movedPanel = (app: App, run: LiveData): PanelModel => {
  const about = {
    id: 'moved',
    title: 'How far each response moved',
    says: 'Change of log π(response | prompt) since the first evaluation; up means more probable.',
  }
  const lines = [
    ...leading(run).flatMap(type =>
      linesOf([run], app.curves, { metric: 'logp', type, per: 'response', spread: 'se', since: 'first' }),
    ),
    ...(isDoubtful(run, 'argmax_logp')
      ? []
      : linesOf([run], app.curves, {
          metric: 'argmax_logp',
          type: 'chosen',
          per: 'response',
          spread: 'se',
          since: 'first',
          look: looks.argmax,
          ...namedArgmax(),
          key: 'argmax',
        })),
  ]
  if (lines.length === 0) {
    return run.probes && run.manifest.columns.metrics.includes('logp') && !run.rows.has('logp')
      ? { ...about, kind: 'loading' }
      : {
          ...about,
          kind: 'missing',
          missing: run.probes
            ? { what: 'The probes have not been evaluated yet.' }
            : noProbes(run),
        }
  }
  return {
    ...about,
    kind: 'curves',
    panel: {
      ...about,
      section: 'overview',
      unit: unitText('logp', 'response', { change: true }),
      lines,
      stages: stageMarks([run]),
      zero: true,
      band: bandFor('se', true),
    },
  }
}

/** Mass by ranks along one type, as curves: the small sister of the Squeeze screen. */
export const massPanel = (app: App, run: LiveData): PanelModel => {
  const type = run.types.includes('chosen') ? 'chosen' : (run.types[0] ?? 'chosen')
  const about = {
    id: 'mass',
    title: `Where the probability is: along ${type}`,
    says: 'Probability by rank in the next-token distribution; the five add up to 1.',
  }
  const mass = massOf(run, app.curves, type)
  if (!mass) return withoutMass(run, about)
  return {
    ...about,
    kind: 'curves',
    panel: {
      ...about,
      section: 'confidence',
      unit: 'probability, mean over response tokens, then over probes',
      stages: stageMarks([run]),
      lines: BANDS.map(({ metric, name }, b) => ({
        key: metric,
        label: name,
        look: b === 0 ? looks.argmax : spareLook(b),
        steps: mass.steps,
        stages: mass.stages,
        mean: mass.means[b],
        n: mass.n,
      })),
    },
  }
}

/** Losses by stage and rewards, at most three; without probes also the log-probs of batches, which then are all. */
export const lossPanels = (run: LiveData): readonly PanelModel[] =>
  logPanels([run])
    .filter(({ id }) => id.startsWith('loss') || id === 'rewards' || (!run.probes && id === 'batch-logps'))
    .slice(0, run.probes ? 3 : 4)
    .map(panel => ({
      id: panel.id,
      kind: 'curves',
      title: panel.title,
      says: panel.says,
      panel,
      notes: panel.thinned === undefined ? [] : [panel.thinned],
    }))
