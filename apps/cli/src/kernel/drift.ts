/**
 * `ldyn kernel norm` and `ldyn kernel drift`: how strong K is between probes, and whether training keeps its
 * ranking.
 */
import { cosines, driftOf, type Drift, type Estimate, type Gram } from '@ldyn/core'
import { gramMatrix, kernelNorms, type Sequence } from '@ldyn/lab'
import { openBackend } from '../backends.ts'
import type { Context } from '../context.ts'
import { CliError } from '../contract/errors.ts'
import { speaksUtf8 } from '../contract/utf8.ts'
import { brief } from '../progress/pace.ts'
import { forecast, tellForecast, type Forecast } from './forecast.ts'
import { checkMemory, forecastGram, probesOf, rowsOf, type Probe, type ProbeFlags } from './gram.ts'
import { openKernel, parametersText, type KernelFlags, type Opened } from './open.ts'
import { picture, table } from './picture.ts'
import { checkOut, kernelName, saveMatrices, stepOf } from './save.ts'

export interface NormFlags extends ProbeFlags {
  readonly draws: number
  readonly centred?: boolean
  readonly seed: number
}

interface NormAnswer {
  readonly model: string
  readonly parameters: number
  readonly draws: number
  /** Of P·K·P, without what moves all logits alike. */
  readonly centred: boolean
  readonly probes: readonly Probe[]
  /** norms[u][o] = ‖K_ou‖_F over all V·T_o × V·T_u entries; symmetric. */
  readonly norms: readonly (readonly Estimate[])[]
  readonly traces: readonly Estimate[]
  readonly saved?: string
}

export async function kernelNorm(flags: NormFlags, context: Context): Promise<void> {
  const { output } = context
  await checkOut(flags.out)
  using progress = context.progress()
  await using opened = await openKernel(flags, progress)
  const { probes, sequences } = await probesOf(flags, opened, (text) => output.warn(text))
  if (flags.draws < 2) output.warn('one draw has no standard error: give --draws 2 or more')
  const request = {
    backend: opened.backend,
    model: opened.checkpoint.model,
    params: opened.params,
    probes: sequences,
    draws: flags.draws,
    seed: flags.seed,
    centred: flags.centred,
    wrt: opened.chosen.wrt,
  }
  if (flags.dryRun) {
    const found = await forecast('products', (report) => kernelNorms({ ...request, progress: report }))
    progress.end()
    return tellForecast('kernel norm', [found], context)
  }
  const { norms, traces } = await kernelNorms({
    ...request,
    progress: (done, total) => progress.update({ task: 'norms', done, total, unit: 'products' }),
  })
  progress.end()
  const n = probes.length
  const answer: NormAnswer = {
    model: flags.model,
    parameters: opened.chosen.numbers,
    draws: flags.draws,
    centred: flags.centred ?? false,
    probes,
    norms,
    traces,
  }
  const flat = (pick: (e: Estimate) => number): Float64Array => Float64Array.from(norms.flatMap((row) => row.map(pick)))
  const step = await stepOf(flags.model, flags.step)
  const saved =
    flags.out &&
    (await saveMatrices(
      flags.out,
      kernelName('norm', step),
      [
        { name: 'norms', shape: [n, n], data: flat((e) => e.value) },
        { name: 'se', shape: [n, n], data: flat((e) => (Number.isNaN(e.se) ? -1 : e.se)) },
        { name: 'traces', shape: [n], data: Float64Array.from(traces, (e) => e.value) },
      ],
      {
        model: flags.model,
        ...(step === undefined ? {} : { step }),
        probe: flags.probe,
        probes,
        draws: flags.draws,
        seed: flags.seed,
      },
    ))
  output.result('kernel norm', { ...answer, ...(saved ? { saved } : {}) }, () =>
    [
      `‖K_ou‖_F over ${parametersText(opened.chosen)}, all logits of both responses${flags.centred ? ', centred' : ''}; ${flags.draws} random vectors`,
      '',
      ...table(
        [
          ['update \\ observed', ...probes.map(nameOf), 'tr K_uu'],
          ...probes.map((p, u) => [nameOf(p), ...norms[u].map(estimateText), estimateText(traces[u])]),
        ],
        1,
      ),
      output.style('dim', '± is the standard error over draws. `ldyn help kernel`'),
      ...(saved ? ['', `Saved in ${saved}`] : []),
    ].join('\n'),
  )
}

