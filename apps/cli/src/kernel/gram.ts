/** `ldyn kernel gram`: how updates on each probe response would move each other one. */
import { cosines, summariseGram, type Gram } from '@ldyn/core'
import { gramMatrix, gramPlan, readRows, sketchedGram, type Sequence } from '@ldyn/lab'
import type { Context } from '../context.ts'
import { CliError } from '../contract/errors.ts'
import { speaksUtf8 } from '../contract/utf8.ts'
import { encodeProbes, typesIn } from '../observe/observe.ts'
import type { Reporter } from '../progress/reporter.ts'
import { brief, duration } from '../progress/pace.ts'
import { bytesOf, memoryText, openKernel, parametersText, type KernelFlags, type Opened } from './open.ts'
import { picture, table } from './picture.ts'
import { checkOut, kernelName, saveMatrices, stepOf, type SavedMatrix } from './save.ts'

export interface ProbeFlags extends KernelFlags {
  readonly probe: string
  readonly limit?: number
  readonly types?: readonly string[]
}

export interface GramFlags extends ProbeFlags {
  readonly per: 'response' | 'token'
  readonly memory: string
  readonly sketch?: number
  readonly seed: number
}

export interface Probe {
  readonly row: number
  readonly type: string
  readonly tokens: number
}

export interface GramAnswer {
  readonly model: string
  readonly per: 'response' | 'token'
  readonly parameters: number
  readonly probes: readonly Probe[]
  readonly gram: readonly (readonly number[])[]
  /** Standard error of every entry where the Gram is sketched. */
  readonly se?: readonly (readonly number[])[]
  readonly cosines: readonly (readonly number[])[]
  readonly eigenvalues: readonly number[]
  readonly effective_rank: number
  /** Share of the trace by part of the model; missing where the Gram is sketched. */
  readonly trace_by_part?: Readonly<Record<string, number>>
  readonly gradients: number
  readonly block?: number
  readonly saved?: string
}

/** The responses that a probe file and the flags name, in the order of rows and types. Throws CliError. */
export async function probesOf(
  flags: ProbeFlags,
  opened: Opened,
  warn: (text: string) => void,
): Promise<{ probes: Probe[]; sequences: Sequence[] }> {
  const rows = await readRows(flags.probe, { tokenizer: opened.tokenizer, limit: flags.limit })
  const types = typesIn(rows, flags.types)
  const encoded = encodeProbes(rows, types, opened.tokenizer, opened.tokens, warn)
  const sequences = encoded.flatMap((e) => e.sequences)
  if (sequences.length === 0)
    throw new CliError({ code: 'LD3101', what: 'no response of the probe file fits', where: flags.probe })
  return {
    probes: encoded.flatMap(({ row, sequences: own }) =>
      own.map(({ type, response }) => ({ row: row.row, type, tokens: response.length })),
    ),
    sequences,
  }
}

/** In whole MiB, or KiB where that is too coarse: never less than asked for. */
const roundedUp = (bytes: number): string =>
  bytes >= 2 ** 24 ? `${Math.ceil(bytes / 2 ** 20)}MiB` : `${Math.ceil(bytes / 1024)}KiB`

/** A budget that does not hold two gradients, told with what would. Throws CliError LD5002. */
export function checkMemory({ checkpoint, chosen }: Opened, n: number, memory: string): number {
  const bytes = bytesOf(memory, '--memory')
  const { block, gradientBytes, least } = gramPlan(checkpoint.model, n, bytes, chosen.wrt)
  if (block === 0)
    throw new CliError({
      code: 'LD5002',
      what: 'the memory budget is too small for a Gram matrix',
      where: `--memory ${memory}`,
      why: `one gradient of ${parametersText(chosen)} takes ${memoryText(gradientBytes)}, and two are held at once`,
      fix: `give --memory ${roundedUp(least)} or more, fewer parameters (--params last:2), or --sketch 4096`,
    })
  return bytes
}

export const rowsOf = ({ n, data }: Gram): number[][] =>
  Array.from({ length: n }, (_, i) => [...data.slice(i * n, (i + 1) * n)])

