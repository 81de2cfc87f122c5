// Compare: several runs on the same axes, one small figure a response type, so that type keeps its colour and the run
// is told by dash and letter; side by side; or less a baseline. How their settings differ stands apart from how their
// numbers do (ux.md R10). There is no limit on runs: beyond a dozen a type is one band.
import { compareRuns, lastPreference, letter, list, type Passage } from '@ldyn/figures'
import { useEffect, useMemo, useState } from 'preact/hooks'
import type { LiveData } from '../../data/live-run.ts'
import { joinOf, seedGroups } from '../../panels/compare/data.ts'
import { compareAll } from '../../panels/compare/all.ts'
import { metricSays, MOST_LINES } from '../../panels/compare/panels.ts'
import { dynamicsPanel } from '../../panels/dynamics/dynamics.ts'
import { alignedStage, FROM_FIRST, stagesOfAll } from '../../panels/compare/stage-axis.ts'
import { Choice } from '../../shell/choice.tsx'
import type { ScreenProps } from '../../shell/context.ts'
import { MoreSettings, useNarrow } from '../../shell/more-settings.tsx'
import { PanelFrame } from '../../shell/panel/frame.tsx'
import { useOneByOne, useSliced } from '../../shell/sliced.ts'
import { MODES, type Mode } from '../../state/address.ts'
import { Settings } from './settings.tsx'
import { endPanel, joinText, partingPanel, seedPanel } from './tables.tsx'
import { awayWords } from '../dynamics/away.ts'
import { AxisControls, BandControl, ChangeControl, MetricControl, PerControl, ZoomControl } from '../dynamics/controls.tsx'
import { RunLetters } from '../run-letters.tsx'
import type { Screen } from '../screen.ts'
import { Sentences } from '../sentences.tsx'

const modeText: Readonly<Record<Mode, string>> = {
  overlay: 'overlay',
  side: 'side by side',
  minus: 'less the baseline',
}

/** Words of more runs than this nobody reads. */
const MOST_WORDS = 4

const useWords = (runs: readonly LiveData[]): readonly Passage[] => {
  const [words, set] = useState<readonly Passage[]>([])
  useEffect(() => {
    const ready =
      runs.length > 1 &&
      runs.length <= MOST_WORDS &&
      runs.every(run => run.rows.has('logp') && run.rows.has('argmax_logp') && lastPreference(run))
    if (!ready) return set([])
    const timer = setTimeout(() => set(compareRuns(runs)), 80)
    return () => clearTimeout(timer)
  }, [runs.map(run => `${run.id} ${run.evaluations.length} ${[...run.rows.keys()].join()}`).join()])
  return words
}

/** Where the axis is 0: each run's first update, or the start of a stage that all of them have. */
const AlignControl = ({ app, runs }: Pick<ScreenProps, 'app' | 'runs'>) => (
  <Choice
    label="0 is the start of"
    value={alignedStage(runs, app.store.view.value.alignAt) ?? FROM_FIRST}
    options={[[FROM_FIRST, 'each run'], ...stagesOfAll(runs)]}
    choose={alignAt => app.store.set({ alignAt })}
  />
)

interface Controlled extends Pick<ScreenProps, 'app' | 'runs'> {
  readonly names: readonly string[]
  readonly baseline: number
  readonly repeated: boolean
}

/** What a narrow window has behind "More settings". */
const FOLDED = ['per', 'spread', 'change', 'along', 'xAxis', 'alignAt', 'baseline', 'seeds'] as const

const Controls = ({ app, runs, names, baseline, repeated }: Controlled) => {
  const view = app.store.view.value
  const { mode, seeds } = view
  const narrow = useNarrow()
  const show = (
    <Choice
      label="Show"
      value={mode}
      options={MODES.map(one => [one, modeText[one]] as const)}
      choose={one => app.store.set({ mode: one })}
    />
  )
  return (
    <div class="controls" role="group" aria-label="How the runs are compared">
      <MetricControl app={app} runs={runs} />
      {narrow && show}
      <MoreSettings away={awayWords(view, FOLDED)}>
        <PerControl app={app} />
        <BandControl app={app} />
        {mode !== 'minus' && <ChangeControl app={app} runs={runs} />}
        <AxisControls app={app} runs={runs}>
          <AlignControl app={app} runs={runs} />
        </AxisControls>
        <span class="together">
          {!narrow && show}
          <Choice
            label="Baseline"
            value={baseline}
            options={names.map((name, r) => [r, `${letter(r)} ${name}`] as const)}
            choose={one => app.store.set({ baseline: one || undefined })}
          />
        </span>
        {repeated && (
          <label class="check">
            <input type="checkbox" checked={seeds} onChange={() => app.store.set({ seeds: !seeds })} /> seeds together
          </label>
        )}
      </MoreSettings>
      <ZoomControl app={app} />
    </div>
  )
}

