/**
 * The same probe evaluation and the same update on several backends, one after the other: how far each is from the
 * first, and where they part ways the first op that does.
 */
import {
  compareGradients,
  compareMeasurements,
  disposeTree,
  firstDisagreement,
  measureUpdate,
  oneUpdate,
  readRows,
  tokenDefaults,
  type Deviation,
  type EncodedRow,
  type FirstOp,
  type LayerDeviation,
  type LossConfig,
  type Measurement,
  type Row,
  type SameUpdate,
  type Side,
  type StageConfig,
} from '@ldyn/lab'
import { evaluateProgram, lossProgram } from '@ldyn/core'
import { openModel, type Checkpoint } from '@ldyn/models/node'
import { lossOf, stageExamples } from '@ldyn/lab'
import { grad, type Backend, type Program } from '@ldyn/tensor'
import { openBackend } from '../backends.ts'
import { CliError } from '../contract/errors.ts'
import { demoData, MODEL, PROBE_TYPES } from '../demo/data.ts'
import { encodeProbes, load, typesIn } from '../observe/observe.ts'
import type { Reporter } from '../progress/reporter.ts'

export interface VerifyRequest {
  readonly backends: readonly string[]
  readonly threads?: number
  /** The embedded model and probes unless given. */
  readonly model?: string
  readonly probe?: string
  readonly limit: number
  readonly types?: readonly string[]
  /** Rows of the probe set that the update learns from. */
  readonly update: number
  readonly loss: 'sft' | 'dpo'
  readonly lr: number
  readonly tolerance: number
  readonly layers: boolean
  readonly trace: boolean
  readonly progress: Reporter
  readonly warn: (text: string) => void
}

export interface BackendVerdict {
  readonly backend: string
  readonly device: string
  readonly version: string
  readonly seconds: number
  /** Against the first backend; empty for that itself. */
  readonly deviations: readonly Deviation[]
  readonly layers?: readonly LayerDeviation[]
  readonly firstOp?: FirstOp & { readonly program: 'evaluation' | 'gradient' }
  readonly agrees: boolean
}

export interface Verdict {
  readonly model: string
  readonly rows: number
  readonly responses: number
  readonly tolerance: number
  readonly backends: readonly BackendVerdict[]
  readonly agrees: boolean
}

const LOSSES: Readonly<Record<VerifyRequest['loss'], LossConfig>> = {
  sft: { name: 'sft', reduction: 'sum' },
  dpo: { name: 'dpo', beta: 0.1, labelSmoothing: 0, referenceFree: false },
}

/** The gradient itself moves the parameters: a rule that divides by it (Adam) would show the rounding of zeros. */
const stageOf = ({ loss, lr, update }: VerifyRequest): StageConfig => ({
  name: 'verify',
  loss: LOSSES[loss],
  targets: ['chosen'],
  updates: 1,
  batch: update,
  accumulate: 1,
  lr,
  schedule: { name: 'constant', warmup: 0 },
  optimizer: { name: 'sgd', momentum: 0, weightDecay: 0 },
  maxGradNorm: 0,
  shuffle: false,
  dropLast: false,
})

/** Throws what opening the model, the data and the backends throws. */
export async function verifyBackends(request: VerifyRequest): Promise<Verdict> {
  mustPair(request)
  await using checkpoint = await openModel(request.model ?? MODEL)
  const { rows, probes } = await probesOf(request, checkpoint)
  const stage = stageOf(request)
  const examples = stageExamples(stage, probes).slice(0, request.update)
  const setup: SameUpdate = { model: checkpoint.model, probes, stage, examples, gradients: request.layers }
  const measured: { verdict: BackendVerdict; measurement: Measurement }[] = []
  for (const name of request.backends) {
    await using backend = await openBackend(name, { threads: request.threads })
    const started = performance.now()
    const measurement = await measureUpdate(backend, await load(checkpoint, backend, request.progress), setup)
    const seconds = (performance.now() - started) / 1000
    const first = measured[0]?.measurement
    const deviations = first ? compareMeasurements(measurement, first) : []
    const agrees = deviations.every(({ deviation }) => deviation <= request.tolerance)
    const verdict: BackendVerdict = {
      backend: name,
      ...deviceOf(backend),
      seconds,
      deviations,
      ...(first && request.layers ? { layers: compareGradients(measurement, first) } : {}),
      ...(first && (!agrees || request.trace) ? { firstOp: await trace(request, checkpoint, setup, backend) } : {}),
      agrees,
    }
    measured.push({ verdict, measurement })
  }
  const backends = measured.map(({ verdict }) => verdict)
  return {
    model: checkpoint.name,
    rows: rows.length,
    responses: measured[0].measurement.before.length,
    tolerance: request.tolerance,
    backends,
    agrees: backends.every(({ agrees }) => agrees),
  }
}

