// The frame around every panel: title, what it shows, the same actions everywhere (table, full page, link,
// files), and what stands there while it loads, fails or has nothing to show.
import { escape, slug } from '@ldyn/figures'
import type { RefObject } from 'preact'
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks'
import {
  csvOf,
  describeModel,
  svgFor,
  tableFor,
  within,
  type PanelModel,
  type Table,
} from '../../panels/panel.ts'
import { bannerText, fileTag } from '../../snapshot/words.ts'
import { useApp, type App } from '../context.ts'
import { CurveFigure } from './curve-figure.tsx'
import { Loading } from './loading.tsx'
import { Icon } from '../icon.tsx'
import { saveFile, savePng } from './save.ts'
import { snapshotShown } from '../snapshot-shown.ts'
import { CommandLine } from '../command-line.tsx'

const fileName = (app: App, model: PanelModel, extension: string): string => {
  const about = snapshotShown(app)
  return `${slug(app.store.view.peek().runs.join('-'))}-${slug(model.id)}${about ? fileTag(about) : ''}.${extension}`
}

/** What a file says of a snapshot whose numbers it holds. */
const origin = (app: App): string | undefined => {
  const about = snapshotShown(app)
  return about && bannerText(about)
}

/** The model as its zoom shows it, for files and tables. */
const seen = (app: App, model: PanelModel): PanelModel =>
  model.kind === 'curves' ? { ...model, panel: within(model.panel, app.store.view.peek().zoom) } : model

interface Latest {
  readonly app: App
  readonly title: string
  /** The model as it is when something is asked for. */
  readonly latest: { readonly current: PanelModel }
}

