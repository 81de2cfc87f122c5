import { symlink, writeFile } from 'node:fs/promises'
import { request, type IncomingHttpHeaders } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { openRun } from '@ldyn/runs'
import { directoryFiles } from '@ldyn/runs/node'
import { describe, expect, it } from 'vitest'
import { addStep, beginRun, withRoot } from '../../test/run-on-disk.ts'
import type { RunList } from '../wire.ts'
import { frameOrigin, serve, type ServeOptions, type Serving } from './index.ts'

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

/** A request whose path and headers reach the server as they are written here, dots and all. */
const ask = (
  port: number,
  path: string,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<Answer> =>
  new Promise((done, fail) => {
    const sent = request({ host: '127.0.0.1', port, path, method, headers }, response => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () =>
        done({
          status: response.statusCode!,
          headers: response.headers,
          text: Buffer.concat(chunks).toString('utf8'),
        }),
      )
      response.on('error', fail)
    })
    sent.on('error', fail)
    sent.end()
  })

/** A viewer of one finished run `first`, with a secret beside the root. */
const withViewer = (
  use: (viewer: Serving, root: string) => Promise<void>,
  options: Partial<ServeOptions> = {},
) =>
  withRoot(async folder => {
    const root = join(folder, 'runs')
    const writer = await beginRun(join(root, 'first'), [0, 10, 20])
    await writer.finish('done')
    await writeFile(join(folder, 'secret.json'), '"secret"')
    await using viewer = await serve({ root, version: '0.0.0', ...options })
    await use(viewer, root)
  })

const FILE = '/api/runs/first/file/'

describe('what the viewer serves', () => {
  it('lists runs with their state, where they are and a curve', () =>
    withViewer(async ({ port }) => {
      const { runs } = JSON.parse((await ask(port, '/api/runs')).text) as RunList
      expect(runs).toHaveLength(1)
      expect(runs[0]).toMatchObject({
        key: 'first',
        id: 'dpo-a3f9',
        state: 'done',
        step: 20,
        updates: 40,
        evaluations: 3,
        probes: 4,
      })
      // Columns of chosen are 0, 3, 6, 9: −20 − 4.5 at step 0, a quarter less for every step.
      expect(runs[0].sparks.chosen).toEqual({ values: [-24.5, -27, -29.5], every: 1 })
    }))

  it('serves a run’s files as they lie on disk, in ranges', () =>
    withViewer(async ({ port }, root) => {
      const disk = directoryFiles(join(root, 'first'))
      const whole = await ask(port, `${FILE}probe/index.jsonl`)
      const size = await disk.size('probe/index.jsonl')
      expect(whole.text).toBe(Buffer.from(await disk.read('probe/index.jsonl', 0, size!)).toString())
      const part = await ask(port, `${FILE}probe/index.jsonl`, { range: 'bytes=2-9' })
      expect(part.status).toBe(206)
      expect(part.text).toBe(whole.text.slice(2, 10))
      expect(part.headers['content-range']).toBe(`bytes 2-9/${size}`)
      expect((await openRun(disk)).steps).toEqual([0, 10, 20])
    }))

  it('cuts a huge range to what the file has, and refuses one that begins behind its end', () =>
    withViewer(async ({ port }) => {
      const huge = await ask(port, `${FILE}run.json`, { range: `bytes=0-${'9'.repeat(400)}` })
      expect(huge.status).toBe(206)
      expect(huge.headers['content-length']).toBe(String(Buffer.byteLength(huge.text)))
      const behind = await ask(port, `${FILE}run.json`, { range: 'bytes=999999999999999999999-' })
      expect(behind.status).toBe(416)
      expect((await ask(port, `${FILE}run.json`, { range: 'bytes=0-1,3-4' })).status).toBe(416)
    }))

  it('serves parts of several files in one answer, all of them or none', () =>
    withViewer(async ({ port }, root) => {
      const PARTS = '/api/runs/first/parts?'
      const [index, manifest] = [
        (await ask(port, `${FILE}probe/index.jsonl`)).text,
        (await ask(port, `${FILE}run.json`)).text,
      ]
      const both = await ask(port, `${PARTS}part=2-9@probe%2Findex.jsonl&part=0-5@run.json`)
      expect([both.status, both.text]).toEqual([200, index.slice(2, 9) + manifest.slice(0, 5)])
      const end = Buffer.byteLength(index)
      for (const gone of [`part=0-${end + 1}@probe/index.jsonl`, 'part=0-1@nothing.jsonl&part=0-1@run.json'])
        expect((await ask(port, PARTS + gone)).status, gone).toBe(404)
      await writeFile(join(root, 'first', 'run.lock'), '{}')
      expect((await ask(port, `${PARTS}part=0-2@run.lock`)).status).toBe(404)
      for (const wrong of ['', 'part=5-5@run.json', 'part=0-2', 'part=-1-2@run.json', 'part=0-2000000@run.json'])
        expect((await ask(port, PARTS + wrong)).status, wrong).toBe(400)
      expect((await ask(port, PARTS + Array(33).fill('part=0-1@run.json').join('&'))).status).toBe(400)
    }))

  it('keeps weights and locks to itself', () =>
    withViewer(async ({ port }, root) => {
      await writeFile(join(root, 'first', 'run.lock'), '{}')
      expect((await ask(port, `${FILE}run.lock`)).status).toBe(404)
      expect((await ask(port, `${FILE}checkpoints/000020-sft/model.safetensors`)).status).toBe(404)
    }))
})

