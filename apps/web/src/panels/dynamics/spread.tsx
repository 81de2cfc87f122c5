// Every probe at one step: a strip of ticks for each response type, so that a mean is never all there is to
// see.
import { inOrder, placeName, plural } from '@ldyn/figures'
import { isSum } from '@ldyn/runs'
import { useMemo } from 'preact/hooks'
import { columnsFor } from '../../data/curves.ts'
import type { LiveData } from '../../data/live-run.ts'
import type { Drawing } from '../../drawing/ink.ts'
import { stripsDrawing, type StripRow } from '../../drawing/strips.ts'
import { useApp } from '../../shell/context.ts'
import { asFile, Picture } from '../../shell/panel/drawn.tsx'
import type { View } from '../../state/address.ts'
import { evaluationAt } from '../../data/evaluation.ts'
import { textOf, unitText } from '../metrics.ts'
import type { PanelModel } from '../panel.ts'

export interface Strip {
  readonly type: string
  /** By probe, its row and its value. */
  readonly rows: readonly number[]
  readonly values: Float64Array
}

/** One value a probe and type at an evaluation, as the view shows it: per response or token, or as change. */
export const stripsAt = (
  run: LiveData,
  view: Pick<View, 'metric' | 'per' | 'change' | 'versus' | 'hidden'>,
  evaluation: number,
): readonly Strip[] => {
  const { probes } = run
  const all = run.rows.get(view.metric)
  const now = all?.[evaluation]
  if (!now || !probes) return []
  const then = view.change ? all[view.versus === undefined ? 0 : evaluationAt(run, view.versus)] : undefined
  const per = isSum(view.metric) ? view.per : 'response'
  return inOrder(run.types)
    .filter(({ key }) => !view.hidden.includes(key))
    .flatMap(({ key }): Strip[] => {
      const found = columnsFor(run, view.metric, key, per)
      if (!found) return []
      const { columns, by } = found
      const values = new Float64Array(columns.length)
      columns.forEach((i, k) => {
        values[k] = (now[i] - (then?.[i] ?? 0)) / by[k]
      })
      return [{ type: key, rows: columns.map(i => probes.columns[i].row), values }]
    })
}

const drawingOf = (strips: readonly Strip[], unit: string, focus: ReadonlySet<number>): Drawing => {
  const looks = new Map(inOrder(strips.map(({ type }) => type)).map(({ key, look }) => [key, look]))
  return stripsDrawing(
    strips.flatMap(({ type, rows, values }): StripRow[] => {
      const told = values.filter(Number.isFinite)
      const chosen = values.filter((value, k) => focus.has(rows[k]) && Number.isFinite(value))
      return told.length === 0 ? [] : [{ name: type, look: looks.get(type)!, values: told, chosen }]
    }),
    unit,
  )
}

/** Probes that stand out: the one in focus and those that are selected. */
const focusOf = ({ probe, selected }: Pick<View, 'probe' | 'selected'>): ReadonlySet<number> =>
  new Set(probe === undefined ? selected : [probe, ...selected])

const Strips = ({ strips, unit }: { strips: readonly Strip[]; unit: string }) => {
  const { view } = useApp().store
  const { probe, selected } = view.value
  const drawing = useMemo(
    () => drawingOf(strips, unit, focusOf({ probe, selected })),
    [strips, unit, probe, selected],
  )
  return <Picture id="spread" {...drawing} />
}

/** The strips as a panel. */
export const spreadPanel = (run: LiveData, view: View, evaluation: number): PanelModel => {
  const at = run.evaluations[evaluation]
  const { title } = textOf(view.metric)
  const id = 'spread'
  const name = at ? `Every probe at ${placeName(run)} ${at.step}` : 'Every probe'
  const what = `${view.change ? 'Δ ' : ''}${title}`
  const says = `A tick is ${what} of one probe, the box the middle half of them, the dot their mean.`
  const strips = stripsAt(run, view, evaluation)
  if (strips.length === 0) {
    return run.manifest.columns.metrics.includes(view.metric) && !run.rows.has(view.metric)
      ? { id, kind: 'loading', title: name, says }
      : {
          id,
          kind: 'missing',
          title: name,
          says,
          missing: { what: 'The run holds no values of this metric by probe.' },
        }
  }
  if (run.manifest.imported?.meansOnly) {
    return {
      id,
      kind: 'missing',
      title: name,
      says,
      missing: { what: 'The imported log holds means over the probes alone, no single ones.' },
    }
  }
  const axis = unitText(view.metric, view.per, { change: view.change, single: true })
  const lost = strips.reduce((sum, { values }) => sum + values.filter(value => !Number.isFinite(value)).length, 0)
  return {
    id,
    kind: 'drawn',
    title: name,
    says,
    notes: lost > 0 ? [`${plural(lost, 'value')} at this step are no numbers and not drawn; the table has them.`] : [],
    draw: () => <Strips strips={strips} unit={axis} />,
    svg: () => asFile(name, drawingOf(strips, axis, focusOf(view))),
    table: () => ({
      head: ['probe', 'type', title],
      rows: strips.flatMap(({ type, rows, values }) => rows.map((row, k) => [row, type, values[k]])),
    }),
  }
}
