// A screen of runs, and what stands in place of runs that are not read (yet), are gone, or cannot be read.
import { useEffect } from 'preact/hooks'
import type { OpenRun } from '../../data/run-store.ts'
import type { Missing } from '../../panels/panel.ts'
import type { Screen } from '../../screens/screen.ts'
import { Boundary } from './boundary.tsx'
import { useApp } from '../context.ts'
import { Part } from '../lazy.tsx'
import { PanelFrame } from '../panel/frame.tsx'

/** Runs that lived in the page went with it when it was loaded anew. */
const goneOf = (key: string): Missing =>
  key.startsWith('lab:')
    ? { what: 'The Lab trained this run in a page that was loaded anew since. The same seed and settings train it again.' }
    : key.startsWith('local:')
      ? { what: 'This run was dropped on a page that was loaded anew since. Drop it here once more.' }
      : { what: 'There is no such run here. It may have been moved or removed.', command: 'ldyn runs ls' }

/** What is known of a cause, ended as a sentence is. */
const sentence = (parts: readonly (string | undefined)[]): string => {
  const said = parts.filter(Boolean).join(': ')
  return said === '' ? '' : `${said.replace(/\.$/, '')}. `
}

const Waiting = ({ opened }: { opened: readonly OpenRun[] }) => (
  <>
    {opened.map(run => {
      if (run.data.value) return null
      const [id, title, says] = [`run-${run.key}`, run.key, 'A run directory.']
      if (run.gone.value)
        return (
          <PanelFrame
            key={run.key}
            model={{
              id,
              kind: 'missing',
              title,
              says,
              missing: goneOf(run.key),
            }}
          />
        )
      const trouble = run.trouble.value
      return trouble ? (
        <PanelFrame key={run.key} model={{ id, kind: 'trouble', title, says, trouble, retry: run.retry }} />
      ) : (
        <PanelFrame key={run.key} model={{ id, kind: 'loading', title, says, part: run.key }} />
      )
    })}
  </>
)

export const RunScreen = ({ screen }: { screen: Screen }) => {
  const app = useApp()
  const opened = app.opened.value
  const { metric } = app.store.view.value
  const read = opened.filter(run => run.data.value !== undefined)
  const data = read.map(run => run.data.value!)
  useEffect(() => {
    const names = screen.metrics({ metric })
    for (const run of opened) {
      run.keep(names)
      for (const name of names) run.need(name)
    }
  }, [opened, screen, metric])
  return (
    <>
      {opened
        .filter(run => run.data.value && run.gone.value)
        .map(run => (
          <p class="banner" role="status" key={run.key}>
            <strong>{run.key} is gone.</strong> What was read of it stays here until the page is closed.
          </p>
        ))}
      {read
        .filter(run => run.trouble.value)
        .map(run => (
          <p class="banner bad" role="alert" key={run.key}>
            <strong>{run.trouble.value!.what.replace(/\.$/, '')}.</strong>{' '}
            {sentence([run.trouble.value!.where, run.trouble.value!.why])}What was read before is shown.{' '}
            <button type="button" onClick={run.retry}>
              Try again
            </button>
          </p>
        ))}
      <Waiting opened={opened} />
      {data.length > 0 && (
        <Boundary key={screen.page} name={screen.title}>
          <Part key={screen.page} part={screen} title={screen.title} props={{ app, runs: data, opened: read }} />
        </Boundary>
      )}
    </>
  )
}
