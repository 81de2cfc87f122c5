/**
 * What a worker is reached through: the part of `MessagePort` that Node's ports and workers and the browser's
 * have
 * in common, with their two ways of listening made one.
 */
export interface Port {
  postMessage(message: unknown, transfer?: ArrayBuffer[]): void
  /** Node: emitters. */
  on?(event: string, listener: Heard): unknown
  /** Browsers: event targets. */
  addEventListener?(type: string, listener: Heard): void
  start?(): void
  close?(): void
  /** Workers alone have it. */
  terminate?(): unknown
}

/** A method's parameter may be narrowed: each event has its own kind of value. */
type Heard = { heard(value: unknown): void }['heard']

export interface Listener {
  message(value: unknown): void
  /** The other side is gone, and how, in words. */
  end(how: string): void
}

const wordsOf = (error: unknown): string => {
  const message = (error as { message?: unknown } | undefined)?.message
  return typeof message === 'string' && message !== '' ? message : String(error)
}

/** Hears messages and the end. An end may be told more than once; the first says most. */
export function listen(port: Port, { message, end }: Listener): void {
  if (port.on) {
    port.on('message', message)
    port.on('messageerror', (error: unknown) => end(`a message could not be read: ${wordsOf(error)}`))
    port.on('error', (error: unknown) => end(`it threw ${wordsOf(error)}`))
    port.on('exit', (code: number) => end(`it exited with code ${code}`))
    port.on('close', () => end('its port was closed'))
  } else if (port.addEventListener) {
    port.addEventListener('message', (event: { data: unknown }) => message(event.data))
    port.addEventListener('messageerror', () => end('a message could not be read'))
    port.addEventListener('error', (event: { message?: string }) => end(`it threw ${wordsOf(event)}`))
    port.addEventListener('close', () => end('its port was closed'))
    port.start?.()
  } else {
    throw new TypeError('a port needs either on (Node) or addEventListener (browsers)')
  }
}
