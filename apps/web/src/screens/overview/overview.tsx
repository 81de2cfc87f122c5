// Overview: what happened in this run, in words made from its numbers, then how far each kind of response
// moved, the training log, and what the run was made of.
import { factsOf, shellWord } from '@ldyn/figures'
import { useMemo, useRef } from 'preact/hooks'
import { Config } from './config.tsx'
import { Files } from './files.tsx'
import { lossPanels, massPanel, movedPanel } from './panels.ts'
import { Story } from './story.tsx'
import { Headline, Health } from './words.tsx'
import type { LiveData } from '../../data/live-run.ts'
import { squeezingPanel } from '../../panels/dynamics/squeezing.ts'
import { resumeCommand } from '../../panels/making.ts'
import { CommandLine } from '../../shell/command-line.tsx'
import type { ScreenProps } from '../../shell/context.ts'
import { useGrown } from '../../shell/panel/kept.ts'
import { LivePanel } from '../../shell/panel/live-panel.tsx'
import { useSeen } from '../../shell/near.ts'
import { PanelFrame } from '../../shell/panel/frame.tsx'
import type { Screen } from '../screen.ts'

/** What the run is and how it was made. */
const Facts = ({ run }: { run: LiveData }) => {
  const place = useRef<HTMLElement>(null)
  const facts = useGrown([run], [], useSeen(place), () =>
    factsOf(run).filter(([name]) => name !== 'Notes' && name !== 'Not in it'),
  )
  const { argv, imported } = run.manifest
  return useMemo(
    () => (
      <section class="panel facts" aria-labelledby="facts-title" ref={place}>
        <h2 id="facts-title">The run</h2>
        <dl>
          {facts.map(([name, text]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{text}</dd>
            </div>
          ))}
        </dl>
        {argv.length > 0 && !imported && (
          <>
            <h3>The command that made it</h3>
            <CommandLine command={`ldyn ${argv.map(shellWord).join(' ')}`} />
          </>
        )}
      </section>
    ),
    [facts, argv],
  )
}

const Losses = ({ run }: { run: LiveData }) => {
  const place = useRef<HTMLDivElement>(null)
  const models = useGrown([run], [], useSeen(place), () => lossPanels(run))
  return useMemo(
    () => (
      <div class="grid" ref={place}>
        {models.map(model => (
          <PanelFrame key={model.id} height={190} model={model} />
        ))}
      </div>
    ),
    [models],
  )
}

const View = ({ app, runs, opened }: ScreenProps) => {
  const [run] = runs
  const state = opened[0].state.value
  return (
    <>
      {state === 'killed' && (
        <div class="banner bad" role="alert">
          <strong>This run crashed.</strong> It says that it runs, and no process writes it. Everything up to
          step {run.evaluations.at(-1)?.step ?? 0} is on file, and the training goes on with
          <CommandLine command={resumeCommand(run)} />
        </div>
      )}
      {state === 'stalled' && (
        <p class="banner" role="status">
          <strong>No sign of life for more than a minute.</strong> The process that writes this run is silent.
        </p>
      )}
      {/* What an importer has to say of a log is longer than what can be said of its curves. */}
      <div class={run.manifest.imported ? 'columns one' : 'columns'}>
        <Headline app={app} run={run} opened={opened[0]} />
        <Health app={app} run={run} opened={opened[0]} />
      </div>
      {/* Of a log without probes the training log is the story. */}
      {!run.probes && <Losses run={run} />}
      <div class="grid">
        <LivePanel runs={runs.slice(0, 1)} settings={[]} make={() => movedPanel(app, run)} />
        <LivePanel
          runs={runs.slice(0, 1)}
          settings={[]}
          make={() => squeezingPanel([run], app.curves, { per: 'response', spread: 'se' })}
        />
        <LivePanel runs={runs.slice(0, 1)} settings={[]} make={() => massPanel(app, run)} />
      </div>
      <Story run={run} opened={opened[0]} />
      {run.probes && <Losses run={run} />}
      <Facts run={run} />
      <Config run={run} />
      <Files run={run} opened={opened[0]} />
    </>
  )
}

export const overview: Screen = {
  page: 'overview',
  title: 'Overview',
  key: 'o',
  View,
  metrics: () => ['logp', 'argmax_logp', 'entropy'],
}
