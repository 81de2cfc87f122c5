// The one thing that the viewer writes, and the list of runs that ticks.
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { addStep, beginRun, withRoot } from '../../test/run-on-disk.ts'
import { serve, type ServeOptions, type Serving } from './index.ts'

const withViewer = (use: (viewer: Serving, root: string) => Promise<void>, options: Partial<ServeOptions> = {}) =>
  withRoot(async folder => {
    const root = join(folder, 'runs')
    await (await beginRun(join(root, 'first'), [0, 10])).finish('done')
    await using viewer = await serve({ root, version: '0.0.0', ...options })
    await use(viewer, root)
  })

const send = (
  port: number,
  method: string,
  path: string,
  headers: Record<string, string>,
  body = '',
): Promise<{ status: number; text: string }> =>
  new Promise((done, fail) => {
    const sent = request({ host: '127.0.0.1', port, path, method, headers }, response => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => (text += chunk))
      response.on('end', () => done({ status: response.statusCode!, text }))
    })
    sent.on('error', fail)
    sent.end(body)
  })

const views = (...list: { name: string; address: string }[]): string =>
  JSON.stringify({ schema: 'ldyn.views/1', views: list })
const own = (port: number): Record<string, string> => ({
  origin: `http://127.0.0.1:${port}`,
  host: `127.0.0.1:${port}`,
  'content-type': 'application/json',
})
const put = (port: number, body: string, headers: Record<string, string> = own(port)) =>
  send(port, 'PUT', '/api/views', { ...headers, 'content-length': String(Buffer.byteLength(body)) }, body)

describe('named views', () => {
  it('are kept beside the runs, for the viewer’s own page', () =>
    withViewer(async ({ port }, root) => {
      expect(JSON.parse((await send(port, 'GET', '/api/views', {})).text).views).toEqual([])
      const body = views({ name: 'the turn <b>', address: '#/r/first/dynamics?s=10' })
      expect((await put(port, body)).status).toBe(204)
      expect(JSON.parse((await send(port, 'GET', '/api/views', {})).text)).toEqual(JSON.parse(body))
      expect(JSON.parse(await readFile(join(root, 'views.json'), 'utf8'))).toEqual(JSON.parse(body))
    }))

  it('are written by no other page, host, method or kind of form', () =>
    withViewer(async ({ port }, root) => {
      const body = views({ name: 'x', address: '#/' })
      const { origin: _, ...withoutOrigin } = own(port)
      for (const headers of [
        { ...own(port), origin: 'https://evil.example' },
        { ...own(port), origin: 'null' },
        { ...own(port), host: `evil.example:${port}`, origin: `http://evil.example:${port}` },
        { ...own(port), 'sec-fetch-site': 'cross-site' },
        { ...own(port), 'content-type': 'text/plain' },
        withoutOrigin,
      ])
        expect((await put(port, body, headers)).status).toBe(403)
      for (const [method, path] of [
        ['POST', '/api/views'],
        ['DELETE', '/api/views'],
        ['PUT', '/api/views/x'],
        ['PUT', '/views.json'],
        ['PUT', '/api/runs/first/file/run.json'],
      ])
        expect(
          (await send(port, method, path, { ...own(port), 'content-length': String(body.length) }, body)).status,
        ).toBe(405)
      await expect(readFile(join(root, 'views.json'))).rejects.toThrow()
    }))

  it('need the token where there is one', () =>
    withViewer(
      async ({ port, token }) => {
        const body = views({ name: 'x', address: '#/' })
        expect((await put(port, body)).status).toBe(401)
        expect((await put(port, body, { ...own(port), authorization: `Bearer ${token}` })).status).toBe(204)
      },
      { token: 'a-token-of-some-length-1' },
    ))

  it('are nothing but names and addresses of this page, and not too many', () =>
    withViewer(async ({ port }) => {
      for (const body of [
        'nonsense',
        '{}',
        views({ name: '', address: '#/' }),
        views({ name: 'x', address: 'https://evil.example' }),
        views({ name: 'x', address: 'javascript:alert(1)' }),
        views(...Array.from({ length: 501 }, (_, i) => ({ name: `${i}`, address: '#/' }))),
      ])
        expect((await put(port, body)).status).toBe(422)
      const huge = { ...own(port), 'content-length': '2000000' }
      expect((await send(port, 'PUT', '/api/views', huge, ' '.repeat(2_000_000))).status).toBe(413)
    }))

  it('leave a file of that name alone which is something else', () =>
    withViewer(async ({ port }, root) => {
      await writeFile(join(root, 'views.json'), '{"mine": true}')
      expect((await send(port, 'GET', '/api/views', {})).status).toBe(404)
      expect((await put(port, views({ name: 'x', address: '#/' }))).status).toBe(422)
      expect(await readFile(join(root, 'views.json'), 'utf8')).toBe('{"mine": true}')
    }))
})

