// A run's files over HTTP: ranges of what the server has, sizes from one listing that the stream of changes
// keeps up to date. Nothing that was read is read again: whoever reads keeps it.
import { api, type FileSizes } from '../wire.ts'
import { GoneError, type SourceFiles } from './source.ts'

export type Ask = (
  path: string,
  headers?: Readonly<Record<string, string>>,
  signal?: AbortSignal,
) => Promise<Response>

/** Requests with the token, if the page was opened with one. */
export const asker =
  (token: string | undefined): Ask =>
  (path, headers = {}, signal) =>
    fetch(path, {
      headers: { ...headers, ...(token !== undefined && { authorization: `Bearer ${token}` }) },
      signal,
    })

const checked = async (response: Response, what: string): Promise<Response> => {
  if (response.ok) return response
  const said = (await response.text().catch(() => '')).trim()
  if (response.status === 404) throw new GoneError(said || `${what} is not there`)
  throw new Error(said || `the viewer answered ${response.status} for ${what}`)
}

export const httpFiles = (run: string, ask: Ask): SourceFiles => {
  const sizes = new Map<string, number>()
  return {
    name: run,
    list: async () => [...sizes.keys()],
    size: async path => sizes.get(path),
    async read(path, offset, length) {
      if (length === 0) return new Uint8Array(0)
      const response = await checked(
        await ask(api.file(run, path), { range: `bytes=${offset}-${offset + length - 1}` }),
        `${run}/${path}`,
      )
      const bytes = new Uint8Array(await response.arrayBuffer())
      const part = response.status === 206 ? bytes : bytes.subarray(offset, offset + length)
      if (part.length !== length)
        throw new Error(`${run}/${path} has ${part.length} of the ${length} bytes asked for: it was cut off`)
      return part
    },
    async refresh() {
      const response = await checked(await ask(api.files(run)), run)
      sizes.clear()
      for (const [path, size] of Object.entries((await response.json()) as FileSizes)) sizes.set(path, size)
    },
    grown: (path, to) => void sizes.set(path, to),
  }
}
