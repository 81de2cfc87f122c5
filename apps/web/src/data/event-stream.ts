// Server-sent events over fetch rather than EventSource, which can send no token. It comes back by itself after
// the connection was lost, with the cursor of the last event, and waits longer each time.
import type { StreamEvent } from '../wire.ts'
import type { Ask } from './http-files.ts'

export interface Parsed {
  readonly id?: string
  readonly event: string
  readonly data: string
}

/** Takes text in pieces of any size and gives whole events (HTML standard §9.2.6). */
export const createParser = (): ((chunk: string) => readonly Parsed[]) => {
  let rest = ''
  return chunk => {
    const text = rest + chunk
    const blocks = text.split(/\r\n\r\n|\n\n|\r\r/)
    rest = blocks.pop()!
    return blocks.flatMap(block => {
      let [id, event]: [string | undefined, string] = [undefined, 'message']
      const data: string[] = []
      for (const line of block.split(/\r\n|\n|\r/)) {
        const [, field, value] = /^([^:]*):? ?(.*)$/s.exec(line)!
        if (field === 'id') id = value
        else if (field === 'event') event = value
        else if (field === 'data') data.push(value)
      }
      return data.length === 0 ? [] : [{ id, event, data: data.join('\n') }]
    })
  }
}

export type Connection =
  | { readonly state: 'connecting' | 'open' | 'ended' }
  | { readonly state: 'waiting'; readonly seconds: number; readonly why: string }

export interface StreamOptions {
  readonly ask: Ask
  readonly path: string
  readonly on: (event: StreamEvent) => void
  readonly connection: (connection: Connection) => void
  readonly wait?: (ms: number, signal: AbortSignal) => Promise<void>
}

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise(done => {
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', () => (clearTimeout(timer), done()), { once: true })
  })

/** Nothing for this long, pings included, and the connection counts as lost. */
const SILENCE_MS = 40_000

/** Listens until disposed of. */
export const openStream = ({ ask, path, on, connection, wait = pause }: StreamOptions): Disposable => {
  const ending = new AbortController()
  let cursor = ''
  const once = async (opened: () => void): Promise<void> => {
    const attempt = new AbortController()
    const abort = (): void => attempt.abort()
    ending.signal.addEventListener('abort', abort)
    let timer = setTimeout(abort, SILENCE_MS)
    try {
      const response = await ask(path, cursor === '' ? {} : { 'last-event-id': cursor }, attempt.signal)
      if (!response.ok || !response.body)
        throw new Error((await response.text()).trim() || `status ${response.status}`)
      opened()
      const [parse, decoder, reader] = [createParser(), new TextDecoder(), response.body.getReader()]
      for (;;) {
        const { done, value } = await reader.read()
        if (done) return
        clearTimeout(timer)
        timer = setTimeout(abort, SILENCE_MS)
        for (const { id, event, data } of parse(decoder.decode(value, { stream: true }))) {
          on({ event, data: JSON.parse(data) } as StreamEvent)
          if (id !== undefined) cursor = id
        }
      }
    } finally {
      clearTimeout(timer)
      ending.signal.removeEventListener('abort', abort)
    }
  }
  const run = async (): Promise<void> => {
    let seconds = 1
    while (!ending.signal.aborted) {
      connection({ state: 'connecting' })
      let why = 'the viewer ended'
      try {
        await once(() => {
          seconds = 1
          connection({ state: 'open' })
        })
      } catch (error) {
        why = (error as Error).message
      }
      if (ending.signal.aborted) break
      connection({ state: 'waiting', seconds, why })
      await wait(seconds * 1000, ending.signal)
      seconds = Math.min(15, seconds * 2)
    }
    connection({ state: 'ended' })
  }
  void run()
  return { [Symbol.dispose]: () => ending.abort() }
}
