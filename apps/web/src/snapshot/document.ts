// The HTML file: the template with title, static figures and data put in. What comes from a run is escaped text or
// base64, so that no prompt can end a script, open a comment, or be anything but text.
import { escape } from '@ldyn/figures'
import { DATA_ID, SnapshotError } from './format.ts'
import { toBase64 } from './gzip.ts'
import { stillOf } from './still.ts'
import { bannerText } from './words.ts'
import type { Snapshot } from './write.ts'

/** Places of the template; each is there once. */
export const PLACES = { title: '<!--ldyn:title-->', still: '<!--ldyn:still-->', data: '<!--ldyn:data-->' } as const

const fill = (template: string, place: string, text: string): string => {
  const parts = template.split(place)
  if (parts.length !== 2) {
    throw new SnapshotError({
      code: 'no-template',
      what: 'Cannot make the file',
      where: 'the template of a snapshot',
      why: `it has the place ${place.replace(/[<>]/g, '')} ${parts.length - 1} times`,
      fix: 'Build @ldyn/web again, or install ldyn again',
    })
  }
  return parts.join(text)
}

/** The file, complete. `template` is that of this version of ldyn. Throws SnapshotError `no-template`. */
export const documentOf = async (template: string, snapshot: Snapshot): Promise<string> => {
  const { about, data } = snapshot
  const still = await stillOf(snapshot.container)
  const names = about.list.runs.map(({ key }) => key).join(', ')
  const script = `<script type="application/octet-stream" id="${DATA_ID}" data-bytes="${data.length}" data-sha256="${about.sha256}">${toBase64(data)}</script>`
  const said = `<p>${escape(bannerText(about))}</p>`
  return fill(
    fill(
      fill(template, PLACES.title, escape(`${names} · ldyn`)),
      PLACES.still,
      `<noscript>${still}${said}</noscript>`,
    ),
    PLACES.data,
    script,
  )
}

const MEGABYTE = 1e6
/** Bytes of a file that is warned of, and one that is refused. */
export const [WARN_BYTES, REFUSE_BYTES] = [10 * MEGABYTE, 50 * MEGABYTE]
