// What the Share dialog says and hands over, apart from the dialog: the command that makes the same file, the frame for
// another page, the names of files.
import { shellWord, slug } from '@ldyn/figures'
import { encodeView, PAGES, type View } from '../state/address.ts'
import { PARTS, type SnapshotOptions } from './format.ts'
import { CONTENTS } from './pages.ts'

export const STANDARD: SnapshotOptions = {
  pages: PAGES,
  parts: PARTS,
  text: 'keep',
  strip: true,
  values: 'f16',
  kernel: 'f16',
}

export const fileNameOf = (keys: readonly string[]): string =>
  `${keys.length > 3 ? `${slug(keys[0])}-and-${keys.length - 1}-more` : slug(keys.join('-'))}.html`

/** What is chosen, or what is left out, whichever is fewer words; nothing where it is all. */
const contentFlag = (chosen: readonly string[]): readonly string[] => {
  const kept = CONTENTS.filter(content => chosen.includes(content))
  const left = CONTENTS.filter(content => !chosen.includes(content))
  if (left.length === 0) return []
  return [left.length <= kept.length ? `--without ${left.join(',')}` : `--pages ${kept.join(',')}`]
}

/** The command line that makes the file which the dialog makes. `root` is the directory that the viewer serves. */
export const exportCommand = (
  root: string,
  keys: readonly string[],
  { pages, parts, text, strip, values, kernel, steps }: SnapshotOptions,
): string => {
  // The run that is served alone is the root itself.
  const paths = keys.map(key => shellWord(keys.length === 1 && key === root ? root : `${root}/${key}`))
  const flags = [
    `--html ${shellWord(fileNameOf(keys))}`,
    ...contentFlag([...pages, ...parts]),
    ...(steps === undefined ? [] : [`--steps ${steps}`]),
    ...(text === 'keep' ? [] : [`--text ${text}`]),
    ...(strip ? [] : ['--no-strip']),
    ...(values === 'f16' ? [] : [`--values ${values}`]),
    ...(kernel === 'f16' ? [] : [`--kernel ${kernel}`]),
  ]
  return `ldyn export ${paths.join(' ')} ${flags.join(' ')}`
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

export interface Framed {
  /** Name or address of the HTML file. */
  readonly file: string
  readonly view: View
  /** The one panel that is shown; undefined shows the whole screen. */
  readonly panel: { readonly id: string; readonly title: string } | undefined
  readonly theme: 'light' | 'dark' | undefined
}

/** The address inside a frame: no header, no footer. */
export const framedHash = ({ view, panel, theme }: Omit<Framed, 'file'>): string =>
  encodeView({ ...view, embed: true, full: panel?.id, theme })

/** An <iframe> of the file for another page. */
export const frameOf = (framed: Framed): string => {
  const title = framed.panel?.title ?? `${framed.view.runs.join(', ')}: ${framed.view.page}`
  return `<iframe src="${escaped(`${encodeURI(framed.file)}${framedHash(framed)}`)}" title="${escaped(title)}" width="720" height="${framed.panel ? 480 : 640}" loading="lazy"></iframe>`
}
