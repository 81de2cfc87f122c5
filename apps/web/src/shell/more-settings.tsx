// Settings beyond the two that are used most. Where there is room they stand in the row with the others; in a narrow
// window behind a summary, which says those that are away from their defaults, so that none acts unseen.
import type { ComponentChildren } from 'preact'
import { useEffect, useState } from 'preact/hooks'

const NARROW = '(max-width: 600px)'

/** Whether the window has no room for a row of settings. */
export const useNarrow = (): boolean => {
  const [narrow, set] = useState(() => matchMedia(NARROW).matches)
  useEffect(() => {
    const query = matchMedia(NARROW)
    const tell = (): void => set(query.matches)
    tell()
    query.addEventListener('change', tell)
    return () => query.removeEventListener('change', tell)
  }, [])
  return narrow
}

export const MoreSettings = ({ away, children }: { away: readonly string[]; children: ComponentChildren }) =>
  useNarrow() ? (
    <details class="more-settings">
      <summary>
        More settings{away.length > 0 && <span class="muted">: {away.join(', ')}</span>}
      </summary>
      <div class="more-items">{children}</div>
    </details>
  ) : (
    <>{children}</>
  )
