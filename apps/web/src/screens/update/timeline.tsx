// All recorded updates on one response type (or one probe of it): a bar each, stacked by the parts that the prediction
// is the sum of, with what happened as a line over it. A click goes to an update; dragging over several sums them up.
import { looks } from '@ldyn/figures'
import { useMemo, useState } from 'preact/hooks'
import { barAt, partNames, timelineDrawing, type PartLook } from '../../drawing/timeline.ts'
import type { LiveData } from '../../data/live-run.ts'
import type { PanelModel } from '../../panels/panel.ts'
import { useApp } from '../../shell/context.ts'
import { asFile, Picture } from '../../shell/panel/drawn.tsx'
import { barsOf, sideOf, type UpdateBar } from './data.ts'

const SIDES = { chosen: looks.chosen, rejected: looks.rejected, other: looks.initial } as const

/** What each part looks like and is called. */
const partsOf = (bars: readonly UpdateBar[]): readonly PartLook[] =>
  [...partNames(bars)].map(([part, name]) => {
    const side = sideOf(part)
    return { part, name, look: SIDES[side], opacity: side === 'other' ? 0.55 : 0.85 }
  })

const Timeline = ({ bars, at }: { bars: readonly UpdateBar[]; at: number }) => {
  const app = useApp()
  const { range } = app.store.view.value
  const [brush, setBrush] = useState<readonly [number, number] | undefined>(undefined)
  const ends = brush && ([Math.min(...brush), Math.max(...brush)] as const)
  const chosen = ends ? ([bars[ends[0]].step, bars[ends[1]].step] as const) : range
  const parts = useMemo(() => partsOf(bars), [bars])
  const drawing = useMemo(
    () => timelineDrawing({ bars, parts, at, ...(chosen && { chosen }) }),
    [bars, parts, at, chosen?.join()],
  )
  const under = (event: PointerEvent): number => {
    const { left, width } = (event.currentTarget as Element).getBoundingClientRect()
    return barAt(event.clientX - left, bars.length, width)
  }
  return (
    <>
      <div
        class="timeline"
        onPointerDown={event => {
          event.currentTarget.setPointerCapture(event.pointerId)
          setBrush([under(event), under(event)])
        }}
        onPointerMove={event => {
          const i = under(event)
          app.ghost.value = bars[i].step
          if (brush) setBrush([brush[0], i])
        }}
        onPointerLeave={() => (app.ghost.value = undefined)}
        onPointerUp={() => {
          if (!ends) return
          const [a, b] = ends
          if (a === b) app.store.set({ update: bars[a].step })
          else app.store.set({ range: [bars[a].step, bars[b].step] })
          setBrush(undefined)
        }}
        onPointerCancel={() => setBrush(undefined)}
      >
        <Picture id="updates" {...drawing} />
      </div>
      <p class="hint muted on-page">Click: that update; drag: sum up a range.</p>
    </>
  )
}

export const timelinePanel = (
  run: LiveData,
  type: string,
  probe: number | undefined,
  at: number,
): PanelModel => {
  const bars = barsOf(run.updates, type, probe)
  const whose = probe === undefined ? `${type}, mean over followed probes` : `#${probe} ${type}`
  const parts = [...new Set(bars.flatMap(bar => [...bar.parts.keys()]))]
  const title = `Every recorded update on ${whose}`
  return {
    id: 'updates',
    kind: 'drawn',
    title,
    says: 'Δ log π in nats, Σ over the response’s tokens: bars are the predicted parts (y⁺ blue, y⁻ vermilion, carried over and decay grey), the circle is what happened. Where circle and line part, the step was too large for the first order.',
    draw: () => <Timeline bars={bars} at={at} />,
    svg: () => asFile(title, timelineDrawing({ bars, parts: partsOf(bars), at })),
    table: () => ({
      head: ['step', 'stage', 'actual', 'predicted', 'actual − predicted', ...parts],
      rows: bars.map(bar => [
        bar.step,
        bar.stage,
        bar.actual,
        bar.predicted,
        bar.actual - bar.predicted,
        ...parts.map(name => bar.parts.get(name) ?? 0),
      ]),
    }),
  }
}