export async function kernelGram(flags: GramFlags, context: Context): Promise<void> {
  const { output } = context
  await checkOut(flags.out)
  using progress = context.progress()
  await using opened = await openKernel(flags, progress)
  const { probes, sequences } = await probesOf(flags, opened, (text) => output.warn(text))
  if (flags.dryRun) {
    const found = await forecastGram(flags, opened, sequences)
    progress.end()
    output.result('kernel gram', { dryRun: true, ...found }, () => renderForecast(found, parametersText(opened.chosen)))
    return
  }
  const made = await compute(flags, opened, sequences, progress)
  progress.end()
  const answer = answerOf(flags, opened, probes, made)
  const n = probes.length
  const step = await stepOf(flags.model, flags.step)
  const saved =
    flags.out &&
    (await saveMatrices(
      flags.out,
      kernelName('gram', step),
      [
        { name: 'gram', shape: [n, n], data: made.gram.data },
        ...(made.se ? [{ name: 'se', shape: [n, n], data: made.se.data }] : []),
        ...Array.from(made.parts ?? [], ([part, { data }]): SavedMatrix => {
          return { name: `part.${part}`, shape: [n, n], data }
        }),
      ],
      {
        model: flags.model,
        ...(step === undefined ? {} : { step }),
        probe: flags.probe,
        probes,
        per: flags.per,
        params: flags.params ?? 'all',
      },
    ))
  output.result('kernel gram', { ...answer, ...(saved ? { saved } : {}) }, () =>
    [render(answer, context, parametersText(opened.chosen)), ...(saved ? ['', `Saved in ${saved}`] : [])].join('\n'),
  )
}

/** What a Gram would take. */
export interface GramForecast {
  readonly probes: number
  readonly gradient_bytes: number
  readonly gradients: number
  /** Gradients held at a time; missing where they are sketched. */
  readonly block?: number
  readonly held_bytes: number
  /** From the longest probe's gradient, compiled and taken twice. */
  readonly seconds: number
}

export async function forecastGram(
  flags: Pick<GramFlags, 'per' | 'memory' | 'sketch'>,
  opened: Opened,
  probes: readonly Sequence[],
): Promise<GramForecast> {
  const { backend, checkpoint, params, chosen } = opened
  const n = probes.length
  const memory = flags.sketch === undefined ? checkMemory(opened, n, flags.memory) : Infinity
  const { gradientBytes, block, gradients } = gramPlan(checkpoint.model, n, memory, chosen.wrt)
  const longest = probes.reduce((a, b) =>
    b.prompt.length + b.response.length > a.prompt.length + a.response.length ? b : a,
  )
  const clock: number[] = []
  await gramMatrix({
    backend,
    model: checkpoint.model,
    params,
    probes: [longest, longest],
    per: flags.per,
    wrt: chosen.wrt,
    memory: Infinity,
    progress: () => clock.push(performance.now()),
  })
  // Between the first two reports the program is compiled, between the last two a gradient is taken and dotted.
  const seconds = ((clock[2] - clock[1]) * (flags.sketch === undefined ? gradients : n) + clock[1] - clock[0]) / 1000
  return {
    probes: n,
    gradient_bytes: gradientBytes,
    gradients: flags.sketch === undefined ? gradients : n,
    ...(flags.sketch === undefined ? { block } : {}),
    held_bytes: gradientBytes * (flags.sketch === undefined ? Math.min(n, block + 1) : 1),
    seconds,
  }
}

const renderForecast = (f: GramForecast, parameters: string): string =>
  [
    `${f.probes} probes, gradients of ${parameters}: ${memoryText(f.gradient_bytes)} each`,
    `${f.gradients} gradients to compute${f.block === undefined ? '' : `, ${f.block} held at a time`}: ${memoryText(f.held_bytes)} beside the model`,
    `about ${duration(f.seconds * 1000)} at most, by the longest probe`,
  ].join('\n')

interface Made {
  readonly gram: Gram
  readonly se?: Gram
  readonly parts?: ReadonlyMap<string, Gram>
  readonly gradients: number
  readonly block?: number
}

async function compute(
  flags: GramFlags,
  opened: Opened,
  probes: readonly Sequence[],
  reporter: Reporter,
): Promise<Made> {
  const { backend, checkpoint, params, chosen } = opened
  const progress = (done: number, total: number): void =>
    reporter.update({ task: 'gram', done, total, unit: 'gradients' })
  const request = { backend, model: checkpoint.model, params, probes, per: flags.per, wrt: chosen.wrt, progress }
  if (flags.sketch !== undefined) {
    const { gram, se } = await sketchedGram({ ...request, k: flags.sketch, seed: flags.seed })
    return { gram, se, gradients: probes.length }
  }
  const memory = checkMemory(opened, probes.length, flags.memory)
  const { gram, parts, plan } = await gramMatrix({ ...request, memory })
  return { gram, parts, gradients: plan.gradients, block: plan.block }
}

