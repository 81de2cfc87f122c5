// The field above a long list that narrows it down to what holds a text.
import type { Signal } from '@preact/signals'

export const Find = ({ text }: { text: Signal<string> }) => (
  <label>
    Find{' '}
    <input
      type="search"
      value={text.value}
      onInput={event => {
        text.value = event.currentTarget.value
      }}
    />
  </label>
)
