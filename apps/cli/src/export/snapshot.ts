/** `ldyn export --html`: runs and the whole viewer in one file (@ldyn/web/snapshot). */
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { directoryFiles } from '@ldyn/runs/node'
import { builtTemplate, createSummaries } from '@ldyn/web/server'
import {
  documentOf,
  makeSnapshot,
  PAGES,
  pagesNamed,
  REFUSE_BYTES,
  SnapshotError,
  TEXTS,
  WARN_BYTES,
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

/** Throws CliError LD2003. */
export function snapshotOptions(flags: HtmlFlags): SnapshotOptions {
  const words = flags.pages.split(',').map((word) => word.trim())
  const pages = pagesNamed(words)
  if (pages === undefined) {
    const wrong = words.find((word) => pagesNamed([word]) === undefined)!
    throw new CliError({
      code: 'LD2003',
      what: `the viewer has no page '${wrong}'`,
      where: `--pages ${flags.pages}`,
      fix: didYouMean(wrong, PAGES) || `there are ${PAGES.join(', ')}`,
    })
  }
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
    pages,
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

/** Where the page is that runs are put into. Throws CliError LD4003 where it was never built. */
function templatePath(): string {
  const path = builtTemplate()
  if (path !== undefined) return path
  throw new CliError({
    code: 'LD4003',
    what: 'the page that a snapshot is made of is not built',
    where: '@ldyn/web',
    why: 'this is a checkout whose packages were not built',
    fix: 'run `npm run build`, or give --static for a page without scripts',
  })
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(bytes < 1e6 ? 2 : 1)} MB`

export interface Said {
  /** Before anything is written. */
  readonly note: (text: string) => void
  readonly warn: (text: string) => void
}

/** Throws CliError (LD2003, LD4002, LD4003, LD2006 for a file that is too large), RunError. */
export async function htmlFile(
  words: readonly string[],
  flags: HtmlFlags,
  version: string,
  { note, warn }: Said,
): Promise<HtmlFile> {
  const options = snapshotOptions(flags)
  const template = await readFile(templatePath(), 'utf8')
  const runs = await runsNamed(words, flags.runsDir)
  const snapshot = await makeSnapshot({ runs, options, made: new Date().toISOString(), version }).catch(refused)
  const html = await documentOf(template, snapshot).catch(refused)
  const bytes = Buffer.byteLength(html)
  const { about } = snapshot
  note(
    `size     ${megabytes(bytes)}: the page ${megabytes(Buffer.byteLength(template))}, data ${megabytes((about.bytes * 4) / 3)}, ` +
      `figures for readers without scripts the rest`,
  )
  const smaller = '--steps 200, --pages overview,dynamics, or --text remove make it smaller'
  if (bytes > REFUSE_BYTES && !flags.force) {
    throw new CliError({
      code: 'LD2006',
      what: `the file would have ${megabytes(bytes)}`,
      where: '--html',
      why: `more than ${megabytes(REFUSE_BYTES)} opens slowly, and few can mail it`,
      fix: `${smaller}; --force writes it all the same`,
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