describe('who may ask', () => {
  it.each(['evil.example', 'localhost.evil.example', '127.0.0.1.nip.io', 'a b', '[::1'])(
    'refuses the Host "%s", as a rebound name would send it',
    host =>
      withViewer(async ({ port }) => {
        const answer = await ask(port, '/api/runs', { host: `${host}:${port}` })
        expect(answer.status).not.toBe(200)
        expect(answer.text).not.toContain('dpo-a3f9')
      }),
  )

  it.each(['https://evil.example', 'null', 'http://127.0.0.1:1', 'http://localhost.evil.example'])(
    'refuses the Origin %s',
    origin =>
      withViewer(async ({ port }) => {
        expect((await ask(port, '/api/runs', { origin })).status).toBe(403)
      }),
  )

  it('answers its own page', () =>
    withViewer(async ({ port }) => {
      const host = `localhost:${port}`
      const answer = await ask(port, '/api/runs', {
        host,
        origin: `http://${host}`,
        'sec-fetch-site': 'same-origin',
      })
      expect(answer.status).toBe(200)
      expect(answer.headers['content-security-policy']).toContain("script-src 'self'")
      expect(answer.headers['access-control-allow-origin']).toBeUndefined()
      expect((await ask(port, '/api/runs', { 'sec-fetch-site': 'cross-site' })).status).toBe(403)
    }))

  it('lets none but its own pages frame it, unless their origins were named', async () => {
    const ancestors = async (port: number, path = '/', host = `localhost:${port}`): Promise<string | undefined> =>
      /frame-ancestors ([^;]*)/.exec(String((await ask(port, path, { host })).headers['content-security-policy']))?.[1]
    await withViewer(async ({ port }) => {
      for (const path of ['/', '/api/runs', '/nothing']) expect(await ancestors(port, path)).toBe("'self'")
      expect(await ancestors(port, '/', 'evil.example')).toBe("'self'")
      expect(JSON.parse((await ask(port, '/api/runs')).text)).not.toHaveProperty('framed')
    })
    const frames = ['http://localhost:8888', 'https://notes.example']
    await withViewer(
      async ({ port }) => {
        expect(await ancestors(port)).toBe("'self' http://localhost:8888 https://notes.example")
        // Whoever may frame the page may still not read runs past it.
        expect((await ask(port, '/api/runs', { origin: frames[0] })).status).toBe(403)
        expect(JSON.parse((await ask(port, '/api/runs')).text)).toHaveProperty('framed', true)
      },
      { frames },
    )
  })

  it('takes an origin for a frame, and nothing that is more or less', () => {
    expect(frameOrigin('http://localhost:8888')).toBe('http://localhost:8888')
    expect(frameOrigin('HTTPS://Notes.Example/')).toBe('https://notes.example')
    expect(frameOrigin('http://[::1]:80')).toBe('http://[::1]')
    for (const text of ['*', 'https://*.example', 'localhost:8888', 'file:///x', 'http://a.example/b', "http://a 'x'", 'http://a;b', 'null', ''])
      expect(frameOrigin(text), text).toBeUndefined()
  })

  it('only reads', () =>
    withViewer(async ({ port }) => {
      for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS'])
        expect((await ask(port, '/api/runs', {}, method)).status).toBe(405)
    }))

  it('wants its token on an interface that others reach, for everything but the page', () =>
    withViewer(
      async viewer => {
        const { port, token } = viewer
        expect(token).toMatch(/^[\w-]{24}$/)
        expect(viewer.url).toContain(`#token=${token}`)
        expect((await ask(port, '/api/runs')).status).toBe(401)
        expect((await ask(port, '/api/stream?runs=first')).status).toBe(401)
        expect((await ask(port, '/api/runs', { authorization: `Bearer ${token!.slice(1)}x` })).status).toBe(
          401,
        )
        expect((await ask(port, '/api/runs', { authorization: `Bearer ${token}` })).status).toBe(200)
        expect(
          (await ask(port, '/api/runs', { authorization: `Bearer ${token}`, host: 'evil.example' })).status,
        ).toBe(403)
      },
      { host: '0.0.0.0' },
    ))
})

