// A map on a canvas (drawing/heat-map.ts paints it) with its names, rails and margins around it. Pointer and arrow keys
// move one cursor, whose cell is told in words and numbers; dragging a box zooms into it, and a small map of the whole
// shows where one is.
import { show } from '@ldyn/figures'
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { inkOn, scaleFor, SIGNED, stepOf, UNSIGNED, type ColourScale } from '../drawing/colour.ts'
import { countOf, paint, strongestCells, wholeOf, type Counted, type Part } from '../drawing/heat-map.ts'
import { gridOf, sizeOf, type Heat, type Margin, type Rail } from '../panels/heat.ts'
import { useApp } from './context.ts'
import { heatWindow, shownPart, shownScale } from './heat-window.ts'

const CELL_TEXT = 40
const BAR = 58
const RAIL = 7
const cut = (text: string, most: number): string =>
  text.length > most ? `${text.slice(0, most - 1)}…` : text

interface Props {
  readonly heat: Heat
  readonly label: string
  /** Names the window and the locked scale. Maps of one name zoom together. */
  readonly id: string
  /** A scale shared with other maps. */
  readonly scale?: ColourScale
  readonly picked?: readonly [row: number, column: number]
  readonly onPick?: (row: number, column: number) => void
  /** Cells as high as wide. */
  readonly square?: boolean
  /** The most pixels that rows take together. */
  readonly tallest?: number
}

/** Pixels of a map in the room that there is: whole pixels a cell where they fit, else cells share pixels. */
export const layOut = (
  part: Pick<Part, 'rows' | 'columns'>,
  room: number,
  tallest: number,
  square = false,
): {
  readonly width: number
  readonly height: number
  readonly cellWidth: number
  readonly cellHeight: number
} => {
  const side = (cells: number, pixels: number, most: number): number =>
    cells > pixels ? pixels / cells : Math.min(most, Math.floor(pixels / cells))
  let cellWidth = side(part.columns, Math.max(40, room), square ? 48 : 90)
  let cellHeight = side(part.rows, tallest, square ? 48 : 24)
  if (square) cellWidth = cellHeight = Math.min(cellWidth, cellHeight)
  return {
    cellWidth,
    cellHeight,
    width: Math.max(1, Math.round(cellWidth * part.columns)),
    height: Math.max(1, Math.round(cellHeight * part.rows)),
  }
}

