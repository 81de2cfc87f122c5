// The shell around every screen: where one is, how the runs stand, the step cursor, keys, theme. A screen that
// fails does so alone, and losing the server never clears the page.
import { useComputed, useSignal, useSignalEffect } from '@preact/signals'
import { Component, type ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import type { LiveData } from '../data/live-run.ts'
import { troubleOf, type OpenRun } from '../data/run-store.ts'
import { evaluationAt } from '../panels/dynamics.ts'
import { Runs } from '../screens/runs.tsx'
import { screens } from '../screens/index.ts'
import { probeItems } from '../screens/probe-list.tsx'
import type { Screen } from '../screens/screen.ts'
import { createKeys, keyHelp, type Action } from '../state/keys.ts'
import { AppContext, useApp, type App } from './context.ts'
import { Icon } from './icon.tsx'
import { copyLink, PanelFrame } from './panel-frame.tsx'
import { THEMES } from './preferences.ts'
import { StateMark } from './state-mark.tsx'
import { Transport } from './transport.tsx'

/** A screen that throws says so in its place. */
class Boundary extends Component<{ children: ComponentChildren; name: string }, { error?: unknown }> {
  override state: { error?: unknown } = {}
  override componentDidCatch(error: unknown): void {
    this.setState({ error })
  }
  override render() {
    if (this.state.error === undefined) return this.props.children
    return (
      <PanelFrame
        model={{
          id: 'screen',
          kind: 'trouble',
          title: this.props.name,
          says: 'This screen met something that it did not expect.',
          trouble: troubleOf(this.state.error),
          retry: () => this.setState({ error: undefined }),
        }}
      />
    )
  }
}

const Header = () => {
  const app = useApp()
  const view = app.store.view.value
  const { theme } = app.preferences.value
  const connection = app.runs.connection.value
  const [first] = app.opened.value
  const names = view.runs.join(' · ')
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length]
  return (
    <header>
      <div class="top">
        <a
          class="brand"
          href={app.store.link({
            runs: [],
            find: '',
            sort: '',
            full: undefined,
            step: undefined,
            zoom: undefined,
          })}
        >
          ldyn
        </a>
        <nav aria-label="Where you are" class="crumbs">
          <a
            href={app.store.link({
              runs: [],
              find: '',
              sort: '',
              full: undefined,
              step: undefined,
              zoom: undefined,
            })}
            aria-current={view.runs.length === 0 ? 'page' : undefined}
          >
            Runs
          </a>
          {view.runs.length > 0 && (
            <span class="run-name" title={names}>
              {names}
            </span>
          )}
          {first?.state.value && <StateMark state={first.state.value} />}
        </nav>
        <span class="grow" />
        {connection.state === 'waiting' && (
          <span class="state stalled" role="status" title={connection.why}>
            ◌ reconnecting
          </span>
        )}
        {view.runs.length > 0 && (
          <button
            type="button"
            class="icon"
            title="Copy the link to this view (c)"
            onClick={() => copyLink(app)}
          >
            <Icon name="link" />
            <span class="sr">Copy the link to this view</span>
          </button>
        )}
        <button
          type="button"
          class="icon"
          title={`Theme: ${theme}. Next: ${next} (Alt+M)`}
          onClick={() => {
            app.preferences.value = { ...app.preferences.value, theme: next }
          }}
        >
          <Icon name="theme" />
          <span class="sr">Theme: {theme}</span>
        </button>
        <button
          type="button"
          class="icon"
          title="Keys (?)"
          onClick={() => {
            app.help.value = true
          }}
        >
          <Icon name="help" />
          <span class="sr">Keys</span>
        </button>
      </div>
      {view.runs.length > 0 && (
        <nav class="tabs" aria-label="Screens">
          {screens.map(({ page, title }) => (
            <a
              key={page}
              href={app.store.link({ page, full: undefined, find: '', sort: '' })}
              aria-current={view.page === page ? 'page' : undefined}
            >
              {title}
            </a>
          ))}
        </nav>
      )}
    </header>
  )
}