describe('nothing outside the root', () => {
  const ups = [
    '..',
    '%2e%2e',
    '%2E.',
    '.%2e',
    '%252e%252e',
    '..%2f..',
    '%2e%2e%2f%2e%2e',
    '..%5c..',
    '..\\..',
    '%c0%ae%c0%ae',
    '....//',
    '..;',
    '%00',
    '..%00',
    'probe%2f..%2f..',
    '%2fetc%2fpasswd',
    '/etc/passwd',
    'C:%5cWindows',
    '%u002e%u002e',
  ]
  it.each(ups)('a path with %s finds nothing', up =>
    withViewer(async ({ port }) => {
      for (const path of [
        `${FILE}${up}/secret.json`,
        `${FILE}${up}/${up}/secret.json`,
        `/api/runs/${up}/file/secret.json`,
        `/api/runs/first/file/probe/${up}/${up}/${up}/secret.json`,
        `/api/runs/first/parts?part=0-4@${up}/secret.json`,
        `/api/runs/first/parts?part=0-1@run.json&part=0-4@probe/${up}/${up}/secret.json`,
        `/${up}/secret.json`,
        `/${up}/${up}/${up}/package.json`,
      ]) {
        const answer = await ask(port, path)
        expect(answer.text).not.toContain('secret"')
        expect(answer.status).toBeGreaterThanOrEqual(400)
      }
    }),
  )

  it('a link that leads outside finds nothing, and one inside its file', () =>
    withViewer(async ({ port }, root) => {
      await symlink(join(root, '..', 'secret.json'), join(root, 'first', 'outside.json'))
      await symlink(join(root, '..'), join(root, 'first', 'up'))
      await symlink(join(root, 'first', 'run.json'), join(root, 'first', 'inside.json'))
      expect((await ask(port, `${FILE}outside.json`)).status).toBe(404)
      expect((await ask(port, `${FILE}up/secret.json`)).status).toBe(404)
      expect((await ask(port, '/api/runs/first/parts?part=0-4@outside.json')).status).toBe(404)
      expect((await ask(port, '/api/runs/first/parts?part=0-4@up/secret.json')).status).toBe(404)
      expect((await ask(port, `${FILE}inside.json`)).status).toBe(200)
    }))

  it('a run whose numbers are damaged is listed without them, beside the others', () =>
    withViewer(async ({ port }, root) => {
      await (await beginRun(join(root, 'second'), [0, 5])).finish('done')
      await writeFile(join(root, 'second', 'probe', 'logp.f32'), new Uint8Array(4096).fill(0xff))
      const { runs } = JSON.parse((await ask(port, '/api/runs')).text) as RunList
      expect(runs.map(({ key, sparks }) => [key, 'chosen' in sparks])).toEqual([['first', true], ['second', false]])
      expect(JSON.stringify(runs)).not.toContain('null')
    }))

  it('a run behind a link is not listed', () =>
    withViewer(async ({ port }, root) => {
      await symlink(join(root, 'first'), join(root, 'linked'))
      expect((JSON.parse((await ask(port, '/api/runs')).text) as RunList).runs.map(run => run.key)).toEqual([
        'first',
      ])
    }))
})

