// A map on a canvas (drawing/heat-map.ts paints it) with what stands around it. Pointer and arrow keys move one cursor,
// whose cell is told in words and numbers; dragging a box zooms into it.
import { show } from '@ldyn/figures'
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { coloursOf, cssColour, inkOn, stepOf, type ColourScale } from '../../drawing/colour.ts'
import { scaleFor } from '../../drawing/colour-limits.ts'
import { boxOf, cellUnder, layOutHeat, showsNumbers, type HeatLayout } from '../../drawing/heat-layout.ts'
import { holds, paint, type Place } from '../../drawing/heat-map.ts'
import { boxed, movedBy, showing, zoomed } from '../../drawing/heat-moves.ts'
import { cellSays, gridOf, sizeOf, type Heat } from '../../panels/heat.ts'
import { useApp } from '../context.ts'
import { useWidth } from '../width.ts'
import { HeatFoot } from './foot.tsx'
import { HeatMargins } from './margins.tsx'
import { heatWindow, shownPart, shownScale } from './window.ts'

export interface HeatProps {
  readonly heat: Heat
  readonly label: string
  /** Names the window and the locked scale. Maps of one name zoom together. */
  readonly id: string
  /** A scale shared with other maps. */
  readonly scale?: ColourScale
  readonly picked?: Place
  readonly onPick?: (row: number, column: number) => void
  /** Cells as high as wide. */
  readonly square?: boolean
  /** The most pixels that rows take together. */
  readonly tallest?: number
}

/** The numbers in cells that have room for them. */
const Numbers = ({ heat, layout, scale }: { heat: Heat; layout: HeatLayout; scale: ColourScale }) => {
  const { part, width, height, left, top, cellWidth, cellHeight } = layout
  const colours = coloursOf(scale)
  return (
    <svg
      class="cells"
      width={width}
      height={height}
      style={{ left: `${left}px`, top: `${top}px` }}
      aria-hidden="true"
    >
      {Array.from({ length: part.rows * part.columns }, (_, k) => {
        const [r, c] = [Math.floor(k / part.columns), k % part.columns]
        const i = (part.row + r) * heat.columns.length + part.column + c
        const value = heat.values[i]
        if (!Number.isFinite(value) || (heat.absent && heat.absent[i] !== 0)) return null
        const step = stepOf(value, scale)
        return (
          <text
            key={k}
            x={(c + 0.5) * cellWidth}
            y={(r + 0.5) * cellHeight + 4}
            text-anchor="middle"
            style={{ fill: inkOn(step, colours), stroke: cssColour(colours, step) }}
          >
            {show(value)}
          </text>
        )
      })}
    </svg>
  )
}

/** Maps of so many cells are each painted in a turn of their own: there may be three side by side. */
const LARGE = 1 << 18

export const HeatFigure = ({
  heat,
  label,
  id,
  scale: shared,
  picked,
  onPick,
  square,
  tallest = 480,
}: HeatProps) => {
  const app = useApp()
  const canvas = useRef<HTMLCanvasElement>(null)
  const holder = useRef<HTMLDivElement>(null)
  const [at, setAt] = useState<Place | undefined>(picked)
  const [box, setBox] = useState<readonly [Place, Place] | undefined>(undefined)
  const space = useWidth(holder) || 600
  const { values, signed, log } = heat
  const size = sizeOf(heat)
  const zoom = heatWindow(id).part
  const part = shownPart(id, size)
  const own = useMemo(() => shared ?? scaleFor(values, signed, log), [shared, values, signed, log])
  const scale = shownScale(id, heat, () => own)
  const layout = layOutHeat(heat, part, space, tallest, square)
  const { width, height, left, top } = layout

  useEffect(() => {
    const draw = (): void => {
      const context = canvas.current?.getContext('2d')
      context?.putImageData(new ImageData(paint(gridOf(heat), scale, part, width, height), width), 0, 0)
    }
    if (part.rows * part.columns < LARGE) return draw()
    const timer = setTimeout(draw)
    return () => clearTimeout(timer)
  }, [values, scale, width, height, part.row, part.column, part.rows, part.columns])

  const move = (to: Place): void => {
    setAt(to)
    const seen = showing(part, to)
    if (seen !== part) zoom.value = seen
    app.announce(cellSays(heat, to))
  }
  const whole = (): void => {
    zoom.value = undefined
  }
  const closer = (factor: number) => (): void => {
    zoom.value = zoomed(part, size, factor, at)
  }
  const onKey = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    const first: Place = [part.row, part.column]
    const to = movedBy(event, at ?? first, size)
    const others: Readonly<Record<string, (() => void) | undefined>> = {
      '+': closer(0.5),
      '=': closer(0.5),
      '-': closer(2),
      '0': whole,
      Enter: onPick && at && (() => onPick(...at)),
      Escape: part.rows < size.rows || part.columns < size.columns ? whole : undefined,
    }
    const act = to ? () => move(at ? to : first) : others[event.key]
    if (!act) return
    event.preventDefault()
    event.stopPropagation()
    act()
  }

  const cellAt = (event: PointerEvent): Place => {
    const area = canvas.current!.getBoundingClientRect()
    return cellUnder(layout, event.clientX - area.left, event.clientY - area.top)
  }
  const onDown = (event: PointerEvent): void => {
    if (event.button !== 0 || event.pointerType === 'touch') return
    const cell = cellAt(event)
    canvas.current!.setPointerCapture(event.pointerId)
    setBox([cell, cell])
  }
  const onMove = (event: PointerEvent): void => {
    const cell = cellAt(event)
    setAt(cell)
    if (box) setBox([box[0], cell])
  }
  const onUp = (event: PointerEvent): void => {
    const to = cellAt(event)
    const from = box?.[0] ?? to
    setBox(undefined)
    if (from[0] === to[0] && from[1] === to[1]) return onPick?.(...from)
    zoom.value = boxed(from, to) ?? zoom.value
  }

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
        <div class="heat-area" style={{ height: `${layout.high}px`, width: `${layout.wide}px` }}>
          <HeatMargins heat={heat} layout={layout} dark={app.dark.value} />
          <canvas
            ref={canvas}
            width={width}
            height={height}
            style={{ left: `${left}px`, top: `${top}px`, width: `${width}px`, height: `${height}px` }}
            onPointerDown={onDown}
            onPointerMove={onMove}
            onPointerUp={onUp}
            onDblClick={whole}
          />
          {showsNumbers(layout) && <Numbers heat={heat} layout={layout} scale={scale} />}
          {picked && holds(part, picked) && <div class="heat-picked" style={boxOf(layout, picked)} />}
          {at && holds(part, at) && <div class="heat-cursor" style={boxOf(layout, at)} />}
          {box && (box[0][0] !== box[1][0] || box[0][1] !== box[1][1]) && (
            <div class="heat-box" style={boxOf(layout, ...box)} />
          )}
        </div>
      </div>
      <p class="heat-said">
        {at && at[0] < size.rows && at[1] < size.columns
          ? cellSays(heat, at)
          : 'Point at a cell or use the arrow keys; drag a box to zoom.'}
      </p>
      <HeatFoot
        heat={heat}
        id={id}
        scale={scale}
        part={part}
        folded={layout.cellWidth < 1 || layout.cellHeight < 1}
      />
    </div>
  )
}
