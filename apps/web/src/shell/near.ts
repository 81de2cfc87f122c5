// Whether something is on the screen or about to be. Canvases that nobody sees are not drawn: a page of twenty
// charts then costs what two do (ux.md R4). What is on paper is all of it.
import { useEffect, useState } from 'preact/hooks'

const MARGIN = '300px'

export const useNear = (element: { readonly current: Element | null }): boolean => {
  const [near, setNear] = useState(false)
  useEffect(() => {
    if (!element.current || typeof IntersectionObserver === 'undefined') return setNear(true)
    const observer = new IntersectionObserver(entries => setNear(entries.at(-1)!.isIntersecting), {
      rootMargin: MARGIN,
    })
    observer.observe(element.current)
    const print = (): void => setNear(true)
    addEventListener('beforeprint', print)
    return () => {
      observer.disconnect()
      removeEventListener('beforeprint', print)
    }
  }, [])
  return near
}
