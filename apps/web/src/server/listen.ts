// The viewer on a socket: 127.0.0.1 unless asked otherwise, and with a token wherever others can reach it.
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { basename, resolve } from 'node:path'
import { serve as serveNode } from '@hono/node-server'
import { LOOPBACK } from './guard.ts'
import { createViewer } from './viewer.ts'

export interface ServeOptions {
  readonly root: string
  readonly version: string
  /** 127.0.0.1 unless given. */
  readonly host?: string
  /** 0, which takes any free one, unless given. */
  readonly port?: number
  /** Asked for on interfaces beyond this machine; made up there unless given. */
  readonly token?: string
  /** Further names under which the page is opened, behind a proxy for instance. */
  readonly names?: readonly string[]
  /** Origins whose pages may frame this one; none but its own unless given. */
  readonly frames?: readonly string[]
  /** Directory of the built page; the one in this package unless given. */
  readonly app?: string
}

export interface Serving extends AsyncDisposable {
  /** What to open, with the token in its fragment, which no log ever sees. */
  readonly url: string
  readonly port: number
  readonly token: string | undefined
  /** Streams that are open. */
  readonly clients: number
}

/** The built page of this package; undefined where it was never built. */
export const builtApp = (): string | undefined => {
  const here = ['../app', '../../dist/app'].map(path => fileURLToPath(new URL(path, import.meta.url)))
  return here.find(path => existsSync(`${path}/index.html`))
}

/** The page that a snapshot is made of, in this package; undefined where it was never built. */
export const builtTemplate = (): string | undefined => {
  const path = `${builtApp() ?? ''}/snapshot.html`
  return existsSync(path) ? path : undefined
}

/** A part that a snapshot may carry (`snapshot/parts`), in this package; undefined where it was never built. */
export const builtPart = (name: string): string | undefined => {
  const path = `${builtApp() ?? ''}/snapshot-${name}.html`
  return existsSync(path) ? path : undefined
}

const isLoopback = (host: string): boolean => /^(127\.\d+\.\d+\.\d+|localhost|::1|\[::1\])$/.test(host)

/** Rejects with the system's error where the port is taken or the host is none of this machine's. */
export const serve = async (options: ServeOptions): Promise<Serving> => {
  const { root, version, host = '127.0.0.1', port = 0, names = [], frames, app = builtApp() } = options
  const open = !isLoopback(host)
  const token = options.token ?? (open ? randomBytes(18).toString('base64url') : undefined)
  const bracketed = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host
  // Bound to every interface, the viewer cannot know its names: then the token alone decides, with any IP address.
  const hosts = [...LOOPBACK, bracketed, ...names]
  const everywhere = /^(0\.0\.0\.0|\[::\])$/.test(bracketed)
  const viewer = createViewer({
    root: resolve(root),
    name: basename(resolve(root)),
    version,
    app,
    token,
    frames,
    hosts,
    anyAddress: everywhere,
  })
  const server = serveNode({ fetch: viewer.fetch, hostname: host, port, autoCleanupIncoming: true })
  const address = await new Promise<AddressInfo>((done, fail) => {
    server.once('error', fail)
    server.once('listening', () => done(server.address() as AddressInfo))
  })
  const shown = everywhere ? '127.0.0.1' : bracketed
  return {
    url: `http://${shown}:${address.port}/${token === undefined ? '' : `#token=${token}`}`,
    port: address.port,
    token,
    get clients() {
      return viewer.clients
    },
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>(done => server.close(() => done()))
      if ('closeAllConnections' in server) server.closeAllConnections()
      await closed
    },
  }
}
