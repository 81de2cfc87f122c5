// Curves on a canvas, the one place that knows uPlot. What is drawn is a panel of @ldyn/figures: bands, dashes,
// markers and names at the lines' ends as in its SVG. The step cursor is an element above the canvas, so that
// moving it draws nothing anew. Drag zooms, double-click zooms out, Ctrl+wheel zooms; the wheel alone scrolls
// the page (ux.md R3).
import { brief, cut, niceTicks, show, spread, tickText, type Marker } from '@ldyn/figures'
import './language.ts'
import uPlot from 'uplot'
import {
  align,
  stepRange,
  valueRange,
  windowFor,
  type Aligned,
  type CurvePanel,
  type Mark,
  type Window,
} from './align.ts'

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
  /** Points that there are and that are drawn. */
  readonly counts: { readonly total: number; readonly drawn: number }
  dispose(): void
}

const FONT = '11px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif'
const inks = {
  light: { ink: '#1d2430', muted: '#5b6472', grid: '#e8ebf0', axis: '#9aa3b0', paper: '#ffffff' },
  dark: { ink: '#e6e9ef', muted: '#a3acba', grid: '#242a34', axis: '#5d6675', paper: '#16191f' },
} as const
const MARKER_ROOM = 9
/** What a mark looks like at the foot of the plot; colour only repeats what its letter says. */
const markLook: Readonly<Record<Mark['kind'], { readonly letter: string; readonly caution: boolean }>> = {
  checkpoint: { letter: 'C', caution: false },
  warning: { letter: '!', caution: true },
  resume: { letter: 'R', caution: true },
  note: { letter: 'N', caution: false },
}
// Ticks at 1, 2 or 5 times a power of ten: what their labels can say exactly.
const roundFrom = (low: number, high: number): number[] =>
  Array.from({ length: high - low + 1 }, (_, i) => low + i).flatMap(power =>
    [1, 2, 5].map(digit => Number(`${digit}e${power}`)),
  )
const WHOLE = roundFrom(0, 9)
const ROUND = roundFrom(-15, 12)
/** Room for names beside the lines' ends; a narrow chart of many lines leaves them to its legend. */
const labelRoom = (width: number, lines: number): number =>
  width >= 560 ? 134 : width >= 300 && lines <= 8 ? 98 : 10

const markerPath = (
  context: CanvasRenderingContext2D,
  marker: Marker,
  x: number,
  y: number,
  r: number,
): void => {
  context.beginPath()
  if (marker === 'circle') context.arc(x, y, r, 0, 2 * Math.PI)
  else if (marker === 'square') context.rect(x - r, y - r, 2 * r, 2 * r)
  else {
    const points =
      marker === 'diamond'
        ? [
            [0, -1.35],
            [1.35, 0],
            [0, 1.35],
            [-1.35, 0],
          ]
        : [
            [0, -1.2],
            [1.15, 0.9],
            [-1.15, 0.9],
          ]
    points.forEach(([dx, dy], i) =>
      i === 0 ? context.moveTo(x + dx * r, y + dy * r) : context.lineTo(x + dx * r, y + dy * r),
    )
    context.closePath()
  }
}

/** 1, 2 and 5 times powers of ten. */
const powers = (low: number, high: number): number[] =>
  roundFrom(Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))).filter(x => x >= low && x <= high)

const lowest = ({ lines }: CurvePanel): number =>
  lines.reduce(
    (least, { mean, low }) =>
      [mean, low ?? []].reduce((a, values) => values.reduce((b, x) => Math.min(b, x), a), least),
    Infinity,
  )
/** A logarithm needs all values above 0. */
const positive = ({ panel }: ChartState): boolean =>
  panel.logY === true && panel.lines.length > 0 && lowest(panel) > 0

