// Data of a snapshot that stand in files beside its page, for web servers (format.ts): each is fetched when it is read.
import type { Beside } from './container.ts'
import { SnapshotError } from './format.ts'
import { gunzip } from './gzip.ts'

/** The file of the nth file of all runs, in the folder of the page. */
export const besideName = (nth: number): string => `data/${nth}.bin`

/** More than this is no file of a snapshot. */
const MOST_BYTES = 2 ** 30

const missing = (name: string, why: string, fix: string): SnapshotError =>
  new SnapshotError({ code: 'cut-off', what: 'Data of this page cannot be read', where: name, why, fix })

/** From the folder of the page at `address`. Throws SnapshotError, and so does what it gives. */
export const fetchBeside = (address: string): Beside => {
  if (address.startsWith('file:')) {
    throw missing(
      'data',
      'a page that is opened from disk may read no file beside it',
      'Put the folder on a web server, such as npx serve, or make one file with ldyn export --html',
    )
  }
  return async nth => {
    const name = besideName(nth)
    const whole = 'Put the whole folder there, as ldyn export --dir made it'
    const response = await fetch(new URL(name, address)).catch(() => {
      throw missing(name, 'the server does not answer', 'Try again when it does')
    })
    if (!response.ok) throw missing(name, `the server says ${response.status}`, whole)
    const bytes = new Uint8Array(await response.arrayBuffer())
    return gunzip(bytes, MOST_BYTES).catch(() => {
      throw missing(name, 'it cannot be unpacked', whole)
    })
  }
}