const deviceOf = ({ capabilities: { device, version } }: Backend): { device: string; version: string } => ({
  device,
  version,
})

/** Throws CliError where a model comes without probes, or the other way round. */
function mustPair({ model, probe }: VerifyRequest): void {
  if ((model === undefined) !== (probe === undefined)) {
    const [given, lacking] = model === undefined ? ['--probe', '--model'] : ['--model', '--probe']
    throw new CliError({
      code: 'LD2003',
      what: `${given} needs ${lacking} too`,
      where: lacking,
      fix: `give both, or neither for the embedded ones`,
    })
  }
}

async function probesOf(
  { probe, limit, types, warn }: VerifyRequest,
  checkpoint: Checkpoint,
): Promise<{ rows: readonly Row[]; probes: EncodedRow[] }> {
  const tokenizer = await checkpoint.tokenizer()
  // Making probes takes other rows' answers: of two rows at least.
  const rows =
    probe === undefined
      ? (await demoData(Math.max(limit, 2), 0)).probes.slice(0, limit)
      : await readRows(probe, { tokenizer, limit })
  const watched = typesIn(rows, types ?? (probe === undefined ? PROBE_TYPES : undefined))
  const options = { ...tokenDefaults(checkpoint.model.context), overflow: 'drop' as const }
  return { rows, probes: encodeProbes(rows, watched, tokenizer, options, warn) }
}

/** The first op that is off, in the evaluation and, where that has none, in the gradient. */
async function trace(
  request: VerifyRequest,
  checkpoint: Checkpoint,
  setup: SameUpdate,
  actual: Backend,
): Promise<NonNullable<BackendVerdict['firstOp']>> {
  const { model, stage } = setup
  await using expected = await openBackend(request.backends[0], { threads: request.threads })
  const sides: Side[] = []
  for (const backend of [actual, expected]) {
    sides.push({ backend, inputs: { params: await load(checkpoint, backend, request.progress) } })
  }
  using runner = oneUpdate(expected, setup)
  const params = (sides[1].inputs as { params: Parameters<typeof runner.reference>[0] }).params
  const reference = await runner.reference(params)
  const [planned] = runner.batchesOf(0)
  const batch = runner.batchInputs(planned, reference)
  const objective = { model, shape: planned.shape, loss: lossOf(stage.loss) }
  const search = (program: Program): Promise<FirstOp> => {
    const [a, b] = sides.map(({ backend, inputs }) => ({ backend, inputs: { ...(inputs as object), batch } }) as Side)
    return firstDisagreement(program, a, b, {
      tolerance: OP_TOLERANCE,
      progress: (done, total) => request.progress.update({ task: 'trace', done, total, unit: 'ops' }),
    })
  }
  try {
    const forward = await search(evaluateProgram(model, planned.shape))
    if (forward.found) return { ...forward, program: 'evaluation' }
    return { ...(await search(grad(lossProgram(objective), { wrt: 'params', of: 'loss' }))), program: 'gradient' }
  } finally {
    for (const { inputs } of sides) disposeTree((inputs as { params: Parameters<typeof disposeTree>[0] }).params)
  }
}

/** What one op may be off by, as a whole tensor, where f32 rounds and exp is approximated. */
export const OP_TOLERANCE = 1e-4
