// The shell around every screen: header, the screen, the step cursor, dialogs. A screen that fails does so
// alone, and losing the server never clears the page.
import { useComputed, useSignalEffect, type ReadonlySignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { LiveData } from '../../data/live-run.ts'
import { Runs } from '../../screens/runs/runs.tsx'
import { places, screens } from '../../screens/index.ts'
import { Boundary } from './boundary.tsx'
import { bannerText, originOf } from '../../snapshot/words.ts'
import { AppContext, useApp, type App } from '../context.ts'
import { Dialog } from '../dialog.tsx'
import { DropZone } from './drop-zone.tsx'
import { Header } from './header.tsx'
import { Help } from '../keys/help.tsx'
import { useKeyboard } from '../keys/keyboard.ts'
import { Part, prefetch, type Loadable } from '../lazy.tsx'
import { RunScreen } from './run-screen.tsx'
import { snapshotShown } from '../snapshot-shown.ts'
import { OpenTool } from './tool.tsx'
import { Transport } from './transport.tsx'

/** Parts of the address that this version does not know. */
const Unknown = () => {
  const app = useApp()
  const unknown = app.store.unknown.value
  if (unknown.length === 0) return null
  return (
    <p class="banner" role="status">
      The link had {unknown.length === 1 ? 'a setting' : `${unknown.length} settings`} that this version does
      not know:{' '}
      {unknown.map(part => (
        <code key={part}>{part}</code>
      ))}{' '}
      <button type="button" onClick={() => app.store.dismissUnknown()}>
        Dismiss
      </button>
    </p>
  )
}

/** What this file is, where the page is a snapshot. */
const SnapshotNote = () => {
  const app = useApp()
  const { snapshot } = app
  if (!snapshot) return null
  const shown = snapshotShown(app)
  return (
    <p class="snapshot" role="note">
      {shown ? bannerText(shown) : `${originOf(snapshot)}.`}
    </p>
  )
}

/** The page that the address names. */
const Content = () => {
  const app = useApp()
  const view = app.store.view.value
  if (view.runs.length > 0) {
    const screen = screens.find(({ page }) => page === view.page)
    return (
      <>
        <h1 class="sr">
          {screen?.title ?? view.page} of {view.runs.join(', ')}
        </h1>
        {app.snapshot && !app.snapshot.pages.includes(view.page) ? (
          <p class="banner" role="status">
            This file was made without the screen {screen?.title ?? view.page}.{' '}
            <a href={app.store.link({ page: app.snapshot.pages[0] })}>
              {screens.find(({ page }) => page === app.snapshot!.pages[0])?.title}
            </a>
          </p>
        ) : screen ? (
          <RunScreen screen={screen} />
        ) : (
          <p class="banner" role="status">
            This version has no screen “{view.page}”.{' '}
            <a href={app.store.link({ page: 'overview' })}>Overview</a>
          </p>
        )}
      </>
    )
  }
  const place = places.find(one => one.place === view.place)
  if (place)
    return (
      <>
        <h1 class="sr">{place.says}</h1>
        <Boundary key={place.place} name={place.title}>
          <Part part={place} title={place.title} props={{ app }} />
        </Boundary>
      </>
    )
  return (
    <Boundary key="runs" name="Runs">
      <Runs />
    </Boundary>
  )
}

// Fetched when it is first opened.
const search: Loadable<{ close: () => void }> = {
  load: () => import('../search/search.tsx').then(({ Search }) => Search),
}

const OpenSearch = () => {
  const app = useApp()
  // Whoever presses Ctrl+K goes on typing.
  useEffect(() => prefetch(search), [])
  const close = (): void => {
    app.searching.value = false
  }
  return (
    <Dialog open={app.searching.value} title="Search" look="search" close={close}>
      <Part part={search} title="Search" props={{ close }} />
    </Dialog>
  )
}

/** Of a run that grows the page is not drawn anew, but this. */
const Footer = ({ data }: { data: ReadonlySignal<LiveData | undefined> }) =>
  data.value === undefined ? null : (
    <footer>
      <Transport run={data.value} />
    </footer>
  )

const titleOf = (app: App): string => {
  const { runs, page, place } = app.store.view.value
  const name =
    runs.length > 0
      ? `${runs.join(', ')} · ${screens.find(one => one.page === page)?.title ?? page}`
      : (places.find(one => one.place === place)?.title ?? 'Runs')
  return `${name} · ldyn`
}

export const Shell = ({
  app,
  said,
  toast,
}: {
  app: App
  said: { readonly value: string }
  toast: { readonly value: string }
}) => {
  const view = app.store.view.value
  const data = useComputed(() => app.opened.value[0]?.data.value)
  useSignalEffect(() => {
    document.title = titleOf(app)
  })
  useKeyboard(app, data)
  return (
    <AppContext.Provider value={app}>
      {!view.embed && <Header />}
      <main class={view.full === undefined ? undefined : 'has-full'} id="main">
        <Unknown />
        <Content />
        {!view.embed && <SnapshotNote />}
      </main>
      {view.runs.length > 0 && !(view.embed && view.full !== undefined) && <Footer data={data} />}
      <div class="sr" role="status" aria-live="polite">
        {said.value}
      </div>
      {toast.value !== '' && (
        <div class="toast" role="status">
          {toast.value}
        </div>
      )}
      <Help />
      <OpenTool />
      <OpenSearch />
      {!app.snapshot && <DropZone />}
    </AppContext.Provider>
  )
}
