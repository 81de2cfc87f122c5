// What a chart has on its canvas: axes; bands, stages and marks under the lines; the lines with their markers, and
// their names beside the ends. Pixels are the canvas's own. The shapes are made for a canvas that is
// painted without a GPU, ten times a second: a filled path with more corners than half the plot is wide costs five
// times as much as one with fewer, and a stroke's round corners half as much again as plain ones.
import { cut, spread } from '@ldyn/figures'
import type { CurveLine, CurvePanel } from './align.ts'
import type { Axes, Box } from './chart-axes.ts'
import { dashOf, fontOf, inks, markerPath, markLook, NAME_LEAD, nameWidth } from './chart-look.ts'
import { edgeOf, outline, type Thinned } from './thin.ts'

/** What is painted. */
export interface Scene {
  readonly panel: CurvePanel
  readonly dark: boolean
  /** Of the whole chart, in CSS pixels. */
  readonly width: number
  readonly height: number
  readonly thinned: Thinned
}

type Place = (value: number) => number

/** Where it is painted: the canvas's own pixels. */
interface Surface {
  readonly ctx: CanvasRenderingContext2D
  readonly ratio: number
  readonly box: Box
  readonly x: Place
  readonly y: Place
}

const surfaceOf = (ctx: CanvasRenderingContext2D, { box, x, y }: Axes): Surface => {
  const ratio = devicePixelRatio
  const { left, top, width, height } = box
  return {
    ctx,
    ratio,
    box: { left: left * ratio, top: top * ratio, width: width * ratio, height: height * ratio },
    x: value => x.at(value) * ratio,
    y: value => y.at(value) * ratio,
  }
}

/** Draws within the plot and some pixels around it, and leaves the canvas as it was. */
const within = ({ ctx, box: { left, top, width, height } }: Surface, around: number, draw: () => void): void => {
  ctx.save()
  ctx.beginPath()
  ctx.rect(left - around, top - around, width + 2 * around, height + 2 * around)
  ctx.clip()
  draw()
  ctx.restore()
}

const inkOf = ({ dark }: Pick<Scene, 'dark'>) => inks[dark ? 'dark' : 'light']
const colourOf = ({ dark }: Pick<Scene, 'dark'>, line: CurveLine): string => line.look[dark ? 'dark' : 'light']

/** Pixels of a band's edge of which one point is drawn. */
const EDGE_PIXELS = 5

/** Ends of a line's band at a point; undefined where it has none. */
const bandEnds = (line: CurveLine): readonly [low: Place, high: Place] | undefined => {
  const { mean, se, low, high } = line
  if (low && high) return [i => low[i], i => high[i]]
  return se ? [i => mean[i] - se[i], i => mean[i] + se[i]] : undefined
}

const bands = (surface: Surface, scene: Scene): void => {
  const { ctx, box, ratio, x, y } = surface
  const { panel, dark, thinned } = scene
  if (panel.band === undefined) return
  ctx.globalAlpha = dark ? 0.17 : 0.13
  panel.lines.forEach((line, l) => {
    const ends = bandEnds(line)
    const points = thinned.points[l]
    if (!ends || points.length < 2) return
    const [low, high] = ends
    const most = box.width / ratio / EDGE_PIXELS
    const shape = new Path2D()
    for (const i of edgeOf(points, high, most)) shape.lineTo(x(line.steps[i]), y(high(i)))
    const below = edgeOf(points, i => -low(i), most)
    for (let k = below.length - 1; k >= 0; k--) shape.lineTo(x(line.steps[below[k]]), y(low(below[k])))
    shape.closePath()
    ctx.fillStyle = colourOf(scene, line)
    ctx.fill(shape)
  })
  ctx.globalAlpha = 1
}

const marks = ({ ctx, box: { left, top, width, height }, ratio, x }: Surface, scene: Scene): void => {
  const { panel } = scene
  const { axis, caution } = inkOf(scene)
  if (!panel.marks?.length) return
  ctx.font = fontOf(9 * ratio, true)
  ctx.textAlign = 'center'
  ctx.textBaseline = 'bottom'
  for (const { step, kind } of panel.marks) {
    const at = x(panel.axis?.at(step) ?? step)
    if (at < left || at > left + width) continue
    ctx.fillStyle = markLook[kind].caution ? caution : axis
    ctx.fillRect(Math.round(at) - ratio / 2, top + height - 7 * ratio, ratio, 7 * ratio)
    ctx.fillText(markLook[kind].letter, at, top + height - 7 * ratio)
  }
}

