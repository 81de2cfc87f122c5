// Which recorded updates are summed up, for those who do not drag: from one step to another.
import type { DecompositionLine } from '@ldyn/runs'
import { Choice } from '../../shell/choice.tsx'
import type { App } from '../../shell/context.ts'

export const UpdateRange = ({ app, updates }: { app: App; updates: readonly DecompositionLine[] }) => {
  const { range } = app.store.view.value
  const [first, last] = [updates[0].s, updates.at(-1)!.s]
  const [from, to] = range ?? [first, last]
  const set = (a: number, b: number): void => {
    if (a !== b)
      app.store.set({ range: a === first && b === last ? undefined : [Math.min(a, b), Math.max(a, b)] })
  }
  const steps = updates.map(({ s, stage }) => [s, `${s} ${stage}`] as const)
  return (
    <div class="controls">
      <Choice label="From step" value={from} options={steps} choose={step => set(step, to)} />
      <Choice label="to" value={to} options={steps} choose={step => set(from, step)} />
      {range && (
        <button type="button" class="small" onClick={() => app.store.set({ range: undefined })}>
          all recorded updates
        </button>
      )}
    </div>
  )
}
