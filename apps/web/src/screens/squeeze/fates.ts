// What became of single tokens of one position over all steps, as lines.
import { stageMarks } from '@ldyn/figures'
import type { LiveData } from '../../data/live-run.ts'
import { tokenText } from '../../data/matrices.ts'
import type { PanelModel } from '../../panels/panel.ts'
import type { Seen } from '../../panels/watched/watched.ts'
import { logpOf, type Marked } from '../../panels/watched/tokens.ts'

/** log π of each marked token over all steps. Steps at which a token was not told have no point. */
export const fatesPanel = (
  run: LiveData,
  series: readonly Seen[],
  marked: readonly Marked[],
): PanelModel => ({
  id: 'fates',
  kind: 'curves',
  title: 'log π of single tokens at this position',
  says: 'One token’s log-probability, not a response’s. Gaps: evaluations at which the token was not among the likeliest.',
  panel: {
    id: 'fates',
    section: 'training',
    title: 'log π of single tokens at this position',
    says: 'One token’s log-probability, not a response’s.',
    unit: 'nats',
    zero: false,
    stages: stageMarks([run]),
    lines: marked.flatMap(({ id, name, text, look }) => {
      const told = series.flatMap(({ step, stage, position }) => {
        const logp = logpOf(position, id)
        return logp === undefined ? [] : [{ step, stage, logp }]
      })
      return told.length === 0
        ? []
        : [
            {
              key: `${name} ${tokenText(text)}`,
              label: `${name} ${tokenText(text)}`,
              look,
              steps: told.map(({ step }) => step),
              stages: told.map(({ stage }) => stage),
              mean: told.map(({ logp }) => logp),
            },
          ]
    }),
  },
})
