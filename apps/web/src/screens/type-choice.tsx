// The response type in focus, chosen the same way on every screen: it is one setting of the view.
import type { LiveData } from '../data/live-run.ts'
import { typesIn } from '../panels/types.ts'
import { Choice } from '../shell/choice.tsx'
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
  <Choice
    label={label}
    value={value}
    options={typesIn([run]).flatMap(({ key }) => (!only || only.includes(key) ? [key] : []))}
    choose={type => app.store.set({ type })}
  />
)
