// Words that are not known yet keep their place: lines as long as such words are, so that what stands below does not
// move when they come. Whoever reads the page without looking is told that they are being found.
import { unknownColumns } from '@ldyn/runs'
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks'
import type { LiveData } from '../../data/live-run.ts'
import type { OpenRun } from '../../data/run-store.ts'

/** Rows that words are made of: a line of the likeliest token that came later would stand between the others. */
const TOLD = ['logp', 'argmax_logp']

/** Whether such rows are being read; what failed is said elsewhere, and nothing is awaited. */
export const areAwaited = (run: LiveData, { trouble }: Pick<OpenRun, 'trouble'>): boolean =>
  run.probes !== undefined &&
  run.evaluations.length > 1 &&
  run.manifest.columns.metrics.includes('logp') &&
  TOLD.some(metric => run.manifest.columns.metrics.includes(metric) && !run.rows.has(metric)) &&
  trouble.value === undefined

/** Types of which log π is known of any probe: of the others nothing will be said. */
export const knownTypes = ({ probes, types }: Pick<LiveData, 'probes' | 'types'>): readonly string[] => {
  if (!probes) return []
  const unknown = unknownColumns(probes, 'logp')
  const known = new Set(probes.columns.flatMap(({ type }, i) => (unknown.has(i) ? [] : [type])))
  return types.filter(type => known.has(type))
}

export interface Awaited {
  readonly about: string
  /** About how many letters will be said of it. */
  readonly letters: number
}

/** How tall a place was while its words were awaited, and how tall they make it. */
interface Kept {
  readonly height: number
  readonly width: number
  readonly own?: number
}

/** Whether a place may be as tall as its words are: what stands below it is out of sight, before and after. */
export const mayShrink = (
  { top, bottom }: { readonly top: number; readonly bottom: number },
  own: number,
  window: number,
): boolean => bottom <= 0 || top + own >= window

/**
 * Words that turn out shorter leave the place as tall as it was while what stands below it is seen, so that nothing
 * under the reader's eyes; out of sight, and at another width, it takes the height of its words.
 */
export const useReserved = (place: { readonly current: HTMLElement | null }, busy: boolean): void => {
  const kept = useRef<Kept>(undefined)
  const free = (section: HTMLElement): void => {
    section.style.minHeight = ''
    kept.current = undefined
  }
  const settle = (): void => {
    const section = place.current
    if (!section || kept.current?.own === undefined) return
    const gone = section.offsetWidth !== kept.current.width
    if (gone || mayShrink(section.getBoundingClientRect(), kept.current.own, innerHeight)) free(section)
  }
  useLayoutEffect(() => {
    const section = place.current
    if (!section) return
    if (busy) kept.current = { height: section.offsetHeight, width: section.offsetWidth }
    else if (kept.current) {
      kept.current = { ...kept.current, own: section.offsetHeight }
      section.style.minHeight = `${kept.current.height}px`
      settle()
    }
    // Asked while the words are awaited, and once when they are there: asking has the browser lay the page out.
  }, busy ? undefined : [false])
  useEffect(() => {
    addEventListener('resize', settle)
    addEventListener('scroll', settle, { passive: true, capture: true })
    return () => {
      removeEventListener('resize', settle)
      removeEventListener('scroll', settle, { capture: true })
    }
  }, [])
}

// As wide as words are, and broken into lines as they are.
const FILLER = 'response −12.34 by '
const filler = (letters: number): string =>
  FILLER.repeat(Math.ceil(letters / FILLER.length)).slice(0, letters)

/** A line of a list that will say something else. */
export const AwaitedLine = ({ text }: { text: string }) => (
  <li aria-hidden="true">
    <span class="awaited">
      <span>{text}</span>
    </span>
  </li>
)

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
