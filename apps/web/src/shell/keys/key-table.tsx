// The keys, each of a single letter a button: pressed, it waits for the key that shall do the same from now on.
import { useSignal } from '@preact/signals'
import { choose, keyHelp, keyName, keyNow, letterKeys, whyNotKey, type ChosenKeys } from '../../state/keys.ts'

const ALONE = ['Shift', 'Control', 'Alt', 'AltGraph', 'Meta', 'CapsLock']

export const KeyTable = ({ chosen, change }: { chosen: ChosenKeys; change: (keys: ChosenKeys) => void }) => {
  const waiting = useSignal('')
  const said = useSignal('')
  const press = (event: KeyboardEvent, key: string, says: string): void => {
    if (waiting.value !== key || ALONE.includes(event.key)) return
    // Tab goes on, and leaves the key as it is.
    if (event.key === 'Tab') return
    event.preventDefault()
    event.stopPropagation()
    const why = event.key === 'Escape' ? '' : whyNotKey(chosen, key, event.key)
    said.value = why ?? `${keyName(event.key)} now does: ${says}.`
    if (why === undefined) change(choose(chosen, key, event.key))
    if (!why) waiting.value = ''
  }
  return (
    <>
      <p class="muted">Press a key in the list, then the one that shall do the same.</p>
      <dl class="keys">
        {letterKeys.map(({ key, says }) => {
          const now = keyName(keyNow(chosen, key))
          return (
            <div key={key}>
              <dt>
                <button
                  type="button"
                  class="key"
                  aria-label={waiting.value === key ? `Press the key for: ${says}` : `${now}: ${says}. Change the key`}
                  onClick={() => {
                    waiting.value = key
                    said.value = `Press the key for: ${says}. Escape leaves it as it is.`
                  }}
                  onKeyDown={event => press(event, key, says)}
                  onBlur={() => {
                    if (waiting.value === key) waiting.value = said.value = ''
                  }}
                >
                  {waiting.value === key ? '…' : now}
                </button>
              </dt>
              <dd>{says}</dd>
            </div>
          )
        })}
        {keyHelp.map(({ keys, says }) => (
          <div key={keys}>
            <dt>
              <kbd>{keys.replace(/^g /, `${keyName(keyNow(chosen, 'g'))} `)}</kbd>
            </dt>
            <dd>{says}</dd>
          </div>
        ))}
      </dl>
      <p role="status" class="key-said">
        {said.value}
      </p>
      {Object.keys(chosen).length > 0 && (
        <p>
          <button type="button" class="small" onClick={() => change({})}>
            All keys as they were
          </button>
        </p>
      )}
    </>
  )
}
