// A picture that is SVG text (drawing/ink.ts) on the page: drawn at the width that there is, in the colours of the
// theme, and again only where another is to be drawn. Its file is light and of one size, whatever the page has.
import { cut, escape, tag } from '@ldyn/figures'
import type { VNode } from 'preact'
import { useMemo, useRef } from 'preact/hooks'
import { heightAt, INKS, PAGE, text, type Drawing } from '../../drawing/ink.ts'
import type { DrawnModel } from '../../panels/panel.ts'
import { useApp } from '../context.ts'
import { useWidth } from '../width.ts'

interface Props extends Drawing {
  /** The panel's id: alone on the page it is larger. */
  readonly id: string
  /** What is laid over it, at the width that it has. */
  readonly over?: (width: number) => VNode | null
}

/** Below this nothing can be read. */
const LEAST = 80

export const Picture = ({ id, height, draw, over }: Props) => {
  const app = useApp()
  const host = useRef<HTMLDivElement>(null)
  const width = useWidth(host)
  const tall = heightAt({ height }, width, app.store.view.value.full === id ? innerHeight - 320 : 0)
  const dark = app.dark.value
  const markup = useMemo(
    () => (width > LEAST ? draw({ width, height: tall }, dark ? PAGE.dark : PAGE.light) : ''),
    [draw, width, tall, dark],
  )
  return (
    <div class="picture-holder">
      {/* Whatever text is in it was escaped where it became markup (@ldyn/figures, markup.ts). */}
      <div ref={host} class="picture" dangerouslySetInnerHTML={{ __html: markup }} />
      {over && width > LEAST && over(width)}
    </div>
  )
}

/** Room for the title. */
const HEAD = 26

/** The same as a file, on white, under its title. */
export const asFile = (title: string, { height, draw, fileWidth = 760 }: Drawing): string => {
  const size = { width: fileWidth, height: heightAt({ height }, fileWidth) }
  const [wide, high] = [size.width + 20, size.height + HEAD + 8]
  const head = text(10, 17, cut(title, Math.floor(wide / 7)), INKS.light.ink, 'start', { 'font-size': 13, 'font-weight': 600 })
  return `${tag(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg', viewBox: `0 0 ${wide} ${high}`, width: wide, height: high,
      'font-family': "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif",
    },
    [
      tag('title', {}, escape(title)),
      tag('rect', { width: wide, height: high, fill: INKS.light.paper }),
      head,
      tag('g', { transform: `translate(10 ${HEAD})` }, draw(size, INKS.light)),
    ],
  )}\n`
}

/** What a panel has that is one picture. */
export const pictured = (
  id: string,
  title: string,
  drawing: Drawing,
): Pick<DrawnModel, 'id' | 'kind' | 'title' | 'draw' | 'svg'> => ({
  id,
  kind: 'drawn',
  title,
  draw: () => <Picture id={id} {...drawing} />,
  svg: () => asFile(title, drawing),
})