export const HeatFigure = ({
  heat,
  label,
  id,
  scale: shared,
  picked,
  onPick,
  square,
  tallest = 480,
}: Props) => {
  const app = useApp()
  const canvas = useRef<HTMLCanvasElement>(null)
  const holder = useRef<HTMLDivElement>(null)
  const [at, setAt] = useState<readonly [number, number] | undefined>(picked)
  const [box, setBox] = useState<readonly [number, number, number, number] | undefined>(undefined)
  const [space, setSpace] = useState(600)
  const { rows, columns, values, signed, unit, beside = [], above, rowRails, columnRails } = heat
  const grid = gridOf(heat)
  const size = sizeOf(heat)
  const { part: zoom, locked, linear } = heatWindow(id)
  const part = shownPart(id, size)
  const zoomed = part.rows < size.rows || part.columns < size.columns
  const own = useMemo(() => scaleFor(values, signed, heat.log), [values, signed, heat.log])
  const scale = shownScale(id, heat, () => own, shared)
  const colours = signed ? SIGNED : UNSIGNED

  const labels = Math.round(Math.min(150, space * 0.34))
  const bars = beside.length === 0 ? 0 : beside.length * BAR + 8
  const { width, height, cellWidth, cellHeight } = layOut(part, space - labels - bars - 4, tallest, square)
  const names = columns.slice(part.column, part.column + part.columns)
  const widest = names.reduce((most, name) => Math.max(most, name.length), 1)
  const upright = cellWidth >= widest * 6.6
  const above_ = above ? 34 : 0
  const head =
    (upright ? 18 : Math.min(110, Math.min(18, widest) * 6.4 + 10)) + above_ + (columnRails ? RAIL + 3 : 0)

  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => setSpace(Math.floor(entry.contentRect.width)))
    observer.observe(holder.current!)
    return () => observer.disconnect()
  }, [])
  useEffect(() => {
    const context = canvas.current?.getContext('2d')
    context?.putImageData(new ImageData(paint(grid, scale, part, width, height), width), 0, 0)
  }, [values, scale, width, height, part.row, part.column, part.rows, part.columns])

  const valueText = (r: number, c: number): string => {
    const i = r * columns.length + c
    if (grid.absent && grid.absent[i] !== 0) return 'not recorded'
    return Number.isFinite(values[i]) ? `${show(values[i])} ${unit}`.trim() : 'not a number'
  }
  const textOf = (r: number, c: number): string =>
    `${heat.rowName} ${rows[r]}, ${heat.columnName} ${columns[c]}: ${valueText(r, c)}`
  const seeing = ([r, c]: readonly [number, number]): void => {
    const inside =
      r >= part.row && r < part.row + part.rows && c >= part.column && c < part.column + part.columns
    if (inside) return
    zoom.value = {
      ...part,
      row: r < part.row ? r : r >= part.row + part.rows ? r - part.rows + 1 : part.row,
      column: c < part.column ? c : c >= part.column + part.columns ? c - part.columns + 1 : part.column,
    }
  }
  const move = (r: number, c: number): void => {
    const next: readonly [number, number] = [
      Math.min(size.rows - 1, Math.max(0, r)),
      Math.min(size.columns - 1, Math.max(0, c)),
    ]
    setAt(next)
    seeing(next)
    app.announce(textOf(...next))
  }
  const closer = (factor: number): void => {
    const [r, c] = at ?? [part.row + part.rows / 2, part.column + part.columns / 2]
    const [h, w] = [Math.ceil(part.rows * factor), Math.ceil(part.columns * factor)]
    if (h >= size.rows && w >= size.columns) zoom.value = undefined
    else
      zoom.value = {
        row: Math.round(r - h / 2),
        column: Math.round(c - w / 2),
        rows: Math.max(2, h),
        columns: Math.max(2, w),
      }
  }
  const onKey = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    const by = event.shiftKey ? 10 : 1
    const [r, c] = at ?? [part.row, part.column]
    const moves: Record<string, () => void> = {
      ArrowLeft: () => move(r, c - by),
      ArrowRight: () => move(r, c + by),
      ArrowUp: () => move(r - by, c),
      ArrowDown: () => move(r + by, c),
      Home: () => move(event.shiftKey ? 0 : r, 0),
      End: () => move(event.shiftKey ? size.rows - 1 : r, size.columns - 1),
    }
    const others: Record<string, () => void> = {
      '+': () => closer(0.5),
      '=': () => closer(0.5),
      '-': () => closer(2),
      '0': () => (zoom.value = undefined),
    }
    if (onPick && at) others.Enter = () => onPick(...at)
    if (zoomed) others.Escape = () => (zoom.value = undefined)
    const act = moves[event.key] ?? others[event.key]
    if (!act) return
    event.preventDefault()
    event.stopPropagation()
    if (!at && event.key in moves) move(part.row, part.column)
    else act()
  }

  const cellAt = (event: PointerEvent | MouseEvent): readonly [number, number] => {
    const area = canvas.current!.getBoundingClientRect()
    return [
      part.row + Math.min(part.rows - 1, Math.max(0, Math.floor((event.clientY - area.top) / cellHeight))),
      part.column +
        Math.min(part.columns - 1, Math.max(0, Math.floor((event.clientX - area.left) / cellWidth))),
    ]
  }
  const onDown = (event: PointerEvent): void => {
    if (event.button !== 0 || event.pointerType === 'touch') return
    const [r, c] = cellAt(event)
    canvas.current!.setPointerCapture(event.pointerId)
    setBox([r, c, r, c])
  }
  const onMove = (event: PointerEvent): void => {
    const cell = cellAt(event)
    setAt(cell)
    if (box) setBox([box[0], box[1], ...cell])
  }
  const onUp = (event: PointerEvent): void => {
    const cell = cellAt(event)
    const [r, c] = box ?? cell
    setBox(undefined)
    if (cell[0] === r && cell[1] === c) return onPick?.(r, c)
    // A line of cells is not a box: what one meant is the cell under the pointer.
    if (cell[0] === r || cell[1] === c) return
    const [row, column] = [Math.min(r, cell[0]), Math.min(c, cell[1])]
    zoom.value = { row, column, rows: Math.abs(cell[0] - r) + 1, columns: Math.abs(cell[1] - c) + 1 }
  }

  const rowEvery = Math.max(1, Math.ceil(11 / cellHeight))
  const columnEvery = Math.max(1, Math.ceil(13 / cellWidth))
  const showText = cellWidth >= CELL_TEXT && cellHeight >= 13 && part.rows * part.columns <= 4000
  const longest = Math.max(4, Math.floor(labels / 6.6))
  const rowsShown = rows.slice(part.row, part.row + part.rows)
  const counted = useMemo(
    () => countOf(grid, part, scale),
    [values, scale, part.row, part.column, part.rows, part.columns],
  )
  const rectangle = (r0: number, c0: number, r1: number, c1: number) => ({
    left: `${labels + (c0 - part.column) * cellWidth}px`,
    top: `${head + (r0 - part.row) * cellHeight}px`,
    width: `${(c1 - c0 + 1) * cellWidth}px`,
    height: `${(r1 - r0 + 1) * cellHeight}px`,
  })
  const visible = (r: number, c: number): boolean =>
    r >= part.row && r < part.row + part.rows && c >= part.column && c < part.column + part.columns
  return (
    <div class="heat-holder" ref={holder}>
      <div
        class="heat"
        tabIndex={0}
        role="application"
        aria-roledescription="map"
        data-shape={`${part.rows} ${part.columns}`}
        data-scale={JSON.stringify(scale)}
        aria-label={`${label}. ${size.rows} by ${size.columns}. Arrow keys move, plus and minus zoom${onPick ? ', Enter picks' : ''}`}
        onKeyDown={onKey}
      >
        <div class="heat-area" style={{ height: `${height + head}px`, width: `${width + labels + bars}px` }}>
          <svg width={width + labels + bars} height={height + head} aria-hidden="true">
            {rowsShown.map((name, r) =>
              r % rowEvery === 0 ? (
                <text
                  key={r}
                  x={labels - (rowRails ? RAIL + 6 : 6)}
                  y={head + (r + 0.5) * cellHeight + 4}
                  text-anchor="end"
                >
                  {cut(name, longest)}
                </text>
              ) : null,
            )}
            {names.map((name, c) => {
              if (c % columnEvery !== 0) return null
              const x = labels + (c + 0.5) * cellWidth
              const y = head - 5 - (columnRails ? RAIL + 3 : 0)
              return upright ? (
                <text key={c} x={x} y={y} text-anchor="middle">
                  {name}
                </text>
              ) : (
                <text key={c} transform={`translate(${x + 4} ${y}) rotate(-90)`}>
                  {cut(name, 18)}
                </text>
              )
            })}
            {rowRails &&
              railRuns(rowRails, part.row, part.rows).map(({ rail, from, to }) => (
                <rect
                  key={from}
                  x={labels - RAIL - 3}
                  width={RAIL}
                  y={head + from * cellHeight}
                  height={Math.max(0.3, (to - from) * cellHeight - (cellHeight > 2 ? 0.5 : 0))}
                  fill={rail[app.dark.value ? 'dark' : 'light']}
                />
              ))}
            {columnRails &&
              railRuns(columnRails, part.column, part.columns).map(({ rail, from, to }) => (
                <rect
                  key={from}
                  x={labels + from * cellWidth}
                  width={Math.max(0.3, (to - from) * cellWidth - (cellWidth > 2 ? 0.5 : 0))}
                  y={head - RAIL - 3}
                  height={RAIL}
                  fill={rail[app.dark.value ? 'dark' : 'light']}
                />
              ))}
            {above && (
              <Above margin={above} part={part} left={labels} cellWidth={cellWidth} height={above_} />
            )}
            {beside.length > 0 && (
              <Beside
                margins={beside}
                part={part}
                left={labels + width + 8}
                top={head}
                cellHeight={cellHeight}
              />
            )}
          </svg>
          <canvas
            ref={canvas}
            width={width}
            height={height}
            style={{ left: `${labels}px`, top: `${head}px`, width: `${width}px`, height: `${height}px` }}
            onPointerDown={onDown}
            onPointerMove={onMove}
            onPointerUp={onUp}
            onDblClick={() => (zoom.value = undefined)}
          />
          {showText && (
            <svg
              class="cells"
              width={width}
              height={height}
              style={{ left: `${labels}px`, top: `${head}px` }}
              aria-hidden="true"
            >
              {Array.from({ length: part.rows * part.columns }, (_, k) => {
                const [r, c] = [Math.floor(k / part.columns), k % part.columns]
                const i = (part.row + r) * columns.length + part.column + c
                const value = values[i]
                if (!Number.isFinite(value) || (grid.absent && grid.absent[i] !== 0)) return null
                return (
                  <text
                    key={k}
                    x={(c + 0.5) * cellWidth}
                    y={(r + 0.5) * cellHeight + 4}
                    text-anchor="middle"
                    style={{
                      fill: inkOn(stepOf(value, scale), colours),
                      stroke: colourAt(stepOf(value, scale), colours),
                    }}
                  >
                    {show(value)}
                  </text>
                )
              })}
            </svg>
          )}
          {picked && visible(...picked) && (
            <div class="heat-picked" style={rectangle(...picked, ...picked)} />
          )}
          {at && visible(...at) && <div class="heat-cursor" style={rectangle(...at, ...at)} />}
          {box && (box[0] !== box[2] || box[1] !== box[3]) && (
            <div
              class="heat-box"
              style={rectangle(
                Math.min(box[0], box[2]),
                Math.min(box[1], box[3]),
                Math.max(box[0], box[2]),
                Math.max(box[1], box[3]),
              )}
            />
          )}
        </div>
      </div>
      <p class="heat-said">
        {at && at[0] < size.rows && at[1] < size.columns
          ? textOf(...at)
          : 'Point at a cell or use the arrow keys; drag a box to zoom.'}
      </p>
      <div class="heat-foot">
        <Scale scale={scale} unit={unit} counted={counted} folded={cellWidth < 1 || cellHeight < 1} />
        <label class="check small">
          <input
            type="checkbox"
            checked={locked.value?.signed === signed}
            onChange={() => (locked.value = locked.value ? undefined : scale)}
          />{' '}
          lock scale
        </label>
        {heat.log && (
          <label class="check small">
            <input
              type="checkbox"
              checked={!linear.value}
              onChange={() => {
                linear.value = !linear.value
                locked.value = undefined
              }}
            />{' '}
            symlog
          </label>
        )}
        {zoomed && (
          <>
            <MiniMap
              grid={grid}
              scale={scale}
              part={part}
              values={values}
              onMove={next => (zoom.value = next)}
            />
            <button type="button" class="small" onClick={() => (zoom.value = undefined)}>
              show all of {size.rows} × {size.columns}
            </button>
          </>
        )}
      </div>
    </div>
  )
}

