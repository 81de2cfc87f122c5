// Under a map: its colour scale with what is hatched, checked and dotted, the switches of the scale, and, of a map that
// is zoomed into, a small one of the whole with the window in it.
import { show } from '@ldyn/figures'
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { coloursOf, cssColour, type ColourScale } from '../../drawing/colour.ts'
import { countOf, paint, wholeOf, type Counted, type Grid, type Part } from '../../drawing/heat-map.ts'
import { gridOf, type Heat } from '../../panels/heat.ts'
import { heatWindow } from './window.ts'

const Scale = ({
  scale,
  unit,
  counted,
  folded,
}: {
  scale: ColourScale
  unit: string
  /** Undefined while they are counted. */
  counted: Counted | undefined
  folded: boolean
}) => {
  const { signed, limit, low, linear } = scale
  const { clipped, broken, absent } = counted ?? { clipped: 0, broken: 0, absent: 0 }
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
        {Array.from({ length: 40 }, (_, i) => (
          <rect
            key={i}
            x={i * 3}
            width={3}
            height={10}
            fill={cssColour(coloursOf(scale), Math.round((i / 39) * 255))}
          />
        ))}
      </svg>
      <span>
        {show(limit)}
        {unit && ` ${unit}`}
        {notes.length > 0 && `; ${notes.join('; ')}`}
      </span>
    </p>
  )
}

const MINI = 96

const MiniMap = ({
  grid,
  scale,
  part,
  onMove,
}: {
  grid: Grid
  scale: ColourScale
  part: Part
  onMove: (part: Part) => void
}) => {
  const canvas = useRef<HTMLCanvasElement>(null)
  const most = Math.max(grid.rows, grid.columns)
  const [width, height] = [Math.ceil((grid.columns / most) * MINI), Math.ceil((grid.rows / most) * MINI)]
  useEffect(() => {
    const context = canvas.current?.getContext('2d')
    context?.putImageData(new ImageData(paint(grid, scale, wholeOf(grid), width, height), width), 0, 0)
  }, [grid.values, scale])
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

/** Cells of so many are counted in a turn of their own, as they are painted. */
const LARGE = 1 << 18

/** What of the window is hatched, checked and dotted; of a large one undefined until it is counted. */
const useCounted = (grid: Grid, part: Part, scale: ColourScale): Counted | undefined => {
  const of = [grid.values, scale, part.row, part.column, part.rows, part.columns] as const
  const isLarge = part.rows * part.columns >= LARGE
  const [later, setLater] = useState<{ readonly of: readonly unknown[]; readonly counted: Counted } | undefined>(
    undefined,
  )
  useEffect(() => {
    if (!isLarge) return setLater(undefined)
    const timer = setTimeout(() => setLater({ of, counted: countOf(grid, part, scale) }))
    return () => clearTimeout(timer)
  }, of)
  const now = useMemo(() => (isLarge ? undefined : countOf(grid, part, scale)), of)
  // Counts of another window, or of another map, are none of this one's.
  return now ?? (later?.of.every((value, i) => value === of[i]) ? later.counted : undefined)
}

/** `folded`: cells share pixels. */
export const HeatFoot = ({
  heat,
  id,
  scale,
  part,
  folded,
}: {
  heat: Heat
  id: string
  scale: ColourScale
  part: Part
  folded: boolean
}) => {
  const { part: zoom, locked, linear } = heatWindow(id)
  const grid = gridOf(heat)
  const { rows, columns } = part
  const counted = useCounted(grid, part, scale)
  return (
    <div class="heat-foot">
      <Scale scale={scale} unit={heat.unit} counted={counted} folded={folded} />
      <label class="check small">
        <input
          type="checkbox"
          checked={locked.value?.signed === heat.signed}
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
      {(rows < grid.rows || columns < grid.columns) && (
        <>
          <MiniMap grid={grid} scale={scale} part={part} onMove={next => (zoom.value = next)} />
          <button type="button" class="small" onClick={() => (zoom.value = undefined)}>
            show all of {grid.rows} × {grid.columns}
          </button>
        </>
      )}
    </div>
  )
}
