// The Lab's page: which simulation, and what of the address it does not know. The tiny model is fetched when it is
// opened.
import type { App } from '../../shell/context.ts'
import { Part, type Loadable } from '../../shell/lazy.tsx'
import { readSettings, SIMS, toyDefaults, writeSettings, type LabSettings, type Sim } from '../../lab/settings.ts'
import '../../styles/lab.css'
import { LabToy } from './toy.tsx'

export interface LabProps {
  readonly app: App
  readonly settings: LabSettings
  readonly set: (settings: LabSettings) => void
}

const NAMES: Readonly<Record<Sim, string>> = {
  squeeze: 'Squeeze toy',
  race: 'Softmax race',
  gpt: 'Tiny GPT',
}

/** Whether a training goes on, whichever simulation is looked at. */
const trains = ({ memory }: App): boolean =>
  memory.keys().some(key => key.startsWith('lab:') && memory.get(key)?.state === 'live')

const gpt: Loadable<LabProps> = { load: () => import('./lab-gpt.tsx').then(({ LabGpt }) => LabGpt) }

export const LabPage = ({ app }: { app: App }) => {
  const { settings, unknown } = readSettings(app.store.view.value.lab)
  const set = (next: LabSettings): void => app.store.set({ lab: writeSettings(next) })
  const link = (sim: Sim): string =>
    app.store.link({ full: undefined, lab: writeSettings({ ...settings, sim, toy: toyDefaults(sim) }) })
  return (
    <>
      <nav class="lab-sims" aria-label="Simulations">
        {SIMS.map(sim => (
          <a key={sim} href={link(sim)} aria-current={sim === settings.sim ? 'page' : undefined}>
            {NAMES[sim]}
            {sim === 'gpt' && trains(app) && ' (training)'}
          </a>
        ))}
      </nav>
      {unknown.length > 0 && (
        <p class="banner" role="status">
          The Lab does not know, or cannot take:{' '}
          {unknown.map(part => (
            <code key={part}>{part}</code>
          ))}
          The rest of the link is used.
        </p>
      )}
      {settings.sim === 'gpt' ? (
        <Part part={gpt} title={NAMES.gpt} props={{ app, settings, set }} />
      ) : (
        <LabToy app={app} settings={settings} set={set} />
      )}
    </>
  )
}
