// What a reader did to a map: the window that is zoomed into, and the scale that is kept while the data change. Kept
// by the map's name, so that another step, another size of the page or the table beside it leave it as it is (R2).
import { signal, type Signal } from '@preact/signals'
import type { ColourScale } from '../../drawing/colour.ts'
import { scaleFor } from '../../drawing/colour-limits.ts'
import { partWithin, type Part } from '../../drawing/heat-map.ts'
import { heatSvg } from '../../drawing/heat-svg.ts'
import { heatTable, sizeOf, type Heat } from '../../panels/heat.ts'
import type { DrawnModel } from '../../panels/panel.ts'

export interface HeatWindow {
  /** Undefined shows all. */
  readonly part: Signal<Part | undefined>
  /** Undefined follows the data. */
  readonly locked: Signal<ColourScale | undefined>
  /** A scale that could be logarithmic is linear. */
  readonly linear: Signal<boolean>
}

const windows = new Map<string, HeatWindow>()

export const heatWindow = (id: string): HeatWindow => {
  let found = windows.get(id)
  if (!found)
    windows.set(id, (found = { part: signal(undefined), locked: signal(undefined), linear: signal(false) }))
  return found
}

/** What is shown of a grid of that size. */
export const shownPart = (id: string, size: { readonly rows: number; readonly columns: number }): Part => {
  const part = heatWindow(id).part.value ?? { row: 0, column: 0, ...size }
  return partWithin(size, part)
}

/** The scale that is drawn with: the locked one, else one that is shared with other maps, else the map's own. */
export const shownScale = (
  id: string,
  { signed, log }: Pick<Heat, 'signed' | 'log'>,
  own: () => ColourScale,
  shared?: ColourScale,
): ColourScale => {
  const { locked, linear } = heatWindow(id)
  if (locked.value?.signed === signed) return locked.value
  const scale = shared ?? own()
  return log && linear.value ? { ...scale, linear: undefined } : scale
}

/** The table and the file of a map: both hold what its window shows. */
export const heatFiles = (
  id: string,
  heat: Heat,
  title: string,
  shared?: ColourScale,
): Pick<DrawnModel, 'table' | 'svg'> => ({
  table: () => heatTable(heat, shownPart(id, sizeOf(heat))),
  svg: () => {
    const scale = shownScale(id, heat, () => scaleFor(heat.values, heat.signed, heat.log), shared)
    return heatSvg(heat, scale, shownPart(id, sizeOf(heat)), title)
  },
})
