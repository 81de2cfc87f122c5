/** Charts as SVG files that stand alone: one panel or a grid of them, with titles and a style of their own. */
import { describe, type Size } from './chart-layout.ts'
import type { Panel } from './lines.ts'
import { tag } from './markup.ts'
import { chartStyle, content, HEADING, PANEL, root, slug } from './svg.ts'

const alone = (id: string, size: Size, title: string, desc: string, inner: string): string => {
  const paper = tag('rect', { class: 'paper', width: size.width, height: size.height, fill: '#ffffff' })
  return `<?xml version="1.0" encoding="UTF-8"?>\n${root(
    id,
    size,
    title,
    desc,
    `${tag('style', {}, chartStyle())}${paper}${inner}`,
    true,
  )}\n`
}

const EDGE = 14

/** A figure that stands alone: panels in a grid, each with its title. */
export const figure = (
  panels: readonly Panel[],
  title: string,
  {
    columns = 3,
    size = PANEL,
  }: {
    readonly columns?: number
    readonly size?: Size
  } = {},
): string => {
  const across = Math.max(1, Math.min(columns, panels.length))
  const tall = { width: size.width, height: size.height + HEADING }
  const rows = Math.ceil(panels.length / across)
  const whole = { width: across * (tall.width + EDGE) + EDGE, height: rows * (tall.height + EDGE) + EDGE }
  const inner = panels.map((panel, i) =>
    tag(
      'g',
      {
        transform: `translate(${EDGE + (i % across) * (tall.width + EDGE)} ${EDGE + Math.floor(i / across) * (tall.height + EDGE)})`,
      },
      content(panel, tall, true),
    ),
  )
  const desc = panels.map((panel) => `${panel.title}: ${describe(panel)}`).join(' ')
  return alone(
    `figure-${slug(panels.length === 1 ? panels[0].id : 'grid')}`,
    whole,
    title,
    desc,
    inner.join(''),
  )
}
