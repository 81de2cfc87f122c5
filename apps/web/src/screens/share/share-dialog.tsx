// The Share dialog: five ways, one open at a time.
import { useSignal } from '@preact/signals'
import type { ComponentType } from 'preact'
import { useEffect } from 'preact/hooks'
import { CommandLine } from '../../shell/command-line.tsx'
import type { App } from '../../shell/context.ts'
import { frameOf } from '../../snapshot/offer.ts'
import { limitsOf, originOf } from '../../snapshot/words.ts'
import type { ToolProps } from '../screen.ts'
import { ShareFile } from './file.tsx'
import { ShareReproduce } from './reproduce.tsx'

/** The figures of the screen behind the dialog. */
const panelsShown = (): readonly { readonly id: string; readonly title: string }[] =>
  [...document.querySelectorAll<HTMLElement>('main [data-panel]')].map(element => ({
    id: element.dataset.panel!,
    title: element.querySelector('h2')?.textContent ?? element.dataset.panel!,
  }))

const ShareLink = ({ app }: ToolProps) => {
  const address = `${location.href.split('#')[0]}${app.store.link({})}`
  const local = /^http:\/\/(127\.|localhost|\[::1\])/.test(address)
  return (
    <>
      <p>
        Runs, screen, step, selection, zoom and every other setting are in the address: whoever opens it sees
        what you see.
      </p>
      <CommandLine command={address} />
      <p class="muted">
        {app.snapshot
          ? 'This page is a file. Send the file, and with it what stands behind # in the address: it opens the same view in any copy.'
          : local
            ? 'The address leads to this machine: it opens here alone. For others, send one HTML file.'
            : 'Whoever opens it also needs the token that ldyn view printed, if it printed one.'}
      </p>
    </>
  )
}

const ShareFigure = ({ close }: ToolProps) => {
  const panels = panelsShown()
  /** Opens the menu of a panel, behind the dialog. */
  const show = (id: string): void => {
    close()
    const panel = [...document.querySelectorAll<HTMLElement>('main [data-panel]')].find(one => one.dataset.panel === id)
    const menu = panel?.querySelector<HTMLDetailsElement>('details.menu')
    panel?.scrollIntoView({ block: 'center' })
    if (!menu) return
    menu.open = true
    menu.querySelector('summary')?.focus()
  }
  return (
    <>
      <p>
        Every figure can be saved as SVG, PNG (twice as large), CSV of what is drawn, or JSON with its caption and
        address, from the menu in its corner.
      </p>
      <ul class="share-panels">
        {panels.map(({ id, title }) => (
          <li key={id}>
            <button type="button" class="small" onClick={() => show(id)}>
              {title}
            </button>
          </li>
        ))}
      </ul>
      <p>
        <button
          type="button"
          onClick={() => {
            close()
            setTimeout(() => print(), 50)
          }}
        >
          Print the screen, or save it as PDF
        </button>
      </p>
    </>
  )
}

const ShareFrame = ({ app }: ToolProps) => {
  const panels = panelsShown()
  const view = app.store.view.value
  const panel = useSignal(view.full ?? panels[0]?.id ?? '')
  const theme = useSignal<'light' | 'dark' | 'system'>('system')
  useEffect(() => void app.runs.refreshList(), [])
  const framed = app.runs.list.value?.framed
  const file = framed
    ? location.href.split('#')[0]
    : app.snapshot
      ? (location.pathname.split('/').at(-1) ?? 'snapshot.html')
      : `${view.runs.map(key => key.split('/').at(-1)).join('-')}.html`
  return (
    <>
      <p>One figure, or the whole screen, without header and footer, in a page of yours.</p>
      <div class="share-row">
        <label>
          Figure{' '}
          <select value={panel.value} onChange={event => void (panel.value = event.currentTarget.value)}>
            <option value="">the whole screen</option>
            {panels.map(({ id, title }) => (
              <option key={id} value={id}>
                {title}
              </option>
            ))}
          </select>
        </label>
        <label>
          Theme{' '}
          <select
            value={theme.value}
            onChange={event => void (theme.value = event.currentTarget.value as 'light' | 'dark' | 'system')}
          >
            <option value="system">the reader’s</option>
            <option value="light">light</option>
            <option value="dark">dark</option>
          </select>
        </label>
      </div>
      <CommandLine
        command={frameOf({
          file: decodeURIComponent(file),
          view,
          panel: panels.find(({ id }) => id === panel.value),
          theme: theme.value === 'system' ? undefined : theme.value,
        })}
      />
      <p class="muted">
        {app.snapshot
          ? 'Put this file beside your page.'
          : framed
            ? 'It shows this viewer for as long as that runs, in pages of the origins that --allow-frames names.'
            : 'Make the HTML file and put it beside your page. A viewer that runs lets other pages frame it only with ldyn view --allow-frames <origin>.'}
      </p>
    </>
  )
}

/** What a snapshot says in place of making another. */
const ThisFile = ({ app }: { app: App }) => {
  const about = app.snapshot!
  return (
    <>
      <p>
        {about.beside
          ? 'This page is a folder on a web server: send its address. Whoever has the runs makes one file with ldyn export --html.'
          : 'This page is such a file: send it as it is.'}
      </p>
      <p>{originOf(about)}.</p>
      {limitsOf(about).map(text => (
        <p key={text}>{text}</p>
      ))}
      <p class="muted">Whoever has the runs can make a smaller file, or one without text, with ldyn export --html.</p>
    </>
  )
}

// The writer is no part of a snapshot: its page is to stay small.
const HtmlFile: ComponentType<ToolProps> = props =>
  import.meta.env.SNAPSHOT || props.app.snapshot ? <ThisFile app={props.app} /> : <ShareFile {...props} />

const ways: readonly { readonly id: string; readonly title: string; readonly View: ComponentType<ToolProps> }[] = [
  { id: 'link', title: 'Link to this view', View: ShareLink },
  { id: 'file', title: 'One HTML file', View: HtmlFile },
  { id: 'figure', title: 'Figures', View: ShareFigure },
  { id: 'embed', title: 'Embed', View: ShareFrame },
  { id: 'reproduce', title: 'Reproduce', View: ShareReproduce },
]

export const ShareDialog = (props: ToolProps) => {
  const way = useSignal('link')
  const { View } = ways.find(({ id }) => id === way.value)!
  return (
    <div class="share">
      <fieldset class="share-ways">
        <legend class="sr">What to share</legend>
        {ways.map(({ id, title }) => (
          <label key={id} class="check">
            <input type="radio" name="share" checked={way.value === id} onChange={() => void (way.value = id)} /> {title}
          </label>
        ))}
      </fieldset>
      <div class="share-way">
        <View key={way.value} {...props} />
      </div>
      <p class="share-end">
        <button type="button" onClick={props.close}>
          Close
        </button>
      </p>
    </div>
  )
}
