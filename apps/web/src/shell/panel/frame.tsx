// The frame around every panel: title, what it shows, the same actions everywhere (actions.tsx), and the figure, its
// table, or what stands there while it loads, fails or has nothing to show (body.tsx).
import type { RefObject } from 'preact'
import { useEffect, useLayoutEffect, useMemo, useRef } from 'preact/hooks'
import { describeModel, saysAlone, tableFor, type PanelModel } from '../../panels/panel.ts'
import { useApp, type App } from '../context.ts'
import { PanelActions } from './actions.tsx'
import { PanelBody } from './body.tsx'
import { TableView } from './table-view.tsx'

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
  const table = tables.includes(model.id) ? tableFor(model, app.store.view.peek().zoom) : undefined
  const isFull = full === model.id
  const ids = { title: `panel-${model.id}-title`, says: `panel-${model.id}-says` }
  useInView(frame, isFull)
  useHeldFocus(frame, table !== undefined)
  const latest = useRef(model)
  latest.current = model
  const [isDrawn, { id, title }] = [model.kind === 'curves' || model.kind === 'drawn', model]
  const actions = useMemo(
    () => isDrawn && <PanelActions app={app} id={id} title={title} isFull={isFull} latest={latest} />,
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
          {isFull ? saysAlone(model) : model.says}
        </p>
      </figcaption>
      {table ? (
        <TableView table={table} caption={`${model.title}: ${describeModel(model)}`} />
      ) : (
        <PanelBody model={model} height={isFull ? Math.max(320, innerHeight - 330) : height} ids={ids} />
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
