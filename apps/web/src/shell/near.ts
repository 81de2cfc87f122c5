// Whether something is on the screen or about to be. Canvases that nobody sees are not drawn: a page of twenty
// charts then costs what two do (ux.md R4). What is on paper is all of it.
import { useEffect, useState } from 'preact/hooks'

interface Place {
  readonly current: Element | null
}

const useWithin = (element: Place, margin: string): boolean => {
  const [within, setWithin] = useState(false)
  useEffect(() => {
    if (!element.current || typeof IntersectionObserver === 'undefined') return setWithin(true)
    const observer = new IntersectionObserver(entries => setWithin(entries.at(-1)!.isIntersecting), {
      rootMargin: margin,
    })
    observer.observe(element.current)
    const print = (): void => setWithin(true)
    addEventListener('beforeprint', print)
    return () => {
      observer.disconnect()
      removeEventListener('beforeprint', print)
    }
  }, [])
  return within
}

/** Within a screenful's third of the window: worth being drawn. */
export const useNear = (element: Place): boolean => useWithin(element, '300px')

/** In the window itself: worth being moved as a run grows. */
export const useSeen = (element: Place): boolean => useWithin(element, '0px')
