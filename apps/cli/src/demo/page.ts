/** From finished runs to what is told about them: the page and the answers. */
import { join } from 'node:path'
import { writeAtomically } from '@ldyn/formats/node'
import { openRun } from '@ldyn/runs'
import { directoryFiles } from '@ldyn/runs/node'
import { page } from '../figures/html.ts'
import { gather } from '@ldyn/figures'
import type { FinishedArm } from './run.ts'
import { answers, levels, type Answer, type Level } from './story.ts'

export interface Told {
  /** Path of the HTML page. */
  readonly page: string
  readonly levels: readonly Level[]
  readonly answers: readonly Answer[]
}

/** Reads the runs back from file and writes `demo.html` into `out`. Throws RunError and FormatError. */
export async function tell(finished: readonly FinishedArm[], out: string, version: string): Promise<Told> {
  const runs = await Promise.all(
    finished.map(async ({ directory }) => gather(await openRun(directoryFiles(directory)))),
  )
  const names = finished.map(({ arm }) => arm.name)
  const path = join(out, 'demo.html')
  const html = page(runs, { made: new Date().toISOString(), version })
  await writeAtomically(path, (sink) => sink.write(new TextEncoder().encode(html)))
  return { page: path, levels: levels(runs, names), answers: answers(runs, names) }
}
