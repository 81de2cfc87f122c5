// The keys, as they are: who opens a file that was sent to them looks at it, and chooses no keys.
import { keyHelp, keyName, keyNow, letterKeys, type ChosenKeys } from '../../state/keys.ts'

export const KeyTable = ({ chosen }: { chosen: ChosenKeys }) => (
  <dl class="keys">
    {[...letterKeys.map(({ key, says }) => ({ keys: keyName(keyNow(chosen, key)), says })), ...keyHelp].map(
      ({ keys, says }) => (
        <div key={keys}>
          <dt>
            <kbd>{keys}</kbd>
          </dt>
          <dd>{says}</dd>
        </div>
      ),
    )}
  </dl>
)
