// The page: joins the address, the server and the screen.
import 'uplot/dist/uPlot.min.css'
import './styles/tokens.css'
import './styles/page.css'
import { computed, effect, signal } from '@preact/signals'
import { render } from 'preact'
import { createCurves } from './data/curves.ts'
import { asker } from './data/http-files.ts'
import { createRunStore } from './data/run-store.ts'
import { servedSource } from './data/served.ts'
import { Shell } from './shell/app.tsx'
import type { App } from './shell/context.ts'
import { loadPreferences, savePreferences } from './shell/preferences.ts'
import { createViewStore } from './state/store.ts'

const TOKEN = 'ldyn.token'

/** The token that the address brought, kept for this tab and taken out of the address. */
const takeToken = (): string | undefined => {
  const found = /^#token=([\w-]+)$/.exec(location.hash)?.[1]
  if (found !== undefined) {
    sessionStorage.setItem(TOKEN, found)
    history.replaceState(null, '', '#/')
  }
  return found ?? sessionStorage.getItem(TOKEN) ?? undefined
}

const store = createViewStore({
  hash: () => location.hash,
  replace: hash => history.replaceState(null, '', hash),
  push: hash => history.pushState(null, '', hash),
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
const runs = createRunStore(servedSource(asker(takeToken())))
const preferences = signal(loadPreferences())
const system = matchMedia('(prefers-color-scheme: dark)')
const systemDark = signal(system.matches)
system.addEventListener('change', event => {
  systemDark.value = event.matches
})
const dark = computed(
  () => preferences.value.theme === 'dark' || (preferences.value.theme === 'system' && systemDark.value),
)
effect(() => {
  document.documentElement.dataset.theme = dark.value ? 'dark' : 'light'
  savePreferences(preferences.value)
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
  preferences,
  dark,
  opened,
  curves: createCurves(),
  ghost: signal(undefined),
  help: signal(false),
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
