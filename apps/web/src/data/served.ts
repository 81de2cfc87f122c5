// Runs of the viewer that served this page.
import { api, type NamedView, type RunList } from '../wire.ts'
import { openStream } from './event-stream.ts'
import { httpFiles, type Ask } from './http-files.ts'
import { UnreachableError, type Source } from './source.ts'

export const servedSource = (ask: Ask): Source => ({
  kind: 'served',
  async list() {
    const response = await ask(api.runs).catch((cause: unknown) => {
      throw new UnreachableError('The viewer does not answer', { cause })
    })
    if (!response.ok)
      throw new Error((await response.text()).trim() || `the viewer answered ${response.status}`)
    return (await response.json()) as RunList
  },
  views: {
    async read() {
      const response = await ask(api.views)
      return response.ok ? ((await response.json()) as { views: readonly NamedView[] }).views : undefined
    },
    async write(views) {
      const body = JSON.stringify({ schema: 'ldyn.views/1', views })
      const response = await ask(api.views, { 'content-type': 'application/json' }, undefined, body)
      if (!response.ok) throw new Error((await response.text()).trim())
    },
  },
  files: key => httpFiles(key, ask),
  follow: (keys, on, connection) => openStream({ ask, path: api.stream(keys), on, connection }),
})
