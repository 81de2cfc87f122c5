// A matrix as a map: one pixel a cell on a canvas that is scaled up, so that thousands of rows cost little.
// Pointer and arrow keys move one cursor, whose cell is told in words and numbers; the strongest cells are
// listed.
import { show } from '@ldyn/figures'
import { useEffect, useRef, useState } from 'preact/hooks'
import { inkOn, raster, scaleFor, SIGNED, stepOf, UNSIGNED } from '../drawing/colour.ts'
import type { Table } from '../panels/panel.ts'
import { useApp } from './context.ts'

export interface Heat {
  readonly rows: readonly string[]
  readonly columns: readonly string[]
  /** What rows and columns are. */
  readonly rowName: string
  readonly columnName: string
  /** Row by row. */
  readonly values: ArrayLike<number>
  readonly signed: boolean
  /** A signed logarithmic scale. */
  readonly log?: boolean
  readonly unit: string
}

/** Cells by size, largest first. */
export const strongest = (
  { values, columns }: Heat,
  most: number,
): readonly { readonly row: number; readonly column: number; readonly value: number }[] =>
  Array.from({ length: values.length }, (_, i) => i)
    .filter(i => Number.isFinite(values[i]))
    .sort((a, b) => Math.abs(values[b]) - Math.abs(values[a]))
    .slice(0, most)
    .map(i => ({ row: Math.floor(i / columns.length), column: i % columns.length, value: values[i] }))

export const heatTable = ({ rows, columns, rowName, values }: Heat): Table => ({
  head: [rowName, ...columns],
  rows: rows.map((name, r) => [name, ...columns.map((_, c) => values[r * columns.length + c])]),
})

const LABEL = 150
const CELL_TEXT = 40

