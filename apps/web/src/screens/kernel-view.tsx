// Kernel: who moves whom, and whether that stays as training goes on. Gram matrices of gradients over probe responses
// at a step, at another, and their difference; drift over all recorded steps; one row with the texts behind it.
import { lastPart, looks, plural } from '@ldyn/figures'
import { useSignal } from '@preact/signals'
import { useEffect, useMemo, useRef } from 'preact/hooks'
import type { LiveData } from '../data/live-run.ts'
import { troubleOf, type OpenRun, type Trouble } from '../data/run-store.ts'
import { scaleFor } from '../drawing/colour.ts'
import { lookOf } from '../panels/dynamics.ts'
import {
  gramAt,
  NORM_TEXT,
  normed,
  offDiagonal,
  orderOf,
  reorder,
  type DriftPoint,
  type GramPlace,
} from '../panels/gram.ts'
import type { Heat } from '../panels/heat.ts'
import type { PanelModel } from '../panels/panel.ts'
import type { App, ScreenProps } from '../shell/context.ts'
import { HeatFigure, StrongestCells } from '../shell/heat-figure.tsx'
import { heatFiles } from '../shell/heat-window.ts'
import { PanelFrame } from '../shell/panel-frame.tsx'
import { NORMS, ORDERS, type Norm, type Order } from '../state/address.ts'
import { useBeside, usePaths } from './beside.ts'
import { gramPlaces, driftPoints, readGram, type ReadGram } from './kernel-data.ts'
import { driftPanel, spectrumPanel } from './kernel-drift.tsx'
import { OtherKernels } from './kernel-others.tsx'
import { profilePanel } from './kernel-profile.tsx'

const SAYS =
  '⟨∇log π(y_i), ∇log π(y_j)⟩ over probe responses. Positive (blue): an update that raises one raises the other; negative (red): it lowers it.'

/** The recorded kernels of a run; undefined until they are known. */
const usePlaces = (opened: OpenRun, version: number) => {
  const paths = usePaths(opened, version)
  const places = useSignal<readonly GramPlace[] | undefined>(undefined)
  const trouble = useSignal<Trouble | undefined>(undefined)
  const listed = paths.filter(path => path.startsWith('kernel/')).join('\n')
  useEffect(() => {
    let current = true
    gramPlaces(opened.files, paths).then(
      found => {
        if (current) [places.value, trouble.value] = [found, undefined]
      },
      (error: unknown) => {
        if (current) trouble.value = troubleOf(error)
      },
    )
    return () => {
      current = false
    }
  }, [opened, listed])
  return { places: places.value, trouble: trouble.value, paths }
}

/** Drift over all recorded kernels, point by point as they are read. */
const useDrift = (opened: OpenRun, places: readonly GramPlace[], part: string | undefined) => {
  const points = useSignal<readonly DriftPoint[]>([])
  const trouble = useSignal<Trouble | undefined>(undefined)
  const done = useSignal(false)
  const key = `${places.map(({ path, index }) => `${path} ${index ?? ''}`).join('\n')}\n${part ?? ''}`
  useEffect(() => {
    let current = true
    points.value = []
    trouble.value = undefined
    done.value = false
    const work = async (): Promise<void> => {
      for await (const point of driftPoints(opened.files, places, part)) {
        if (!current) return
        points.value = [...points.peek(), point]
      }
      if (current) done.value = true
    }
    work().catch((error: unknown) => {
      if (current) trouble.value = troubleOf(error)
    })
    return () => {
      current = false
    }
  }, [opened, key])
  return { points: points.value, trouble: trouble.value, done: done.value }
}

const useGram = (opened: OpenRun, place: GramPlace | undefined, version: number, part: string | undefined) =>
  useBeside<ReadGram>(
    opened,
    place?.path,
    version,
    matrices => readGram(matrices, place!, part),
    place && `${place.path} ${place.index ?? ''} ${part ?? ''}`,
  )

const nameOf = ({ row, type }: ReadGram['probes'][number]): string => `#${row} ${type}`

const heatOf = (
  run: LiveData,
  gram: ReadGram,
  places: readonly number[],
  values: Float64Array,
  norm: Norm,
): Heat => {
  const names = places.map(i => nameOf(gram.probes[i]))
  const rails = places.map(i => {
    const { type } = gram.probes[i]
    const look = run.types.includes(type) ? lookOf(run.types, type) : looks.initial
    return { name: type, light: look.light, dark: look.dark }
  })
  return {
    rows: names,
    columns: names,
    rowName: 'i',
    columnName: 'j',
    signed: true,
    log: norm !== 'cosine',
    unit: NORM_TEXT[norm].unit,
    values,
    rowRails: rails,
    columnRails: rails,
  }
}

