/**
 * Training with a probe set looked at again and again: the stages in turn, an evaluation of every probe every few
 * updates, checkpoints, and all of it on file as it happens. A run that was stopped, by Ctrl-C or by kill −9, goes on
 * from its last checkpoint and ends with the numbers of an undisturbed one.
 */
import type { RunManifest } from '@ldyn/runs'
import { createRun, resumeRun, type RunWriter } from '@ldyn/runs/node'
import type { Backend } from '@ldyn/tensor'
import { listCheckpoints, tidyCheckpoints, type SavedCheckpoint } from './checkpoint.ts'
import { keepingOnDisk } from './keeping-on-disk.ts'
import { newRunOf, prepare, type PreparedJob, type TrainJob } from './job.ts'
import { Session } from './session.ts'

export interface TrainResult {
  readonly status: 'done' | 'interrupted'
  readonly steps: number
  readonly directory: string
}

/**
 * Runs a job to its end, or until `shouldStop`. Throws NumericalError where an update makes a number that is not
 * finite (the run is then `failed`, with a checkpoint of the weights before it), and what the run's files and the
 * backend throw.
 */
export async function train(job: TrainJob): Promise<TrainResult> {
  const report = job.report ?? (() => {})
  const prepared = prepare(job)
  for (const warning of prepared.warnings) report({ type: 'warning', ...warning })
  const saved = job.resume ? (await listCheckpoints(job.out)).at(-1) : undefined
  await using writer = await openWriter(job, prepared, saved)
  const step = saved?.step ?? 0
  if (job.resume) report({ type: 'resume', step, directory: saved?.directory })
  const moved = writer.movedFrom && movedWarning(writer.movedFrom, job.backend, step)
  if (moved) report({ type: 'warning', ...moved })
  try {
    await tidyCheckpoints(job.out, job.save.keep)
    for (const { code, message } of [...prepared.warnings, ...(moved ? [moved] : [])]) await writer.event({ type: 'warning', code, message })
    const status = await new Session(job, prepared, writer, keepingOnDisk(job, saved)).run(saved)
    await writer.finish(status)
    return { status, steps: prepared.steps, directory: job.out }
  } catch (error) {
    await writer.finish('failed', error instanceof Error ? error.message : String(error)).catch(() => {})
    throw error
  } finally {
    for (const runner of prepared.runners) runner[Symbol.dispose]()
    prepared.evaluator?.[Symbol.dispose]()
  }
}

const movedWarning = (
  from: RunManifest['backend'],
  { name, capabilities: { device, version } }: Backend,
  step: number,
): { code: string; message: string } => ({
  code: 'backend-changed',
  message:
    `from update ${step} on computed by ${name} (${version}; ${device}), before that by ${from.name} ` +
    `(${from.version}; ${from.device}): they round differently, so the numbers are near those of an undisturbed run ` +
    'and not the same bits',
})

async function openWriter(
  job: TrainJob,
  prepared: PreparedJob,
  saved: SavedCheckpoint | undefined,
): Promise<RunWriter> {
  const run = newRunOf(job, prepared)
  if (job.resume) return resumeRun(job.out, saved?.step ?? 0, { backend: run.backend })
  return createRun(job.out, run, prepared.probes)
}
