// Where one is, how the run stands, and what can be opened from anywhere: screens, places without a run, tools.
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { OpenRun } from '../../data/run-store.ts'
import { places, screens, tools } from '../../screens/index.ts'
import type { View } from '../../state/address.ts'
import { useApp } from '../context.ts'
import { Icon } from '../icon.tsx'
import { copyLink } from '../copy-link.ts'
import { THEMES } from '../preferences.ts'
import { standingOf } from '../standing.ts'
import { StateMark } from '../state-mark.tsx'

/** What of a view belongs to its runs, and is left behind with them. */
export const WITHOUT_RUNS: Partial<View> = {
  runs: [],
  place: 'runs',
  find: '',
  sort: '',
  full: undefined,
  step: undefined,
  zoom: undefined,
}

/** Beside the state, what ages: it alone is drawn anew every second. */
const Standing = ({ run }: { run: OpenRun }) => {
  const now = useSignal(Date.now())
  const [state, data] = [run.state.value, run.data.value]
  const ages = state === 'live' || state === 'stalled'
  useEffect(() => {
    if (!ages) return
    const timer = setInterval(() => {
      now.value = Date.now()
    }, 1000)
    return () => clearInterval(timer)
  }, [ages])
  if (!state || !data) return null
  return <span class="age">{standingOf(state, data, run.changedAt.value, Math.max(now.value, Date.now()))}</span>
}

const Crumbs = () => {
  const app = useApp()
  const view = app.store.view.value
  const [first] = app.opened.value
  const names = view.runs.join(' · ')
  const atRuns = view.runs.length === 0 && view.place === 'runs'
  return (
    <nav aria-label="Where you are" class="crumbs">
      <a href={app.store.link(WITHOUT_RUNS)} aria-current={atRuns ? 'page' : undefined}>
        Runs
      </a>
      {places.map(({ place, title }) => (
        <a
          key={place}
          href={app.store.link({ ...WITHOUT_RUNS, place })}
          aria-current={view.runs.length === 0 && view.place === place ? 'page' : undefined}
        >
          {title}
        </a>
      ))}
      {view.runs.length > 0 && (
        <span class="run-name" title={names}>
          {names}
        </span>
      )}
      {first?.trouble.value && !first.data.value ? (
        <span class="state failed">unreadable</span>
      ) : (
        first?.state.value && <StateMark state={first.state.value} />
      )}
      {first && <Standing run={first} />}
    </nav>
  )
}

const Tabs = () => {
  const app = useApp()
  const view = app.store.view.value
  const shown = screens.filter(({ page }) => app.snapshot?.pages.includes(page) ?? true)
  return (
    <nav class="tabs" aria-label="Screens">
      {shown.map(({ page, title }) => (
        <a
          key={page}
          href={app.store.link({ page, full: undefined, find: '', sort: '' })}
          aria-current={view.page === page ? 'page' : undefined}
        >
          {title}
        </a>
      ))}
    </nav>
  )
}

export const Header = () => {
  const app = useApp()
  const view = app.store.view.value
  const { theme } = app.preferences.value
  const connection = app.runs.connection.value
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length]
  return (
    <header>
      <div class="top">
        <a class="brand" href={app.store.link(WITHOUT_RUNS)}>
          ldyn
        </a>
        <Crumbs />
        <span class="grow" />
        {connection.state === 'waiting' && (
          <span class="state stalled" role="status" title={connection.why}>
            ◌ reconnecting
          </span>
        )}
        <button
          type="button"
          class="small open-search"
          aria-label="Search Ctrl K"
          aria-keyshortcuts="Control+K"
          aria-haspopup="dialog"
          title="Find a run, screen, metric, probe or command (Ctrl+K)"
          onClick={() => {
            app.searching.value = true
          }}
        >
          <Icon name="find" />
          <span class="word">Search</span> <kbd aria-hidden="true">Ctrl K</kbd>
        </button>
        {tools
          .filter(({ ofRuns }) => !ofRuns || view.runs.length > 0)
          .map(({ id, title }) => (
            <button
              type="button"
              class="small"
              key={id}
              aria-haspopup="dialog"
              onClick={() => {
                app.tool.value = id
              }}
            >
              {title}
            </button>
          ))}
        {view.runs.length > 0 && (
          <button
            type="button"
            class="icon"
            title={`Copy the link to this view (${app.keyOf('c')})`}
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
          title={`Keys and settings (${app.keyOf('?')})`}
          onClick={() => {
            app.help.value = true
          }}
        >
          <Icon name="help" />
          <span class="sr">Keys and settings</span>
        </button>
      </div>
      {view.runs.length > 0 && <Tabs />}
    </header>
  )
}
