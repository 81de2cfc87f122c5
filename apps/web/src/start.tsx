// Joins the address, the source of runs and the shell: the page, whether a viewer serves it or it is a snapshot.
import './styles/tokens.css'
import './styles/page.css'
import './styles/shell.css'
import './styles/dynamics.css'
import './styles/overview.css'
import './styles/compare.css'
import './styles/probes.css'
import './styles/share.css'
import './styles/maps.css'
import { computed, effect, signal } from '@preact/signals'
import { render } from 'preact'
import { createCurves } from './data/curves.ts'
import { createMemoryRuns } from './data/memory.ts'
import { createRunStore } from './data/run-store.ts'
import type { Source } from './data/source.ts'
import { createViews } from './data/views.ts'
import { Shell } from './shell/page/app.tsx'
import type { App } from './shell/context.ts'
import { BEEN, startAtTop } from './shell/page/top.ts'
import { loadPreferences, savePreferences } from './shell/preferences.ts'
import { keyName, keyNow } from './state/keys.ts'
import type { SnapshotAbout } from './snapshot/format.ts'
import { createViewStore } from './state/store.ts'

/** Shows the page in #app; `snapshot` says what the page is where it holds its runs. */
export const start = (source: Source, snapshot?: SnapshotAbout): void => {
  let popped = (_state: unknown): void => {}
  history.replaceState(BEEN, '')
  addEventListener('popstate', ({ state }) => popped(state))
  const store = createViewStore({
    hash: () => location.hash,
    replace: hash => history.replaceState(BEEN, '', hash),
    push: hash => history.pushState(BEEN, '', hash),
    listen: changed => {
      addEventListener('popstate', changed)
      addEventListener('hashchange', changed)
      return () => {
        removeEventListener('popstate', changed)
        removeEventListener('hashchange', changed)
      }
    },
    later: (run, ms) => void setTimeout(run, ms),
    now: () => performance.now(),
  })
  startAtTop(store.view, heard => (popped = heard))
  const memory = createMemoryRuns()
  const runs = createRunStore(memory.beside(source))
  const loaded = loadPreferences()
  const preferences = signal(snapshot?.text === 'blur' ? { ...loaded, blur: true } : loaded)
  const [systemDark, printing, systemContrast] = [
    '(prefers-color-scheme: dark)',
    'print',
    '(prefers-contrast: more)',
  ].map(media => {
    const query = matchMedia(media)
    const matches = signal(query.matches)
    query.addEventListener('change', event => {
      matches.value = event.matches
    })
    return matches
  })
  // An address may ask for a theme, so that an <iframe> fits the page around it.
  const theme = computed(() => store.view.value.theme ?? preferences.value.theme)
  // Paper is white.
  const dark = computed(
    () => !printing.value && (theme.value === 'dark' || (theme.value === 'system' && systemDark.value)),
  )
  effect(() => {
    const { contrast, density } = preferences.value
    Object.assign(document.documentElement.dataset, {
      theme: dark.value ? 'dark' : 'light',
      contrast: contrast === 'more' || systemContrast.value ? 'more' : 'standard',
      density,
    })
    // What a snapshot asks for is not how the reader likes it.
    savePreferences(snapshot?.text === 'blur' ? { ...preferences.value, blur: loaded.blur } : preferences.value)
  })

  const keys = computed(() => store.view.value.runs.join('\n'))
  const opened = computed(() => (keys.value === '' ? [] : keys.value.split('\n').map(key => runs.open(key))))
  effect(() => runs.follow(opened.value.map(({ key }) => key)))

  const said = signal('')
  const toast = signal('')
  let [saying, toasting]: (ReturnType<typeof setTimeout> | undefined)[] = []
  const app: App = {
    store,
    runs,
    memory,
    snapshot,
    preferences,
    keyOf: key => keyName(keyNow(preferences.value.keys, key)),
    dark,
    opened,
    curves: createCurves(),
    ghost: signal(undefined),
    help: signal(false),
    searching: signal(false),
    views: createViews(source.views),
    tool: signal(undefined),
    announce: text => {
      clearTimeout(saying)
      saying = setTimeout(() => {
        said.value = text
      }, 150)
    },
    toast: text => {
      toast.value = text
      clearTimeout(toasting)
      toasting = setTimeout(() => {
        toast.value = ''
      }, 3000)
    },
  }
  render(<Shell app={app} said={said} toast={toast} />, document.getElementById('app')!)
}