export const HeatFigure = ({ heat, label }: { heat: Heat; label: string }) => {
  const app = useApp()
  const canvas = useRef<HTMLCanvasElement>(null)
  const holder = useRef<HTMLDivElement>(null)
  const [at, setAt] = useState<readonly [number, number] | undefined>(undefined)
  const [room, setRoom] = useState(600)
  const { rows, columns, values, signed, log, unit } = heat
  const scale = scaleFor(values, signed, log)
  const colours = signed ? SIGNED : UNSIGNED
  const cellWidth = Math.max(1, Math.min(90, Math.floor((room - LABEL) / Math.max(1, columns.length))))
  const cellHeight = Math.max(
    cellWidth < 8 ? cellWidth : 4,
    Math.min(24, Math.floor(480 / Math.max(1, rows.length))),
  )
  const [width, height] = [cellWidth * columns.length, cellHeight * rows.length]
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => setRoom(Math.floor(entry.contentRect.width)))
    observer.observe(holder.current!)
    return () => observer.disconnect()
  }, [])
  useEffect(() => {
    const context = canvas.current?.getContext('2d')
    if (context)
      context.putImageData(new ImageData(raster(values, columns.length, scale), columns.length), 0, 0)
  }, [values])
  const textOf = (r: number, c: number): string =>
    `${heat.rowName} ${rows[r]}, ${heat.columnName} ${columns[c]}: ${Number.isFinite(values[r * columns.length + c]) ? show(values[r * columns.length + c]) : 'not a number'} ${unit}`
  const move = (r: number, c: number): void => {
    const next: readonly [number, number] = [
      Math.min(rows.length - 1, Math.max(0, r)),
      Math.min(columns.length - 1, Math.max(0, c)),
    ]
    setAt(next)
    app.announce(textOf(...next))
  }
  const onKey = (event: KeyboardEvent): void => {
    const steps: Record<string, readonly [number, number]> = {
      ArrowLeft: [0, -1],
      ArrowRight: [0, 1],
      ArrowUp: [-1, 0],
      ArrowDown: [1, 0],
    }
    const step = steps[event.key]
    if (!step || event.ctrlKey || event.metaKey || event.altKey) return
    event.preventDefault()
    event.stopPropagation()
    const by = event.shiftKey ? 10 : 1
    if (at) move(at[0] + step[0] * by, at[1] + step[1] * by)
    else move(0, 0)
  }
  const rowEvery = Math.max(1, Math.ceil(11 / cellHeight))
  const showText = cellWidth >= CELL_TEXT && cellHeight >= 13
  const longest = Math.max(1, Math.floor(LABEL / 6.2))
  const columnEvery = Math.max(1, Math.ceil(13 / cellWidth))
  const cut = (text: string, most: number): string =>
    text.length > most ? `${text.slice(0, most - 1)}…` : text
  const upright = cellWidth >= Math.max(...columns.map(name => name.length)) * 6.4
  const head = upright
    ? 18
    : Math.min(110, Math.max(...columns.map(name => Math.min(18, name.length))) * 6.2 + 8)
  return (
    <div
      ref={holder}
      class="heat"
      tabIndex={0}
      role="application"
      aria-roledescription="map"
      aria-label={`${label}. ${rows.length} by ${columns.length}. Use arrow keys`}
      onKeyDown={onKey}
    >
      <div class="heat-area" style={{ height: `${height + head}px`, width: `${width + LABEL}px` }}>
        <svg width={width + LABEL} height={height + head} aria-hidden="true">
          {rows.map((name, r) =>
            r % rowEvery === 0 ? (
              <text key={r} x={LABEL - 6} y={head + (r + 0.5) * cellHeight + 4} text-anchor="end">
                {cut(name, longest)}
              </text>
            ) : null,
          )}
          {columns.map((name, c) => {
            if (c % columnEvery !== 0) return null
            const x = LABEL + (c + 0.5) * cellWidth
            return upright ? (
              <text key={c} x={x} y={head - 5} text-anchor="middle">
                {name}
              </text>
            ) : (
              <text key={c} transform={`translate(${x + 4} ${head - 5}) rotate(-90)`}>
                {cut(name, 18)}
              </text>
            )
          })}
        </svg>
        <canvas
          ref={canvas}
          width={columns.length}
          height={rows.length}
          style={{ left: `${LABEL}px`, top: `${head}px`, width: `${width}px`, height: `${height}px` }}
          onPointerMove={event => {
            const box = event.currentTarget.getBoundingClientRect()
            setAt([
              Math.min(rows.length - 1, Math.max(0, Math.floor((event.clientY - box.top) / cellHeight))),
              Math.min(columns.length - 1, Math.max(0, Math.floor((event.clientX - box.left) / cellWidth))),
            ])
          }}
        />
        {showText && (
          <svg
            class="cells"
            width={width}
            height={height}
            style={{ left: `${LABEL}px`, top: `${head}px` }}
            aria-hidden="true"
          >
            {Array.from({ length: rows.length * columns.length }, (_, i) => {
              const value = values[i]
              const [r, c] = [Math.floor(i / columns.length), i % columns.length]
              return (
                <text
                  key={i}
                  x={(c + 0.5) * cellWidth}
                  y={(r + 0.5) * cellHeight + 4}
                  text-anchor="middle"
                  style={{ fill: inkOn(stepOf(value, scale), colours) }}
                >
                  {show(value)}
                </text>
              )
            })}
          </svg>
        )}
        {at && (
          <div
            class="heat-cursor"
            style={{
              left: `${LABEL + at[1] * cellWidth}px`,
              top: `${head + at[0] * cellHeight}px`,
              width: `${cellWidth}px`,
              height: `${cellHeight}px`,
            }}
          />
        )}
      </div>
      <p class="heat-said">{at ? textOf(...at) : 'Point at a cell, or use the arrow keys.'}</p>
      <Scale signed={signed} limit={scale.limit} low={scale.low} linear={scale.linear} unit={unit} />
    </div>
  )
}

const Scale = ({
  signed,
  limit,
  low,
  linear,
  unit,
}: {
  signed: boolean
  limit: number
  low: number
  linear: number | undefined
  unit: string
}) => {
  const colours = signed ? SIGNED : UNSIGNED
  return (
    <p class="heat-scale muted">
      <span>{signed ? show(-limit) : show(low)}</span>
      <svg width="120" height="10" aria-hidden="true">
        {Array.from({ length: 40 }, (_, i) => {
          const [r, g, b] = colours.subarray(Math.round((i / 39) * 255) * 3)
          return <rect key={i} x={i * 3} width={3} height={10} fill={`rgb(${r} ${g} ${b})`} />
        })}
      </svg>
      <span>
        {show(limit)}
        {unit && ` ${unit}`}
        {linear === undefined ? '' : `, logarithmic beyond ±${show(linear)}`}; what lies beyond keeps the last
        colour
      </span>
    </p>
  )
}
