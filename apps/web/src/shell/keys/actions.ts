// What keys and commands do to the page.
import type { LiveData } from '../../data/live-run.ts'
import { evaluationAt } from '../../data/evaluation.ts'
import { places } from '../../screens/index.ts'
import { probeItems } from '../../screens/probes/list.tsx'
import type { Action } from '../../state/keys.ts'
import type { App } from '../context.ts'
import { WITHOUT_RUNS } from '../page/header.tsx'
import { copyLink } from '../copy-link.ts'
import { THEMES } from '../preferences.ts'

const toggled = (list: readonly string[], id: string): readonly string[] =>
  list.includes(id) ? list.filter(one => one !== id) : [...list, id]

/** Does it; true where there was something to do. `data` is the first run of the view. */
export const act = (app: App, action: Action, data: LiveData | undefined): boolean => {
  const { store } = app
  const view = store.view.peek()
  const focused = (document.activeElement?.closest('[data-panel]') as HTMLElement | null)?.dataset.panel
  switch (action.do) {
    case 'page': {
      const { page } = action
      if (page === 'runs') store.set({ runs: [], place: 'runs', full: undefined })
      else if (page === 'lab') {
        if (!places.some(({ place }) => place === page)) return false
        store.set({ ...WITHOUT_RUNS, place: page })
      } else if (view.runs.length > 0) store.set({ page, full: undefined })
      return true
    }
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
      // In the order of the list; in that of the file where no rows are read that could be sorted by.
      const sorted = data ? probeItems(data, view).map(({ row }) => row) : []
      const rows = sorted.length > 0 ? sorted : [...(data?.probes?.rows.keys() ?? [])]
      if (rows.length === 0) return false
      const at = view.probe === undefined ? -1 : rows.indexOf(view.probe)
      store.set({ probe: rows[Math.min(rows.length - 1, Math.max(0, at + action.by))] })
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
    case 'logY':
      return (store.set({ logY: !view.logY }), true)
    case 'smooth':
      return (store.set({ smooth: view.smooth > 0 ? 0 : 0.9 }), true)
    case 'change':
      return (store.set({ change: !view.change }), true)
    case 'zoomOut':
      return (store.set({ zoom: undefined }), true)
    case 'full':
      return focused !== undefined && (store.set({ full: view.full === focused ? undefined : focused }), true)
    case 'table':
      return focused !== undefined && (store.set({ tables: toggled(view.tables, focused) }), true)
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
    case 'search':
      return (app.searching.value = true)
    case 'escape':
      return view.full !== undefined && (store.set({ full: undefined }), true)
    case 'find': {
      const field = document.getElementById('find')
      field?.focus()
      return field !== null
    }
  }
}
