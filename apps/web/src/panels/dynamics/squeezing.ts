// Where the mass goes: the likeliest token against chosen, on chosen's own context (paper.md §2.4). The first up while
// the second falls is the squeezing effect.
import { argmaxType, looks, notesOn, stageMarks } from '@ldyn/figures'
import type { Curves } from '../../data/curves.ts'
import type { LiveData } from '../../data/live-run.ts'
import type { View } from '../../state/address.ts'
import { linesOf } from '../lines.ts'
import { bandFor, perText } from '../metrics.ts'
import type { PanelModel } from '../panel.ts'
import { namedArgmax } from '../types.ts'

/** log max π along the chosen response beside log π of it. */
export const squeezingPanel = (
  runs: readonly LiveData[],
  curves: Curves,
  view: Pick<View, 'per' | 'spread'>,
): PanelModel => {
  const others = [...new Set(runs.map(argmaxType))].filter(type => type !== 'chosen')
  // A simulation may have no chosen response: then the first type that it watches.
  const type = runs.some(run => run.types.includes('chosen')) ? 'chosen' : (runs[0].types[0] ?? 'chosen')
  const title = `Likeliest token against ${type}`
  const says =
    `log max π along the ${type} response, and log π of that response. The first up while the second falls is the squeezing ` +
    'effect.'
  const lines = [
    ...linesOf(runs, curves, {
      metric: 'argmax_logp',
      type: others[0] ?? type,
      per: view.per,
      spread: view.spread,
      look: looks.argmax,
      key: 'argmax',
      ...namedArgmax(others),
    }),
    ...linesOf(runs, curves, { metric: 'logp', type, per: view.per, spread: view.spread }),
  ]
  const id = 'squeezing'
  if (!lines.some(({ key }) => key.startsWith('argmax'))) {
    const reading = runs.some(
      run => run.manifest.columns.metrics.includes('argmax_logp') && !run.rows.has('argmax_logp'),
    )
    return reading
      ? { id, kind: 'loading', title, says }
      : {
          id,
          kind: 'missing',
          title,
          says,
          missing: {
            what: 'The run does not hold the likeliest token’s log-probability along any response.',
          },
        }
  }
  const notes =
    others.length === 0
      ? []
      : [
          `CAUTION: in the imported log the argmax curve is that of ${others.join(', ')}, not of chosen (a known defect of the released code), so the two cannot be set against each other.`,
          ...runs.flatMap(run =>
            notesOn(run, ['argmax_logp']).filter(note => !notesOn(run, []).includes(note)),
          ),
        ]
  return {
    id,
    kind: 'curves',
    title,
    says,
    notes,
    panel: {
      id,
      section: 'logp',
      title,
      says,
      unit: `log π, ${perText('logp', view.per)}, mean over probes (nats)`,
      lines,
      stages: stageMarks(runs),
      band: bandFor(view.spread),
    },
  }
}
