// All recorded updates on one response type (or one probe of it): a bar each, stacked by the parts that the prediction
// is the sum of, with what happened as a line over it. A click goes to an update; dragging over several sums them up.
import { looks, niceTicks, signed, stageMarks, tickText } from '@ldyn/figures'
import { useState } from 'preact/hooks'
import type { LiveData } from '../../data/live-run.ts'
import type { PanelModel } from '../../panels/panel.ts'
import { useApp } from '../../shell/context.ts'
import { barsOf, sideOf, type UpdateBar } from './data.ts'

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [900, 190, 56, 12, 16, 26]

const colourOf = (part: string, dark: boolean): string => {
  const side = sideOf(part)
  const look = side === 'chosen' ? looks.chosen : side === 'rejected' ? looks.rejected : looks.initial
  return look[dark ? 'dark' : 'light']
}

/** Positive parts are stacked up from 0, negative ones down. */
export const stackOf = (
  parts: ReadonlyMap<string, number>,
): readonly { readonly name: string; readonly from: number; readonly to: number }[] => {
  let [up, down] = [0, 0]
  return [...parts].map(([name, value]) => {
    const from = value >= 0 ? up : down
    const to = from + value
    if (value >= 0) up = to
    else down = to
    return { name, from, to }
  })
}

const Timeline = ({ bars, run, at }: { bars: readonly UpdateBar[]; run: LiveData; at: number }) => {
  const app = useApp()
  const dark = app.dark.value
  const { range } = app.store.view.value
  const [brush, setBrush] = useState<readonly [number, number] | undefined>(undefined)
  const stacks = bars.map(({ parts }) => stackOf(parts))
  const ends = [0, ...bars.map(({ actual }) => actual), ...stacks.flat().map(({ to }) => to)]
  const [low, high] = [Math.min(...ends), Math.max(...ends)]
  const slot = (WIDTH - LEFT - RIGHT) / bars.length
  const y = (value: number): number => TOP + ((high - value) / (high - low || 1)) * (HEIGHT - TOP - BOTTOM)
  const x = (i: number): number => LEFT + i * slot
  const ticks = niceTicks(low, high, 4)
  const indexAt = (event: PointerEvent): number => {
    const box = (event.currentTarget as Element).getBoundingClientRect()
    const i = Math.floor((((event.clientX - box.left) / box.width) * WIDTH - LEFT) / slot)
    return Math.min(bars.length - 1, Math.max(0, i))
  }
  const chosen = brush ? [bars[Math.min(...brush)].step, bars[Math.max(...brush)].step] : (range ?? undefined)
  const inside = (step: number): boolean => chosen !== undefined && step >= chosen[0] && step <= chosen[1]
  const every = Math.max(1, Math.ceil(46 / slot))
  return (
    <svg
      class="strips timeline"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      role="img"
      aria-label={`${bars.length} recorded updates; the table has every number`}
      onPointerDown={event => {
        event.currentTarget.setPointerCapture(event.pointerId)
        setBrush([indexAt(event), indexAt(event)])
      }}
      onPointerMove={event => {
        const i = indexAt(event)
        app.ghost.value = bars[i].step
        if (brush) setBrush([brush[0], i])
      }}
      onPointerLeave={() => (app.ghost.value = undefined)}
      onPointerUp={() => {
        if (!brush) return
        const [a, b] = [Math.min(...brush), Math.max(...brush)]
        if (a === b) app.store.set({ update: bars[a].step })
        else app.store.set({ range: [bars[a].step, bars[b].step] })
        setBrush(undefined)
      }}
    >
      {bars.map(({ step }, i) =>
        inside(step) ? (
          <rect key={step} x={x(i)} width={slot} y={TOP} height={HEIGHT - TOP - BOTTOM} class="brushed" />
        ) : null,
      )}
      {ticks.map((tick, i) => (
        <g key={tick}>
          <line class="grid" x1={LEFT} x2={WIDTH - RIGHT} y1={y(tick)} y2={y(tick)} />
          <text class="muted" x={LEFT - 6} y={y(tick) + 4} text-anchor="end">
            {tickText(ticks)[i]}
          </text>
        </g>
      ))}
      {stageMarks([run]).map(({ step, name }) => {
        const i = bars.findIndex(bar => bar.step > step)
        return i < 0 ? null : (
          <text key={name} class="muted" x={x(i)} y={TOP - 5}>
            {name}
          </text>
        )
      })}
      {bars.map(({ step, actual, predicted }, i) => (
        <g key={step}>
          {stacks[i].map(({ name, from, to }) => (
            <rect
              key={name}
              x={x(i) + slot * 0.14}
              width={Math.max(1, slot * 0.72)}
              y={y(Math.max(from, to))}
              height={Math.max(0.5, Math.abs(y(from) - y(to)))}
              fill={colourOf(name, dark)}
              fill-opacity={sideOf(name) === 'other' ? 0.55 : 0.85}
            >
              <title>{`update ${step}, ${name}: ${signed(to - from)}`}</title>
            </rect>
          ))}
          <line class="predicted-mark" x1={x(i)} x2={x(i) + slot} y1={y(predicted)} y2={y(predicted)}>
            <title>{`update ${step}, predicted in all: ${signed(predicted)}`}</title>
          </line>
          <circle
            class="actual-mark"
            cx={x(i) + slot / 2}
            cy={y(actual)}
            r={Math.min(4, Math.max(2, slot * 0.2))}
          >
            <title>{`update ${step}, actual: ${signed(actual)}`}</title>
          </circle>
          {i % every === 0 && (
            <text class="muted" x={x(i) + slot / 2} y={HEIGHT - BOTTOM + 14} text-anchor="middle">
              {step}
            </text>
          )}
          {step === at && (
            <rect
              class="at-update"
              x={x(i)}
              width={slot}
              y={TOP}
              height={HEIGHT - TOP - BOTTOM}
              fill="none"
            />
          )}
        </g>
      ))}
      <line class="grid zero" x1={LEFT} x2={WIDTH - RIGHT} y1={y(0)} y2={y(0)} />
    </svg>
  )
}

const Key = ({ parts, dark }: { parts: readonly string[]; dark: boolean }) => (
  <p class="key muted">
    {parts.map(name => (
      <span key={name}>
        <span class="box" style={{ background: colourOf(name, dark) }} /> {name}
      </span>
    ))}
    <span>— predicted in all</span>
    <span>○ actual</span>
    <span class="on-page">click: that update; drag: sum up a range</span>
  </p>
)

export const timelinePanel = (
  run: LiveData,
  type: string,
  probe: number | undefined,
  at: number,
): PanelModel => {
  const bars = barsOf(run.updates, type, probe)
  const whose = probe === undefined ? `${type}, mean over followed probes` : `#${probe} ${type}`
  const parts = [...new Set(bars.flatMap(bar => [...bar.parts.keys()]))]
  return {
    id: 'updates',
    kind: 'drawn',
    title: `Every recorded update on ${whose}`,
    says: 'Δ log π in nats, Σ over the response’s tokens: bars are the predicted parts (y⁺ blue, y⁻ vermilion, carried over and decay grey), the circle is what happened. Where circle and line part, the step was too large for the first order.',
    draw: () => <TimelineBody bars={bars} run={run} at={at} parts={parts} />,
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

const TimelineBody = ({
  bars,
  run,
  at,
  parts,
}: {
  bars: readonly UpdateBar[]
  run: LiveData
  at: number
  parts: readonly string[]
}) => {
  const app = useApp()
  return (
    <>
      <Timeline bars={bars} run={run} at={at} />
      <Key parts={parts} dark={app.dark.value} />
    </>
  )
}
