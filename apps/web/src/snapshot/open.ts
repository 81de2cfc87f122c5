// Opens the data of a snapshot: whether they are whole and of this version is said before anything is read.
import { unpack, type Beside, type Container } from './container.ts'
import { SnapshotError, type SnapshotAbout } from './format.ts'
import { fromBase64, gunzip, sha256 } from './gzip.ts'

/** What is wrong with a file as a whole. */
export const problem = (code: 'no-data' | 'cut-off' | 'damaged', why: string): SnapshotError =>
  new SnapshotError({
    code,
    what:
      code === 'no-data'
        ? 'There are no runs in this file'
        : code === 'cut-off'
          ? 'This file is not whole'
          : 'This file is damaged',
    where: 'the data at its end',
    why,
    fix:
      code === 'no-data'
        ? 'This is the empty page that ldyn export --html fills: make a file with that'
        : 'Ask for the file again, or download it again',
  })

/** More than this is no snapshot: ldyn refuses to make one a tenth as large. */
const MOST_BYTES = 2 ** 30

/** What the page's data element says of itself. */
export interface DataText {
  readonly text: string
  readonly bytes: number
  readonly sha256: string
}

/**
 * `beside` reads the files' parts where they are not in the data. Throws SnapshotError: no data, cut off, damaged, or
 * of another version.
 */
export const openData = async (
  found: DataText,
  beside?: Beside,
): Promise<{ readonly about: SnapshotAbout; readonly container: Container }> => {
  const text = found.text.trim()
  if (text === '') throw problem('no-data', 'its data are empty')
  const wanted = Math.ceil(found.bytes / 3) * 4
  if (text.length < wanted) {
    throw problem('cut-off', `it holds ${Math.floor((text.length * 3) / 4)} of ${found.bytes} bytes of data`)
  }
  let bytes: Uint8Array
  try {
    bytes = fromBase64(text)
  } catch {
    throw problem('damaged', 'its data are not base64')
  }
  if (bytes.length !== found.bytes)
    throw problem('damaged', `it holds ${bytes.length} bytes of data and says ${found.bytes}`)
  const digest = await sha256(bytes)
  if (digest !== '' && found.sha256 !== '' && digest !== found.sha256)
    throw problem('damaged', `the sha256 of its data is ${digest}, and it says ${found.sha256}`)
  let raw: Uint8Array
  try {
    raw = await gunzip(bytes, MOST_BYTES)
  } catch (error) {
    throw problem('damaged', `its data cannot be unpacked: ${(error as Error).message || 'no gzip'}`)
  }
  const container = unpack(raw, beside)
  const about = { ...container.manifest, sha256: found.sha256, bytes: bytes.length, ...(beside && { beside: true }) }
  return { container, about }
}