/** A stream's text as it comes. */
const listen = (port: number, path: string) => {
  let text = ''
  const sent = request({ host: '127.0.0.1', port, path }, response => {
    response.setEncoding('utf8')
    response.on('data', (chunk: string) => (text += chunk))
    response.on('error', () => {})
  })
  sent.on('error', () => {})
  sent.end()
  return { text: () => text, close: () => sent.destroy() }
}

describe('the list of runs', () => {
  it('is told when a run comes, moves or goes, to whoever listens, and to nobody after that', () =>
    withViewer(async (viewer, root) => {
      const stream = listen(viewer.port, '/api/stream')
      await expect.poll(() => viewer.clients).toBe(1)
      // The first look is what later ones are set against.
      await new Promise(done => setTimeout(done, 1_500))
      const writer = await beginRun(join(root, 'second'), [0])
      const told = () => (stream.text().match(/event: runs/g) ?? []).length
      await expect.poll(told).toBeGreaterThan(0)
      expect(stream.text()).toContain('{"count":2}')
      const before = told()
      await addStep(writer, 5)
      await expect.poll(told).toBeGreaterThan(before)
      await writer.close()
      await rm(join(root, 'second'), { recursive: true })
      await expect.poll(() => stream.text()).toContain('{"count":1}')
      stream.close()
      await expect.poll(() => viewer.clients).toBe(0)
    }))
})

describe('slow and odd readers of files', () => {
  it('a reader that stops holds no memory for what it does not take, and others are served', () =>
    withViewer(async ({ port }, root) => {
      await mkdir(join(root, 'first', 'probe'), { recursive: true })
      const size = 200_000_000
      await writeFile(join(root, 'first', 'probe', 'large.f32'), new Uint8Array(size))
      const before = process.memoryUsage()
      const slow = Array.from({ length: 8 }, () => {
        const socket = connect(port, '127.0.0.1')
        socket.on('error', () => {})
        socket.pause()
        socket.write(
          `GET /api/runs/first/file/probe/large.f32 HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`,
        )
        return socket
      })
      await new Promise(done => setTimeout(done, 1_500))
      const after = process.memoryUsage()
      // 1.6 GB were asked for.
      expect(after.arrayBuffers - before.arrayBuffers + (after.external - before.external)).toBeLessThan(150_000_000)
      expect((await send(port, 'GET', '/api/runs', {})).status).toBe(200)
      for (const socket of slow) socket.destroy()
    }))

  it.each([
    ['bytes=-5', 206, 5],
    ['bytes=5-5', 206, 1],
    ['bytes=0-', 206, undefined],
    ['bytes=-0', 416, 0],
    ['bytes=9-3', 200, undefined],
    ['bytes=--5', 200, undefined],
    ['bytes=0x1-5', 200, undefined],
    ['bytes=1e1-', 200, undefined],
    ['lines=0-5', 200, undefined],
    [`bytes=${'0'.repeat(5000)}-1`, 200, undefined],
  ] as const)('Range %s is answered as the RFC has it', (range, status, length) =>
    withViewer(async ({ port }) => {
      const found = await send(port, 'GET', '/api/runs/first/file/run.json', { range })
      expect(found.status).toBe(status)
      if (length !== undefined) expect(found.text.length).toBe(length)
    }),
  )

  it('curves are computed for whole evaluations that are there, and for nothing else', () =>
    withViewer(async ({ port }) => {
      const ask = (query: string) => send(port, 'GET', `/api/runs/first/curves/${query}`, {})
      expect((await ask('logp?per=response&spread=se&from=0&to=2')).status).toBe(200)
      expect((await ask('logp?per=response&spread=se&from=0&to=3')).status).toBe(422)
      expect((await ask('logp?per=response&spread=se&from=0&to=999999999')).status).toBe(422)
      for (const wrong of ['..%2f..%2fsecret', '%2e%2e', 'logp', 'logp?from=0&to=2', 'logp?per=response&spread=x&from=0&to=2'])
        expect([400, 404]).toContain((await ask(wrong)).status)
    }))
})
