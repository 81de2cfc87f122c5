// Kernel: who moves whom, and whether that stays as training goes on. Gram matrices of gradients over probe responses
// at a step, at another, and their difference; drift over all recorded steps; one row with the texts behind it.
import type { LiveData } from '../../data/live-run.ts'
import type { Trouble } from '../../data/run-store.ts'
import { gramAt, NORM_TEXT, type GramPlace } from '../../panels/gram/gram.ts'
import { driftCommand, gramCommand } from '../../panels/making.ts'
import type { PanelModel } from '../../panels/panel.ts'
import { Choice } from '../../shell/choice.tsx'
import { CommandLine } from '../../shell/command-line.tsx'
import type { App, ScreenProps } from '../../shell/context.ts'
import { PanelFrame } from '../../shell/panel/frame.tsx'
import { NORMS, ORDERS } from '../../state/address.ts'
import { driftPanel, spectrumPanel } from './drift.tsx'
import { mapPanels, SAYS } from './maps.tsx'
import { OtherKernels } from './others.tsx'
import { profilePanel } from './profile.tsx'
import { useDrift, useGram, useMaps, usePlaces, type Shown } from './use.ts'

const Controls = ({ app, parts }: { app: App; parts: readonly string[] }) => {
  const { order, norm, layer } = app.store.view.value
  return (
    <div class="controls">
      <Choice
        label="Order"
        value={order}
        options={ORDERS.map(name => [name, name === 'cluster' ? 'by likeness' : `by ${name}`])}
        choose={order => app.store.set({ order, cell: undefined })}
      />
      <Choice
        label="Norm"
        title={NORM_TEXT[norm].says}
        value={norm}
        options={NORMS.map(name => [name, NORM_TEXT[name].name])}
        choose={norm => app.store.set({ norm })}
      />
      {parts.length > 0 && (
        <Choice
          label="Layer"
          value={layer ?? ''}
          options={[['', 'all'], ...parts]}
          choose={name => app.store.set({ layer: name || undefined })}
        />
      )}
    </div>
  )
}

/** What stands in the map's place while it cannot be drawn. */
const waiting = (
  run: LiveData,
  places: readonly GramPlace[] | undefined,
  place: GramPlace | undefined,
  trouble: Trouble | undefined,
  retry: (() => void) | undefined,
): PanelModel => {
  const about = { id: 'gram', title: 'K: who moves whom', says: SAYS }
  if (trouble) return { ...about, kind: 'trouble', trouble, retry }
  if (places && !place) {
    const drift = driftCommand(run)
    const missing = {
      what:
        'No kernel lies beside this run. It would say who moves whom: a cell for each two responses, blue where learning ' +
        'the one raises the other and red where it lowers it. From the newest checkpoint:',
      command: gramCommand(run),
      ...(drift && { also: { what: 'At the end of every stage, with how far it drifted in between:', command: drift } }),
    }
    return { ...about, kind: 'missing', missing }
  }
  return { ...about, kind: 'loading', part: place?.path ?? 'kernel/' }
}

/** `other`: the kernel compared with, as far as it was read. */
const Maps = ({
  app,
  run,
  shown,
  busy,
  places,
  other,
}: {
  app: App
  run: LiveData
  shown: Shown
  busy: boolean
  places: readonly GramPlace[]
  other: ReturnType<typeof useGram>
}) => {
  const { opened, gram, base } = shown
  const { layer, cell } = app.store.view.value
  const drift = useDrift(opened, places, layer)
  const steps = places.filter(({ step }) => step !== undefined).length
  const row = cell && cell[0] < gram.n ? cell[0] : undefined
  return (
    <>
      <Controls app={app} parts={gram.parts} />
      <div class="three" aria-busy={busy || undefined}>
        {mapPanels(app, run, shown).map(model => (
          <PanelFrame key={model.id} model={model} />
        ))}
      </div>
      {other.found && other.found.n !== gram.n && (
        <p class="note caution">
          The kernel at {other.found.place.name} is over {other.found.n} responses and this one over {gram.n}:
          there is no difference to draw.
        </p>
      )}
      {other.trouble && <p class="note caution">The kernel compared with: {other.trouble.what}.</p>}
      {steps > 0 && steps < places.length && (
        <p class="note">A kernel that names no step lies beside these; no step leads to it.</p>
      )}
      {steps < 2 ? (
        <div class="note">
          One kernel is recorded. With those of further checkpoints their difference and the drift stand here:
          <CommandLine command={driftCommand(run) ?? gramCommand(run)} />
        </div>
      ) : (
        <div class="grid two">
          <PanelFrame model={driftPanel(run, gram.n, steps, drift)} />
          <PanelFrame model={spectrumPanel(drift, gram.place.step, base?.place.step)} />
        </div>
      )}
      <PanelFrame model={profilePanel(app, run, shown, row, cell?.[1])} />
    </>
  )
}

export const KernelView = ({ app, runs: [run], opened: [opened] }: ScreenProps) => {
  const { step, layer, norm, order, versus } = app.store.view.value
  const { places, trouble, paths } = usePlaces(opened, run.version)
  const place = places && gramAt(places, step)
  const withStep = places?.filter(one => one.step !== undefined) ?? []
  const then = withStep.length > 1 ? gramAt(withStep, versus ?? withStep[0].step) : undefined
  const state = useGram(opened, place, run.version, layer)
  const other = useGram(opened, then === place ? undefined : then, run.version, layer)
  const gram = state.found
  // Rows that are ordered by likeness wait for the kernel compared with, whose order they have.
  const ready = order !== 'cluster' || then === undefined || then === place || other.found || other.trouble
  const { shown, busy } = useMaps(
    gram && ready
      ? { opened, gram, base: other.found?.n === gram.n ? other.found : undefined, norm, order }
      : undefined,
  )
  return (
    <>
      {/* While the kernel of another step is read the one before stays: the cursor that moves the step lives there. */}
      {places && place && !state.trouble && shown?.opened === opened ? (
        <Maps app={app} run={run} shown={shown} busy={busy} places={places} other={other} />
      ) : (
        <PanelFrame model={waiting(run, places, place, trouble ?? state.trouble, state.retry)}>
          {state.trouble &&
            withStep
              .filter(one => one !== place)
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
      <OtherKernels run={run} opened={opened} paths={paths} alone={places !== undefined && place === undefined} />
    </>
  )
}
