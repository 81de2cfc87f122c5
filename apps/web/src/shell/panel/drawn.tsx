// A picture that is SVG text (drawing/ink.ts) on the page: drawn at the width that there is, in the colours of the
// theme, and again only where another is to be drawn.
import { useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks'
import { useApp } from '../context.ts'
import { INKS, type Ink, type Size } from '../../drawing/ink.ts'

interface Props {
  /** The panel's id: alone on the page it is larger. */
  readonly id: string
  readonly height: number
  readonly draw: (size: Size, ink: Ink) => string
}

export const Picture = ({ id, height, draw }: Props) => {
  const app = useApp()
  const host = useRef<HTMLDivElement>(null)
  const [width, setWidth] = useState(0)
  const full = app.store.view.value.full === id
  useLayoutEffect(() => {
    const observer = new ResizeObserver(([entry]) => setWidth(Math.floor(entry.contentRect.width)))
    observer.observe(host.current!)
    setWidth(Math.floor(host.current!.clientWidth))
    return () => observer.disconnect()
  }, [])
  const tall = full ? Math.max(height, innerHeight - 320) : height
  const dark = app.dark.value
  const markup = useMemo(
    () => (width > 80 ? draw({ width, height: tall }, dark ? INKS.dark : INKS.light) : ''),
    [draw, width, tall, dark],
  )
  // Whatever text is in it was escaped where it became markup (@ldyn/figures, markup.ts).
  return <div ref={host} class="picture" dangerouslySetInnerHTML={{ __html: markup }} />
}

/** The same as a file: light, and of one size. */
export const asFile = (draw: Props['draw'], height: number): string =>
  `${draw({ width: 760, height }, { ...INKS.light })}\n`
