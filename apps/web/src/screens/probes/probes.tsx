// Probes: one prompt with all its responses side by side, as text, with what each is worth at the step and how
// it moved.
import { inOrder, show, signed, stageMarks } from '@ldyn/figures'
import { isSum } from '@ldyn/runs'
import { columnsFor } from '../../data/curves.ts'
import type { LiveData } from '../../data/live-run.ts'
import type { OpenRun } from '../../data/run-store.ts'
import type { CurveLine } from '../../drawing/align.ts'
import { evaluationAt } from '../../data/evaluation.ts'
import { namedType } from '../../panels/types.ts'
import { textOf, unitText } from '../../panels/metrics.ts'
import { noProbes } from '../../panels/no-probes.ts'
import type { PanelModel } from '../../panels/panel.ts'
import type { App, ScreenProps } from '../../shell/context.ts'
import { Icon } from '../../shell/icon.tsx'
import { PanelFrame } from '../../shell/panel/frame.tsx'
import { Swatch } from '../../shell/swatch.tsx'
import type { View as ViewState } from '../../state/address.ts'
import { ChangeControl } from '../dynamics/controls.tsx'
import { ProbeList, probeItems } from './list.tsx'
import { typeInFocus } from '../../panels/dynamics/grouping.ts'
import { tokensPanel, useTokens } from './tokens.tsx'
import type { Screen } from '../screen.ts'

/** The curves of one probe's responses: single values, no mean and no error. */
const probePanel = (run: LiveData, view: ViewState, row: number, id: string): PanelModel => {
  const { metric } = view
  const { title, says } = textOf(metric)
  const per = isSum(metric) ? view.per : 'response'
  const rows = run.rows.get(metric)
  const name = `Probe #${row}: ${title}`
  const text = `${says} This probe alone.`
  if (!rows) return { id, kind: 'loading', title: name, says: text }
  const since = view.change ? (view.versus === undefined ? 0 : evaluationAt(run, view.versus)) : undefined
  const lines = inOrder(run.types)
    .filter(({ key }) => !view.hidden.includes(key))
    .flatMap((type): CurveLine[] => {
      const found = columnsFor(run, metric, type.key, per)
      const k = found?.columns.findIndex(column => run.probes!.columns[column].row === row) ?? -1
      if (!found || k < 0) return []
      const column = found.columns[k]
      const base = since === undefined ? 0 : rows[since][column]
      return [
        {
          key: type.key,
          ...namedType(type.key),
          look: type.look,
          steps: run.evaluations.map(({ step }) => step),
          stages: run.evaluations.map(({ stage }) => stage),
          mean: rows.map(values => (values[column] - base) / found.by[k]),
        },
      ]
    })
  if (lines.length === 0)
    return {
      id,
      kind: 'missing',
      title: name,
      says: text,
      missing: { what: 'The run holds no values of this metric for this probe.' },
    }
  return {
    id,
    kind: 'curves',
    title: name,
    says: text,
    panel: {
      id,
      section: 'logp',
      title: name,
      says: text,
      lines,
      stages: stageMarks([run]),
      zero: view.change,
      unit: unitText(metric, per, { change: view.change, single: true }),
    },
  }
}