const colourAt = (step: number, colours: Uint8Array): string =>
  `rgb(${colours.subarray(step * 3, step * 3 + 3).join(' ')})`

/** Neighbours of one rail as one bar; places count from the window. */
const railRuns = (
  rails: readonly Rail[],
  from: number,
  n: number,
): readonly { readonly rail: Rail; readonly from: number; readonly to: number }[] => {
  const runs: { rail: Rail; from: number; to: number }[] = []
  for (let i = 0; i < n; i++) {
    const rail = rails[from + i]
    const last = runs.at(-1)
    if (last?.rail.name === rail.name) last.to = i + 1
    else runs.push({ rail, from: i, to: i + 1 })
  }
  return runs
}

const reachOf = (margins: readonly Margin[]): number => {
  let reach = 0
  for (const { values } of margins)
    for (let i = 0; i < values.length; i++) if (Math.abs(values[i]) > reach) reach = Math.abs(values[i])
  return reach || 1
}

const Above = ({
  margin: { name, values },
  part,
  left,
  cellWidth,
  height,
}: {
  margin: Margin
  part: Part
  left: number
  cellWidth: number
  height: number
}) => {
  const reach = reachOf([{ name, values }])
  const middle = height / 2
  return (
    <g class="margin">
      <text class="muted" x={left - 6} y={middle + 4} text-anchor="end">
        {name}
      </text>
      <line x1={left} x2={left + part.columns * cellWidth} y1={middle} y2={middle} class="zero" />
      {Array.from({ length: part.columns }, (_, c) => {
        const value = values[part.column + c]
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

const Beside = ({
  margins,
  part,
  left,
  top,
  cellHeight,
}: {
  margins: readonly Margin[]
  part: Part
  left: number
  top: number
  cellHeight: number
}) => {
  const reach = reachOf(margins)
  return (
    <g class="margin">
      {margins.map(({ name, values, hollow }, k) => {
        const x0 = left + k * BAR + BAR / 2
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

const MINI = 96

const MiniMap = ({
  grid,
  scale,
  part,
  values,
  onMove,
}: {
  grid: ReturnType<typeof gridOf>
  scale: ColourScale
  part: Part
  values: ArrayLike<number>
  onMove: (part: Part) => void
}) => {
  const canvas = useRef<HTMLCanvasElement>(null)
  const most = Math.max(grid.rows, grid.columns)
  const [width, height] = [Math.ceil((grid.columns / most) * MINI), Math.ceil((grid.rows / most) * MINI)]
  useEffect(() => {
    const context = canvas.current?.getContext('2d')
    context?.putImageData(new ImageData(paint(grid, scale, wholeOf(grid), width, height), width), 0, 0)
  }, [values, scale])
  const go = (event: PointerEvent): void => {
    if (event.buttons !== 1) return
    const area = canvas.current!.getBoundingClientRect()
    onMove({
      ...part,
      row: Math.round(((event.clientY - area.top) / area.height) * grid.rows - part.rows / 2),
      column: Math.round(((event.clientX - area.left) / area.width) * grid.columns - part.columns / 2),
    })
  }
  return (
    <div class="mini-map" aria-hidden="true" onPointerDown={go} onPointerMove={go}>
      <canvas ref={canvas} width={width} height={height} />
      <div
        style={{
          left: `${(part.column / grid.columns) * 100}%`,
          top: `${(part.row / grid.rows) * 100}%`,
          width: `${(part.columns / grid.columns) * 100}%`,
          height: `${(part.rows / grid.rows) * 100}%`,
        }}
      />
    </div>
  )
}

const Scale = ({
  scale: { signed, limit, low, linear },
  unit,
  counted: { clipped, broken, absent },
  folded,
}: {
  scale: ColourScale
  unit: string
  counted: Counted
  folded: boolean
}) => {
  const colours = signed ? SIGNED : UNSIGNED
  const notes = [
    linear === undefined ? '' : `linear within ±${show(linear)}, logarithmic beyond`,
    clipped > 0 ? `${clipped} beyond the scale (99th percentile), hatched` : '',
    broken > 0 ? `${broken} not a number, checked` : '',
    absent > 0 ? `${absent} not recorded, dotted` : '',
    folded ? 'a pixel shows the strongest of its cells' : '',
  ].filter(Boolean)
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
        {notes.length > 0 && `; ${notes.join('; ')}`}
      </span>
    </p>
  )
}

/** The strongest cells of what is shown, as a list that picks them. */
export const StrongestCells = ({
  heat,
  id,
  onPick,
  most = 20,
}: {
  heat: Heat
  id: string
  onPick?: (row: number, column: number) => void
  most?: number
}) => {
  const cells = strongestCells(gridOf(heat), most, shownPart(id, sizeOf(heat)))
  return (
    <details>
      <summary>The {cells.length} strongest cells</summary>
      <ol class="cells-list">
        {cells.map(({ row, column, value }) => {
          const text = (
            <>
              {heat.rowName} <b>{heat.rows[row]}</b> · {heat.columnName} <b>{heat.columns[column]}</b>:{' '}
              {`${show(value)} ${heat.unit}`}
            </>
          )
          return (
            <li key={`${row} ${column}`}>
              {onPick ? (
                <button type="button" class="plain" onClick={() => onPick(row, column)}>
                  {text}
                </button>
              ) : (
                text
              )}
            </li>
          )
        })}
      </ol>
    </details>
  )
}
