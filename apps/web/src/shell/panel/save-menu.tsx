// What a panel is saved as: SVG, PNG, CSV, JSON. Of a snapshot, whose numbers may be rounded, every file says so.
import { escape, slug } from '@ldyn/figures'
import { csvOf, saysAlone, svgFor, tableFor, type PanelModel } from '../../panels/panel.ts'
import { bannerText, fileTag } from '../../snapshot/words.ts'
import type { App } from '../context.ts'
import { Icon } from '../icon.tsx'
import { snapshotShown } from '../snapshot-shown.ts'
import { saveFile, savePng } from './save.ts'

const fileName = (app: App, model: PanelModel, extension: string): string => {
  const about = snapshotShown(app)
  return `${slug(app.store.view.peek().runs.join('-'))}-${slug(model.id)}${about ? fileTag(about) : ''}.${extension}`
}

/** What a file says of a snapshot whose numbers it holds. */
const origin = (app: App): string | undefined => {
  const about = snapshotShown(app)
  return about && bannerText(about)
}

export interface Latest {
  readonly app: App
  readonly title: string
  /** The model as it is when something is asked for. */
  readonly latest: { readonly current: PanelModel }
}

export const SaveMenu = ({ app, title, latest }: Latest) => {
  const csv = (): void => {
    const model = latest.current
    const table = tableFor(model, app.store.view.peek().zoom)
    if (table) saveFile(fileName(app, model, 'csv'), 'text/csv', csvOf(table))
  }
  const json = (): void => {
    const model = latest.current
    const table = tableFor(model, app.store.view.peek().zoom)
    const { notes } = model
    const address = app.store.link({})
    if (table)
      saveFile(
        fileName(app, model, 'json'),
        'application/json',
        `${JSON.stringify({ title: model.title, says: saysAlone(model), notes, origin: origin(app), address, ...table }, null, 1)}\n`,
      )
  }
  // Made when it is asked for: a picture of thousands of points is no small text.
  const svg = async (use: (text: string, model: PanelModel) => void): Promise<void> => {
    const model = latest.current
    const { zoom, xAxis, tables } = app.store.view.peek()
    // A drawing in whose place its table stands is saved as that.
    const asTable = model.kind === 'drawn' && tables.includes(model.id)
    const text =
      (asTable ? undefined : svgFor(model, zoom, xAxis === 'log')) ??
      (model.kind === 'drawn' ? (await import('./picture.ts')).drawnSvg(model.id, model.title) : undefined)
    if (text === undefined) app.toast('Nothing is drawn in this window')
    else {
      const from = origin(app)
      const cut = text.lastIndexOf('</svg>')
      use(
        from === undefined ? text : `${text.slice(0, cut)}<metadata>${escape(from)}</metadata>${text.slice(cut)}`,
        model,
      )
    }
  }
  // Escape closes it and the focus stays at it; so does going elsewhere, lest it cover what one goes to.
  const close = (menu: HTMLDetailsElement): void => {
    if (menu.contains(document.activeElement)) menu.querySelector('summary')?.focus()
    menu.open = false
  }
  return (
    <details
      class="menu"
      onKeyDown={event => {
        if (event.key !== 'Escape' || !event.currentTarget.open) return
        event.stopPropagation()
        close(event.currentTarget)
      }}
      onFocusOut={event => {
        const next = event.relatedTarget
        if (next instanceof Node && !event.currentTarget.contains(next)) event.currentTarget.open = false
      }}
    >
      <summary class="icon" title="Save as a file">
        <Icon name="save" />
        <span class="sr">Save {title} as a file</span>
      </summary>
      <div class="menu-items">
        <button
          type="button"
          onClick={() => void svg((text, model) => saveFile(fileName(app, model, 'svg'), 'image/svg+xml', text))}
        >
          SVG
        </button>
        <button
          type="button"
          onClick={() => void svg((text, model) => void savePng(fileName(app, model, 'png'), text))}
        >
          PNG, twice as large
        </button>
        <button type="button" onClick={csv}>
          CSV of what is drawn
        </button>
        <button type="button" onClick={json}>
          JSON with caption and address
        </button>
      </div>
    </details>
  )
}
