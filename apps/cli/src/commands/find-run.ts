/** Which run a word on the command line means: a directory, or the beginning of the id of a run in --runs-dir. */
import { basename } from 'node:path'
import { openRun } from '@ldyn/runs'
import { directoryFiles, listRuns, type ListedRun } from '@ldyn/runs/node'
import { CliError } from '../contract/errors.ts'
import { didYouMean } from '../contract/nearest.ts'
import { gather, shellWord, type RunData } from '@ldyn/figures'

const RUNS_DIR = 'runs'

const namesOf = (run: ListedRun): readonly string[] =>
  [run.manifest?.id ?? '', basename(run.directory)].filter(Boolean)

/** The run's directory. Throws CliError: LD4002 where there is none, LD2003 where several begin like this. */
export async function findRun(reference: string, runsDir: string = RUNS_DIR): Promise<string> {
  if ((await directoryFiles(reference).size('run.json')) !== undefined) return reference
  const listed = await listRuns(runsDir).catch((): readonly ListedRun[] => [])
  const exact = listed.filter((run) => namesOf(run).includes(reference))
  const found =
    exact.length > 0 ? exact : listed.filter((run) => namesOf(run).some((name) => name.startsWith(reference)))
  if (found.length === 1) return found[0].directory
  if (found.length > 1) {
    throw new CliError({
      code: 'LD2003',
      what: `'${reference}' names ${found.length} runs`,
      where: runsDir,
      why: found.map(({ directory }) => directory).join(', '),
      fix: 'give more of the id, or the path of the directory',
    })
  }
  const below = await listRuns(reference).catch((): readonly ListedRun[] => [])
  if (below.length > 0) {
    throw new CliError({
      code: 'LD4002',
      what: `'${reference}' is no run: it is a folder of ${below.length}`,
      where: reference,
      fix: `name the run, or several: ${below.slice(0, 3).map(({ directory }) => shellWord(directory)).join(' ')}`,
    })
  }
  throw new CliError({
    code: 'LD4002',
    what: `there is no run '${reference}'`,
    where: `${reference}, and ${runsDir} (--runs-dir)`,
    why: 'no run.json is there, and no run of that id',
    fix:
      didYouMean(reference, listed.flatMap(namesOf)) ||
      `run \`ldyn runs ls ${runsDir}\` for those that are there`,
  })
}

/** Reads the runs that words name, for figures. Throws CliError and RunError. */
export const loadRuns = (references: readonly string[], runsDir?: string): Promise<readonly RunData[]> =>
  Promise.all(
    references.map(async (word) => gather(await openRun(directoryFiles(await findRun(word, runsDir))))),
  )

/** Text of a run for a terminal: a control character in it is shown, not obeyed. */
export const printable = (text: string): string => text.replace(/[\u0000-\u001f\u007f-\u009f]/g, '\ufffd')