const Words = ({ passages }: { passages: readonly Passage[] }) => (
  <>
    {passages.map(({ title, sentences }) => (
      <section class="panel story" aria-label={title} key={title}>
        <h2>{title}</h2>
        <Sentences of={sentences} />
      </section>
    ))}
  </>
)

const View = ({ app, runs, opened }: ScreenProps) => {
  const view = app.store.view.value
  const { metric, per, spread, change, versus, along, mode, hidden, seeds, alignAt } = view
  const names = opened.map(({ key }) => key)
  const baseline = Math.min(view.baseline ?? 0, runs.length - 1)
  // Letters are those of all runs that were asked for: nothing is computed before their number is known.
  const waiting = app.opened.value.filter(
    run => !run.data.value && !run.trouble.value && !run.gone.value,
  ).length
  const reading = runs.filter(
    (run, r) =>
      run.probes &&
      // What cannot be read is not waited for.
      !opened[r]?.trouble.value &&
      [metric, 'logp'].some(name => run.manifest.columns.metrics.includes(name) && !run.rows.has(name)),
  ).length
  const ready = waiting === 0 && reading === 0
  const versions = ready ? runs.map(({ id, version }) => `${id} ${version}`).join() : ''
  const words = useWords(ready ? runs : [])
  const repeats = useMemo(() => seedGroups(runs), [runs.map(({ manifest }) => manifest.id).join()])
  const repeated = repeats.length < runs.length
  const groups = seeds && repeated ? repeats : runs.map((_, r) => [r])
  const since = change ? versus : 0
  const asked = JSON.stringify([metric, per, spread, change, since, along, mode, hidden, seeds, baseline, alignAt])
  const compared = useSliced([versions, asked], function* () {
    if (!ready || runs.length < 2) return undefined
    const found = yield* compareAll({ runs, names, groups, baseline, view }, app.curves)
    yield
    return { ...found, join: joinOf(runs) }
  })
  const panels = compared?.panels ?? []
  const drawn = useOneByOne(panels.length, `${mode} ${panels.map(({ id }) => id).join()}`)
  if (runs.length < 2 && waiting === 0) {
    return (
      <PanelFrame
        model={{
          id: 'compare',
          kind: 'missing',
          title: 'Compare',
          says: 'Several runs on the same axes.',
          missing: {
            what: 'One run is open. Choose two or more in the list of runs, and compare them here.',
          },
        }}
      />
    )
  }
  if (!compared) {
    const of = app.opened.value.length
    return (
      <PanelFrame
        model={{
          id: 'compare',
          kind: 'loading',
          title: 'Compare',
          says: 'Several runs on the same axes.',
          part: `${of - waiting - reading} of ${of} runs`,
        }}
      />
    )
  }
  const { join, notes } = compared
  const said = runs.length <= MOST_LINES ? (dynamicsPanel(runs, app.curves, view).notes ?? []) : []
  const cautions = [...new Set(said)]
  const imported = runs.flatMap((run, r) => (run.manifest.imported ? [letter(r)] : []))
  // The sentences may begin with it.
  const saysProbes = words.some(({ sentences }) => sentences.some(({ about }) => about === 'probes'))
  return (
    <>
      <RunLetters app={app} names={names} baseline={baseline} />
      <Controls app={app} runs={runs} names={names} baseline={baseline} repeated={repeated} />
      {join.only.some(n => n > 0) && (
        <p class="note caution">
          {joinText(join.of, join.both, join.only)} Curves are means over each run’s own probes; differences are over
          those that both have.
        </p>
      )}
      {imported.length > 1 && join.both > 0 && !saysProbes && (
        <p class="note caution">
          {list(imported)} are imported logs, which may hold no text: their probes are taken to be the same by place,
          and nothing in the logs proves it.
        </p>
      )}
      <Words passages={words} />
      {notes.map(note => (
        <p class="note" key={note}>
          {note}
        </p>
      ))}
      {panels.length > 0 && <p class="muted said-once">{metricSays({ baseline, view })}</p>}
      <div class={mode === 'side' ? 'grid two' : 'grid'}>
        {panels.slice(0, drawn).map(model => (
          <PanelFrame key={model.id} model={model} height={mode === 'side' ? 280 : 210} />
        ))}
      </div>
      {panels.length === 0 && (
        <p class="note caution">
          {mode === 'minus'
            ? 'No run shares a probed response with the baseline, so nothing can be subtracted.'
            : 'None of the runs holds this metric by response type.'}
        </p>
      )}
      {cautions.map(note => (
        <p class="note caution" key={note}>
          {note}
        </p>
      ))}
      <PanelFrame model={partingPanel(app, runs, names, compared, baseline)} />
      <PanelFrame model={endPanel(app, runs, names, compared, baseline, view)} />
      {seeds && repeated && <PanelFrame model={seedPanel(app, runs, compared, groups, view)} />}
      <Settings runs={runs} />
    </>
  )
}

export const compare: Screen = {
  page: 'compare',
  title: 'Compare',
  key: 'c',
  metrics: ({ metric }) => ['logp', metric, 'argmax_logp'],
  View,
}