function answerOf(flags: GramFlags, opened: Opened, probes: readonly Probe[], made: Made): GramAnswer {
  const { eigenvalues, effectiveRank, trace } = summariseGram(made.gram)
  const traceOf = ({ n, data }: Gram): number => data.reduce((sum, x, k) => (k % (n + 1) === 0 ? sum + x : sum), 0)
  return {
    model: flags.model,
    per: flags.per,
    parameters: opened.chosen.numbers,
    probes,
    gram: rowsOf(made.gram),
    ...(made.se ? { se: rowsOf(made.se) } : {}),
    cosines: rowsOf(cosines(made.gram)),
    eigenvalues: [...eigenvalues],
    effective_rank: effectiveRank,
    ...(made.parts
      ? { trace_by_part: Object.fromEntries([...made.parts].map(([part, g]) => [part, traceOf(g) / trace])) }
      : {}),
    gradients: made.gradients,
    ...(made.block === undefined ? {} : { block: made.block }),
  }
}

const SHOWN = 48

function render(answer: GramAnswer, { output, env }: Context, parameters: string): string {
  const { probes, gram, eigenvalues, effective_rank, trace_by_part } = answer
  const n = probes.length
  const dim = (text: string): string => output.style('dim', text)
  const drawn = picture(
    answer.cosines.slice(0, SHOWN).map((row) => row.slice(0, SHOWN)),
    { ascii: !speaksUtf8(env), style: output.style },
    1,
  )
  const size = probes.map((_, i) => Math.sqrt(Math.max(0, gram[i][i])))
  const labels = table([
    ['row', 'type', 'tokens', '‖∇‖'],
    ...probes.slice(0, SHOWN).map(({ row, type, tokens }, i) => [String(row), type, String(tokens), brief(size[i])]),
  ], 2)
  const total = eigenvalues.reduce((a, b) => a + b, 0)
  const parts = Object.entries(trace_by_part ?? {})
    .sort(([, a], [, b]) => b - a)
    .slice(0, 6)
    .map(([part, share]) => `${part} ${(100 * share).toFixed(1)} %`)
  const score = answer.per === 'token' ? 'the mean log π per token' : 'Σ log π'
  return [
    `⟨∇s_i, ∇s_j⟩ over ${parameters}, s = ${score} of a response: ${n} × ${n}, cosines`,
    '',
    dim(`${labels[0]}  ${'cosine with each'}`),
    ...labels.slice(1).map((label, i) => `${label}  ${drawn.rows[i]}`),
    ...(n > SHOWN ? [dim(`… the first ${SHOWN} of ${n}; --json or --out has them all`)] : []),
    dim(drawn.legend),
    '',
    `eigenvalues ${eigenvalues.slice(0, 5).map(brief).join(', ')}${n > 5 ? ', …' : ''}: the largest has ${(
      (100 * eigenvalues[0]) /
      total
    ).toFixed(0)} % of the trace; effective rank ${effective_rank.toFixed(2)} of ${n}`,
    ...(parts.length > 1 ? [`trace by part: ${parts.join(', ')}`] : []),
    ...closest(answer),
    ...(answer.se ? [errorsOf(answer)] : []),
    dim(
      `${answer.gradients} gradients computed${answer.block === undefined ? '' : `, ${answer.block} held at a time`}. Positive: raising one raises the other. \`ldyn help kernel\``,
    ),
  ].join('\n')
}

/** The pairs that help and hinder each other most. */
function closest({ probes, cosines: cos }: GramAnswer): string[] {
  const pairs = probes
    .flatMap((a, i) => probes.slice(0, i).map((b, j) => ({ a, b, x: cos[i][j] })))
    .sort((p, q) => q.x - p.x)
  const text = ({ a, b, x }: (typeof pairs)[number]): string =>
    `${x.toFixed(3)} ${b.type} of row ${b.row} with ${a.type} of row ${a.row}`
  return pairs.length === 0
    ? []
    : [`closest: ${text(pairs[0])}${pairs.length > 1 ? `; furthest: ${text(pairs.at(-1)!)}` : ''}`]
}

function errorsOf({ se = [], gram }: GramAnswer): string {
  const ratios = gram.flatMap((row, i) => row.flatMap((x, j) => (i < j ? [Math.abs(x) / se[i][j]] : [])))
  const clear = ratios.filter((r) => r > 2).length
  return `sketched: ${clear} of ${ratios.length} entries are more than two of their stated standard errors from 0`
}
