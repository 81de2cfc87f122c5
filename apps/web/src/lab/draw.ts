// The Lab's pictures of one distribution, as SVG text (drawing/ink.ts). Every number that is drawn is finite; log p has
// no lower end but the axis has (FLOOR): what lies below is drawn there.
import { linear, looks, show, tag, tickText } from '@ldyn/figures'
import { colour, line, power, svg, text, type Ink, type Size } from '../drawing/ink.ts'
import { sideBySide } from '../drawing/place-names.ts'

/** A class that has a name in the pictures: y⁺, y⁻, the likeliest. */
export interface Marked {
  readonly y: number
  readonly name: string
  readonly look: 'chosen' | 'rejected' | 'argmax'
}

/** A sign above or below a point, by shape as well as by colour: y⁺ points up, y⁻ down, the likeliest is a diamond. */
const sign = (x: number, y: number, look: Marked['look'], ink: Ink): string => {
  const shape = {
    chosen: `M${x - 5} ${y + 4}L${x + 5} ${y + 4}L${x} ${y - 5}Z`,
    rejected: `M${x - 5} ${y - 4}L${x + 5} ${y - 4}L${x} ${y + 5}Z`,
    argmax: `M${x - 5} ${y}L${x} ${y - 5}L${x + 5} ${y}L${x} ${y + 5}Z`,
  }[look]
  return tag('path', { d: shape, fill: colour(looks[look], ink), stroke: ink.paper, 'stroke-width': 1 })
}

/** log10 of the least probability that an axis reaches. */
const FLOOR = -16
const log10 = (logp: number): number => Math.max(FLOOR, logp / Math.LN10)

export interface BarsInput {
  /** log p by class. */
  readonly before: ArrayLike<number>
  readonly after: ArrayLike<number>
  readonly marked: readonly Marked[]
  /** The class at the keyboard's cursor. */
  readonly at?: number
}

const PLOT = { left: 46, right: 14 } as const

/** Where class `y` of `V` is drawn, and which one lies at `x`. */
const barAt = (y: number, V: number, width: number): number =>
  PLOT.left + ((y + 0.5) / V) * (width - PLOT.left - PLOT.right)
export const classAt = (x: number, V: number, width: number): number =>
  Math.min(V - 1, Math.max(0, Math.floor(((x - PLOT.left) / (width - PLOT.left - PLOT.right)) * V)))

/** p of every class before (outline) and after (filled): linear above, logarithmic below, where the valley is seen. */
export const drawBars = ({ before, after, marked, at }: BarsInput, size: Size, ink: Ink): string => {
  const V = before.length
  const { width, height } = size
  const [top, gap, foot] = [20, 30, 30]
  const upper = Math.round((height - top - gap - foot) * 0.52)
  const lower = height - top - gap - foot - upper
  const base = top + upper
  const most = Math.max(...Array.from(before, Math.exp), ...Array.from(after, Math.exp))
  const y = linear([0, most], [base, top], 4, {})
  const least = Math.floor(Math.max(FLOOR, Math.min(...Array.from(before, log10), ...Array.from(after, log10))))
  const [logTop, logBase] = [base + gap, base + gap + lower]
  const ly = linear([least, 0], [logBase, logTop], 4, { least: 1 })
  const w = Math.max(1, ((width - PLOT.left - PLOT.right) / V) * 0.72)
  const parts: string[] = [text(2, 12, 'p', ink.muted), text(2, base + gap - 8, 'p, logarithmic', ink.muted)]
  const labels = tickText(y.ticks)
  y.ticks.forEach((tick, i) => {
    parts.push(line(PLOT.left, y.at(tick), width - PLOT.right, y.at(tick), ink.line))
    parts.push(text(PLOT.left - 5, y.at(tick) + 4, labels[i], ink.muted, 'end'))
  })
  for (const tick of ly.ticks) {
    parts.push(line(PLOT.left, ly.at(tick), width - PLOT.right, ly.at(tick), ink.line))
    parts.push(text(PLOT.left - 5, ly.at(tick) + 4, power(tick), ink.muted, 'end'))
  }
  const own = new Map(marked.map(m => [m.y, m]))
  for (let c = 0; c < V; c++) {
    const x = barAt(c, V, width)
    const [b, a] = [Math.exp(before[c]), Math.exp(after[c])]
    const mark = own.get(c)
    const fill = mark ? colour(looks[mark.look], ink) : ink.fill
    parts.push(tag('rect', { x: x - w / 2, y: y.at(a), width: w, height: base - y.at(a), fill }))
    parts.push(
      tag('path', {
        d: `M${(x - w / 2).toFixed(1)} ${y.at(b).toFixed(1)}h${w.toFixed(1)}`, stroke: ink.ink, 'stroke-width': 1.6,
      }),
    )
    const [lb, la] = [ly.at(log10(before[c])), ly.at(log10(after[c]))]
    parts.push(line(x, lb, x, la, fill, { 'stroke-width': Math.max(1, w * 0.5), opacity: 0.45 }))
    parts.push(line(x - w / 2, lb, x + w / 2, lb, ink.ink, { 'stroke-width': 1.6 }))
    parts.push(tag('circle', { cx: x, cy: la, r: Math.min(3.5, Math.max(1.2, w * 0.45)), fill }))
  }
  const middles = sideBySide(
    marked.map(m => barAt(m.y, V, width)),
    marked.map(m => m.name),
    { left: 0, right: width },
  )
  marked.forEach((m, i) => {
    const x = barAt(m.y, V, width)
    parts.push(sign(x, Math.min(y.at(Math.exp(after[m.y])), y.at(Math.exp(before[m.y]))) - 9, m.look, ink))
    parts.push(sign(x, logBase + 9, m.look, ink))
    parts.push(text(middles[i], logBase + 25, m.name, ink.ink, 'middle'))
  })
  if (at !== undefined) {
    const x = barAt(at, V, width)
    parts.push(line(x, top - 4, x, logBase, ink.edge, { 'stroke-dasharray': '2 3' }))
  }
  const likeliest = marked.find(m => m.look === 'argmax')
  if (likeliest) {
    const label = `${show(Math.exp(before[likeliest.y]))} to ${show(Math.exp(after[likeliest.y]))}`
    const x = barAt(likeliest.y, V, width)
    parts.push(text(x < width / 2 ? x + w / 2 + 8 : x - w / 2 - 8, top + 8, label, ink.ink, x < width / 2 ? 'start' : 'end'))
  }
  return svg(size, 'Probability of every class before and after, linear above and logarithmic below', parts)
}