const Detail = ({ app, run, row }: { app: App; run: LiveData; row: number }) => {
  const view = app.store.view.value
  const { probes } = run
  const probe = probes!.rows[row]
  const now = evaluationAt(run, view.step)
  const then = view.versus === undefined ? 0 : evaluationAt(run, view.versus)
  const rows = run.rows.get(view.metric)
  const per = isSum(view.metric) ? view.per : 'response'
  const blur = app.preferences.value.blur
  const focus = typeInFocus(run, view)
  return (
    <section class="panel detail" aria-labelledby="detail-title">
      <div class="bar">
        <h2 id="detail-title">
          Probe #{row} {probe.group !== String(row) && <span class="muted">group {probe.group}</span>}
        </h2>
        <span class="grow" />
        <button
          type="button"
          class="icon"
          aria-pressed={view.pinned === row}
          title="Pin beside others (p)"
          onClick={() => app.store.set({ pinned: view.pinned === row ? undefined : row })}
        >
          <Icon name="pin" />
          <span class="sr">Pin this probe</span>
        </button>
        <button
          type="button"
          class="icon"
          aria-pressed={blur}
          title="Hide responses until pointed at"
          onClick={() => {
            app.preferences.value = { ...app.preferences.value, blur: !blur }
          }}
        >
          <Icon name="eye" />
          <span class="sr">Hide responses until pointed at</span>
        </button>
      </div>
      <p class="prompt-text">{probe.prompt}</p>
      <ul class="responses">
        {inOrder(run.types).map(({ key, says, look }) => {
          const found = columnsFor(run, view.metric, key, per)
          const k = found?.columns.findIndex(column => probes!.columns[column].row === row) ?? -1
          const column = probes!.columns.findIndex(one => one.row === row && one.type === key)
          const has = column >= 0 && !probes!.absent.includes(column)
          if (!has) return null
          const value = found && k >= 0 && rows ? rows[now]?.[found.columns[k]] / found.by[k] : undefined
          const before = found && k >= 0 && rows ? rows[then]?.[found.columns[k]] / found.by[k] : undefined
          return (
            <li key={key} class={key === focus ? 'focus' : undefined}>
              <button
                type="button"
                class="type"
                aria-pressed={key === focus}
                onClick={() => app.store.set({ type: key })}
                title={says}
              >
                <Swatch look={look} /> {key}
              </button>
              <span class="value">{value === undefined ? '–' : show(value)}</span>
              <span class="delta">
                {value === undefined || before === undefined ? '' : signed(value - before)}
              </span>
              <span class="muted count">
                {probes!.columns[column].tokens > 0 ? `${probes!.columns[column].tokens} tokens` : ''}
              </span>
              <p class={blur ? 'response blurred' : 'response'} tabIndex={blur ? 0 : undefined}>
                {probe.responses[key] ?? <span class="muted">the log has no text</span>}
              </p>
            </li>
          )
        })}
      </ul>
    </section>
  )
}

const TokenPanel = ({ app, run, opened, row }: { app: App; run: LiveData; opened: OpenRun; row: number }) => {
  const view = app.store.view.value
  const now = evaluationAt(run, view.step)
  const then = view.versus === undefined ? 0 : evaluationAt(run, view.versus)
  const read = useTokens(run, opened, row, now, then)
  const model = tokensPanel({
    run,
    row,
    step: run.evaluations[now]?.step ?? 0,
    versus: run.evaluations[then]?.step ?? 0,
    change: view.change,
    blur: app.preferences.value.blur,
    focus: typeInFocus(run, view),
    read,
  })
  return (
    <PanelFrame model={model}>
      {model.kind === 'drawn' && (
        <p class="controls">
          <ChangeControl app={app} runs={[run]} />
        </p>
      )}
    </PanelFrame>
  )
}

const View = ({ app, runs, opened }: ScreenProps) => {
  const [run] = runs
  const view = app.store.view.value
  if (!run.probes) {
    return (
      <PanelFrame
        model={{
          id: 'probes',
          kind: 'missing',
          title: 'Probes',
          says: 'Prompts with responses of every type, watched while the model is trained.',
          missing: noProbes(run),
        }}
      />
    )
  }
  if (run.manifest.imported?.meansOnly) {
    return (
      <PanelFrame
        model={{
          id: 'probes',
          kind: 'missing',
          title: 'Probes',
          says: 'Prompts with responses of every type.',
          missing: { what: 'The imported log holds means over the probes alone, no single ones.' },
        }}
      />
    )
  }
  const wanted = view.probe ?? probeItems(run, view)[0]?.row ?? 0
  const row = Math.min(wanted, run.probes.rows.length - 1)
  const pinned =
    view.pinned !== undefined && view.pinned < run.probes.rows.length && view.pinned !== row
      ? view.pinned
      : undefined
  return (
    <>
      <ProbeList app={app} run={run} height={260} />
      {view.probe !== undefined && view.probe !== row && (
        <p class="note caution">
          The run has no probe #{view.probe}; this is #{row}.
        </p>
      )}
      <div class={pinned === undefined ? undefined : 'grid two'}>
        <Detail app={app} run={run} row={row} />
        {pinned !== undefined && <Detail app={app} run={run} row={pinned} />}
      </div>
      <TokenPanel app={app} run={run} opened={opened[0]} row={row} />
      <div class={pinned === undefined ? undefined : 'grid two'}>
        <PanelFrame model={probePanel(run, view, row, 'probe')} />
        {pinned !== undefined && <PanelFrame model={probePanel(run, view, pinned, 'pinned')} />}
      </div>
    </>
  )
}

export const probes: Screen = {
  page: 'probes',
  title: 'Probes',
  key: 'p',
  metrics: ({ metric }) => ['logp', metric],
  View,
}
