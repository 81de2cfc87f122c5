// Compare: several runs on the same axes, one small figure a response type, so that type keeps its colour and
// the run is told by dash and letter; how their settings differ, apart from how their numbers do (ux.md R10);
// the last values as a table.
import { compareRuns, inOrder, letter, lastPreference, stageMarks } from '@ldyn/figures'
import { useMemo } from 'preact/hooks'
import type { LiveData } from '../data/live-run.ts'
import { bandText, dynamicsPanel, linesOf, perText, textOf } from '../panels/dynamics.ts'
import type { PanelModel } from '../panels/panel.ts'
import type { App, ScreenProps } from '../shell/context.ts'
import { useKept } from '../shell/kept.ts'
import { PanelFrame } from '../shell/panel-frame.tsx'
import { differences } from './config-tree.ts'
import type { Screen } from './screen.ts'

/** How many probed responses runs share, told apart by prompt and text. */
export const shared = (
  runs: readonly LiveData[],
): { readonly both: number; readonly only: readonly number[] } => {
  const names = runs.map(
    ({ probes, types }) =>
      new Set(
        probes?.rows.flatMap(({ prompt, responses }) =>
          types.flatMap(type =>
            Object.hasOwn(responses, type) ? [JSON.stringify([prompt, type, responses[type]])] : [],
          ),
        ) ?? [],
      ),
  )
  const both = [...names[0]].filter(name => names.every(set => set.has(name))).length
  return { both, only: names.map(set => set.size - both) }
}

const typePanels = (app: App, runs: readonly LiveData[]): readonly PanelModel[] => {
  const { metric, per, spread, change, versus } = app.store.view.value
  const { title, unit } = textOf(metric)
  return inOrder([...new Set(runs.flatMap(({ types }) => types))]).flatMap((type): PanelModel[] => {
    const lines = linesOf(runs, app.curves, {
      metric,
      type: type.key,
      per,
      spread,
      since: change ? (versus ?? 'first') : undefined,
    })
    if (lines.length === 0) return []
    const panel = {
      id: `only-${type.key}`,
      section: 'overview' as const,
      title: type.key,
      says: `${type.says.charAt(0).toUpperCase()}${type.says.slice(1)}. ${title}, ${perText(metric, per)}; mean over probes.`,
      zero: change,
      band: bandText[spread],
      unit: `${change ? 'Δ ' : ''}${title}, ${perText(metric, per)}${unit && ` (${unit})`}`,
      lines,
      stages: stageMarks(runs),
    }
    return [{ id: panel.id, kind: 'curves', title: panel.title, says: panel.says, panel }]
  })
}

const lastTable = (app: App, runs: readonly LiveData[]): PanelModel => {
  const { metric, per } = app.store.view.value
  const types = inOrder([...new Set(runs.flatMap(run => run.types))])
  const rows = types.map(({ key }) => {
    const ends = runs.map(run => {
      const [value] = linesOf([run], app.curves, { metric, type: key, per, spread: 'se' })
      const [moved] = linesOf([run], app.curves, { metric, type: key, per, spread: 'se', since: 'first' })
      return [value?.mean.at(-1), moved?.mean.at(-1), moved?.se?.at(-1)]
    })
    return [key, ...ends.flat()]
  })
  const head = [
    'type',
    ...runs.flatMap((_, r) => [`${letter(r)} last`, `${letter(r)} Δ`, `${letter(r)} Δ ± se`]),
  ]
  const { title } = textOf(metric)
  return {
    id: 'last',
    kind: 'drawn',
    title: 'Where they ended',
    says: `${title} ${perText(metric, per)}, mean over probes, at each run’s last evaluation, and its change since the first with the standard error of the probes’ own changes.`,
    draw: () => (
      <div class="scroll" tabIndex={0} role="region" aria-label="Last values">
        <table>
          <thead>
            <tr>
              {head.map(name => (
                <th scope="col" key={name}>
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map(([name, ...values]) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                {values.map((value, i) => (
                  <td class="number" key={i}>
                    {typeof value === 'number' ? value.toFixed(2).replace('-', '−') : '–'}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    ),
    table: () => ({ head, rows }),
  }
}

const View = ({ app, runs, opened }: ScreenProps) => {
  const words = useMemo(() => {
    const ready =
      runs.length > 1 &&
      runs.every(run => run.rows.has('logp') && run.rows.has('argmax_logp') && lastPreference(run))
    return ready ? compareRuns(runs) : []
  }, [runs.map(run => `${run.id} ${run.evaluations.length}`).join()])
  const { metric, per, spread, change, versus } = app.store.view.value
  const panels = useKept(runs, [metric, per, spread, change, versus], () =>
    runs.length < 2 ? [] : [...typePanels(app, runs), lastTable(app, runs)],
  )
  if (runs.length < 2) {
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
  const differ = differences(runs.map(({ manifest }) => manifest.config))
  const { both, only } = shared(runs)
  const notes = dynamicsPanel(runs, app.curves, app.store.view.value).notes ?? []
  return (
    <>
      <ul class="run-letters">
        {opened.slice(0, runs.length).map((one, r) => (
          <li key={one.key}>
            <b>{letter(r)}</b> <a href={app.store.link({ runs: [one.key], page: 'overview' })}>{one.key}</a>
          </li>
        ))}
      </ul>
      {only.some(n => n > 0) && (
        <p class="note caution">
          The runs share {both} probed responses;{' '}
          {only.map((n, r) => `${n} are in ${letter(r)} alone`).join(', ')}. Means are over each run’s own.
        </p>
      )}
      {words.map(({ title, sentences }) => (
        <section class="panel story" aria-label={title} key={title}>
          <h2>{title}</h2>
          <ul>
            {sentences.map(({ about, text }) => (
              <li key={about}>
                <span class="about">{about}</span> {text}
              </li>
            ))}
          </ul>
        </section>
      ))}
      <div class="grid">
        {panels.slice(0, -1).map(model => (
          <PanelFrame key={model.id} model={model} height={210} />
        ))}
      </div>
      {notes.map(note => (
        <p class="note caution" key={note}>
          {note}
        </p>
      ))}
      <PanelFrame model={panels.at(-1)!} />
      <section class="panel" aria-labelledby="differ">
        <h2 id="differ">
          Settings that differ <span class="muted">{differ.length}</span>
        </h2>
        {differ.length === 0 ? (
          <p class="muted">None that the runs record.</p>
        ) : (
          <div class="scroll" tabIndex={0} role="region" aria-label="Settings that differ">
            <table>
              <thead>
                <tr>
                  <th scope="col">setting</th>
                  {runs.map((_run, r) => (
                    <th scope="col" key={r}>
                      {letter(r)}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {differ.map(({ path, values }) => (
                  <tr key={path}>
                    <th scope="row">{path}</th>
                    {values.map((value, r) => (
                      <td key={r}>{value ?? <span class="muted">not set</span>}</td>
                    ))}
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </section>
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
