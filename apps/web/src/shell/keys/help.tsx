// The keys and what they are changed to, the switch that turns those of a single letter off (WCAG 2.1.4), and how the
// page looks.
import { useApp } from '../context.ts'
import { Dialog } from '../dialog.tsx'
import { KeyTable } from './key-table.tsx'
import { CONTRASTS, DENSITIES, THEMES, type Preferences } from '../preferences.ts'

const Choice = <T extends string>({
  name,
  value,
  values,
  choose,
}: {
  name: string
  value: T
  values: readonly T[]
  choose: (value: T) => void
}) => (
  <label>
    {name}{' '}
    <select value={value} onChange={event => choose(event.currentTarget.value as T)}>
      {values.map(one => (
        <option value={one} key={one}>
          {one}
        </option>
      ))}
    </select>
  </label>
)

export const Help = () => {
  const app = useApp()
  const { letters, keys, theme, contrast, density } = app.preferences.value
  const prefer = (patch: Partial<Preferences>): void => {
    app.preferences.value = { ...app.preferences.value, ...patch }
  }
  const close = (): void => {
    app.help.value = false
  }
  return (
    <Dialog open={app.help.value} title="Keys and settings" look="wide" close={close}>
      <KeyTable chosen={keys} change={chosen => prefer({ keys: chosen })} />
      <label class="check">
        <input
          type="checkbox"
          checked={letters}
          onChange={() => prefer({ letters: !letters })}
        />{' '}
        keys of a single letter act
      </label>
      <fieldset class="settings">
        <legend>How it looks</legend>
        <Choice name="Theme" value={theme} values={THEMES} choose={value => prefer({ theme: value })} />
        <Choice name="Contrast" value={contrast} values={CONTRASTS} choose={value => prefer({ contrast: value })} />
        <Choice name="Density" value={density} values={DENSITIES} choose={value => prefer({ density: value })} />
      </fieldset>
      <p>
        <button type="button" onClick={close}>
          Close
        </button>
      </p>
    </Dialog>
  )
}
