// What stands around a map's cells, as SVG: names of rows and columns, the rails that say what they belong to, and bars
// above and beside on a scale of their own.
import { cut, show } from '@ldyn/figures'
import { useMemo } from 'preact/hooks'
import { BAR, HEAD_LETTERS, RAIL, railPaths, reachOf, type HeatLayout } from '../../drawing/heat-layout.ts'
import type { Heat, Margin } from '../../panels/heat.ts'

interface Around {
  readonly heat: Heat
  readonly layout: HeatLayout
}

const Names = ({ heat, layout }: Around) => {
  const { part, left, top, cellWidth, cellHeight, upright, letters, rowEvery, columnEvery } = layout
  const y = top - 5 - (heat.columnRails ? RAIL + 3 : 0)
  return (
    <>
      {heat.rows
        .slice(part.row, part.row + part.rows)
        .map((name, r) =>
          r % rowEvery === 0 ? (
            <text
              key={r}
              x={left - (heat.rowRails ? RAIL + 6 : 6)}
              y={top + (r + 0.5) * cellHeight + 4}
              text-anchor="end"
            >
              {cut(name, letters)}
            </text>
          ) : null,
        )}
      {heat.columns.slice(part.column, part.column + part.columns).map((name, c) => {
        if (c % columnEvery !== 0) return null
        const x = left + (c + 0.5) * cellWidth
        return upright ? (
          <text key={c} x={x} y={y} text-anchor="middle">
            {name}
          </text>
        ) : (
          <text key={c} transform={`translate(${x + 4} ${y}) rotate(-90)`}>
            {cut(name, HEAD_LETTERS)}
          </text>
        )
      })}
    </>
  )
}

const Rails = ({ heat, layout, dark }: Around & { readonly dark: boolean }) => {
  const { part, left, top, cellWidth, cellHeight } = layout
  // A hair of paper between two bars where there is room for one.
  const long = (cells: number, size: number): number => Math.max(0.3, cells * size - (size > 2 ? 0.5 : 0))
  const theme = dark ? 'dark' : 'light'
  const { row, rows, column, columns } = part
  const beside = railPaths(heat.rowRails ?? [], row, heat.rowRails ? rows : 0, (from, to) => [
    left - RAIL - 3, top + from * cellHeight, RAIL, long(to - from, cellHeight),
  ])
  const above = railPaths(heat.columnRails ?? [], column, heat.columnRails ? columns : 0, (from, to) => [
    left + from * cellWidth, top - RAIL - 3, long(to - from, cellWidth), RAIL,
  ])
  return [...beside, ...above].map(({ rail, d }, i) => <path key={i} d={d} fill={rail[theme]} />)
}

const Above = ({ margin, layout }: { margin: Margin; layout: HeatLayout }) => {
  const { part, left, cellWidth, above } = layout
  const [reach, middle] = [reachOf([margin]), above / 2]
  return (
    <g class="margin">
      <text class="muted" x={left - 6} y={middle + 4} text-anchor="end">
        {margin.name}
      </text>
      <line x1={left} x2={left + part.columns * cellWidth} y1={middle} y2={middle} class="zero" />
      {Array.from({ length: part.columns }, (_, c) => {
        const value = margin.values[part.column + c]
        const size = (Math.abs(value) / reach) * (middle - 2)
        return (
          <rect
            key={c}
            x={left + c * cellWidth + 0.5}
            width={Math.max(1, cellWidth - 1)}
            y={value >= 0 ? middle - size : middle}
            height={size}
          />
        )
      })}
    </g>
  )
}

const Beside = ({ margins, layout }: { margins: readonly Margin[]; layout: HeatLayout }) => {
  const { part, left, width, top, cellHeight } = layout
  const reach = reachOf(margins)
  return (
    <g class="margin">
      {margins.map(({ name, values, hollow }, k) => {
        const x0 = left + width + 8 + (k + 0.5) * BAR
        return (
          <g key={name}>
            <text class="muted" x={x0} y={top - 5} text-anchor="middle">
              {name}
            </text>
            <line x1={x0} x2={x0} y1={top} y2={top + part.rows * cellHeight} class="zero" />
            {Array.from({ length: part.rows }, (_, r) => {
              const value = values[part.row + r]
              if (!Number.isFinite(value)) return null
              const size = (Math.abs(value) / reach) * (BAR / 2 - 3)
              return (
                <rect
                  key={r}
                  class={hollow ? 'hollow' : undefined}
                  x={value >= 0 ? x0 : x0 - size}
                  width={size}
                  y={top + r * cellHeight + Math.min(2, cellHeight * 0.15)}
                  height={Math.max(1, cellHeight - Math.min(4, cellHeight * 0.3))}
                >
                  <title>{`${name}: ${show(value)}`}</title>
                </rect>
              )
            })}
          </g>
        )
      })}
    </g>
  )
}

/** Drawn anew with another map, window or theme, and not as the cursor moves. */
export const HeatMargins = ({ heat, layout, dark }: Around & { readonly dark: boolean }) =>
  useMemo(
    () => (
      <svg width={layout.wide} height={layout.high} aria-hidden="true">
        <Names heat={heat} layout={layout} />
        <Rails heat={heat} layout={layout} dark={dark} />
        {heat.above && <Above margin={heat.above} layout={layout} />}
        {heat.beside && heat.beside.length > 0 && <Beside margins={heat.beside} layout={layout} />}
      </svg>
    ),
    [heat, dark, JSON.stringify(layout)],
  )
