// A panel of runs that grow: its model is made again as they do while it is in the window, and what is around the
// panel may be drawn anew without it.
import type { ComponentChildren } from 'preact'
import { useMemo, useRef } from 'preact/hooks'
import type { LiveData } from '../../data/live-run.ts'
import type { PanelModel } from '../../panels/panel.ts'
import { useGrown } from './kept.ts'
import { useSeen } from '../near.ts'
import { PanelFrame } from './frame.tsx'

/** A panel of what seldom changes, made again only when one of `of` is another. */
export const KeptPanel = ({
  of,
  make,
  below,
}: {
  of: readonly unknown[]
  make: () => PanelModel
  below?: () => ComponentChildren
}) => useMemo(() => <PanelFrame model={make()}>{below?.()}</PanelFrame>, [...of])

/** A panel that waits for something must not wait for being seen. */
const isWhole = ({ kind }: PanelModel): boolean => kind === 'curves' || kind === 'drawn'

export const LivePanel = ({
  runs,
  settings,
  make,
  height,
  below,
}: {
  runs: readonly LiveData[]
  /** Whatever else the model and what stands below it are made of. */
  settings: readonly unknown[]
  make: () => PanelModel
  height?: number
  below?: (model: PanelModel) => ComponentChildren
}) => {
  const frame = useRef<HTMLElement>(null)
  const model = useGrown(runs, settings, useSeen(frame), make, isWhole)
  return useMemo(
    () => (
      <PanelFrame model={model} height={height} frame={frame}>
        {below?.(model)}
      </PanelFrame>
    ),
    [model, height],
  )
}
