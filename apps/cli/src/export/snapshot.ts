/** `ldyn export --html` and `--dir`: runs and the whole viewer in one file, or in a folder (@ldyn/web/snapshot). */
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { directoryFiles } from '@ldyn/runs/node'
import { builtPart, builtTemplate, createSummaries } from '@ldyn/web/server'
import {
  besideName,
  CONTENTS,
  contentsNamed,
  documentOf,
  makeSnapshot,
  makeSnapshotFolder,
  REFUSE_BYTES,
  megabytes,
  SnapshotError,
  TEXTS,
  WARN_BYTES,
  type Contents,
  type Part,
  type Precision,
  type RunToShare,
  type SnapshotAbout,
  type SnapshotOptions,
} from '@ldyn/web/snapshot'
import { findRun } from '../commands/find-run.ts'
import { CliError } from '../contract/errors.ts'
import { didYouMean } from '../contract/nearest.ts'

/** What the command line says of the file. */
export interface HtmlFlags {
  readonly pages: string
  readonly without?: string
  readonly steps: string
  readonly text: string
  readonly strip: boolean
  readonly values: string
  readonly kernel: string
  readonly force?: boolean
  readonly runsDir: string
}

const oneOf = <T extends string>(flag: string, given: string, known: readonly T[]): T => {
  const found = known.find((one) => one === given)
  if (found !== undefined) return found
  throw new CliError({
    code: 'LD2003',
    what: `${flag} takes ${known.join(', ')}`,
    where: `${flag} ${given}`,
    fix: didYouMean(given, known) || 'give one of these',
  })
}

const wordsOf = (list: string): string[] => list.split(',').map((word) => word.trim())

/** What --pages and --without choose. Throws CliError LD2003. */
function contentsOfFlags({ pages, without }: HtmlFlags): Contents {
  const found = contentsNamed(wordsOf(pages), without === undefined ? [] : wordsOf(without))
  if ('wrong' in found) {
    throw new CliError({
      code: 'LD2003',
      what: `the viewer has no page '${found.wrong}'`,
      where: without === undefined ? `--pages ${pages}` : `--pages ${pages} --without ${without}`,
      fix: didYouMean(found.wrong, CONTENTS) || `there are ${CONTENTS.join(', ')}`,
    })
  }
  if (found.pages.length === 0) {
    throw new CliError({
      code: 'LD2003',
      what: 'the file would have no page of the runs',
      where: `--pages ${pages}${without === undefined ? '' : ` --without ${without}`}`,
      fix: 'leave at least one in, such as overview',
    })
  }
  return found
}

/** Throws CliError LD2003. */
function snapshotOptions(flags: HtmlFlags): SnapshotOptions {
  const contents = contentsOfFlags(flags)
  const steps = flags.steps === 'full' ? undefined : Number(flags.steps)
  if (steps !== undefined && !(Number.isSafeInteger(steps) && steps >= 2)) {
    throw new CliError({
      code: 'LD2003',
      what: '--steps takes full, or a number of evaluations from 2 on',
      where: `--steps ${flags.steps}`,
      fix: 'give full to keep all',
    })
  }
  const precisions: readonly Precision[] = ['f16', 'f32']
  return {
    ...contents,
    text: oneOf('--text', flags.text, TEXTS),
    strip: flags.strip,
    values: oneOf('--values', flags.values, precisions),
    kernel: oneOf('--kernel', flags.kernel, precisions),
    ...(steps !== undefined && { steps }),
  }
}

/** Runs by the last part of their path, as `ldyn view` of their folder names them; told apart where those agree. */
async function runsNamed(words: readonly string[], runsDir: string): Promise<readonly RunToShare[]> {
  const summaries = createSummaries()
  const taken = new Set<string>()
  const runs: RunToShare[] = []
  for (const word of words) {
    const directory = await findRun(word, runsDir)
    const name = basename(directory.replace(/[\\/]+$/, '')) || 'run'
    let key = name
    for (let n = 2; taken.has(key); n++) key = `${name}-${n}`
    taken.add(key)
    runs.push({ summary: await summaries.of({ key, directory }), files: directoryFiles(directory) })
  }
  return runs
}

