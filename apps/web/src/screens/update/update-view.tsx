// Update: one step of the training taken apart. What the first order predicted for every followed response,
// what happened, and which directions (terms of the loss, momentum carried over, decay) add up to it.
import type { LiveData } from '../../data/live-run.ts'
import { useState } from 'preact/hooks'
import { typesIn } from '../../panels/types.ts'
import { explainAfter } from '../../panels/making.ts'
import { notRecorded } from '../../panels/not-recorded.ts'
import type { PanelModel } from '../../panels/panel.ts'
import { Choice } from '../../shell/choice.tsx'
import type { ScreenProps } from '../../shell/context.ts'
import { KeptPanel } from '../../shell/panel/live-panel.tsx'
import { PanelFrame } from '../../shell/panel/frame.tsx'
import { typeInFocus } from '../../panels/dynamics/grouping.ts'
import { probeOptions } from '../probe-options.ts'
import { barsPanel, scatterPanel } from './agreement.tsx'
import { TokenBlockPanel } from './block.tsx'
import { byType, responseInFocus, updateAt, updatesIn } from './data.ts'
import { directionsPanel, togetherPanel } from './directions.tsx'
import { UpdateHead } from './head.tsx'
import { UpdateRange } from './range.tsx'
import { timelinePanel } from './timeline.tsx'
import { TEXT_VALUES, textPanel, tokenPanel, type TextValue } from './tokens.tsx'

const noUpdates = (run: LiveData): PanelModel => ({
  id: 'updates',
  kind: 'missing',
  title: 'Updates taken apart',
  says: 'For single updates: what the first order predicted for every probe, what happened, and which directions add up to it.',
  missing: run.manifest.imported
    ? {
        what: 'An imported log does not hold the updates themselves.',
        command: 'ldyn explain --model <checkpoint> --update <prefs.jsonl>#0 --observe <probes.jsonl>#0',
      }
    : notRecorded(
        run,
        'No update of this run was taken apart while it was trained.',
        { name: 'decomposed', settings: ['observe.decompose.every=10', 'observe.decompose.tokens=true'] },
        { what: 'What one more update would do', command: explainAfter(run) },
      ),
})

export const UpdateView = ({ app, runs: [run], opened: [opened] }: ScreenProps) => {
  const view = app.store.view.value
  const [by, setBy] = useState<TextValue>('predicted')
  const update = updateAt(run.updates, view.update ?? view.step)
  const focus = typeInFocus(run, view)
  const block = { run, opened, probe: view.probe ?? 0, type: focus ?? 'chosen', step: view.step, row: undefined }
  if (!update) {
    return (
      <>
        <PanelFrame model={noUpdates(run)} />
        <TokenBlockPanel {...block} />
      </>
    )
  }
  const { key } = opened
  const changes = byType(update)
  const types = typesIn([run])
    .map(({ key }) => key)
    .filter(key => run.updates[0].probes.some(({ type }) => type === key))
  const type = types.find(one => one === focus) ?? types[0]
  const response = responseInFocus(update, view.probe, type)
  const one = view.probe !== undefined && update.probes.some(({ row }) => row === view.probe)
  const text = response && textPanel(app, response, run.probes?.rows[response.row]?.prompt, by)
  return (
    <>
      <UpdateHead app={app} updates={run.updates} update={update} />
      <div class="grid two">
        <KeptPanel of={[update]} make={() => barsPanel(changes, run.types)} />
        <KeptPanel of={[update]} make={() => scatterPanel(app, update, run.types)} />
      </div>
      <div class="controls">
        <Choice
          label="Probe"
          value={response?.row}
          options={probeOptions(
            run,
            update.probes.map(({ row }) => row),
          )}
          choose={probe => app.store.set({ probe, cell: undefined })}
        />
        <Choice
          label="Type"
          value={type}
          options={types}
          choose={type => app.store.set({ type, cell: undefined })}
        />
        {one && (
          <button
            type="button"
            class="small"
            onClick={() => app.store.set({ probe: undefined, cell: undefined })}
          >
            mean over probes
          </button>
        )}
      </div>
      <div class="grid two beside">
        {response && <PanelFrame model={tokenPanel(app, run, key, update, response)} />}
        <div class="stacked">
          {text && (
            <PanelFrame model={text}>
              <Choice
                label="Coloured by"
                value={by}
                options={TEXT_VALUES.map(name => [
                  name,
                  name === 'residual' ? 'residual: actual − predicted' : name,
                ])}
                choose={setBy}
              />
            </PanelFrame>
          )}
          <KeptPanel of={[key, update]} make={() => directionsPanel(key, changes)} />
        </div>
      </div>
      <KeptPanel
        of={[run.rows, run.updates.length, type, one ? view.probe : undefined, update]}
        make={() => timelinePanel(run, type, one ? view.probe : undefined, update.s)}
      />
      {updatesIn(run.updates, view.range).length > 1 && (
        <KeptPanel
          of={[key, run.updates.length, view.range]}
          make={() => togetherPanel(key, run, view.range)!}
          below={() => <UpdateRange app={app} updates={run.updates} />}
        />
      )}
      <TokenBlockPanel
        {...block}
        probe={response?.row ?? 0}
        type={type}
        step={update.s}
        row={update.rows[0]}
      />
    </>
  )
}