const nameOf = ({ row, type }: Probe): string => `${row} ${type}`
const estimateText = ({ value, se }: Estimate): string =>
  Number.isNaN(se) ? brief(value) : `${brief(value)} ± ${brief(se)}`

export interface DriftFlags extends Omit<ProbeFlags, 'model'> {
  readonly model: readonly string[]
  readonly per: 'response' | 'token'
  readonly memory: string
  /** Random vectors for ‖K_ou‖_F at each checkpoint; 0 leaves norms out. */
  readonly draws: number
  readonly seed: number
}

interface CheckpointDrift {
  readonly model: string
  /** Against the checkpoint before. */
  readonly gram: Drift
  /** The same of ‖K_ou‖_F, the paper's own figure; with --draws. */
  readonly norms?: Drift
}

export async function kernelDrift(flags: DriftFlags, context: Context): Promise<void> {
  const { output } = context
  if (flags.model.length < 2)
    throw new CliError({
      code: 'LD2003',
      what: 'drift is between checkpoints, and there is one',
      where: '--model',
      fix: 'give two or more, in the order of training: --model base step100 step200',
    })
  await checkOut(flags.out)
  using progress = context.progress()
  await using backend = await openBackend(flags.backend, { threads: flags.threads })
  const grams: Gram[] = []
  const norms: Gram[] = []
  let probes: readonly Probe[] = []
  let parameters = ''
  for (const [i, model] of flags.model.entries()) {
    const own: KernelFlags & ProbeFlags = { ...flags, model }
    await using opened = await openKernel(own, progress, backend)
    const found = await probesOf(own, opened, (text) => output.warn(text))
    const lengths = (list: readonly Probe[]): string => list.map((p) => p.tokens).join()
    if (i > 0 && lengths(found.probes) !== lengths(probes))
      throw new CliError({
        code: 'LD3206',
        what: 'the checkpoints do not see the same tokens',
        where: model,
        why: `its tokenizer gives other lengths than that of ${flags.model[0]}`,
        fix: 'compare checkpoints of one model',
      })
    probes = found.probes
    parameters = parametersText(opened.chosen)
    const request = {
      backend,
      model: opened.checkpoint.model,
      params: opened.params,
      probes: found.sequences,
      wrt: opened.chosen.wrt,
    }
    if (flags.dryRun) {
      const parts = await forecastDrift(flags, opened, found.sequences)
      progress.end()
      return tellForecast('kernel drift', parts, context)
    }
    const report = (task: string, unit: string) => (done: number, total: number) =>
      progress.update({ task: `${task} ${i + 1}/${flags.model.length}`, done, total, unit })
    const memory = checkMemory(opened, found.sequences.length, flags.memory)
    grams.push((await gramMatrix({ ...request, per: flags.per, memory, progress: report('gram', 'gradients') })).gram)
    if (flags.draws > 0) {
      const made = await kernelNorms({
        ...request,
        draws: flags.draws,
        seed: flags.seed,
        progress: report('norms', 'products'),
      })
      norms.push({ n: probes.length, data: Float64Array.from(made.norms.flatMap((row) => row.map((e) => e.value))) })
    }
  }
  progress.end()
  const n = probes.length
  const steps: CheckpointDrift[] = grams.slice(1).map((gram, i) => ({
    model: flags.model[i + 1],
    gram: driftOf(grams[i], gram),
    ...(norms.length > 0 ? { norms: driftOf(norms[i], norms[i + 1]) } : {}),
  }))
  const whole = driftOf(grams[0], grams.at(-1)!)
  const answer = {
    models: flags.model,
    per: flags.per,
    probes,
    grams: grams.map(rowsOf),
    ...(norms.length > 0 ? { norms: norms.map(rowsOf) } : {}),
    drift: steps,
    first_to_last: whole,
  }
  const checkpoints = await Promise.all(flags.model.map((model) => stepOf(model)))
  const saved =
    flags.out &&
    (await saveMatrices(
      flags.out,
      'drift',
      [
        {
          name: 'grams',
          shape: [grams.length, n, n],
          data: Float64Array.from(grams.flatMap((g) => [...g.data])),
        },
        ...(norms.length > 0
          ? [{ name: 'norms', shape: [norms.length, n, n], data: Float64Array.from(norms.flatMap((g) => [...g.data])) }]
          : []),
      ],
      {
        models: flags.model,
        ...(checkpoints.some((step) => step !== undefined) ? { steps: checkpoints } : {}),
        probe: flags.probe,
        probes,
        per: flags.per,
      },
    ))
  output.result('kernel drift', { ...answer, ...(saved ? { saved } : {}) }, () =>
    [renderDrift(flags.model, steps, whole, grams, context, parameters, n), ...(saved ? ['', `Saved in ${saved}`] : [])].join('\n'),
  )
}