const mapPanel = (
  app: App,
  about: { readonly id: string; readonly title: string; readonly says: string; readonly window: string },
  heat: Heat,
  scale: ReturnType<typeof scaleFor> | undefined,
): PanelModel => {
  const { window, ...named } = about
  const { cell } = app.store.view.value
  const pick = (row: number, column: number): void => app.store.set({ cell: [row, column] })
  const inside = cell && cell[0] < heat.rows.length && cell[1] < heat.rows.length ? cell : undefined
  return {
    ...named,
    kind: 'drawn',
    draw: () => (
      <>
        <HeatFigure
          heat={heat}
          label={about.title}
          id={window}
          scale={scale}
          picked={inside}
          onPick={pick}
          square
          tallest={app.store.view.value.full === about.id ? 900 : 420}
        />
        <StrongestCells heat={heat} id={window} onPick={pick} />
      </>
    ),
    ...heatFiles(window, heat, about.title, scale),
  }
}

const Controls = ({ app, parts }: { app: App; parts: readonly string[] }) => {
  const { order, norm, layer } = app.store.view.value
  return (
    <div class="controls">
      <label>
        Order{' '}
        <select
          value={order}
          onChange={event => app.store.set({ order: event.currentTarget.value as Order, cell: undefined })}
        >
          {ORDERS.map(name => (
            <option key={name} value={name}>
              {name === 'cluster' ? 'by likeness' : `by ${name}`}
            </option>
          ))}
        </select>
      </label>
      <label title={NORM_TEXT[norm].says}>
        Norm{' '}
        <select value={norm} onChange={event => app.store.set({ norm: event.currentTarget.value as Norm })}>
          {NORMS.map(name => (
            <option key={name} value={name}>
              {NORM_TEXT[name].name}
            </option>
          ))}
        </select>
      </label>
      {parts.length > 0 && (
        <label>
          Layer{' '}
          <select
            value={layer ?? ''}
            onChange={event => app.store.set({ layer: event.currentTarget.value || undefined })}
          >
            <option value="">all</option>
            {parts.map(name => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        </label>
      )}
    </div>
  )
}

/** What stands in the map's place while it cannot be drawn. */
const waiting = (
  key: string,
  places: readonly GramPlace[] | undefined,
  place: GramPlace | undefined,
  trouble: Trouble | undefined,
  retry: (() => void) | undefined,
): PanelModel => {
  const about = { id: 'gram', title: 'K: who moves whom', says: SAYS }
  if (trouble) return { ...about, kind: 'trouble', trouble, retry }
  if (places && !place) {
    return {
      ...about,
      kind: 'missing',
      missing: {
        what: 'No kernel lies beside this run.',
        command: `ldyn kernel gram --model runs/${key}/checkpoints/<step> --probe probes.jsonl --out runs/${key}`,
      },
    }
  }
  return { ...about, kind: 'loading', part: place?.path ?? 'kernel/' }
}

const Maps = ({
  app,
  run,
  opened,
  places,
  place,
  gram,
}: {
  app: App
  run: LiveData
  opened: OpenRun
  places: readonly GramPlace[]
  place: GramPlace
  gram: ReadGram
}) => {
  const { order, norm, layer, versus, cell } = app.store.view.value
  const withStep = places.filter(({ step }) => step !== undefined)
  const then = withStep.length > 1 ? gramAt(withStep, versus ?? withStep[0].step) : undefined
  const other = useGram(opened, then === place ? undefined : then, run.version, layer)
  const base = other.found && other.found.n === gram.n ? other.found : undefined
  // The order is that of the first kernel, so that rows stay where they are as one moves through the steps.
  const ordered = useMemo(
    () => orderOf(gram.probes, base?.values ?? gram.values, order),
    [gram.probes, base?.values ?? gram.values, order],
  )
  const now = useMemo(() => reorder(normed(gram.values, gram.n, norm), ordered), [gram, norm, ordered])
  const before = useMemo(
    () => base && reorder(normed(base.values, base.n, norm), ordered),
    [base, norm, ordered],
  )
  const change = useMemo(() => before && now.map((value, i) => value - before[i]), [now, before])
  const scale = useMemo(
    () => scaleFor(offDiagonal(gram.n, now, ...(before ? [before] : [])), true, norm !== 'cosine'),
    [now, before, norm],
  )
  const changeScale = useMemo(
    () => change && scaleFor(offDiagonal(gram.n, change), true, norm !== 'cosine'),
    [change, norm],
  )
  const window = `kernel ${opened.key}`
  const text = `${NORM_TEXT[norm].says}`
  const of = `${plural(gram.n, 'response')}; model ${lastPart(gram.model)}, parameters ${layer && gram.parts.includes(layer) ? layer : gram.params}.`
  const heat = heatOf(run, gram, ordered, now, norm)
  const drift = useDrift(opened, places, layer)
  const i = cell?.[0] !== undefined && cell[0] < gram.n ? cell[0] : undefined
  return (
    <>
      <Controls app={app} parts={gram.parts} />
      <div class="three">
        <PanelFrame
          model={mapPanel(
            app,
            {
              id: 'gram',
              title: `K at ${place.name}`,
              says: `${SAYS} ${norm === 'raw' ? 'Raw' : 'Here'} ${text}. The scale is that of the cells off the diagonal. ${of}`,
              window,
            },
            heat,
            scale,
          )}
        />
        {before && then && (
          <PanelFrame
            model={mapPanel(
              app,
              {
                id: 'gram-first',
                title: `K at ${then.name}`,
                says: 'The kernel compared with, on the same scale and in the same order.',
                window,
              },
              heatOf(run, gram, ordered, before, norm),
              scale,
            )}
          />
        )}
        {change && then && (
          <PanelFrame
            model={mapPanel(
              app,
              {
                id: 'gram-change',
                title: `K at ${place.name} less K at ${then.name}`,
                says: 'What training changed: blue pairs now help each other more (or hinder less), red ones less.',
                window,
              },
              heatOf(run, gram, ordered, change, norm),
              changeScale,
            )}
          />
        )}
      </div>
      {other.found && other.found.n !== gram.n && (
        <p class="note caution">
          The kernel at {then!.name} is over {other.found.n} responses and this one over {gram.n}: there is no
          difference to draw.
        </p>
      )}
      {withStep.length < 2 && (
        <p class="note">
          One kernel is recorded. With those of further checkpoints their difference and the drift stand here:{' '}
          <code>
            ldyn kernel gram --model runs/{opened.key}/checkpoints/&lt;step&gt; --probe probes.jsonl --out
            runs/{opened.key}
          </code>
        </p>
      )}
      {withStep.length > 1 && (
        <div class="grid two">
          <PanelFrame model={driftPanel(run, gram.n, withStep.length, drift)} />
          <PanelFrame model={spectrumPanel(drift, place.step, then?.step)} />
        </div>
      )}
      <PanelFrame model={profilePanel(app, run, gram, ordered, now, heat.unit, i, cell?.[1])} />
    </>
  )
}

export const KernelView = ({ app, runs, opened: [opened] }: ScreenProps) => {
  const [run] = runs
  const { step, layer } = app.store.view.value
  const { places, trouble, paths } = usePlaces(opened, run.version)
  const place = places && gramAt(places, step)
  const state = useGram(opened, place, run.version, layer)
  // While the kernel of another step is read the one before stays: the cursor that moves the step lives among these.
  const last = useRef<{ readonly of: string; readonly place: GramPlace; readonly gram: ReadGram }>(undefined)
  if (state.found && place) last.current = { of: opened.key, place, gram: state.found }
  const shown = last.current?.of === opened.key ? last.current : undefined
  return (
    <>
      {shown && places && place && !state.trouble ? (
        <Maps app={app} run={run} opened={opened} places={places} place={shown.place} gram={shown.gram} />
      ) : (
        <PanelFrame model={waiting(opened.key, places, place, trouble ?? state.trouble, state.retry)}>
          {state.trouble &&
            places
              ?.filter(one => one !== place && one.step !== undefined)
              .map(one => (
                <button
                  key={one.name}
                  type="button"
                  class="small"
                  onClick={() => app.store.set({ step: one.step })}
                >
                  Show {one.name}
                </button>
              ))}
        </PanelFrame>
      )}
      <OtherKernels run={run} opened={opened} paths={paths} />
    </>
  )
}
