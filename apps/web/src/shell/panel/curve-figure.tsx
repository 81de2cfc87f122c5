// Curves with a step cursor, for eye, pointer and keyboard alike (ux.md §4.3): arrows move the cursor along
// evaluations and between curves, and what is at the cursor is said.
import { count, countedBy, show, withError } from '@ldyn/figures'
import { useSignalEffect } from '@preact/signals'
import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import { bandOf, cursorSteps, pointAt, stepRange, type CurvePanel } from '../../drawing/align.ts'
import { createCurveChart, type CurveChart } from '../../drawing/curve-chart.ts'
import { useApp } from '../context.ts'
import { useNear, useSeen } from '../near.ts'

interface Props {
  readonly panel: CurvePanel
  readonly height: number
  readonly labelledBy: string
  readonly describedBy: string
}

/** All steps of a panel's lines that the cursor can be at, each once. */
const stepsOf = (panel: CurvePanel): readonly number[] =>
  [...new Set(panel.lines.flatMap(line => cursorSteps(panel, line).filter(step => step >= 0)))].sort((a, b) => a - b)

const valueAt = (panel: CurvePanel, l: number, step: number): string => {
  const line = panel.lines[l]
  const i = pointAt(cursorSteps(panel, line), step)
  if (i < 0) return `${line.key}: nothing yet`
  return `${line.key} ${line.se && line.se[i] > 0 ? withError(line.mean[i], line.se[i]).replace(/^\+/, '') : show(line.mean[i])}`
}

export const CurveFigure = ({ panel, height, labelledBy, describedBy }: Props) => {
  const app = useApp()
  const host = useRef<HTMLDivElement>(null)
  const chart = useRef<CurveChart>(undefined)
  const [width, setWidth] = useState(0)
  const [line, setLine] = useState(0)
  const [counts, setCounts] = useState({ total: 0, drawn: 0 })
  const { zoom, xAxis, step } = app.store.view.value
  const dark = app.dark.value
  const [near, seen] = [useNear(host), useSeen(host)]
  const latest = useRef(panel)
  latest.current = panel

  useLayoutEffect(() => {
    const element = host.current!
    const made = createCurveChart(element, {
      zoom: window => app.store.set({ zoom: window }),
      hover: at => {
        app.ghost.value = at
      },
      drawn: ({ total, drawn }) =>
        setCounts(now => (now.total === total && now.drawn === drawn ? now : { total, drawn })),
      pick: (at, line) => {
        const steps = stepsOf(latest.current)
        const nearest = steps.reduce(
          (best, one) => (Math.abs(one - at) < Math.abs(best - at) ? one : best),
          steps[0],
        )
        // A line of a response type brings that type into focus with it.
        const near = line === undefined ? undefined : latest.current.lines[line].type
        app.store.set({ step: nearest, ...(near !== undefined && { type: near }) })
      },
    })
    chart.current = made
    const observer = new ResizeObserver(([entry]) => setWidth(Math.floor(entry.contentRect.width)))
    observer.observe(element)
    setWidth(Math.floor(element.clientWidth))
    return () => {
      observer.disconnect()
      made.dispose()
    }
  }, [])
  // What is about to be seen is drawn; as its run grows it is drawn anew while it is seen, in the frame that has the
  // words about it.
  const drawn = useRef<{ readonly panel: CurvePanel; readonly settings: string }>(undefined)
  useLayoutEffect(() => {
    if (!near || width <= 40) return
    const settings = JSON.stringify([dark, zoom, xAxis, width, height])
    const { current: last } = drawn
    if (last?.settings === settings && (last.panel === panel || !seen)) return
    drawn.current = { panel, settings }
    chart.current?.update({ panel, dark, zoom, logX: xAxis === 'log', width, height })
  }, [near, seen, panel, dark, zoom, xAxis, width, height])
  useSignalEffect(() => chart.current?.cursor(app.store.view.value.step, app.ghost.value))

  const onKeyDown = (event: KeyboardEvent): void => {
    const steps = stepsOf(panel)
    if (steps.length === 0 || event.ctrlKey || event.metaKey || event.altKey) return
    const at = step === undefined ? steps.length - 1 : Math.max(0, pointAt(steps, step))
    const all = stepRange(panel.lines.map(one => ({ ...one, steps: cursorSteps(panel, one) })))
    const [from, to] = zoom ?? [all.from, all.to]
    const go = (i: number): void => {
      const next = steps[Math.min(steps.length - 1, Math.max(0, i))]
      app.store.set({ step: next })
      app.announce(`${panel.lines[line]?.counts ?? 'step'} ${next}, ${valueAt(panel, line, next)}`)
    }
    const turn = (by: number): void => {
      const next = (line + by + panel.lines.length) % panel.lines.length
      setLine(next)
      app.announce(valueAt(panel, next, steps[at]))
    }
    const scale = (factor: number): void => {
      const middle = step !== undefined && step > from && step < to ? step : (from + to) / 2
      app.store.set({ zoom: [middle - (middle - from) * factor, middle + (to - middle) * factor] })
    }
    const pan = (by: number): void =>
      app.store.set({ zoom: [from + (to - from) * by, to + (to - from) * by] })
    const keys: Record<string, () => void> = {
      ArrowLeft: () => (event.shiftKey ? pan(-0.2) : go(at - 1)),
      ArrowRight: () => (event.shiftKey ? pan(0.2) : go(at + 1)),
      ArrowUp: () => turn(-1),
      ArrowDown: () => turn(1),
      Home: () => go(0),
      End: () => go(steps.length - 1),
      '+': () => scale(0.5),
      '=': () => scale(0.5),
      '-': () => scale(2),
      0: () => app.store.set({ zoom: undefined }),
    }
    const act = keys[event.key]
    if (!act) return
    event.preventDefault()
    event.stopPropagation()
    act()
  }
  return (
    <div
      class="curves"
      tabIndex={0}
      role="application"
      aria-roledescription="chart"
      aria-labelledby={labelledBy}
      aria-describedby={`${describedBy} ${describedBy}-unit`}
      onKeyDown={onKeyDown}
    >
      <p class="unit muted" id={`${describedBy}-unit`}>
        {panel.unit}
        {bandOf(panel) !== undefined && `\u00a0· band: ${bandOf(panel)}`}
      </p>
      <div ref={host} class="plot" style={{ height: `${height}px` }} />
      <p class="x-name muted">
        {panel.xName ?? countedBy(panel.lines)}
        {counts.drawn < counts.total &&
          ` · ${count(counts.total)} points, ${count(counts.drawn)} drawn: the lowest and highest of every stretch, exact`}
      </p>
    </div>
  )
}
