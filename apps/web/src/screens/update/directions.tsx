// Which part of an update did it: the predicted change of each response type, split into the directions that the
// applied update is the sum of; for one update, and for several together.
import { show } from '@ldyn/figures'
import type { LiveData } from '../../data/live-run.ts'
import type { Heat } from '../../panels/heat.ts'
import type { PanelModel } from '../../panels/panel.ts'
import { heatPanel } from '../../shell/heat/panel.tsx'
import { summedByType, updatesIn, type TypeChange } from './data.ts'
import { railOfDirection } from './tokens.tsx'

/** Types by directions. */
const heatOf = (changes: readonly TypeChange[]): Heat => {
  const names = [...new Set(changes.flatMap(({ directions }) => [...directions.keys()]))]
  return {
    rows: changes.map(({ type }) => type),
    columns: names,
    rowName: 'type',
    columnName: 'direction',
    columnRails: names.map(railOfDirection),
    signed: true,
    unit: 'nats',
    values: changes.flatMap(({ directions }) => names.map(name => directions.get(name) ?? NaN)),
    beside: [
      { name: 'predicted', values: changes.map(({ predicted }) => predicted), hollow: true },
      { name: 'actual', values: changes.map(({ actual }) => actual) },
    ],
  }
}

/** Of one update. `key` names the run. */
export const directionsPanel = (key: string, changes: readonly TypeChange[]): PanelModel =>
  heatPanel(
    {
      id: 'directions',
      title: 'Which part of the update did it',
      says: 'The predicted change of each response type, split into the directions that the applied update is the sum of: terms of the loss, what momentum carried over, weight decay. A row adds up to its prediction (dashed), beside what happened. Blue raises log π, red lowers it.',
    },
    heatOf(changes),
    { window: `${key} directions`, strongest: 0 },
  )

/** Of all recorded updates of a range; undefined where the range has fewer than two. */
export const togetherPanel = (
  key: string,
  run: Pick<LiveData, 'updates'>,
  range: readonly [number, number] | undefined,
): PanelModel | undefined => {
  const updates = updatesIn(run.updates, range)
  if (updates.length < 2) return undefined
  const changes = summedByType(updates)
  const worst = changes.reduce((a, b) =>
    Math.abs(b.actual - b.predicted) > Math.abs(a.actual - a.predicted) ? b : a,
  )
  const [from, to] = [updates[0].s, updates.at(-1)!.s]
  const gaps = updates.length < to - from + 1 ? ' (those between were not recorded)' : ''
  return heatPanel(
    {
      id: 'cumulative',
      title: range ? `Steps ${range[0]} to ${range[1]} together` : 'All recorded updates together',
      says: `Sum over the ${updates.length} recorded updates from step ${from} to ${to}${gaps}. Furthest from its prediction: ${worst.type}, ${show(worst.actual)} where ${show(worst.predicted)} was predicted. Predictions add up step by step, each from its own starting point; what they leave is beyond the first order.`,
    },
    heatOf(changes),
    { window: `${key} cumulative`, strongest: 0 },
  )
}