/** A line at 0 where that means something, and one where each stage but the first begins. */
const rules = ({ ctx, box, ratio, x, y }: Surface, scene: Scene): void => {
  const [{ panel }, { left, top, width, height }] = [scene, box]
  ctx.strokeStyle = inkOf(scene).axis
  ctx.lineWidth = ratio
  const rule = (fromX: number, fromY: number, toX: number, toY: number): void => {
    ctx.beginPath()
    ctx.moveTo(fromX, fromY)
    ctx.lineTo(toX, toY)
    ctx.stroke()
  }
  if (panel.zero) {
    const at = Math.round(y(0)) + 0.5
    rule(left, at, left + width, at)
  }
  ctx.setLineDash([3 * ratio, 3 * ratio])
  for (const { step } of panel.stages.slice(1)) {
    const at = Math.round(x(step)) + 0.5
    if (at > left && at <= left + width) rule(at, top, at, top + height)
  }
  ctx.setLineDash([])
}

/** Above the plot, as many letters as the stage is wide. */
const stageNames = ({ ctx, box: { left, top, width }, ratio, x }: Surface, scene: Scene): void => {
  const { panel } = scene
  ctx.save()
  ctx.font = fontOf(11 * ratio, true)
  ctx.fillStyle = inkOf(scene).muted
  ctx.textBaseline = 'bottom'
  ctx.textAlign = 'left'
  const starts = panel.stages.map(({ step }) => x(step))
  panel.stages.forEach(({ name }, i) => {
    const from = Math.max(left, starts[i])
    const end = Math.min(starts[i + 1] ?? Infinity, left + width)
    const letters = Math.floor((end - from) / ratio / 6.5)
    if (letters > 2) ctx.fillText(cut(name, letters), from, top - 4 * ratio)
  })
  ctx.restore()
}

/** Pixels of a tick, and between it or the plot and its number. */
const [TICK, GAP] = [4, 5]

/** Numbers on both axes, ticks below the plot, and lines across it. */
export const paintAxes = (ctx: CanvasRenderingContext2D, axes: Axes, scene: Scene): void => {
  const { box, ratio, x, y } = surfaceOf(ctx, axes)
  const { axis, grid, muted } = inkOf(scene)
  const [right, bottom] = [box.left + box.width, box.top + box.height]
  const crisp = (at: number): number => Math.round(at) + (ratio % 2) / 2
  ctx.save()
  ctx.lineWidth = ratio
  ctx.strokeStyle = grid
  ctx.beginPath()
  for (const at of axes.y.ticks.map(tick => crisp(y(tick)))) {
    ctx.moveTo(box.left, at)
    ctx.lineTo(right, at)
  }
  ctx.stroke()
  ctx.strokeStyle = axis
  ctx.beginPath()
  for (const at of axes.x.ticks.map(tick => crisp(x(tick)))) {
    ctx.moveTo(at, bottom)
    ctx.lineTo(at, bottom + TICK * ratio)
  }
  ctx.stroke()
  ctx.fillStyle = muted
  ctx.font = fontOf(11 * ratio)
  ctx.textAlign = 'center'
  ctx.textBaseline = 'top'
  const below = bottom + (TICK + GAP) * ratio
  axes.x.ticks.forEach((tick, i) => ctx.fillText(axes.xText[i], Math.round(x(tick)), below))
  ctx.textAlign = 'right'
  ctx.textBaseline = 'middle'
  axes.y.ticks.forEach((tick, i) => ctx.fillText(axes.yText[i], box.left - GAP * ratio, Math.round(y(tick))))
  ctx.restore()
}

/** Under the lines. */
export const paintUnder = (ctx: CanvasRenderingContext2D, axes: Axes, scene: Scene): void => {
  const surface = surfaceOf(ctx, axes)
  within(surface, 0, () => {
    bands(surface, scene)
    marks(surface, scene)
    rules(surface, scene)
  })
  stageNames(surface, scene)
}

const lines = ({ ctx, box, ratio, x, y }: Surface, scene: Scene): void => {
  const { panel, thinned } = scene
  ctx.lineJoin = 'bevel'
  // Lines of one run stand at the same steps.
  const places = new Map<readonly number[], Float64Array>()
  const placesOf = (steps: readonly number[]): Float64Array => {
    const known = places.get(steps) ?? Float64Array.from(steps, x)
    places.set(steps, known)
    return known
  }
  panel.lines.forEach((line, l) => {
    const path = new Path2D()
    const points = thinned.points[l]
    const across = placesOf(line.steps)
    const values = line.smoothed ?? line.mean
    outline(
      points,
      i => across[i],
      i => y(values[i]),
      box.width,
      (cornerX, cornerY) => path.lineTo(cornerX, cornerY),
    )
    ctx.strokeStyle = colourOf(scene, line)
    ctx.lineWidth = line.look.width * ratio
    ctx.setLineDash(dashOf(line.look.dash, ratio))
    ctx.stroke(path)
  })
  ctx.setLineDash([])
}

