/** A simulation as an ordinary run directory: everything that shows, compares or exports runs works on it. */
import { createHash } from 'node:crypto'
import { layOutProbes, metrics, type Json, type Metric, type Probes, type StageInfo } from '@ldyn/runs'
import { createRun, type NewRun } from '@ldyn/runs/node'

/** A response that is watched: class `y` in the distribution of context `context`. */
export interface Watched {
  /** Index among the run's probe rows. */
  readonly row: number
  readonly type: string
  readonly context: number
  readonly y: number
}

export interface Frame {
  readonly step: number
  readonly stage: string
  readonly scalars?: Readonly<Record<string, number>>
  /** Every metric of every watched response, in their order; none where nothing was evaluated. */
  readonly values?: readonly Readonly<Record<Metric, number>>[]
}

export interface Simulation {
  /** `squeeze`, `linear`, …: what stands where a trained run has its model. */
  readonly kind: string
  readonly params: number
  readonly config: Json
  readonly seed: number
  readonly stages: readonly StageInfo[]
  /** Prompts of the probe rows. */
  readonly rows: readonly string[]
  readonly types: readonly string[]
  readonly watched: readonly Watched[]
  readonly frames: readonly Frame[]
  readonly warnings?: readonly { readonly code: string; readonly message: string }[]
}

/** What a run says of who made it. */
export type About = Pick<NewRun, 'id' | 'created' | 'argv' | 'environment' | 'git' | 'backend'>

function probesOf({ rows, types, watched }: Simulation): Probes {
  const find = (row: number, type: string): Watched | undefined =>
    watched.find((w) => w.row === row && w.type === type)
  return layOutProbes(
    rows.map((prompt, row) => ({
      prompt,
      group: String(row),
      responses: Object.fromEntries(
        watched.filter((w) => w.row === row).map(({ type, y }) => [type, `class ${y}`]),
      ),
    })),
    types,
    (row, type) => (find(row, type) ? 1 : 0),
  )
}

/** Writes all of it to a directory that has no run yet. Throws RunError. */
export async function recordSimulation(out: string, simulation: Simulation, about: About): Promise<void> {
  const { kind, params, config, seed, stages, types, watched, frames, warnings = [] } = simulation
  const probes = probesOf(simulation)
  const columns = new Map(watched.map((w, i) => [w.row * types.length + types.indexOf(w.type), i]))
  const hash = createHash('sha256').update(JSON.stringify(config)).digest('hex').slice(0, 32)
  await using writer = await createRun(
    out,
    {
      ...about,
      config,
      seed,
      model: { path: `simulated ${kind}`, hash, params },
      tokenizer: { hash },
      datasets: [{ path: `simulated ${kind}`, hash, rows: simulation.rows.length }],
      stages,
      columns: { metrics, tokens: [] },
    },
    probes,
  )
  for (const { code, message } of warnings) await writer.event({ type: 'warning', code, message })
  let before: Frame | undefined
  for (const frame of frames) {
    if (frame.stage !== before?.stage) {
      const s = before?.step ?? 0
      if (before) await writer.event({ type: 'stage', stage: before.stage, edge: 'end', s })
      await writer.event({ type: 'stage', stage: frame.stage, edge: 'start', s })
    }
    before = frame
    if (frame.scalars) await writer.scalars(frame.step, frame.stage, frame.scalars)
    if (!frame.values) continue
    const values = Object.fromEntries(
      metrics.map((name) => [
        name,
        Float32Array.from(probes.columns, (_, c) => {
          const w = columns.get(c)
          return w === undefined ? 0 : frame.values![w][name]
        }),
      ]),
    )
    await writer.probes(frame.step, frame.stage, { metrics: values })
  }
  if (before) await writer.event({ type: 'stage', stage: before.stage, edge: 'end', s: before.step })
  await writer.finish('done')
}
