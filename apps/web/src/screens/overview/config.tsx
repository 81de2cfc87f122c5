// A run's settings: searched, with or without what nobody chose, and drawn only where they are seen, since there may
// be thousands (aim#1994).
import { useComputed, useSignal } from '@preact/signals'
import { useMemo } from 'preact/hooks'
import type { LiveData } from '../../data/live-run.ts'
import { Find } from '../../shell/find.tsx'
import { chosenOf, createSearch, flatten } from '../config-tree.ts'

const ROW = 26
const MOST_HEIGHT = 420

/** Which rows of a list are seen, with some above and below. */
export const seenRows = (
  top: number,
  height: number,
  count: number,
  row: number,
): { readonly from: number; readonly to: number } => {
  const from = Math.max(0, Math.min(count, Math.floor(top / row) - 6))
  return { from, to: Math.min(count, Math.ceil((top + height) / row) + 6) }
}

export const Config = ({ run }: { run: LiveData }) => {
  const [find, only, top] = [useSignal(''), useSignal(false), useSignal(0)]
  const all = useMemo(() => flatten(run.manifest.config), [run.manifest])
  const chosen = useMemo(() => chosenOf(all, run.manifest.defaults), [all])
  const shown = useComputed(() => createSearch(find.value)(only.value && chosen ? chosen : all))
  if (all.length === 0) return null
  const list = shown.value
  const height = Math.min(MOST_HEIGHT, list.length * ROW + 2)
  const { from, to } = seenRows(top.value, height, list.length, ROW)
  return (
    <details class="panel config">
      <summary>
        <h2>
          Settings <span class="muted">{all.length}</span>
        </h2>
      </summary>
      <div class="bar">
        <Find text={find} />
        {chosen && (
          <label class="check">
            <input
              type="checkbox"
              checked={only.value}
              onChange={() => {
                only.value = !only.value
              }}
            />{' '}
            non-default only ({chosen.length})
          </label>
        )}
        <span class="muted">{list.length} shown</span>
      </div>
      <div
        class="rows settings"
        style={{ height: `${height}px` }}
        tabIndex={0}
        role="region"
        aria-label="Settings"
        onScroll={event => {
          top.value = event.currentTarget.scrollTop
        }}
      >
        <table class="rows-inner" style={{ height: `${list.length * ROW}px` }}>
          <caption class="sr">Settings of the run</caption>
          <thead class="sr">
            <tr>
              <th scope="col">setting</th>
              <th scope="col">value</th>
            </tr>
          </thead>
          <tbody>
            {list.slice(from, to).map(({ path, text }, i) => (
              <tr key={path} class="setting" style={{ top: `${(from + i) * ROW}px` }}>
                <th scope="row">{path}</th>
                <td title={text}>{text}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  )
}
