// The update in focus, over its figures: which one it is, how to get to the next, and what the trainer did in it.
import { plural, show } from '@ldyn/figures'
import type { DecompositionLine } from '@ldyn/runs'
import type { App } from '../../shell/context.ts'
import { Icon } from '../../shell/icon.tsx'

export const UpdateHead = ({
  app,
  updates,
  update,
}: {
  app: App
  updates: readonly DecompositionLine[]
  update: DecompositionLine
}) => {
  const view = app.store.view.value
  const at = updates.indexOf(update)
  const step = (icon: 'back' | 'on', by: number, name: string, key: string) => (
    <button
      type="button"
      class="icon"
      disabled={updates[at + by] === undefined}
      onClick={() => app.store.set({ update: updates[at + by].s })}
      title={`${name} (${key})`}
    >
      <Icon name={icon} />
      <span class="sr">{name}</span>
    </button>
  )
  const { rows } = update
  return (
    <>
      <div class="bar panel">
        {step('back', -1, 'Previous recorded update', '[')}
        <h2>
          Update {update.s - 1} → {update.s}{' '}
          <span class="muted">
            {update.stage}, {at + 1} of {updates.length} recorded
          </span>
        </h2>
        {step('on', 1, 'Next recorded update', ']')}
        <span>
          learning rate <b>{show(update.lr)}</b>
        </span>
        <span title="Global norm before clipping, and the factor that clipping multiplied it by">
          gradient norm <b>{show(update.grad_norm)}</b>
          {update.clip_factor < 1 && <> × {show(update.clip_factor)}</>}
        </span>
        <span title="L2 norm over all tokens of all followed responses of actual − predicted">
          residual <b>{show(update.residual)}</b> nats
        </span>
        <span title={`Rows of the data that the update learned: ${rows.join(', ')}`}>
          {plural(rows.length, 'example')}:{' '}
          {rows
            .slice(0, 8)
            .map(row => `#${row}`)
            .join(' ')}
          {rows.length > 8 && ' …'}
        </span>
        {view.update !== undefined && (
          <button type="button" class="small" onClick={() => app.store.set({ update: undefined })}>
            follow the step
          </button>
        )}
      </div>
      {view.update !== undefined && view.update !== update.s && (
        <p class="note caution">Update {view.update} was not taken apart; this is the one before it.</p>
      )}
      {view.step !== undefined && view.update === undefined && view.step > update.s && (
        <p class="note">
          Step {view.step} was not taken apart; this is the last recorded update before it. Which are recorded
          is a setting of the training: observe.decompose.every.
        </p>
      )}
    </>
  )
}