const Help = () => {
  const app = useApp()
  const dialog = useRef<HTMLDialogElement>(null)
  const { letters } = app.preferences.value
  useEffect(() => {
    if (app.help.value) dialog.current?.showModal()
    else dialog.current?.close()
  }, [app.help.value])
  return (
    <dialog
      ref={dialog}
      aria-labelledby="help-title"
      onClose={() => {
        app.help.value = false
      }}
    >
      <h2 id="help-title">Keys</h2>
      <dl class="keys">
        {keyHelp.map(({ keys, says }) => (
          <div key={keys}>
            <dt>
              <kbd>{keys}</kbd>
            </dt>
            <dd>{says}</dd>
          </div>
        ))}
      </dl>
      <label class="check">
        <input
          type="checkbox"
          checked={letters}
          onChange={() => {
            app.preferences.value = { ...app.preferences.value, letters: !letters }
          }}
        />{' '}
        keys of a single letter act
      </label>
      <p>
        <button
          type="button"
          onClick={() => {
            app.help.value = false
          }}
        >
          Close
        </button>
      </p>
    </dialog>
  )
}

/** What stands in place of runs that are not read (yet). */
const Waiting = ({ opened }: { opened: readonly OpenRun[] }) => (
  <>
    {opened.map(run => {
      if (run.data.value) return null
      const [id, title, says] = [`run-${run.key}`, run.key, 'A run directory.']
      if (run.gone.value)
        return (
          <PanelFrame
            key={run.key}
            model={{
              id,
              kind: 'missing',
              title,
              says,
              missing: {
                what: 'There is no such run here. It may have been moved or removed.',
                command: 'ldyn runs ls',
              },
            }}
          />
        )
      const trouble = run.trouble.value
      return trouble ? (
        <PanelFrame key={run.key} model={{ id, kind: 'trouble', title, says, trouble, retry: run.retry }} />
      ) : (
        <PanelFrame key={run.key} model={{ id, kind: 'loading', title, says, part: run.key }} />
      )
    })}
  </>
)

const Screens = ({ screen }: { screen: Screen }) => {
  const app = useApp()
  const opened = app.opened.value
  const { metric } = app.store.view.value
  const read = opened.filter(run => run.data.value !== undefined)
  const data = read.map(run => run.data.value!)
  useEffect(() => {
    for (const run of opened) for (const name of screen.metrics({ metric })) run.need(name)
  }, [opened, screen, metric])
  return (
    <>
      {opened
        .filter(run => run.data.value && run.gone.value)
        .map(run => (
          <p class="banner" role="status" key={run.key}>
            <strong>{run.key} is gone.</strong> What was read of it stays here until the page is closed.
          </p>
        ))}
      {read
        .filter(run => run.trouble.value)
        .map(run => (
          <p class="banner bad" role="alert" key={run.key}>
            <strong>{run.trouble.value!.what}</strong> {run.trouble.value!.where} {run.trouble.value!.why}.
            What was read before is shown.{' '}
            <button type="button" onClick={run.retry}>
              Try again
            </button>
          </p>
        ))}
      <Waiting opened={opened} />
      {data.length > 0 && (
        <Boundary key={screen.page} name={screen.title}>
          <screen.View app={app} runs={data} opened={read} />
        </Boundary>
      )}
    </>
  )
}

const isTyping = (target: EventTarget | null): boolean => {
  if (!(target instanceof HTMLElement)) return false
  return (
    target.isContentEditable ||
    /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) ||
    target.closest('dialog') !== null
  )
}

