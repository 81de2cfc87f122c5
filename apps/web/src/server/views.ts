// views.json beside the runs: the one file that the viewer writes, and only for its own page. Replaced in one
// step, so that nobody ever reads half of it.
import { access, constants, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeAtomically } from '@ldyn/formats/node'
import type { NamedView } from '../wire.ts'

const FILE = 'views.json'
const SCHEMA = 'ldyn.views/1'
export const MOST_BYTES = 1_000_000
const MOST_VIEWS = 500

/** The views in a JSON text; a sentence where it holds something else. */
const parseViews = (text: string): readonly NamedView[] | string => {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return 'That is no JSON.'
  }
  const { schema, views } = (value ?? {}) as { schema?: unknown; views?: unknown }
  if (schema !== SCHEMA) return `Its "schema" is not ${SCHEMA}.`
  if (!Array.isArray(views) || views.length > MOST_VIEWS) return `It has no list of at most ${MOST_VIEWS} views.`
  const sound = views.every((view: unknown) => {
    const { name, address } = (view ?? {}) as Partial<Record<keyof NamedView, unknown>>
    const isName = typeof name === 'string' && name.trim() !== '' && name.length <= 200
    return isName && typeof address === 'string' && address.startsWith('#/') && address.length <= 8_000
  })
  if (!sound) return 'A view has no name, or no address that begins with #/.'
  return (views as NamedView[]).map(({ name, address }) => ({ name, address }))
}

export interface ServedViews {
  /** JSON for the page; undefined where nothing can be kept beside the runs. */
  read(): Promise<string | undefined>
  /** Undefined where it was kept, else a sentence. */
  write(text: string): Promise<string | undefined>
}

export const createServedViews = (root: string): ServedViews => {
  const path = join(root, FILE)
  return {
    async read() {
      const writable = await access(root, constants.W_OK).then(
        () => true,
        () => false,
      )
      if (!writable) return undefined
      const text = await readFile(path, 'utf8').catch(() => undefined)
      const views = text === undefined ? [] : parseViews(text)
      // A file of somebody else's by that name is left alone.
      return typeof views === 'string' ? undefined : JSON.stringify({ schema: SCHEMA, views })
    },
    async write(text) {
      const views = parseViews(text)
      if (typeof views === 'string') return views
      if ((await this.read()) === undefined) return 'The directory of runs takes no views.json.'
      const bytes = new TextEncoder().encode(`${JSON.stringify({ schema: SCHEMA, views }, null, 1)}\n`)
      try {
        await writeAtomically(path, sink => sink.write(bytes))
        return undefined
      } catch {
        return 'views.json cannot be written: the disk is full, or the directory takes no files.'
      }
    },
  }
}
