// Another screen is read from its top, as a page of its own would be; whoever goes back or forward finds it where the
// browser left it. An entry of the history that was here before has a state, and one that a link just made has none.
import { effect } from '@preact/signals'
import type { ViewStore } from '../../state/store.ts'

export const BEEN = { been: true } as const

/** `listen` hears the state of an entry that is come to before the view is what that entry says. */
export const startAtTop = (
  view: ViewStore['view'],
  listen: (popped: (state: unknown) => void) => void,
): (() => void) => {
  let returning = false
  let at: string | undefined
  listen(state => {
    returning = state !== null
    // The entry is one that was here from now on.
    if (!returning) history.replaceState(BEEN, '')
  })
  return effect(() => {
    const { runs, page, place } = view.value
    const name = [...runs, runs.length > 0 ? page : place].join('\n')
    // Not before the new entry is made: the browser keeps with the old one where that was.
    if (at !== undefined && name !== at && !returning) queueMicrotask(() => scrollTo(0, 0))
    at = name
    returning = false
  })
}
