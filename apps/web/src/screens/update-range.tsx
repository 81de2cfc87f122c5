// Which recorded updates are summed up, for those who do not drag: from one step to another.
import type { DecompositionLine } from '@ldyn/runs'
import type { App } from '../shell/context.ts'

export const UpdateRange = ({ app, updates }: { app: App; updates: readonly DecompositionLine[] }) => {
  const { range } = app.store.view.value
  const [first, last] = [updates[0].s, updates.at(-1)!.s]
  const [from, to] = range ?? [first, last]
  const set = (a: number, b: number): void => {
    if (a !== b)
      app.store.set({ range: a === first && b === last ? undefined : [Math.min(a, b), Math.max(a, b)] })
  }
  const choice = (label: string, value: number, use: (step: number) => void) => (
    <label>
      {label}{' '}
      <select value={value} onChange={event => use(Number(event.currentTarget.value))}>
        {updates.map(({ s, stage }) => (
          <option key={`${s} ${stage}`} value={s}>
            {s} {stage}
          </option>
        ))}
      </select>
    </label>
  )
  return (
    <div class="controls">
      {choice('From step', from, step => set(step, to))}
      {choice('to', to, step => set(from, step))}
      {range && (
        <button type="button" class="small" onClick={() => app.store.set({ range: undefined })}>
          all recorded updates
        </button>
      )}
    </div>
  )
}
