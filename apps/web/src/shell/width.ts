// How many pixels there are across, for what is drawn at the width that it has.
import type { RefObject } from 'preact'
import { useLayoutEffect, useState } from 'preact/hooks'

/** 0 until the element is on the page. Apart from drawings: what watches a size keeps nothing of what is drawn. */
export const useWidth = (holder: RefObject<HTMLElement | null>): number => {
  const [width, setWidth] = useState(0)
  useLayoutEffect(() => {
    const element = holder.current!
    const observer = new ResizeObserver(([entry]) => setWidth(Math.floor(entry.contentRect.width)))
    observer.observe(element)
    setWidth(Math.floor(element.clientWidth))
    return () => observer.disconnect()
  }, [])
  return width
}