/** All checkpoints are of one size: each takes what the first does. */
async function forecastDrift(
  { model, per, memory, draws, seed }: DriftFlags,
  opened: Opened,
  probes: readonly Sequence[],
): Promise<Forecast[]> {
  const gram = await forecastGram({ per, memory }, opened, probes)
  const of = `at ${model.length} checkpoints, the first of them measured`
  const grams: Forecast = {
    unit: `gradients ${of}`,
    units: gram.gradients * model.length,
    measured: 2,
    seconds: gram.seconds * model.length,
    memory_bytes: process.resourceUsage().maxRSS * 1024 + gram.held_bytes,
  }
  if (draws === 0) return [grams]
  const { backend, checkpoint, params, chosen } = opened
  const request = { backend, model: checkpoint.model, params, probes, wrt: chosen.wrt, draws, seed }
  const norms = await forecast(`products ${of}`, (report) => kernelNorms({ ...request, progress: report }))
  return [grams, { ...norms, units: norms.units * model.length, seconds: norms.seconds * model.length }]
}

const rho = (x: number | undefined): string => (x === undefined ? '–' : x.toFixed(3))

function renderDrift(
  models: readonly string[],
  steps: readonly CheckpointDrift[],
  whole: Drift,
  grams: readonly Gram[],
  { output, env }: Context,
  parameters: string,
  n: number,
): string {
  const withNorms = steps.some((s) => s.norms)
  const line = (name: string, d: Drift, norms?: Drift): string[] => [
    name,
    `${(100 * d.relative).toFixed(1)} %`,
    d.alignment.toFixed(4),
    rho(d.meanStability),
    ...(withNorms ? [norms ? `${(100 * norms.relative).toFixed(1)} %` : '', rho(norms?.meanStability)] : []),
  ]
  const options = { ascii: !speaksUtf8(env), style: output.style }
  const pictures = [grams[0], grams.at(-1)!].map((g) => picture(rowsOf(cosines(g)), options, 1).rows)
  const room = Math.max(n, 5) + 3
  return [
    `The kernel over ${n} probes and ${parameters}, from checkpoint to checkpoint`,
    '',
    ...table(
      [
        ['to', '‖ΔK‖/‖K‖', 'alignment', 'rank stability', ...(withNorms ? ['of ‖K_ou‖_F', 'rank stability'] : [])],
        ...steps.map((s) => line(s.model, s.gram, s.norms)),
        ...(steps.length > 1 ? [line(`${models[0]} to the last`, whole)] : []),
      ],
      1,
    ),
    '',
    output.style('dim', `${'first'.padEnd(room)}last   (cosines)`),
    ...pictures[0].map((row, i) => `${row}${' '.repeat(room - n)}${pictures[1][i]}`),
    output.style(
      'dim',
      'rank stability: mean over update probes of Spearman’s ρ between the rankings of |K_uo| over the others, before and after. `ldyn help kernel`',
    ),
  ].join('\n')
}