/** What keys do; true where they did something. */
const act = (app: App, action: Action, data: LiveData | undefined): boolean => {
  const { store } = app
  const view = store.view.peek()
  const focused = (document.activeElement?.closest('[data-panel]') as HTMLElement | null)?.dataset.panel
  const toggle = (list: readonly string[], id: string): readonly string[] =>
    list.includes(id) ? list.filter(one => one !== id) : [...list, id]
  switch (action.do) {
    case 'page':
      if (action.page === 'runs') store.set({ runs: [], full: undefined })
      else if (view.runs.length > 0) store.set({ page: action.page, full: undefined })
      return true
    case 'step': {
      if (!data) return false
      const next = evaluationAt(data, view.step) + action.by
      store.set({
        step: next >= data.evaluations.length - 1 ? undefined : data.evaluations[Math.max(0, next)].step,
      })
      return true
    }
    case 'first':
      return (store.set({ step: data?.evaluations[0]?.step }), true)
    case 'last':
      return (store.set({ step: undefined }), true)
    case 'play':
      return (document.dispatchEvent(new Event('ldyn:play')), true)
    case 'probe': {
      const items = data ? probeItems(data, view) : []
      if (items.length === 0) return false
      const at = items.findIndex(({ row }) => row === view.probe)
      store.set({ probe: items[Math.min(items.length - 1, Math.max(0, at + action.by))].row })
      return true
    }
    case 'update': {
      const steps = data?.updates.map(({ s }) => s) ?? []
      if (steps.length === 0) return false
      const at = view.update === undefined ? steps.length : steps.indexOf(view.update)
      store.set({ update: steps[Math.min(steps.length - 1, Math.max(0, at + action.by))] })
      return true
    }
    case 'pin':
      return (store.set({ pinned: view.pinned === view.probe ? undefined : view.probe }), true)
    case 'select':
      if (view.probe === undefined) return false
      store.set({
        selected: view.selected.includes(view.probe)
          ? view.selected.filter(row => row !== view.probe)
          : [...view.selected, view.probe],
      })
      return true
    case 'logX':
      return (store.set({ xAxis: view.xAxis === 'log' ? 'step' : 'log' }), true)
    case 'change':
      return (store.set({ change: !view.change }), true)
    case 'zoomOut':
      return (store.set({ zoom: undefined }), true)
    case 'full':
      return focused !== undefined && (store.set({ full: view.full === focused ? undefined : focused }), true)
    case 'table':
      return focused !== undefined && (store.set({ tables: toggle(view.tables, focused) }), true)
    case 'copy':
      return (copyLink(app), true)
    case 'undo':
      return store.undo()
    case 'redo':
      return store.redo()
    case 'theme':
      app.preferences.value = {
        ...app.preferences.value,
        theme: THEMES[(THEMES.indexOf(app.preferences.value.theme) + 1) % THEMES.length],
      }
      return true
    case 'help':
      return (app.help.value = true)
    case 'escape':
      return view.full !== undefined && (store.set({ full: undefined }), true)
    case 'find': {
      const field = document.getElementById('find')
      field?.focus()
      return field !== null
    }
  }
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
  const unknown = app.store.unknown.value
  const screen = screens.find(({ page }) => page === view.page)
  const data = useComputed(() => app.opened.value[0]?.data.value)
  const title = useSignal('')
  useSignalEffect(() => {
    const { runs, page } = app.store.view.value
    title.value =
      runs.length === 0
        ? 'Runs · ldyn'
        : `${runs.join(', ')} · ${screens.find(one => one.page === page)?.title ?? page} · ldyn`
    document.title = title.value
  })
  useEffect(() => {
    const keys = createKeys()
    const onKey = (event: KeyboardEvent): void => {
      // Space presses a focused button, as everywhere.
      const typing =
        isTyping(event.target) ||
        (event.key === ' ' &&
          event.target instanceof HTMLElement &&
          event.target.closest('button, a, summary') !== null)
      const action = keys(
        {
          key: event.key,
          ctrlKey: event.ctrlKey,
          metaKey: event.metaKey,
          altKey: event.altKey,
          shiftKey: event.shiftKey,
          typing,
        },
        app.preferences.peek().letters,
      )
      if (action && act(app, action, data.peek())) event.preventDefault()
    }
    document.addEventListener('keydown', onKey)
    return () => document.removeEventListener('keydown', onKey)
  }, [])
  return (
    <AppContext.Provider value={app}>
      {!view.embed && <Header />}
      <main class={view.full === undefined ? undefined : 'has-full'} id="main">
        {view.runs.length > 0 && (
          <h1 class="sr">
            {screen?.title ?? view.page} of {view.runs.join(', ')}
          </h1>
        )}
        {unknown.length > 0 && (
          <p class="banner" role="status">
            The link had {unknown.length === 1 ? 'a setting' : `${unknown.length} settings`} that this version
            does not know:{' '}
            {unknown.map(part => (
              <code key={part}>{part}</code>
            ))}{' '}
            <button type="button" onClick={() => app.store.dismissUnknown()}>
              Dismiss
            </button>
          </p>
        )}
        {view.runs.length === 0 ? (
          <Boundary name="Runs">
            <Runs />
          </Boundary>
        ) : screen ? (
          <Screens screen={screen} />
        ) : (
          <p class="banner" role="status">
            This version has no screen “{view.page}”.{' '}
            <a href={app.store.link({ page: 'overview' })}>Overview</a>
          </p>
        )}
      </main>
      {data.value && view.runs.length > 0 && (
        <footer>
          <Transport run={data.value} />
        </footer>
      )}
      <div class="sr" role="status" aria-live="polite">
        {said.value}
      </div>
      {toast.value !== '' && (
        <div class="toast" role="status">
          {toast.value}
        </div>
      )}
      <Help />
    </AppContext.Provider>
  )
}
