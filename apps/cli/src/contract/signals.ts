/**
 * Ctrl-C and SIGTERM while a command works on something worth keeping: the first asks it to finish its step and save,
 * the second ends the process at once. Commands that ask for nothing keep the system's default.
 */
import { INTERRUPTED, type StopSignal } from './exit-codes.ts'

/** What this needs of `process`. */
export interface SignalSource {
  on(signal: StopSignal, listener: () => void): unknown
  off(signal: StopSignal, listener: () => void): unknown
}

/**
 * Calls `stop` at the first signal and `exit` (with 130 or 143) at the second, of either kind. Dispose of the result to
 * go back to the default.
 */
export function onInterrupt(
  source: SignalSource,
  stop: (signal: StopSignal) => void,
  exit: (code: number) => void,
): Disposable {
  let asked = false
  const listeners = (Object.keys(INTERRUPTED) as StopSignal[]).map((signal) => {
    const listener = (): void => {
      if (asked) exit(INTERRUPTED[signal])
      asked = true
      stop(signal)
    }
    source.on(signal, listener)
    return { signal, listener }
  })
  return {
    [Symbol.dispose]() {
      for (const { signal, listener } of listeners) source.off(signal, listener)
    },
  }
}