export interface HtmlFile {
  readonly html: string
  readonly bytes: number
  readonly about: SnapshotAbout
}

/** The page that runs are put into, or a part of it. Throws CliError LD4003 where it was never built. */
async function built(path: string | undefined): Promise<string> {
  if (path !== undefined) return readFile(path, 'utf8')
  throw new CliError({
    code: 'LD4003',
    what: 'the page that a snapshot is made of is not built',
    where: '@ldyn/web',
    why: 'this is a checkout whose packages were not built',
    fix: 'run `npm run build`, or give --static for a page without scripts',
  })
}

const PART_NAMES: Readonly<Record<Part, string>> = {
  kernel: 'kernels',
  figures: 'figures of the paper',
  lab: 'Lab',
  gpt: 'tiny GPT',
}

export interface Said {
  /** Before anything is written. */
  readonly note: (text: string) => void
  readonly warn: (text: string) => void
}

/** What both are made of. Throws CliError LD2003, LD4002, LD4003. */
async function prepared(words: readonly string[], flags: HtmlFlags, version: string) {
  const options = snapshotOptions(flags)
  const template = await built(builtTemplate())
  const parts = await Promise.all(options.parts.map((part) => built(builtPart(part))))
  const runs = await runsNamed(words, flags.runsDir)
  const weighs = (text: string): string => megabytes(Buffer.byteLength(text))
  const carried = options.parts.map((part, i) => `, ${PART_NAMES[part]} ${weighs(parts[i])}`).join('')
  const request = { runs, options, made: new Date().toISOString(), version }
  return { request, template, parts, weight: `the page ${weighs(template)}${carried}` }
}

export interface FolderFile {
  /** In the folder. */
  readonly path: string
  readonly content: string | Uint8Array
}

/** Throws CliError (LD2003, LD4002, LD4003), RunError. */
export async function htmlFolder(
  words: readonly string[],
  flags: HtmlFlags,
  version: string,
  { note }: Said,
): Promise<readonly FolderFile[]> {
  const { request, template, parts, weight } = await prepared(words, flags, version)
  const snapshot = await makeSnapshotFolder(request).catch(refused)
  const html = await documentOf(template, snapshot, parts).catch(refused)
  const data = snapshot.beside.map((content, nth) => ({ path: besideName(nth), content }))
  const bytes = data.reduce((sum, { content }) => sum + content.length, 0)
  note(`size     ${megabytes(Buffer.byteLength(html) + bytes)}: ${weight}, data ${megabytes(bytes)} in ${data.length} files`)
  return [{ path: 'index.html', content: html }, ...data]
}

/** Throws CliError (LD2003, LD4002, LD4003, LD2006 for a file that is too large), RunError. */
export async function htmlFile(
  words: readonly string[],
  flags: HtmlFlags,
  version: string,
  { note, warn }: Said,
): Promise<HtmlFile> {
  const { request, template, parts, weight } = await prepared(words, flags, version)
  const snapshot = await makeSnapshot(request).catch(refused)
  const html = await documentOf(template, snapshot, parts).catch(refused)
  const bytes = Buffer.byteLength(html)
  const { about } = snapshot
  note(
    `size     ${megabytes(bytes)}: ${weight}, data ${megabytes((about.bytes * 4) / 3)}, ` +
      `figures for readers without scripts the rest`,
  )
  const smaller = '--steps 200, --pages overview,dynamics, or --text remove make it smaller'
  if (bytes > REFUSE_BYTES && !flags.force) {
    throw new CliError({
      code: 'LD2006',
      what: `the file would have ${megabytes(bytes)}`,
      where: '--html',
      why: `more than ${megabytes(REFUSE_BYTES)} opens slowly, and few can mail it`,
      fix: `${smaller}; --dir makes a folder for a web server, which reads what is shown; --force writes it all the same`,
    })
  }
  if (bytes > WARN_BYTES) warn(`the file has ${megabytes(bytes)}; ${smaller}`)
  return { html, bytes, about }
}

function refused(error: unknown): never {
  if (!(error instanceof SnapshotError)) throw error
  const { what, where, why, fix } = error
  const code = error.code === 'non-finite' ? 'LD8001' : 'LD4003'
  throw new CliError({ code, what, where, why, fix }, { cause: error })
}
