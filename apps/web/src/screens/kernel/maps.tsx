// The maps of the kernel: at a step, at the one compared with, and what changed between, on scales that tell.
import { lastPart, looks, plural } from '@ldyn/figures'
import type { LiveData } from '../../data/live-run.ts'
import { lookOf } from '../../panels/types.ts'
import { NORM_TEXT } from '../../panels/gram/gram.ts'
import type { Heat } from '../../panels/heat.ts'
import type { PanelModel } from '../../panels/panel.ts'
import type { App } from '../../shell/context.ts'
import { heatPanel } from '../../shell/heat/panel.tsx'
import type { Shown } from './use.ts'

export const SAYS =
  '⟨∇log π(y_i), ∇log π(y_j)⟩ over probe responses. Positive (blue): an update that raises one raises the other; negative (red): it lowers it.'

/** All but the values: names and rails of the rows in their order. */
const frameOf = (run: LiveData, { gram, ordered, norm }: Shown): Omit<Heat, 'values'> => {
  const looksOf = new Map(
    [...new Set(gram.probes.map(({ type }) => type))].map(type => {
      const { light, dark } = run.types.includes(type) ? lookOf(run.types, type) : looks.initial
      return [type, { name: type, light, dark }]
    }),
  )
  const names = ordered.map(i => `#${gram.probes[i].row} ${gram.probes[i].type}`)
  const rails = ordered.map(i => looksOf.get(gram.probes[i].type)!)
  return {
    rows: names,
    columns: names,
    rowName: 'i',
    columnName: 'j',
    signed: true,
    log: norm !== 'cosine',
    unit: NORM_TEXT[norm].unit,
    rowRails: rails,
    columnRails: rails,
  }
}

/** The panels of the maps that there are. */
export const mapPanels = (app: App, run: LiveData, shown: Shown): readonly PanelModel[] => {
  const { opened, gram, base, norm, now, before, change, scale, changeScale } = shown
  const frame = frameOf(run, shown)
  const { cell, full, layer } = app.store.view.value
  const panel = (id: string, title: string, says: string, values: Float32Array, own = scale): PanelModel =>
    heatPanel({ id, title, says }, { ...frame, values }, {
      window: `kernel ${opened.key}`,
      scale: own,
      picked: cell && [cell[0], cell[1]],
      onPick: (row, column) => app.store.set({ cell: [row, column] }),
      square: true,
      tallest: full === id ? 900 : 420,
    })
  const params = layer && gram.parts.includes(layer) ? layer : gram.params
  const of = `${plural(gram.n, 'response')}; model ${lastPart(gram.model)}, parameters ${params}.`
  const at = gram.place.name
  const then = base?.place.name
  return [
    panel(
      'gram',
      `K at ${at}`,
      `${SAYS} ${norm === 'raw' ? 'Raw' : 'Here'} ${NORM_TEXT[norm].says}. The scale is that of the cells off the diagonal. ${of}`,
      now,
    ),
    ...(before
      ? [
          panel(
            'gram-first',
            `K at ${then}`,
            'The kernel compared with, on the same scale and in the same order.',
            before,
          ),
        ]
      : []),
    ...(change
      ? [
          panel(
            'gram-change',
            `K at ${at} less K at ${then}`,
            'What training changed: blue pairs now help each other more (or hinder less), red ones less.',
            change,
            changeScale,
          ),
        ]
      : []),
  ]
}
