// Squeeze: where the probability goes. Mass by bands of ranks along a response, what each band gained since the
// step compared with, the likeliest token against chosen, and how peaked the distributions become.
import { dynamicsPanel } from '../../panels/dynamics/dynamics.ts'
import { evaluationAt } from '../../data/evaluation.ts'
import { squeezingPanel } from '../../panels/dynamics/squeezing.ts'
import { noProbes } from '../../panels/no-probes.ts'
import type { PanelModel } from '../../panels/panel.ts'
import type { ScreenProps } from '../../shell/context.ts'
import { LivePanel } from '../../shell/panel/live-panel.tsx'
import { PanelFrame } from '../../shell/panel/frame.tsx'
import { useWatched } from '../beside.ts'
import { typeInFocus } from '../../panels/dynamics/grouping.ts'
import { bandPanels } from './bands.tsx'
import { massOf } from './data.ts'
import { Position } from './position.tsx'
import { TypeChoice } from '../type-choice.tsx'

export const SqueezeView = ({ app, runs, opened }: ScreenProps) => {
  const [run] = runs
  const view = app.store.view.value
  const type = typeInFocus(run, view)
  const watched = useWatched(opened[0], run.version)
  const { per, spread, versus, hidden } = view
  const peaked = (metric: 'entropy' | 'a_norm'): PanelModel => {
    const model = dynamicsPanel(runs, app.curves, { ...view, metric, change: false, smooth: 0 })
    return model.kind === 'curves'
      ? { ...model, id: metric, panel: { ...model.panel, id: metric } }
      : { ...model, id: metric }
  }
  if (!run.probes || type === undefined) {
    return (
      <PanelFrame
        model={{
          id: 'bands',
          kind: 'missing',
          title: 'Where the probability is',
          says: 'Probability by rank along probed responses.',
          missing: run.probes ? { what: 'The run follows no type of response.' } : noProbes(run),
        }}
      />
    )
  }
  const now = evaluationAt(run, view.step)
  const then = view.versus === undefined ? 0 : evaluationAt(run, view.versus)
  const bands = bandPanels(run, massOf(run, app.curves, type), type, now, then)
  return (
    <>
      <div class="controls">
        <TypeChoice app={app} run={run} value={type} label="Along" />
        <span class="muted">
          Squeezing is one factor among several: a falling log π(chosen) alone does not prove it.
        </span>
      </div>
      <div class="grid two">
        {bands.map(model => (
          <PanelFrame key={model.id} model={model} />
        ))}
      </div>
      <Position app={app} run={run} lines={watched.lines} trouble={watched.trouble} />
      <div class="grid two">
        <LivePanel
          runs={runs}
          settings={[per, spread]}
          make={() => squeezingPanel(runs, app.curves, view)}
        />
        {(['entropy', 'a_norm'] as const).map(metric => (
          <LivePanel
            key={metric}
            runs={runs}
            settings={[per, spread, versus, hidden]}
            make={() => peaked(metric)}
          />
        ))}
      </div>
    </>
  )
}
