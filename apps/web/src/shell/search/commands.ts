// Everything that can be found by its name (ux.md §5.0, Ctrl+K): screens, runs, metrics, probes, saved views, and
// what keys do.
import { metricsOf, textOf } from '../../panels/metrics.ts'
import { places, screens, tools } from '../../screens/index.ts'
import type { Action } from '../../state/keys.ts'
import { act } from '../keys/actions.ts'
import type { App } from '../context.ts'
import { OPEN_FOLDER, OPEN_ZIP } from '../page/drop-zone.tsx'
import { WITHOUT_RUNS } from '../page/header.tsx'
import { CONTRASTS, DENSITIES, THEMES } from '../preferences.ts'

export interface Command {
  readonly id: string
  /** What it is of: "screen", "run", … */
  readonly kind: string
  readonly what: string
  /** The key that does the same. */
  readonly keys?: string
  readonly run: () => void
}

const done: readonly (readonly [what: string, action: Action, keys: string])[] = [
  ['Curves as change', { do: 'change' }, 'd'],
  ['Steps on a logarithmic axis', { do: 'logX' }, 'l'],
  ['Zoom out', { do: 'zoomOut' }, '0'],
  ['Play through the steps', { do: 'play' }, ' '],
  ['First step', { do: 'first' }, ''],
  ['Newest step, and follow it', { do: 'last' }, ''],
  ['Select the probe in focus', { do: 'select' }, 'x'],
  ['Pin the probe in focus', { do: 'pin' }, 'p'],
]
const anywhere: readonly (readonly [what: string, action: Action, keys: string])[] = [
  ['Copy the link to this view', { do: 'copy' }, 'c'],
  ['Undo what was done to the view', { do: 'undo' }, 'Ctrl+Z'],
  ['Redo', { do: 'redo' }, 'Ctrl+Y'],
  ['Keys and settings', { do: 'help' }, '?'],
]

const MOST_PROBES = 400

/** All of them, those of what is open first. */
export const commandsOf = (app: App): readonly Command[] => {
  const view = app.store.view.peek()
  const read = app.opened.peek().flatMap(run => run.data.peek() ?? [])
  const open = view.runs.length > 0
  const list = app.runs.list.peek()?.runs ?? []
  const doing = ([what, action, keys]: (typeof done)[number]): Command => ({
    id: `do ${what}`,
    kind: 'command',
    what,
    ...(keys !== '' && { keys: keys.length === 1 ? app.keyOf(keys) : keys }),
    run: () => void act(app, action, read[0]),
  })
  const prefer = (what: string, patch: Partial<App['preferences']['value']>): Command => ({
    id: `prefer ${what}`,
    kind: 'setting',
    what,
    run: () => {
      app.preferences.value = { ...app.preferences.value, ...patch }
    },
  })
  return [
    ...(open
      ? screens.map(({ page, title, key }): Command => ({
          id: `screen ${page}`,
          kind: 'screen',
          what: title,
          keys: `g ${key}`,
          run: () => app.store.set({ page, full: undefined }),
        }))
      : []),
    { id: 'place runs', kind: 'page', what: 'Runs', keys: 'g r', run: () => app.store.set(WITHOUT_RUNS) },
    ...places.map(({ place, title, says }): Command => ({
      id: `place ${place}`,
      kind: 'page',
      what: `${title}: ${says}`,
      run: () => app.store.set({ ...WITHOUT_RUNS, place }),
    })),
    ...tools
      .filter(({ ofRuns }) => open || !ofRuns)
      .map(({ id, title }): Command => ({
        id: `tool ${id}`,
        kind: 'command',
        what: title,
        run: () => {
          app.tool.value = id
        },
      })),
    ...app.views.list.peek().map(({ name, address }): Command => ({
      id: `view ${name}`,
      kind: 'saved view',
      what: name,
      run: () => {
        location.hash = address
      },
    })),
    ...list.flatMap(({ key, id }): readonly Command[] => [
      {
        id: `run ${key}`,
        kind: 'run',
        what: key.endsWith(id) ? key : `${key} (${id})`,
        run: () => app.store.set({ ...WITHOUT_RUNS, runs: [key], page: 'overview' }),
      },
      ...(open && !view.runs.includes(key)
        ? [
            {
              id: `compare ${key}`,
              kind: 'compare',
              what: `Compare with ${key}`,
              run: () => app.store.set({ runs: [...view.runs, key], page: 'compare', full: undefined }),
            },
          ]
        : []),
    ]),
    ...(open ? done.map(doing) : []),
    ...anywhere.map(doing),
    ...(app.snapshot
      ? []
      : [
          {
            id: 'open folder',
            kind: 'command',
            what: 'Open a run’s folder from this computer',
            run: () => void document.dispatchEvent(new Event(OPEN_FOLDER)),
          },
          {
            id: 'open zip',
            kind: 'command',
            what: 'Open the zip of a run from this computer',
            run: () => void document.dispatchEvent(new Event(OPEN_ZIP)),
          },
        ]),
    ...app.views.list.peek().map(({ name }): Command => ({
      id: `forget ${name}`,
      kind: 'command',
      what: `Remove the saved view “${name}”`,
      run: () => void app.views.remove(name).then(app.toast),
    })),
    ...metricsOf(read).map((metric): Command => ({
      id: `metric ${metric}`,
      kind: 'metric',
      what: `${textOf(metric).title} (${metric})`,
      run: () => app.store.set({ metric, page: 'dynamics', full: undefined }),
    })),
    ...THEMES.map(theme => prefer(`Theme: ${theme}`, { theme })),
    ...CONTRASTS.map(contrast => prefer(`Contrast: ${contrast === 'more' ? 'more' : 'as the system'}`, { contrast })),
    ...DENSITIES.map(density => prefer(`Density: ${density}`, { density })),
    ...(read[0]?.probes?.rows ?? []).slice(0, MOST_PROBES).map(({ prompt }, row): Command => ({
      id: `probe ${row}`,
      kind: 'probe',
      what: `#${row} ${prompt.trim().replace(/\s+/g, ' ').slice(0, 160)}`,
      run: () => app.store.set({ probe: row, page: 'probes', full: undefined }),
    })),
  ]
}
