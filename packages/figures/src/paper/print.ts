/**
 * A figure as SVG for print: its size in millimetres, 1 unit = 1 pt, text of 8 and 7 pt, no theme, no script, no style
 * sheet. The caption is its description, for readers who cannot see it, and belongs under it.
 */
import { escape, tag } from '../markup.ts'
import { FONT, INK, sample, SMALL, TEXT, text } from './ink.ts'
import type { PaperFigure, PaperPanel } from './model.ts'
import { curvesPrint, type Box } from './print-curves.ts'
import { barsHeight, barsPrint, heatHeight, heatPrint, stepsPrint } from './print-shapes.ts'
import { fitted, labelWidth, widthOf } from './signs.ts'
import { panelTag } from './table.ts'

/** Widths of one and of two columns of a page, in millimetres. */
export const ONE_COLUMN = 85
export const TWO_COLUMNS = 174

const POINTS = 72 / 25.4
const GAP = 12
const EDGE = 3
const USUAL_HEIGHT = 116
const LEGEND_LINE = 10
const ROW_GAP = 8

const heightOf = (panel: PaperPanel): number =>
  panel.kind === 'bars'
    ? Math.max(USUAL_HEIGHT, barsHeight(panel))
    : panel.kind === 'heat'
      ? Math.max(USUAL_HEIGHT, heatHeight(panel))
      : USUAL_HEIGHT

const inner = (panel: PaperPanel, box: Box): string => {
  switch (panel.kind) {
    case 'curves':
      return curvesPrint(panel, box)
    case 'bars':
      return barsPrint(panel, box)
    case 'heat':
      return heatPrint(panel, box)
    case 'steps':
      return stepsPrint(panel, box)
  }
}

/** A map of many columns takes two places, where a row has three: its numbers need the room. */
const placesOf = (panel: PaperPanel, across: number): number =>
  panel.kind === 'heat' && panel.columns.length > 3 && across > 2 ? 2 : 1

interface Place {
  readonly x: number
  readonly y: number
  readonly box: Box
}

/** Where every panel lies, row after row; a row is as high as its highest panel. */
const grid = (
  panels: readonly PaperPanel[],
  across: number,
  width: number,
): { readonly places: readonly Place[]; readonly height: number } => {
  const each = (width - (across - 1) * GAP) / across
  const rows: { panel: PaperPanel; at: number; span: number }[][] = []
  for (const panel of panels) {
    const span = placesOf(panel, across)
    const last = rows.at(-1)
    const used = last?.reduce((n, one) => n + one.span, 0) ?? across
    if (last && used + span <= across) last.push({ panel, at: used, span })
    else rows.push([{ panel, at: 0, span }])
  }
  let y = EDGE
  const places = rows.flatMap((row) => {
    const height = Math.max(...row.map(({ panel }) => heightOf(panel)))
    const top = y
    y += height + ROW_GAP
    return row.map(({ at, span }): Place => ({
      x: at * (each + GAP),
      y: top,
      box: { width: span * each + (span - 1) * GAP, height },
    }))
  })
  return { places, height: y - ROW_GAP }
}

const legendOf = (
  { legend }: PaperFigure,
  width: number,
  top: number,
): { markup: string; height: number } => {
  let [x, y] = [0, top + 12]
  const markup = legend.map(({ label, says, look }) => {
    const wide = 19 + labelWidth(label, SMALL) + (says === '' ? 0 : 3 + widthOf(says, SMALL)) + 12
    if (x > 0 && x + wide - 12 > width) [x, y] = [0, y + LEGEND_LINE]
    const at = x
    x += wide
    const name = typeof label === 'string' ? fitted(label, SMALL, width - 22) : label
    return (
      sample(at, y - 2.4, 16, look) +
      text(at + 19, y, name, { 'font-size': SMALL }) +
      (says === ''
        ? ''
        : text(
            at + 22 + labelWidth(label, SMALL),
            y,
            fitted(says, SMALL, width - 22 - labelWidth(label, SMALL)),
            { 'font-size': SMALL },
          ))
    )
  })
  return { markup: markup.join(''), height: legend.length === 0 ? 0 : y - top + 3 }
}

/** Throws RangeError where the figure has no panel or a number in it is not finite. */
export const paperSvg = (
  figure: PaperFigure,
  { mm = TWO_COLUMNS }: { readonly mm?: number } = {},
): string => {
  const { panels, title, caption, name } = figure
  if (panels.length === 0)
    throw new RangeError(`${name} has nothing to draw: ${figure.lacks.map(({ what }) => what).join('; ')}`)
  // One panel alone fills a column and no more.
  const wide = panels.length === 1 ? Math.min(mm, ONE_COLUMN) : mm
  const width = wide * POINTS
  const across = Math.max(1, Math.min(panels.length, Math.round((figure.across * wide) / TWO_COLUMNS)))
  const { places, height } = grid(panels, across, width)
  const drawn = panels.map((panel, i) => {
    const { x, y, box } = places[i]
    const head = `(${panelTag(i)})`
    const room = box.width - widthOf(head, TEXT) - 6
    return tag('g', { transform: `translate(${x.toFixed(2)} ${y.toFixed(2)})` }, [
      tag('text', { x: 0, y: 7 }, [
        tag('tspan', { 'font-weight': 700 }, head),
        escape(` ${fitted(panel.title, TEXT, room)}`),
      ]),
      inner(panel, box),
    ])
  })
  const legend = legendOf(figure, width, height)
  const whole = height + legend.height + EDGE
  const attributes = {
    xmlns: 'http://www.w3.org/2000/svg',
    width: `${wide}mm`,
    height: `${(whole / POINTS).toFixed(2)}mm`,
    viewBox: `0 0 ${width.toFixed(2)} ${whole.toFixed(2)}`,
    role: 'img',
    'font-family': FONT,
    'font-size': TEXT,
    fill: INK,
  }
  const body = [
    tag('title', {}, escape(`${name}. ${title}`)),
    tag('desc', {}, escape(caption)),
    tag('rect', { width, height: whole, fill: '#ffffff' }),
    ...drawn,
    legend.markup,
  ]
  return `<?xml version="1.0" encoding="UTF-8"?>\n${tag('svg', attributes, body)}\n`
}
