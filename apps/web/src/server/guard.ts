// Who may ask (architecture.md §10). A page on another site can make a browser send requests here: by naming
// this address (Origin tells), or by pointing its own name at 127.0.0.1 (DNS rebinding; Host tells). Both are
// refused before anything is looked up. On an interface that others can reach a token is needed as well, since
// there Host and Origin prove nothing about who asks.
import { timingSafeEqual } from 'node:crypto'
import type { MiddlewareHandler } from 'hono'
import { api } from '../wire.ts'

export interface Guard {
  /** Names and addresses under which the viewer is reached, without a port. */
  readonly hosts: readonly string[]
  /** Any IP address will do: the viewer is bound to every interface, and cannot know its own. Never without a token. */
  readonly anyAddress?: boolean
  /** Asked for by the API where it is set; the page itself holds no data and is given to anybody. */
  readonly token?: string
  /** Origins whose pages may show this one in a frame, beside its own: see `frameOrigin`. */
  readonly frames?: readonly string[]
}

export const LOOPBACK: readonly string[] = ['127.0.0.1', 'localhost', '[::1]']

/** The host of a Host or Origin header without its port, in lower case; undefined for one that is none. */
const hostOf = (authority: string): string | undefined => {
  const found = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?$/i.exec(authority)
  return found?.[1].toLowerCase()
}

/**
 * An origin as a policy names it: scheme, host and port, and no more. Undefined for what is none, and for a wildcard:
 * who may frame a page that shows prompts and responses is said one by one.
 */
export const frameOrigin = (text: string): string | undefined => {
  if (!/^https?:\/\/[a-z0-9.[\]:-]+\/?$/i.test(text)) return undefined
  try {
    return new URL(text).origin
  } catch {
    return undefined
  }
}

const policyFor = (frames: readonly string[]): string =>
  [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data: blob:",
    "font-src 'self'",
    "connect-src 'self'",
    "worker-src 'self' blob:",
    "base-uri 'none'",
    "form-action 'none'",
    `frame-ancestors ${["'self'", ...frames].join(' ')}`,
  ].join('; ')

const headersFor = (frames: readonly string[]): Readonly<Record<string, string>> => ({
  'content-security-policy': policyFor(frames),
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'permissions-policy': 'camera=(), microphone=(), geolocation=()',
})

/** Compares in a time that does not tell how much of the token was right. */
const equal = (given: string, token: string): boolean => {
  const [a, b] = [Buffer.from(given), Buffer.from(token)]
  return a.length === b.length && timingSafeEqual(a, b)
}

const isAddress = (host: string): boolean => /^(\d{1,3}(\.\d{1,3}){3}|\[[0-9a-f:.]+\])$/.test(host)

/** Refuses what did not come from the viewer's own page, and puts the security headers on everything else. */
export const guarded = ({ hosts, token, anyAddress = false, frames = [] }: Guard): MiddlewareHandler => {
  const headers = headersFor(frames)
  /** A refusal in words: the page shows it, and so does whoever looks at the network panel. */
  const refuse = (status: 400 | 401 | 403 | 405, message: string): Response =>
    new Response(`${message}\n`, { status, headers: { ...headers, 'content-type': 'text/plain; charset=utf-8' } })
  const own = new Set(hosts.map(host => host.toLowerCase()))
  return async (c, next) => {
    const { method } = c.req
    const writes = method === 'PUT' && c.req.path === api.views
    if (method !== 'GET' && method !== 'HEAD' && !writes)
      return refuse(405, 'The viewer only reads: GET and HEAD.')
    const authority = c.req.header('host') ?? ''
    const host = hostOf(authority)
    // An address cannot be rebound: only names can.
    if (host === undefined || !(own.has(host) || (anyAddress && token !== undefined && isAddress(host)))) {
      return refuse(
        403,
        `The viewer does not answer to the name "${authority.slice(0, 100)}". Open it as it was printed, or ` +
          'name this host with --host.',
      )
    }
    const origin = c.req.header('origin')
    // Same scheme, host and port: a page that another local program serves is another origin.
    if (origin !== undefined && origin.toLowerCase() !== `http://${authority.toLowerCase()}`) {
      return refuse(403, 'Other pages may not read runs through the viewer.')
    }
    // Every browser names the origin of a page that writes; JSON makes it ask first, and nobody here answers that.
    if (writes && (origin === undefined || !c.req.header('content-type')?.startsWith('application/json')))
      return refuse(403, 'Only the viewer’s own page may save views.')
    const site = c.req.header('sec-fetch-site')
    if (site !== undefined && site !== 'same-origin' && site !== 'none' && c.req.path.startsWith('/api/')) {
      return refuse(403, 'Other pages may not read runs through the viewer.')
    }
    if (token !== undefined && c.req.path.startsWith('/api/')) {
      const given = /^Bearer (.+)$/.exec(c.req.header('authorization') ?? '')?.[1]
      if (given === undefined || !equal(given, token)) {
        return refuse(401, 'The viewer needs its token: open the whole address that `ldyn view` printed.')
      }
    }
    await next()
    for (const [name, value] of Object.entries(headers)) c.res.headers.set(name, value)
  }
}
