// Curves on a canvas. uPlot has the axes, their scales and the pointer; what is drawn between them is a panel of
// @ldyn/figures (chart-paint.ts): bands, dashes, markers and names at the lines' ends as in its SVG. The step cursor
// is an element above the canvas, so that moving it draws nothing anew. Drag zooms, double-click zooms out,
// Ctrl+wheel zooms; the wheel alone scrolls the page (ux.md R3).
import './language.ts'
import uPlot from 'uplot'
import type { CurvePanel, Window } from './align.ts'
import { axesFor, isLogarithmic, rangeOf, windowOf } from './chart-axes.ts'
import { AXIS_ROOM, labelRoom } from './chart-look.ts'
import { paintLines, paintUnder } from './chart-paint.ts'
import { thin, type Thinned } from './thin.ts'

export interface ChartState {
  readonly panel: CurvePanel
  readonly dark: boolean
  readonly zoom: readonly [number, number] | undefined
  readonly logX: boolean
  readonly width: number
  readonly height: number
}

export interface ChartEvents {
  /** Another window was asked for; undefined is all there is. */
  readonly zoom: (window: readonly [number, number] | undefined) => void
  /** The pointer is at a step, or left. */
  readonly hover: (step: number | undefined) => void
  /** A step was clicked at, near this line. */
  readonly pick: (step: number, line: number | undefined) => void
  /** Drawn anew: points in the window, and how many of them are drawn. */
  readonly drawn?: (counts: { readonly total: number; readonly drawn: number }) => void
}

export interface CurveChart {
  update(state: ChartState): void
  /** Steps of the pinned cursor and of the ghost that follows the pointer. */
  cursor(step: number | undefined, ghost: number | undefined): void
  dispose(): void
}

/** What is drawn, with what follows from it. */
interface Drawn extends ChartState {
  readonly window: Window
  readonly range: readonly [number, number]
  readonly thinned: Thinned
}

/** uPlot is given the window alone: it draws no line, and the scales know their ranges. */
const dataOf = ({ window: { from, to } }: Drawn): uPlot.AlignedData => [[from, to]]

export const createCurveChart = (host: HTMLElement, events: ChartEvents): CurveChart => {
  let plot: uPlot | undefined
  let state: Drawn | undefined
  let shape = ''
  const [pinned, ghost] = [document.createElement('div'), document.createElement('div')]
  pinned.className = 'step-line'
  ghost.className = 'step-line ghost'

  const stepOf = (x: number): number => state!.panel.axis?.stepAt(x) ?? x
  const xOf = (step: number): number => state!.panel.axis?.at(step) ?? step
  const zoomTo = (from: number, to: number): void =>
    events.zoom([Math.round(stepOf(from) * 10) / 10, Math.round(stepOf(to) * 10) / 10])
  /** The line that passes nearest to a place. */
  const lineAt = (u: uPlot, left: number, top: number): number | undefined => {
    let [best, line]: [number, number | undefined] = [Infinity, undefined]
    const { panel, thinned } = state!
    panel.lines.forEach(({ steps, mean, smoothed }, l) => {
      for (const i of thinned.points[l]) {
        const far = Math.hypot(
          u.valToPos(steps[i], 'x') - left,
          2 * (u.valToPos((smoothed ?? mean)[i], 'y') - top),
        )
        if (far < best) [best, line] = [far, l]
      }
    })
    return line
  }
  const listen = (u: uPlot): void => {
    u.over.append(pinned, ghost)
    u.over.addEventListener('dblclick', () => events.zoom(undefined))
    let down = 0
    u.over.addEventListener('pointerdown', event => {
      down = event.clientX
    })
    u.over.addEventListener('click', event => {
      if (Math.abs(event.clientX - down) >= 4) return
      const box = u.over.getBoundingClientRect()
      const [x, y] = [event.clientX - box.left, event.clientY - box.top]
      events.pick(stepOf(u.posToVal(x, 'x')), lineAt(u, x, y))
    })
    u.over.addEventListener(
      'wheel',
      event => {
        if (!event.ctrlKey && !event.altKey) return
        event.preventDefault()
        const { from, to } = state!.window
        const at = u.posToVal(event.clientX - u.over.getBoundingClientRect().left, 'x')
        const factor = event.deltaY > 0 ? 1.25 : 0.8
        zoomTo(at - (at - from) * factor, at + (to - at) * factor)
      },
      { passive: false },
    )
  }
  const select = (u: uPlot): void => {
    const { left, width } = u.select
    if (width < 6) return
    const [from, to] = [u.posToVal(left, 'x'), u.posToVal(left + width, 'x')]
    u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false)
    zoomTo(from, to)
  }
  const hover = (u: uPlot): void => {
    const { left } = u.cursor
    events.hover(left === undefined || left === null || left < 0 ? undefined : stepOf(u.posToVal(left, 'x')))
  }

  const make = (next: Drawn): uPlot =>
    new uPlot(
      {
        width: next.width,
        height: next.height,
        padding: [20, labelRoom(next.width, next.panel.lines.length), 0, 0],
        legend: { show: false },
        cursor: { y: false, points: { show: false }, drag: { x: true, y: false, setScale: false } },
        ...axesFor(next, () => state!),
        series: [{}],
        hooks: {
          drawAxes: [u => paintUnder(u, state!)],
          draw: [u => paintLines(u, state!)],
          setSelect: [select],
          setCursor: [hover],
          ready: [listen],
        },
      },
      dataOf(next),
      host,
    )

  const place = (line: HTMLElement, step: number | undefined): void => {
    const u = plot
    const x = u && step !== undefined ? xOf(step) : NaN
    const inside = u && x >= u.scales.x.min! && x <= u.scales.x.max!
    line.hidden = !inside
    if (inside) line.style.transform = `translateX(${Math.round(u.valToPos(x, 'x'))}px)`
  }
  let [step, ghostStep]: [number | undefined, number | undefined] = [undefined, undefined]

  return {
    update(next) {
      const labels = labelRoom(next.width, next.panel.lines.length)
      const window = windowOf(next)
      const thinned = thin(next.panel.lines, window, Math.max(50, next.width - AXIS_ROOM - labels))
      state = { ...next, window, range: rangeOf(next), thinned }
      const { panel, dark, logX } = next
      const wanted = `${dark} ${logX} ${panel.logY} ${isLogarithmic(next)} ${panel.axis?.name} ${labels}`
      if (plot && wanted === shape) {
        if (plot.width !== next.width || plot.height !== next.height)
          plot.setSize({ width: next.width, height: next.height })
        plot.setData(dataOf(state), true)
      } else {
        plot?.destroy()
        shape = wanted
        plot = make(state)
      }
      place(pinned, step)
      place(ghost, ghostStep)
      events.drawn?.(thinned)
    },
    cursor(at, hovered) {
      ;[step, ghostStep] = [at, hovered]
      place(pinned, at)
      place(ghost, hovered)
    },
    dispose: () => plot?.destroy(),
  }
}
