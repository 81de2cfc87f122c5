import { describe, expect, it } from 'vitest'
import type { StreamEvent } from '../wire.ts'
import { createParser, openStream, type Connection } from './event-stream.ts'

const encoder = new TextEncoder()
const body = (...chunks: string[]) =>
  new Response(
    new ReadableStream({
      start(controller) {
        for (const chunk of chunks) controller.enqueue(encoder.encode(chunk))
        controller.close()
      },
    }),
  )

describe('server-sent events', () => {
  it('come whole however the text is cut', () => {
    const text = ': ping\n\nevent: append\nid: 7\ndata: {"run":"ü"}\n\ndata: 1\ndata: 2\n\n'
    for (let cut = 0; cut <= text.length; cut++) {
      const parse = createParser()
      expect([...parse(text.slice(0, cut)), ...parse(text.slice(cut))]).toEqual([
        { id: '7', event: 'append', data: '{"run":"ü"}' },
        { id: undefined, event: 'message', data: '1\n2' },
      ])
    }
  })

  it('go on from the last cursor after the connection was lost, waiting longer each time', async () => {
    const asked: (string | undefined)[] = []
    const [seen, states, waits] = [[] as StreamEvent[], [] as Connection[], [] as number[]]
    const answers = [
      () => body('event: manifest\nid: A\ndata: {"run":"r","state":"live"}\n\n'),
      () => {
        throw new Error('refused')
      },
      () => {
        throw new Error('refused')
      },
      () => new Response('too many', { status: 503 }),
    ]
    await new Promise<void>(finished => {
      const stream = openStream({
        path: '/api/stream',
        ask: async (_path, headers) => {
          asked.push(headers?.['last-event-id'])
          return answers[asked.length - 1]()
        },
        on: event => void seen.push(event),
        connection: state => {
          states.push(state)
          if (state.state === 'ended') finished()
        },
        wait: async ms => {
          waits.push(ms)
          if (waits.length === answers.length) stream[Symbol.dispose]()
        },
      })
    })
    expect(asked).toEqual([undefined, 'A', 'A', 'A'])
    expect(waits).toEqual([1000, 2000, 4000, 8000])
    expect(seen).toEqual([{ event: 'manifest', data: { run: 'r', state: 'live' } }])
    expect(states.at(-2)).toMatchObject({ state: 'waiting', why: 'too many' })
  })
})
