// The filter of the list of runs, word by word as it is understood; what means nothing says why, at the word.
import { useApp } from '../../shell/context.ts'
import { withoutPart, type FilterPart } from './table.ts'

export const Chips = ({ find, parts }: { find: string; parts: readonly FilterPart[] }) => {
  const app = useApp()
  if (parts.length === 0) return null
  return (
    <ul class="chips" aria-label="Filter, word by word">
      {parts.map(({ part, says, why }, i) => (
        <li key={`${i} ${part}`} class={why === undefined ? 'chip' : 'chip wrong'}>
          {why === undefined ? (
            says
          ) : (
            <span role="status">
              <code>{part}</code> means nothing here: {why}
            </span>
          )}{' '}
          <button
            type="button"
            class="small"
            aria-label={`Leave out ${part}`}
            onClick={() => app.store.set({ find: withoutPart(find, i) })}
          >
            ✕
          </button>
        </li>
      ))}
    </ul>
  )
}
