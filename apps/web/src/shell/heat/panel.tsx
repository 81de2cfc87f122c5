// A panel that is one map: its drawing with the strongest cells below, and a table and files that hold its window.
import type { ColourScale } from '../../drawing/colour.ts'
import type { Place } from '../../drawing/heat-map.ts'
import type { Heat } from '../../panels/heat.ts'
import type { DrawnModel } from '../../panels/panel.ts'
import { HeatFigure, type HeatProps } from './figure.tsx'
import { heatFiles } from './window.ts'
import { StrongestCells } from './strongest-cells.tsx'

interface Settings extends Pick<HeatProps, 'onPick' | 'square' | 'tallest'> {
  /** Names the window and the locked scale. */
  readonly window: string
  readonly scale?: ColourScale
  /** A cell of another map is none of this one. */
  readonly picked?: Place
  /** How many of the strongest cells are listed; 0 for no list. */
  readonly strongest?: number
}

export const heatPanel = (
  about: Pick<DrawnModel, 'id' | 'title' | 'says' | 'notes'>,
  heat: Heat,
  { window, picked, strongest = 20, ...settings }: Settings,
): DrawnModel => ({
  ...about,
  kind: 'drawn',
  draw: () => (
    <>
      <HeatFigure
        {...settings}
        heat={heat}
        label={about.title}
        id={window}
        picked={picked && picked[0] < heat.rows.length && picked[1] < heat.columns.length ? picked : undefined}
      />
      {strongest > 0 && <StrongestCells heat={heat} id={window} onPick={settings.onPick} most={strongest} />}
    </>
  ),
  ...heatFiles(window, heat, about.title, settings.scale),
})