/** Of a moving average the values stay visible (ux.md R6). */
const raw = ({ ctx, ratio, x, y }: Surface, scene: Scene): void => {
  ctx.globalAlpha = 0.3
  ctx.lineWidth = ratio
  scene.panel.lines.forEach((line, l) => {
    if (!line.smoothed) return
    ctx.strokeStyle = colourOf(scene, line)
    ctx.beginPath()
    for (const i of scene.thinned.points[l]) ctx.lineTo(x(line.steps[i]), y(line.mean[i]))
    ctx.stroke()
  })
  ctx.globalAlpha = 1
}

/** Pixels that a point needs for a marker of its own. */
const MARKER_ROOM = 9

const markers = ({ ctx, box, ratio, x, y }: Surface, scene: Scene): void => {
  scene.panel.lines.forEach((line, l) => {
    const points = scene.thinned.points[l]
    if (points.length === 0 || box.width / ratio / points.length < MARKER_ROOM) return
    const values = line.smoothed ?? line.mean
    ctx.fillStyle = colourOf(scene, line)
    for (const i of points) {
      markerPath(ctx, line.look.marker, x(line.steps[i]), y(values[i]), 2.3 * ratio)
      ctx.fill()
    }
  })
}

/** Each name at the height where its line leaves the window, moved apart where they would cover each other. */
const names = (surface: Surface, { window, names: written }: Axes, scene: Scene): void => {
  const { ctx, box, ratio, x, y } = surface
  const { panel, thinned } = scene
  if (!written) return
  const { left, top, height } = box
  const right = left + box.width
  const ends = panel.lines.flatMap((line, l) => {
    const i = thinned.points[l].findLast(point => line.steps[point] <= window.to)
    return i === undefined
      ? []
      : [{ line, ...written[l], x: x(line.steps[i]), y: y((line.smoothed ?? line.mean)[i]) }]
  })
  const heights = spread(
    ends.map(end => end.y / ratio),
    (top + 6) / ratio,
    (top + height - 4) / ratio,
    13,
  )
  ctx.save()
  ctx.font = fontOf(11 * ratio)
  ctx.textBaseline = 'middle'
  ctx.textAlign = 'left'
  const { ink, muted } = inkOf(scene)
  ends.forEach(({ line, text, reading, x: endX, y: endY }, i) => {
    const at = heights[i] * ratio
    const own = colourOf(scene, line)
    ctx.strokeStyle = own
    ctx.globalAlpha = 0.55
    ctx.lineWidth = 0.7 * ratio
    ctx.beginPath()
    ctx.moveTo(Math.min(endX, right) + 3 * ratio, Math.min(Math.max(endY, top), top + height))
    ctx.lineTo(right + 10 * ratio, at)
    ctx.stroke()
    ctx.globalAlpha = 1
    ctx.lineWidth = line.look.width * ratio
    ctx.setLineDash(dashOf(line.look.dash, ratio))
    ctx.beginPath()
    ctx.moveTo(right + 10 * ratio, at)
    ctx.lineTo(right + 28 * ratio, at)
    ctx.stroke()
    ctx.setLineDash([])
    ctx.fillStyle = own
    markerPath(ctx, line.look.marker, right + 19 * ratio, at, 2.4 * ratio)
    ctx.fill()
    ctx.fillStyle = ink
    ctx.fillText(text, right + NAME_LEAD * ratio, at)
    if (reading === undefined) return
    ctx.fillStyle = muted
    ctx.fillText(reading, right + (NAME_LEAD + nameWidth(`${text} `)) * ratio, at)
  })
  ctx.restore()
}

/** The lines and what stands at them. */
export const paintLines = (ctx: CanvasRenderingContext2D, axes: Axes, scene: Scene): void => {
  const surface = surfaceOf(ctx, axes)
  within(surface, surface.ratio, () => {
    lines(surface, scene)
    raw(surface, scene)
  })
  within(surface, 4 * surface.ratio, () => markers(surface, scene))
  names(surface, axes, scene)
}
