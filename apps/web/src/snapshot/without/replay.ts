// What stands in place of the recorded training in a snapshot: it is asked for where no worker starts, and a file that
// is opened from disk may start one; it would weigh as much as the page.
import type { startReplay as start } from '../../lab/gpt/replay.ts'

export const startReplay: typeof start = hear => ({
  tell: message => {
    if (message.do !== 'train') return
    hear({
      say: 'failed',
      what: 'No worker trains in this browser, and the recorded run is not in this file',
      where: 'Open the Lab in the viewer (ldyn view)',
    })
  },
  end: () => {},
})
