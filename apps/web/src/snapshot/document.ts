// The HTML file: the template with title, static figures and data put in. What comes from a run is escaped text or
// base64, so that no prompt can end a script, open a comment, or be anything but text.
import { escape } from '@ldyn/figures'
import { DATA_ID, SnapshotError } from './format.ts'
import { toBase64 } from './gzip.ts'
import { stillOf } from './still.ts'
import { bannerText } from './words.ts'
import type { Snapshot } from './write.ts'

/** Places of the template; each is there once. */
export const PLACES = {
  title: '<!--ldyn:title-->',
  hashes: '<!--ldyn:hashes-->',
  parts: '<!--ldyn:parts-->',
  still: '<!--ldyn:still-->',
  data: '<!--ldyn:data-->',
} as const

/** The first line of a part: its script's hash, for the policy. */
const PART = /^<!--ldyn:part ('sha256-[\w+/=]+')-->\n/

const broken = (why: string): SnapshotError =>
  new SnapshotError({
    code: 'no-template',
    what: 'Cannot make the file',
    where: 'the template of a snapshot',
    why,
    fix: 'Build @ldyn/web again, or install ldyn again',
  })

const fill = (template: string, place: string, text: string): string => {
  const found = template.split(place)
  if (found.length !== 2)
    throw broken(`it has the place ${place.replace(/[<>]/g, '')} ${found.length - 1} times`)
  return found.join(text)
}

/**
 * The file, complete. `template` is that of this version of ldyn, `parts` are those that the snapshot names, as they
 * were built with it. Throws SnapshotError `no-template`.
 */
export const documentOf = async (
  template: string,
  snapshot: Snapshot,
  parts: readonly string[] = [],
): Promise<string> => {
  const { about, data, beside } = snapshot
  const still = await stillOf(snapshot.container)
  const names = about.list.runs.map(({ key }) => key).join(', ')
  const script = `<script type="application/octet-stream" id="${DATA_ID}" data-bytes="${data.length}" data-sha256="${about.sha256}"${beside ? ' data-beside' : ''}>${toBase64(data)}</script>`
  const said = `<p>${escape(bannerText(about))}</p>`
  const hashes = parts.map(part => {
    const hash = PART.exec(part)?.[1]
    if (hash === undefined) throw broken('a part of it does not begin with the hash of its script')
    return hash
  })
  const filled: readonly (readonly [place: string, text: string])[] = [
    [PLACES.title, escape(`${names} · ldyn`)],
    // Files beside the page may be fetched, and nothing else.
    [PLACES.hashes, `${hashes.join(' ')}${beside ? "; connect-src 'self'" : ''}`],
    [PLACES.parts, parts.map(part => part.replace(PART, '')).join('')],
    [PLACES.still, `<noscript>${still}${said}</noscript>`],
    [PLACES.data, script],
  ]
  return filled.reduce((html, [place, text]) => fill(html, place, text), template)
}

const MEGABYTE = 1e6
/** Bytes of a file that is warned of, and one that is refused. */
export const [WARN_BYTES, REFUSE_BYTES] = [10 * MEGABYTE, 50 * MEGABYTE]