export interface ForcesInput {
  /** log p before the update, what was predicted and what happened, by class. */
  readonly before: ArrayLike<number>
  readonly predicted: ArrayLike<number>
  readonly actual: ArrayLike<number>
  readonly marked: readonly Marked[]
  /** Classes that the update was on: they move by far more than all others. */
  readonly on: readonly number[]
  readonly threshold: number | undefined
}

/** Δ log p of every class against what it held: predicted to first order (line), actual (dots), and the threshold. */
export const drawForces = (input: ForcesInput, size: Size, ink: Ink): string => {
  const { before, predicted, actual, marked, on, threshold } = input
  const { width, height } = size
  const [left, right, top, foot] = [50, 16, 16, 34]
  const own = new Map(marked.map(m => [m.y, m]))
  // The axis is that of the others, and the numbers of these stand in words.
  const steered = new Set(on)
  const rest = Array.from({ length: before.length }, (_, i) => i).filter(i => !steered.has(i))
  const values = rest.flatMap(i => [predicted[i], actual[i]])
  const reach = Math.max(1e-6, ...values.map(Math.abs))
  const y = linear([Math.min(0, ...values), Math.max(0, ...values)], [height - foot, top], 5, { pad: 0.12 })
  const least = Math.floor(Math.min(...Array.from(before, log10)))
  const x = linear([least, 0], [left, width - right], 6, { least: 1 })
  const parts: string[] = []
  const labels = tickText(y.ticks)
  y.ticks.forEach((tick, i) => {
    parts.push(line(left, y.at(tick), width - right, y.at(tick), tick === 0 ? ink.edge : ink.line))
    parts.push(text(left - 5, y.at(tick) + 4, labels[i], ink.muted, 'end'))
  })
  for (const tick of x.ticks) parts.push(text(x.at(tick), height - foot + 14, power(tick), ink.muted, 'middle'))
  parts.push(text(left, height - 4, 'p before the update', ink.muted))
  if (threshold !== undefined && threshold > 0) {
    const at = x.at(Math.max(least, Math.log10(threshold)))
    parts.push(line(at, top, at, height - foot, colour(looks.argmax, ink), { 'stroke-dasharray': '4 3', 'stroke-width': 1.4 }))
    parts.push(text(at - 5, height - foot - 26, `p_thr ${show(threshold)}`, ink.ink, 'end'))
  }
  const sorted = rest.slice().sort((a, b) => before[a] - before[b])
  parts.push(
    tag('path', {
      d: sorted
        .map((c, i) => `${i === 0 ? 'M' : 'L'}${x.at(log10(before[c])).toFixed(1)} ${y.at(predicted[c]).toFixed(1)}`)
        .join(''),
      fill: 'none', stroke: ink.muted, 'stroke-width': 1.4,
    }),
  )
  for (const c of sorted) {
    const mark = own.get(c)
    const [cx, cy] = [x.at(log10(before[c])), y.at(actual[c])]
    parts.push(
      mark ? sign(cx, cy, mark.look, ink) : tag('circle', { cx, cy, r: 2.6, fill: ink.fill, stroke: ink.paper }),
    )
    if (mark) parts.push(text(cx - 9, cy + (actual[c] > reach * 0.5 ? 14 : -8), mark.name, ink.ink, 'end'))
  }
  for (const c of steered) {
    const down = actual[c] < 0
    const cx = x.at(log10(before[c]))
    parts.push(sign(cx, down ? height - foot - 8 : top + 8, own.get(c)!.look, ink))
    parts.push(
      text(cx + 9, down ? height - foot - 4 : top + 12, `${own.get(c)!.name} ${show(actual[c])} nats`, ink.ink,
        cx > width * 0.7 ? 'end' : 'start'),
    )
  }
  return svg(size, 'Change of log p of every class against its probability before the update', parts)
}