const Save = ({ app, title, latest }: Latest) => {
  const csv = (): void => {
    const model = latest.current
    const table = tableFor(seen(app, model))
    if (table) saveFile(fileName(app, model, 'csv'), 'text/csv', csvOf(table))
  }
  const json = (): void => {
    const model = latest.current
    const table = tableFor(seen(app, model))
    const { says, notes } = model
    const address = app.store.link({})
    if (table)
      saveFile(
        fileName(app, model, 'json'),
        'application/json',
        `${JSON.stringify({ title: model.title, says, notes, origin: origin(app), address, ...table }, null, 1)}\n`,
      )
  }
  // Made when it is asked for: a picture of thousands of points is no small text.
  const svg = async (use: (text: string, model: PanelModel) => void): Promise<void> => {
    const model = latest.current
    const { zoom, xAxis } = app.store.view.peek()
    const text =
      svgFor(model, zoom, xAxis === 'log') ??
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

const toggled = (list: readonly string[], id: string): readonly string[] =>
  list.includes(id) ? list.filter(one => one !== id) : [...list, id]

const ROWS = 25

export const TableView = ({ table, caption }: { table: Table; caption: string }) => {
  const [page, setPage] = useState(0)
  const pages = Math.max(1, Math.ceil(table.rows.length / ROWS))
  const at = Math.min(page, pages - 1)
  return (
    <div class="table-view">
      <div class="scroll" tabIndex={0} role="region" aria-label={caption}>
        <table>
          <caption class="sr">{caption}</caption>
          <thead>
            <tr>
              {table.head.map(name => (
                <th scope="col" key={name}>
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {table.rows.slice(at * ROWS, (at + 1) * ROWS).map((row, r) => (
              <tr key={at * ROWS + r}>
                {row.map((cell, c) =>
                  c === 0 ? (
                    <th scope="row" key={c}>
                      {cell}
                    </th>
                  ) : (
                    <td key={c} class={typeof cell === 'number' ? 'number' : undefined}>
                      {cell === undefined ? '–' : typeof cell === 'number' ? shortNumber(cell) : cell}
                    </td>
                  ),
                )}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {pages > 1 && (
        <p class="pager">
          <button type="button" disabled={at === 0} onClick={() => setPage(at - 1)}>
            Back
          </button>
          rows {at * ROWS + 1}–{Math.min(table.rows.length, (at + 1) * ROWS)} of {table.rows.length}
          <button type="button" disabled={at === pages - 1} onClick={() => setPage(at + 1)}>
            On
          </button>
        </p>
      )}
    </div>
  )
}
const shortNumber = (value: number): string =>
  Number.isInteger(value)
    ? String(value).replace('-', '−')
    : String(Number(value.toPrecision(6))).replace(/-/g, '−')

const Body = ({
  model,
  height,
  ids,
}: {
  model: PanelModel
  height: number
  ids: { title: string; says: string }
}) => {
  switch (model.kind) {
    case 'missing':
      return (
        <div class="nothing">
          <p>{model.missing.what}</p>
          {model.missing.command !== undefined && <CommandLine command={model.missing.command} />}
        </div>
      )
    case 'loading':
      return <Loading part={model.part} />
    case 'trouble':
      return (
        <div class="nothing trouble" role="alert">
          <p>
            <strong>{model.trouble.what}</strong>
          </p>
          {model.trouble.where !== undefined && <p class="muted">{model.trouble.where}</p>}
          {model.trouble.why !== undefined && <p>{model.trouble.why}</p>}
          {model.trouble.fix !== undefined && <p>{model.trouble.fix}</p>}
          {model.retry && (
            <button type="button" onClick={model.retry}>
              Try again
            </button>
          )}
        </div>
      )
    case 'drawn':
      return <div class="drawn">{model.draw()}</div>
    case 'curves':
      return model.panel.lines.length === 0 ? (
        <div class="nothing">
          <p>All curves are hidden. The legend brings them back.</p>
        </div>
      ) : (
        <CurveFigure panel={model.panel} height={height} labelledBy={ids.title} describedBy={ids.says} />
      )
  }
}

/** A panel that waits for a run whose reading failed waits for nothing: it says what failed. */
const asItStands = (app: App, model: PanelModel): PanelModel => {
  const failed = model.kind === 'loading' && app.opened.value.find(run => run.trouble.value !== undefined)
  return failed ? { ...model, kind: 'trouble', trouble: failed.trouble.value!, retry: failed.retry } : model
}

// Effects of their own functions: one keeps all that its function saw when it last ran, and the model of a panel may
// hold matrices of many megabytes.
const useInView = (frame: RefObject<HTMLElement | null>, isFull: boolean): void =>
  useEffect(() => {
    if (isFull) frame.current?.scrollIntoView({ block: 'start' })
  }, [isFull])

/** Drawing and table take each other's place: the focus that one had is the other's. */
const useHeldFocus = (frame: RefObject<HTMLElement | null>, isTable: boolean): void => {
  const held = frame.current?.contains(document.activeElement) ?? false
  useLayoutEffect(() => {
    if (!held || frame.current!.contains(document.activeElement)) return
    frame.current!.querySelector<HTMLElement>('[tabindex="0"]')?.focus({ preventScroll: true })
  }, [isTable])
}

/** What every panel can do. Of a run that grows the model changes at every tick, and this seldom. */
const Actions = ({ app, id, title, isFull, latest }: Latest & { readonly id: string; readonly isFull: boolean }) => {
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
      <Save app={app} title={title} latest={latest} />
    </div>
  )
}

export const PanelFrame = ({
  model: given,
  height = 260,
  frame: own,
  children,
}: {
  model: PanelModel
  height?: number
  /** Where whoever draws the panel wants to know its place. */
  frame?: { current: HTMLElement | null }
  children?: preact.ComponentChildren
}) => {
  const app = useApp()
  const model = asItStands(app, given)
  const inner = useRef<HTMLElement>(null)
  const frame = own ?? inner
  const { tables, full } = app.store.view.value
  const table = tables.includes(model.id) ? tableFor(seen(app, model)) : undefined
  const isFull = full === model.id
  const ids = { title: `panel-${model.id}-title`, says: `panel-${model.id}-says` }
  useInView(frame, isFull)
  useHeldFocus(frame, table !== undefined)
  const latest = useRef(model)
  latest.current = model
  const [isDrawn, { id, title }] = [model.kind === 'curves' || model.kind === 'drawn', model]
  const actions = useMemo(
    () => isDrawn && <Actions app={app} id={id} title={title} isFull={isFull} latest={latest} />,
    [isDrawn, id, title, isFull],
  )
  return (
    <figure
      ref={frame}
      class={`panel ${model.kind}${isFull ? ' full' : ''}`}
      id={`panel-${model.id}`}
      data-panel={model.id}
      aria-labelledby={ids.title}
    >
      <figcaption>
        <h2 id={ids.title}>{model.title}</h2>
        {actions}
        <p class="says" id={ids.says}>
          {model.says}
        </p>
      </figcaption>
      {table ? (
        <TableView table={table} caption={`${model.title}: ${describeModel(model)}`} />
      ) : (
        <Body model={model} height={isFull ? Math.max(320, innerHeight - 330) : height} ids={ids} />
      )}
      {children}
      {model.notes?.map(note => (
        <p class={note.startsWith('CAUTION') ? 'note caution' : 'note'} key={note}>
          {note}
        </p>
      ))}
    </figure>
  )
}

/** Puts the address of a view on the clipboard, and says so. */
export const copyLink = (app: App, patch: Parameters<App['store']['link']>[0] = {}): void => {
  const address = `${location.href.split('#')[0]}${app.store.link(patch)}`
  // Only pages from this machine, or over TLS, may write to the clipboard; elsewhere the address is shown.
  if (!navigator.clipboard) app.toast(address)
  else
    void navigator.clipboard.writeText(address).then(
      () => app.toast('Link copied'),
      () => app.toast(address),
    )
}
