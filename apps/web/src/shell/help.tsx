// The keys, and the switch that turns those of a single letter off (WCAG 2.1.4).
import { keyHelp } from '../state/keys.ts'
import { useApp } from './context.ts'
import { Dialog } from './dialog.tsx'

export const Help = () => {
  const app = useApp()
  const { letters } = app.preferences.value
  const close = (): void => {
    app.help.value = false
  }
  return (
    <Dialog open={app.help.value} title="Keys" close={close}>
      <dl class="keys">
        {keyHelp.map(({ keys, says }) => (
          <div key={keys}>
            <dt>
              <kbd>{keys}</kbd>
            </dt>
            <dd>{says}</dd>
          </div>
        ))}
      </dl>
      <label class="check">
        <input
          type="checkbox"
          checked={letters}
          onChange={() => {
            app.preferences.value = { ...app.preferences.value, letters: !letters }
          }}
        />{' '}
        keys of a single letter act
      </label>
      <p>
        <button type="button" onClick={close}>
          Close
        </button>
      </p>
    </Dialog>
  )
}
