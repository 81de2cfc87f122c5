// Words that are not known yet keep their place: lines as long as such words are, so that what stands below does not
// move when they come. Whoever reads the page without looking is told that they are being found.
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks'
import type { LiveData } from '../../data/live-run.ts'
import type { OpenRun } from '../../data/run-store.ts'

/** Whether the rows that words are made of are being read; what failed is said elsewhere, and nothing is awaited. */
export const areAwaited = (run: LiveData, { trouble }: Pick<OpenRun, 'trouble'>): boolean =>
  run.probes !== undefined &&
  run.evaluations.length > 1 &&
  run.manifest.columns.metrics.includes('logp') &&
  !run.rows.has('logp') &&
  trouble.value === undefined

export interface Awaited {
  readonly about: string
  /** About how many letters will be said of it. */
  readonly letters: number
}

/** Words that turn out shorter leave the place as it was, until the window has another width. */
export const useReserved = (place: { readonly current: HTMLElement | null }, busy: boolean): void => {
  const tall = useRef<{ readonly height: number; readonly width: number }>(undefined)
  useLayoutEffect(() => {
    const section = place.current
    if (!section) return
    if (busy) tall.current = { height: section.offsetHeight, width: section.offsetWidth }
    else if (tall.current) section.style.minHeight = `${tall.current.height}px`
    // Asked while the words are awaited, and once when they are there: asking has the browser lay the page out.
  }, busy ? undefined : [false])
  useEffect(() => {
    const free = (): void => {
      const section = place.current
      if (section && tall.current && section.offsetWidth !== tall.current.width) {
        section.style.minHeight = ''
        tall.current = undefined
      }
    }
    addEventListener('resize', free)
    return () => removeEventListener('resize', free)
  }, [])
}

// As wide as words are, and broken into lines as they are.
const FILLER = 'response −12.34 by '
const filler = (letters: number): string =>
  FILLER.repeat(Math.ceil(letters / FILLER.length)).slice(0, letters)

/** `linked`: a link stands behind each. */
export const AwaitedList = ({ items, linked = false }: { items: readonly Awaited[]; linked?: boolean }) => (
  <ul aria-hidden="true">
    {items.map(({ about, letters }) => (
      <li key={about}>
        <span class="awaited">
          <span>
            <span class="about">{about}</span> {filler(letters)}
            {linked && <span class="go">Curves</span>}
          </span>
        </span>
      </li>
    ))}
  </ul>
)
