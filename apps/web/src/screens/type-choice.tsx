// The response type in focus, chosen the same way on every screen: it is one setting of the view.
import type { LiveData } from '../data/live-run.ts'
import { typesIn } from '../panels/dynamics.ts'
import type { App } from '../shell/context.ts'

export const TypeChoice = ({
  app,
  run,
  value,
  label = 'Type',
  only,
}: {
  app: App
  run: LiveData
  value: string
  label?: string
  /** Types that can be chosen; without it all of the run. */
  only?: readonly string[]
}) => (
  <label>
    {label}{' '}
    <select value={value} onChange={event => app.store.set({ type: event.currentTarget.value })}>
      {typesIn([run])
        .filter(({ key }) => !only || only.includes(key))
        .map(({ key }) => (
          <option key={key} value={key}>
            {key}
          </option>
        ))}
    </select>
  </label>
)
