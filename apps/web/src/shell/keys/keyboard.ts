// Keys pressed anywhere on the page.
import { useEffect } from 'preact/hooks'
import type { LiveData } from '../../data/live-run.ts'
import { createKeys } from '../../state/keys.ts'
import { act } from './actions.ts'
import type { App } from '../context.ts'

const isTyping = (target: EventTarget | null): boolean => {
  if (!(target instanceof HTMLElement)) return false
  return (
    target.isContentEditable ||
    /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) ||
    target.closest('dialog') !== null
  )
}

/** Keys act for as long as the component is on the page. */
export const useKeyboard = (app: App, data: { peek(): LiveData | undefined }): void => {
  useEffect(() => {
    const keys = createKeys()
    const onKey = (event: KeyboardEvent): void => {
      // Space presses a focused button, as everywhere.
      const typing =
        isTyping(event.target) ||
        (event.key === ' ' &&
          event.target instanceof HTMLElement &&
          event.target.closest('button, a, summary') !== null)
      const { key, ctrlKey, metaKey, altKey, shiftKey } = event
      const { letters, keys: chosen } = app.preferences.peek()
      const action = keys({ key, ctrlKey, metaKey, altKey, shiftKey, typing }, letters, chosen)
      if (action && act(app, action, data.peek())) event.preventDefault()
    }
    document.addEventListener('keydown', onKey)
    return () => document.removeEventListener('keydown', onKey)
  }, [])
}
