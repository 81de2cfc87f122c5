// What every panel can do: stand as a table, fill the page, be linked to, be saved.
import { copyLink } from '../copy-link.ts'
import { Icon } from '../icon.tsx'
import { SaveMenu, type Latest } from './save-menu.tsx'

const toggled = (list: readonly string[], id: string): readonly string[] =>
  list.includes(id) ? list.filter(one => one !== id) : [...list, id]

/** Of a run that grows the model changes at every tick, and this seldom. */
export const PanelActions = ({
  app,
  id,
  title,
  isFull,
  latest,
}: Latest & { readonly id: string; readonly isFull: boolean }) => {
  const { tables } = app.store.view.value
  return (
    <div class="actions" role="group" aria-label={`Actions of ${title}`}>
      <button
        type="button"
        class="icon"
        aria-pressed={tables.includes(id)}
        title={`Show as a table (${app.keyOf('t')})`}
        onClick={() => app.store.set({ tables: toggled(tables, id) })}
      >
        <Icon name="table" />
        <span class="sr">Show {title} as a table</span>
      </button>
      <button
        type="button"
        class="icon"
        aria-pressed={isFull}
        title={`Fill the page (${app.keyOf('f')})`}
        onClick={() => app.store.set({ full: isFull ? undefined : id })}
      >
        <Icon name="full" />
        <span class="sr">Show {title} alone</span>
      </button>
      <button
        type="button"
        class="icon"
        title="Copy a link to this panel"
        onClick={() => copyLink(app, { full: id })}
      >
        <Icon name="link" />
        <span class="sr">Copy a link to {title}</span>
      </button>
      <SaveMenu app={app} title={title} latest={latest} />
    </div>
  )
}