/** Events of a stream as they come, and the raw socket to close it with. */
const follow = (port: number, path: string, headers: Record<string, string> = {}) => {
  let text = ''
  const waiting: { test: RegExp; done: () => void }[] = []
  const sent = request({ host: '127.0.0.1', port, path, headers }, response => {
    response.setEncoding('utf8')
    response.on('data', (chunk: string) => {
      text += chunk
      for (const { test, done } of waiting) if (test.test(text)) done()
    })
    response.on('error', () => {})
  })
  sent.on('error', () => {})
  sent.end()
  return {
    text: () => text,
    seen: (test: RegExp) =>
      new Promise<void>((done, fail) => {
        if (test.test(text)) return done()
        const timer = setTimeout(() => fail(new Error(`${test} did not come; there came\n${text}`)), 30_000)
        waiting.push({ test, done: () => (clearTimeout(timer), done()) })
      }),
    close: () => sent.destroy(),
  }
}

describe('the stream', () => {
  it('tells growth as byte ranges, the end of a run, and its removal', () =>
    withRoot(async root => {
      const writer = await beginRun(join(root, 'first'), [0])
      await using viewer = await serve({ root, version: '0.0.0' })
      const stream = follow(viewer.port, '/api/stream?runs=first')
      await stream.seen(/"state":"live"/)
      const index = /"file":"probe\/index.jsonl","from":0,"to":(\d+)/.exec(stream.text())
      const before = Number(index![1])
      await addStep(writer, 5)
      await stream.seen(new RegExp(`"file":"probe/index.jsonl","from":${before},"to":`))
      await writer.finish('done')
      await stream.seen(/"state":"done"/)
      // Whoever comes back with the cursor is told of nothing twice.
      const cursor = [...stream.text().matchAll(/^id: (.*)$/gm)].at(-1)![1]
      stream.close()
      const again = follow(viewer.port, '/api/stream?runs=first', { 'last-event-id': cursor })
      await again.seen(/event: manifest/)
      expect(again.text()).not.toContain('event: append')
      again.close()
    }))

  it('serves 64 pages at once, refuses the 65th and forgets those that leave', () =>
    withViewer(async viewer => {
      const streams = Array.from({ length: 64 }, () => follow(viewer.port, '/api/stream?runs=first'))
      await Promise.all(streams.map(stream => stream.seen(/event: manifest/)))
      expect(viewer.clients).toBe(64)
      expect((await ask(viewer.port, '/api/stream?runs=first')).status).toBe(503)
      for (const stream of streams) stream.close()
      await expect.poll(() => viewer.clients).toBe(0)
      const next = follow(viewer.port, '/api/stream?runs=first')
      await next.seen(/event: manifest/)
      next.close()
    }))

  it('holds no more for a reader that never reads than where each file ends', () =>
    withRoot(async root => {
      const writer = await beginRun(join(root, 'first'), [0])
      await using viewer = await serve({ root, version: '0.0.0' })
      const slow = connect(viewer.port, '127.0.0.1')
      slow.pause()
      slow.write(`GET /api/stream?runs=first HTTP/1.1\r\nHost: 127.0.0.1:${viewer.port}\r\n\r\n`)
      await expect.poll(() => viewer.clients).toBe(1)
      for (let step = 1; step <= 20; step++) await addStep(writer, step)
      // Others are served meanwhile, and it is told all at once when it reads at last.
      expect((await ask(viewer.port, '/api/runs')).status).toBe(200)
      let text = ''
      slow.on('data', chunk => {
        text += String(chunk)
      })
      slow.resume()
      const size = await directoryFiles(join(root, 'first')).size('probe/index.jsonl')
      await expect.poll(() => text).toContain(`"to":${size}`)
      expect(text.match(/"file":"probe\/index.jsonl"/g)!.length).toBeLessThan(20)
      slow.destroy()
      await writer.close()
    }))

  it('goes on where a cursor is nonsense', () =>
    withViewer(async viewer => {
      for (const cursor of ['%%%', 'e30', 'bnVsbA', 'x'.repeat(9000)]) {
        const stream = follow(viewer.port, '/api/stream?runs=first', { 'last-event-id': cursor })
        await stream.seen(/event: append/)
        stream.close()
      }
    }))
})