export const createCurveChart = (host: HTMLElement, events: ChartEvents): CurveChart => {
  let plot: uPlot | undefined
  let state: ChartState | undefined
  let aligned: Aligned = { xs: [], ys: [], points: [], total: 0, drawn: 0 }
  let shape = ''
  const pinned = document.createElement('div')
  const ghost = document.createElement('div')
  pinned.className = 'step-line'
  ghost.className = 'step-line ghost'

  const windowOf = ({ zoom, panel }: ChartState): Window => {
    if (!zoom) return stepRange(panel.lines)
    const [from, to] = windowFor(panel, zoom)
    // A stretch of steps may take no time at all.
    return to > from ? { from, to } : stepRange(panel.lines)
  }
  const stepOf = (x: number): number => state!.panel.axis?.stepAt(x) ?? x
  const xOf = (step: number): number => state!.panel.axis?.at(step) ?? step
  const zoomTo = (from: number, to: number): void =>
    events.zoom([Math.round(stepOf(from) * 10) / 10, Math.round(stepOf(to) * 10) / 10])
  /** The line that passes nearest to a place. */
  const lineAt = (u: uPlot, left: number, top: number): number | undefined => {
    let [best, line]: [number, number | undefined] = [Infinity, undefined]
    aligned.ys.forEach((ys, l) =>
      ys.forEach((y, i) => {
        if (y === null) return
        const far = Math.hypot(u.valToPos(aligned.xs[i], 'x') - left, 2 * (u.valToPos(y, 'y') - top))
        if (far < best) [best, line] = [far, l]
      }),
    )
    return line
  }
  // uPlot asks several times for each drawing; one look at all values will do.
  let kept: { readonly of: ChartState; readonly range: readonly [number, number] } | undefined
  const range = (): readonly [number, number] => {
    if (kept?.of !== state) kept = { of: state!, range: valueRange(state!.panel, windowOf(state!)) }
    return kept!.range
  }
  const colour = (line: number): string => state!.panel.lines[line].look[state!.dark ? 'dark' : 'light']

  const under = (u: uPlot): void => {
    const { panel, dark } = state!
    const { ctx } = u
    const { axis, muted } = inks[dark ? 'dark' : 'light']
    const ratio = devicePixelRatio
    const { left, top, width, height } = u.bbox
    ctx.save()
    ctx.beginPath()
    ctx.rect(left, top, width, height)
    ctx.clip()
    if (panel.band !== undefined) {
      panel.lines.forEach((line, l) => {
        const low = line.low ?? line.se?.map((se, i) => line.mean[i] - se)
        const high = line.high ?? line.se?.map((se, i) => line.mean[i] + se)
        const places = [...aligned.points[l]].filter(i => i >= 0)
        if (!low || !high || places.length < 2) return
        ctx.beginPath()
        for (const i of places)
          ctx.lineTo(u.valToPos(line.steps[i], 'x', true), u.valToPos(high[i], 'y', true))
        for (const i of places.reverse())
          ctx.lineTo(u.valToPos(line.steps[i], 'x', true), u.valToPos(low[i], 'y', true))
        ctx.closePath()
        ctx.globalAlpha = dark ? 0.17 : 0.13
        ctx.fillStyle = colour(l)
        ctx.fill()
      })
      ctx.globalAlpha = 1
    }
    ctx.strokeStyle = axis
    ctx.lineWidth = ratio
    if (panel.zero) {
      const y = Math.round(u.valToPos(0, 'y', true)) + 0.5
      ctx.beginPath()
      ctx.moveTo(left, y)
      ctx.lineTo(left + width, y)
      ctx.stroke()
    }
    for (const { step, kind } of panel.marks ?? []) {
      const at = u.valToPos(xOf(step), 'x', true)
      if (at < left || at > left + width) continue
      ctx.fillStyle = markLook[kind].caution ? (dark ? '#e9b35b' : '#8a5300') : axis
      ctx.fillRect(Math.round(at) - ratio / 2, top + height - 7 * ratio, ratio, 7 * ratio)
      ctx.font = FONT.replace('11px', `600 ${9 * ratio}px`)
      ctx.textAlign = 'center'
      ctx.textBaseline = 'bottom'
      ctx.fillText(markLook[kind].letter, at, top + height - 7 * ratio)
    }
    const marks = panel.stages.map(({ step, name }) => ({ at: u.valToPos(step, 'x', true), name }))
    marks.forEach(({ at }, i) => {
      if (i === 0 || at <= left || at > left + width) return
      ctx.setLineDash([3 * ratio, 3 * ratio])
      ctx.beginPath()
      ctx.moveTo(Math.round(at) + 0.5, top)
      ctx.lineTo(Math.round(at) + 0.5, top + height)
      ctx.stroke()
      ctx.setLineDash([])
    })
    ctx.restore()
    ctx.save()
    ctx.font = FONT.replace('11px', `600 ${11 * ratio}px`)
    ctx.fillStyle = muted
    ctx.textBaseline = 'bottom'
    ctx.textAlign = 'left'
    marks.forEach(({ at, name }, i) => {
      const from = Math.max(left, at)
      const end = Math.min(marks[i + 1]?.at ?? Infinity, left + width)
      const letters = Math.floor((end - from) / ratio / 6.5)
      if (letters > 2) ctx.fillText(cut(name, letters), from, top - 4 * ratio)
    })
    ctx.restore()
  }

  const over = (u: uPlot): void => {
    const { panel, dark, width } = state!
    const { ctx } = u
    const ratio = devicePixelRatio
    const { left, top, width: plotWidth, height } = u.bbox
    panel.lines.forEach((line, l) => {
      const points = aligned.points[l]
      let count = 0
      for (let x = 0; x < points.length; x++) if (points[x] >= 0) count++
      const marked = count > 0 && plotWidth / ratio / count >= MARKER_ROOM
      if (!marked && !line.smoothed) return
      const places = [...points.keys()].filter(x => points[x] >= 0)
      if (line.smoothed) {
        ctx.save()
        ctx.beginPath()
        ctx.rect(left, top, plotWidth, height)
        ctx.clip()
        ctx.globalAlpha = 0.3
        ctx.strokeStyle = colour(l)
        ctx.lineWidth = ratio
        ctx.beginPath()
        for (const x of places)
          ctx.lineTo(
            u.valToPos(aligned.xs[x], 'x', true),
            u.valToPos(line.mean[aligned.points[l][x]], 'y', true),
          )
        ctx.stroke()
        ctx.restore()
      }
      if (!marked) return
      ctx.save()
      ctx.beginPath()
      ctx.rect(left - 4 * ratio, top - 4 * ratio, plotWidth + 8 * ratio, height + 8 * ratio)
      ctx.clip()
      ctx.fillStyle = colour(l)
      for (const x of places) {
        markerPath(
          ctx,
          line.look.marker,
          u.valToPos(aligned.xs[x], 'x', true),
          u.valToPos(aligned.ys[l][x]!, 'y', true),
          2.3 * ratio,
        )
        ctx.fill()
      }
      ctx.restore()
    })
    const room = labelRoom(width, panel.lines.length)
    if (room < 50) return
    // Each name at the height where its line leaves the window, moved apart where they would cover each other.
    const ends = panel.lines.flatMap((line, l) => {
      const x = aligned.ys[l].findLastIndex((y, i) => y !== null && aligned.xs[i] <= u.scales.x.max!)
      return x < 0
        ? []
        : [{ line, l, x: u.valToPos(aligned.xs[x], 'x', true), y: u.valToPos(aligned.ys[l][x]!, 'y', true) }]
    })
    const heights = spread(
      ends.map(end => end.y / ratio),
      (top + 6) / ratio,
      (top + height - 4) / ratio,
      13,
    )
    ctx.save()
    ctx.font = FONT.replace('11px', `${11 * ratio}px`)
    ctx.textBaseline = 'middle'
    ctx.textAlign = 'left'
    const right = left + plotWidth
    ends.forEach(({ line, l, x, y }, i) => {
      const at = heights[i] * ratio
      ctx.strokeStyle = colour(l)
      ctx.globalAlpha = 0.55
      ctx.lineWidth = 0.7 * ratio
      ctx.beginPath()
      ctx.moveTo(Math.min(x, right) + 3 * ratio, Math.min(Math.max(y, top), top + height))
      ctx.lineTo(right + 10 * ratio, at)
      ctx.stroke()
      ctx.globalAlpha = 1
      ctx.lineWidth = line.look.width * ratio
      ctx.setLineDash(
        line.look.dash === '' ? [] : line.look.dash.split(' ').map(dash => Number(dash) * ratio),
      )
      ctx.beginPath()
      ctx.moveTo(right + 10 * ratio, at)
      ctx.lineTo(right + 28 * ratio, at)
      ctx.stroke()
      ctx.setLineDash([])
      ctx.fillStyle = colour(l)
      markerPath(ctx, line.look.marker, right + 19 * ratio, at, 2.4 * ratio)
      ctx.fill()
      ctx.fillStyle = inks[dark ? 'dark' : 'light'].ink
      ctx.fillText(cut(line.label, Math.floor((room - 34) / 6.1)), right + 32 * ratio, at)
    })
    ctx.restore()
  }

  const make = (next: ChartState): uPlot => {
    const { muted, grid, axis } = inks[next.dark ? 'dark' : 'light']
    const ticks = { stroke: axis, size: 4, width: 1 }
    return new uPlot(
      {
        width: next.width,
        height: next.height,
        padding: [20, labelRoom(next.width, next.panel.lines.length), 0, 0],
        legend: { show: false },
        cursor: { y: false, points: { show: false }, drag: { x: true, y: false, setScale: false } },
        scales: {
          // asinh is logarithmic from a few steps on and has a place for step 0.
          x: {
            time: false,
            distr: next.logX ? 4 : 1,
            range: () => {
              const { from, to } = windowOf(state!)
              return [from, to]
            },
          },
          // Logarithms of what is positive; else asinh, which is logarithmic far from 0 on both sides of it.
          y: {
            distr: !next.panel.logY ? 1 : positive(next) ? 3 : 4,
            range: () => {
              const [low, high] = range()
              return positive(state!) && low <= 0 ? [lowest(state!.panel) * 0.9, high] : [low, high]
            },
          },
        },
        axes: [
          {
            stroke: muted,
            font: FONT,
            grid: { show: false },
            ticks,
            size: 26,
            // There are no half updates.
            incrs: next.panel.axis ? ROUND : WHOLE,
            values: (_, splits) =>
              next.panel.axis
                ? Math.max(...splits) >= 1e5
                  ? splits.map(brief)
                  : [...tickText(splits)]
                : splits.map(x => (Number.isInteger(x) ? String(x).replace('-', '−') : '')),
          },
          {
            stroke: muted,
            font: FONT,
            grid: { stroke: grid, width: 1 },
            ticks: { show: false },
            size: 54,
            ...(next.panel.logY
              ? {
                  // Powers of ten alone say little of less than a decade and a half.
                  splits: (_u: uPlot, _i: number, low: number, high: number) =>
                    low > 0 && high / low > 30
                      ? powers(low, high)
                      : [...niceTicks(low, high, Math.max(3, Math.round(next.height / 45)))],
                }
              : { incrs: ROUND }),
            values: (_, splits) =>
              next.panel.logY
                ? splits.map(value => (value === null ? '' : tickText([value])[0]))
                : [...tickText(splits)],
          },
        ],
        series: [
          {},
          ...next.panel.lines.map(({ look }) => ({
            stroke: look[next.dark ? 'dark' : 'light'],
            width: look.width,
            spanGaps: true,
            points: { show: false },
            dash: look.dash === '' ? undefined : look.dash.split(' ').map(Number),
          })),
        ],
        hooks: {
          drawAxes: [under],
          draw: [over],
          setSelect: [
            u => {
              if (u.select.width < 6) return
              const [a, b] = [u.posToVal(u.select.left, 'x'), u.posToVal(u.select.left + u.select.width, 'x')]
              u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false)
              zoomTo(a, b)
            },
          ],
          setCursor: [
            u => {
              const { left } = u.cursor
              events.hover(
                left === undefined || left === null || left < 0 ? undefined : stepOf(u.posToVal(left, 'x')),
              )
            },
          ],
          ready: [
            u => {
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
                  const { from, to } = windowOf(state!)
                  const at = u.posToVal(event.clientX - u.over.getBoundingClientRect().left, 'x')
                  const factor = event.deltaY > 0 ? 1.25 : 0.8
                  zoomTo(at - (at - from) * factor, at + (to - at) * factor)
                },
                { passive: false },
              )
            },
          ],
        },
      },
      [[...aligned.xs], ...aligned.ys.map(column => [...column])] as uPlot.AlignedData,
      host,
    )
  }

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
      state = next
      const labels = labelRoom(next.width, next.panel.lines.length)
      const room = next.width - 54 - labels
      aligned = align(next.panel.lines, windowOf(next), Math.max(50, room))
      const looks = next.panel.lines.map(({ key, look }) => `${key} ${look.light} ${look.dash}`).join('|')
      const wanted = `${looks} ${next.dark} ${next.logX} ${positive(next)} ${next.panel.logY} ${next.panel.axis?.name} ${labels}`
      if (plot && wanted === shape) {
        if (plot.width !== next.width || plot.height !== next.height)
          plot.setSize({ width: next.width, height: next.height })
        plot.setData([[...aligned.xs], ...aligned.ys.map(column => [...column])] as uPlot.AlignedData, true)
      } else {
        plot?.destroy()
        shape = wanted
        plot = make(next)
      }
      place(pinned, step)
      place(ghost, ghostStep)
      events.drawn?.({ total: aligned.total, drawn: aligned.drawn })
    },
    cursor(at, hovered) {
      ;[step, ghostStep] = [at, hovered]
      place(pinned, at)
      place(ghost, hovered)
    },
    get counts() {
      return { total: aligned.total, drawn: aligned.drawn }
    },
    dispose: () => plot?.destroy(),
  }
}

/** A value for the eye, or a dash where there is none. */
export const shown = (value: number | undefined): string =>
  value === undefined || !Number.isFinite(value) ? '–' : show(value)
