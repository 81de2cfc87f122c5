/** What a word after `ldyn diagnose` means: a run of ours, or a foreign log, read as `ldyn import` would read it. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { caseOf, piSquaredOf, type Case } from '@ldyn/lab'
import { openModel } from '@ldyn/models/node'
import { openRun, type Run, type RunManifest } from '@ldyn/runs'
import { directoryFiles, importRun } from '@ldyn/runs/node'
import { findRun } from '../commands/find-run.ts'

export interface Subject {
  readonly found: Case
  readonly run: Run
  readonly manifest: RunManifest
  /** Undefined for a log, which was read into a directory that is gone. */
  readonly directory: string | undefined
}

export interface SubjectOptions {
  readonly runsDir: string
  readonly stage?: string
  readonly every?: number
  readonly attempt?: number
}

const isNotRun = (error: unknown): boolean => (error as { code?: string }).code === 'LD4002'

/** Throws CliError and RunError: LD4002 with both readings where the word is neither a run nor a log. */
export async function subjectOf(word: string, options: SubjectOptions): Promise<Subject> {
  let directory: string
  try {
    directory = await findRun(word, options.runsDir)
  } catch (error) {
    if (!isNotRun(error)) throw error
    return foreign(word, options).catch((other: { code?: string }) => {
      // Neither: what the run reader says is about what the user most likely meant.
      throw other.code === 'no-log' && !/log|json|tfevents/i.test(word) ? error : other
    })
  }
  return { ...(await read(directory)), directory }
}

const read = async (directory: string) => {
  const run = await openRun(directoryFiles(directory))
  return { found: await caseOf(run), run, manifest: run.manifest }
}

/** A log imported into a directory of the system's for temporary files, read, and let go of. */
async function foreign(path: string, { stage, every, attempt }: SubjectOptions): Promise<Subject> {
  const directory = await mkdtemp(join(tmpdir(), 'ldyn-diagnose-'))
  try {
    await importRun(path, directory, { stage, every, attempt })
    return { ...(await read(directory)), directory: undefined }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** Rows of the head of the models in the released code's scripts: Pythia, Qwen1.5. */
const RELEASED = [50304, 151936]

/**
 * V: of a run of ours its model's, where that is still there; of a log of the released code the one of its two that all
 * ‖A‖ fit. Undefined where neither says.
 */
export async function vocabularyOf({ found, manifest }: Subject): Promise<number | undefined> {
  if (!manifest.imported) return modelVocabulary(manifest.model.path)
  if (manifest.imported.format !== 'released-code') return undefined
  const norms = found.stages.flatMap(({ probes }) =>
    [...probes.values()].filter(({ metric }) => metric === 'a_norm').flatMap(({ mean }) => mean),
  )
  if (norms.length === 0) return undefined
  const fits = RELEASED.filter((vocab) => norms.every((norm) => piSquaredOf(norm, vocab) !== undefined))
  return fits.length === 1 ? fits[0] : undefined
}

async function modelVocabulary(path: string): Promise<number | undefined> {
  try {
    await using checkpoint = await openModel(path)
    return checkpoint.model.vocab
  } catch (error) {
    // A run is diagnosed also where its model has gone, or was a toy that no file holds.
    if (['ModelError', 'FormatError'].includes((error as Error).name)) return undefined
    throw error
  }
}
