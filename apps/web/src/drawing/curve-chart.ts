// Curves on a canvas: axes (chart-axes.ts), and between them a panel of @ldyn/figures (chart-paint.ts), with bands,
// dashes, markers and names at the lines' ends as in its SVG. The step cursor is an element above the canvas, so that
// moving it draws nothing anew. Drag zooms, double-click zooms out, Ctrl+wheel zooms.
import type { CurvePanel } from './align.ts'
import { axesOf, type Axes, type AxesState } from './chart-axes.ts'
import { paintAxes, paintLines, paintUnder, type Scene } from './chart-paint.ts'
import { followPointer } from './chart-pointer.ts'
import { thin } from './thin.ts'

export interface ChartState extends AxesState {
  readonly dark: boolean
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

interface Drawn {
  readonly scene: Scene
  readonly axes: Axes
}

const element = (name: string): HTMLElement => {
  const made = document.createElement('div')
  made.className = name
  return made
}

/** The line that passes nearest to a place of the chart. */
const lineAt = ({ axes, scene: { panel, thinned } }: Drawn, x: number, y: number): number | undefined => {
  let [best, line]: [number, number | undefined] = [Infinity, undefined]
  panel.lines.forEach(({ steps, mean, smoothed }, l) => {
    for (const i of thinned.points[l]) {
      const far = Math.hypot(axes.x.at(steps[i]) - x, 2 * (axes.y.at((smoothed ?? mean)[i]) - y))
      if (far < best) [best, line] = [far, l]
    }
  })
  return line
}

const stepOf = ({ axis }: CurvePanel, value: number): number => axis?.stepAt(value) ?? value

export const createCurveChart = (host: HTMLElement, events: ChartEvents): CurveChart => {
  const canvas = document.createElement('canvas')
  const context = canvas.getContext('2d')!
  const [plot, pinned, ghost] = ['plot-area', 'step-line', 'step-line ghost'].map(element)
  plot.append(pinned, ghost)
  let drawn: Drawn | undefined
  let laid = ''
  let [step, ghostStep]: [number | undefined, number | undefined] = [undefined, undefined]

  const zoomTo = (from: number, to: number): void => {
    const { panel } = drawn!.scene
    events.zoom([from, to].map(value => Math.round(stepOf(panel, value) * 10) / 10) as [number, number])
  }
  /** The value of the horizontal axis at a pixel of the plot. */
  const valueAt = ({ axes }: Drawn, x: number): number => axes.valueAt(axes.box.left + x)
  const stepAt = (x: number): number => stepOf(drawn!.scene.panel, valueAt(drawn!, x))
  followPointer(plot, {
    hover: x => events.hover(x === undefined || !drawn ? undefined : stepAt(x)),
    click(x, y) {
      if (!drawn) return
      const { left, top } = drawn.axes.box
      events.pick(stepAt(x), lineAt(drawn, left + x, top + y))
    },
    stretch: (from, to) => drawn && zoomTo(valueAt(drawn, from), valueAt(drawn, to)),
    scale(x, factor) {
      if (!drawn) return
      const { from, to } = drawn.axes.window
      const at = valueAt(drawn, x)
      zoomTo(at - (at - from) * factor, at + (to - at) * factor)
    },
    reset: () => events.zoom(undefined),
  })

  const place = (line: HTMLElement, at: number | undefined): void => {
    const inside = (value: number): boolean => value >= drawn!.axes.window.from && value <= drawn!.axes.window.to
    const value = drawn && at !== undefined ? (drawn.scene.panel.axis?.at(at) ?? at) : NaN
    line.hidden = !drawn || !inside(value)
    if (drawn && !line.hidden)
      line.style.transform = `translateX(${Math.round(drawn.axes.x.at(value) - drawn.axes.box.left)}px)`
  }
  const placeBoth = (): void => {
    place(pinned, step)
    place(ghost, ghostStep)
  }
  const draw = (): void => {
    if (!drawn) return
    const { scene, axes } = drawn
    const ratio = devicePixelRatio
    const [width, height] = [Math.round(scene.width * ratio), Math.round(scene.height * ratio)]
    // Whoever sets the size of a canvas has another one made.
    if (canvas.width !== width) canvas.width = width
    if (canvas.height !== height) canvas.height = height
    context.clearRect(0, 0, width, height)
    paintAxes(context, axes, scene)
    paintUnder(context, axes, scene)
    paintLines(context, axes, scene)
  }
  // Another screen, or the page scaled, has other pixels.
  const pixels = new AbortController()
  const watchPixels = (): void =>
    matchMedia(`(resolution: ${devicePixelRatio}dppx)`).addEventListener(
      'change',
      () => {
        draw()
        watchPixels()
      },
      { once: true, signal: pixels.signal },
    )
  watchPixels()

  return {
    update(state) {
      const axes = axesOf(state)
      const { panel, dark, width, height } = state
      const { box, window } = axes
      const thinned = thin(panel.lines, window, Math.max(50, box.width))
      // What was never drawn is not there.
      if (!drawn) host.append(canvas, plot)
      drawn = { axes, scene: { panel, dark, width, height, thinned } }
      // The same style once more would have the browser lay the chart out anew.
      const wanted = [width, height, box.left, box.top, box.width, box.height].join()
      if (wanted !== laid) {
        laid = wanted
        canvas.style.cssText = `width:${width}px;height:${height}px`
        plot.style.cssText = `left:${box.left}px;top:${box.top}px;width:${box.width}px;height:${box.height}px`
      }
      draw()
      placeBoth()
      events.drawn?.(thinned)
    },
    cursor(at, hovered) {
      ;[step, ghostStep] = [at, hovered]
      placeBoth()
    },
    dispose() {
      pixels.abort()
      canvas.remove()
      plot.remove()
    },
  }
}
