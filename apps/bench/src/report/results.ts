/** The results as text: what was measured, beside what it is measured against. Facts only; the reader judges. */
import { JVP_ROUNDS, RELEASED_ROUNDS, type OurTiming, type ShapeResult, type Timing } from '../compare.ts'
import { FORMULA, type Flops } from '../flops.ts'
import type { Machine } from '../machine.ts'
import { PAIRS, PROBE_RESPONSES, PROMPT, RESPONSE } from '../shapes.ts'
import { median } from '../statistics.ts'
import { memory, percent, seconds, table, times } from './table.ts'

export interface Report {
  readonly date: string
  readonly machine: Machine
  readonly threads: number
  readonly repeat: number
  readonly spin: boolean
  readonly shapes: readonly ShapeResult[]
  /** Why there is no peer, where there is none. */
  readonly withoutPeer?: string
}

/** The shape that the targets are for. */
export const TARGET_SHAPE = 'smollm2-135m'
/** Sides must agree to this, relative. */
export const TOLERANCE = 1e-3

export const best = (t: Timing): number => Math.min(...t.seconds)
const peak = (gflops: readonly number[]): number => Math.max(...gflops)
const both = (t: Timing): string => `${seconds(best(t))} (${seconds(median(t.seconds))})`
const faster = (a: Timing, b: Timing): Timing => (best(a) <= best(b) ? a : b)

/** Necessary (or other) FLOPs over the best time, as a share of the best matmul rate. */
export const shareOf = (flops: number, t: Timing, gflops: readonly number[]): number =>
  flops / best(t) / 1e9 / peak(gflops)

/** The time outside the engine's run, as a share of the whole; the median of the rounds. */
export const hostShare = (t: OurTiming): number => median(t.seconds.map((s, i) => 1 - t.engineSeconds[i] / s))

/** Agreements that are out of tolerance; a NaN is. */
export const disagreements = (shapes: readonly ShapeResult[]): string[] =>
  shapes.flatMap(({ shape, agreement }) =>
    Object.entries(agreement)
      .filter(([, d]) => !(d <= TOLERANCE))
      .map(([what, d]) => `${what} of ${shape} deviates by ${d.toExponential(1)} (allowed ${TOLERANCE})`),
  )

export function results(report: Report): string {
  const compared = report.shapes.some((s) => s.theirs)
  const title = compared ? 'ldyn beside PyTorch' : 'ldyn alone'
  return [
    `# ${title}`,
    circumstances(report),
    report.withoutPeer === undefined ? '' : `No peer was run: ${report.withoutPeer}`,
    compared ? section('Time', speed(report.shapes)) : '',
    section('Share of the matmul peak', shares(report.shapes)),
    section('Memory and compile time', costs(report.shapes)),
    section('One jvp of all probes', jvps(report.shapes)),
    report.shapes.some((s) => s.shape === TARGET_SHAPE) ? section(`Targets at ${TARGET_SHAPE}`, targets(report)) : '',
    compared ? section('Agreement', agreement(report.shapes)) : '',
  ].filter(Boolean).join('\n\n') + '\n'
}

const section = (title: string, body: string): string => `## ${title}\n\n${body}`

function circumstances({ date, machine, threads, repeat, spin, shapes }: Report): string {
  const ours = shapes[0]?.ours.ready.versions ?? {}
  const theirs = shapes.find((s) => s.theirs)?.theirs?.ready.versions ?? {}
  const versions = (v: Readonly<Record<string, string>>): string =>
    Object.entries(v).map(([name, version]) => `${name} ${version}`).join(', ')
  const idle = shapes.map((s) => s.idleCpuShare).filter((s) => s !== undefined)
  return [
    `- ${date}; ${machine.cpu}; ${machine.cores} cores, ${machine.memoryGib} GiB; ${machine.system}; load before the run ${machine.load.toFixed(2)}`,
    `- ${[versions(ours), versions(theirs)].filter(Boolean).join('; ')}; ${threads} threads${shapes.some((s) => s.theirs) ? ' on each side' : ''}, f32${spin ? '' : ', ours without spinning'}`,
    `- One prompt of ${PROMPT} tokens, responses of ${RESPONSE}. Probes: ${PROBE_RESPONSES} responses of one prompt. DPO step: ${PAIRS} pairs, clipping, RMSprop.`,
    `- After a warm-up, timed rounds in which the sides take turns: ${repeat} (the released way ${RELEASED_ROUNDS}, the jvp ${Math.min(repeat, JVP_ROUNDS)}). Times are the minimum, and in brackets the median.`,
    idle.length === 0
      ? ''
      : `- While one side worked, the idle one used ${percent(Math.max(...idle))} of a core at most.`,
  ].filter(Boolean).join('\n')
}

const rates = ({ ours, theirs }: ShapeResult): string =>
  `${peak(ours.matmul).toFixed(0)} / ${theirs ? peak(theirs.matmul).toFixed(0) : '–'}`

function speed(shapes: readonly ShapeResult[]): string {
  const rows = shapes.flatMap((s) => {
    const { shape, ours, theirs } = s
    if (!theirs) return []
    const row = (job: string, mine: Timing, fast: Timing, released: Timing): string[] => [
      `${shape}, ${job}`, both(mine), both(fast), times(best(fast) / best(mine)), both(released),
      times(best(released) / best(mine)), rates(s),
    ]
    return [
      row('probes', ours.probe, faster(theirs.probeBatch, theirs.probeEach), theirs.probeReleased),
      row('DPO step', ours.step, theirs.step, theirs.stepReleased),
    ]
  })
  const head = ['', 'ldyn', 'PyTorch, lean', 'ratio', 'PyTorch, released way', 'ratio', 'matmul GFLOP/s, ldyn / PyTorch']
  return [
    table(head, rows),
    'PyTorch repeats the prompt for every response and computes logits at every position. *Lean* makes as few tensors of the '
      + "vocabulary's size as it can, and of probes it is the faster of one batch and one by one; the *released way* makes the released "
      + "code's, and evaluates one by one. Ratios are of minima, and depend on both matmul rates (fp32, 2048³, the best of the run).",
  ].join('\n\n')
}

function shares(shapes: readonly ShapeResult[]): string {
  const rows = shapes.flatMap(({ shape, ours, flops }) => {
    const row = (job: string, { necessary, wholeSquares }: Flops, t: Timing): string[] => [
      `${shape}, ${job}`, (necessary / 1e9).toFixed(1), seconds(best(t)), (necessary / best(t) / 1e9).toFixed(0),
      peak(ours.matmul).toFixed(0), percent(shareOf(necessary, t, ours.matmul)),
      percent(shareOf(wholeSquares, t, ours.matmul)),
    ]
    return [row('probes', flops.probe, ours.probe), row('DPO step', flops.step, ours.step)]
  })
  const head = ['ldyn', 'necessary GFLOP', 'time', 'GFLOP/s', 'matmul peak', 'share', 'share, whole squares']
  return [
    table(head, rows),
    `Necessary: ${FORMULA}, each prompt once; a step three times that. The matmul peak is ONNX Runtime's own at fp32 2048³, `
      + 'through the same backend in the same run. *Whole squares* counts every pair of positions of a packed row, masked ones too.',
  ].join('\n\n')
}

function costs(shapes: readonly ShapeResult[]): string {
  const rows = shapes.flatMap(({ shape, ours, theirs }) => {
    const row = (job: string, mine: OurTiming, other: Timing | undefined, released: Timing | undefined): string[] => [
      `${shape}, ${job}`, memory(mine.peakRssMb), other ? memory(other.peakRssMb) : '–',
      released ? memory(released.peakRssMb) : '–', seconds(mine.onceSeconds), nodesOf(mine), percent(hostShare(mine)),
    ]
    const lean = theirs && faster(theirs.probeBatch, theirs.probeEach)
    return [
      row('probes', ours.probe, lean, theirs?.probeReleased),
      row('DPO step', ours.step, theirs?.step, theirs?.stepReleased),
    ]
  })
  const head = ['', 'peak ldyn', 'PyTorch, lean', 'released way', 'paid once', 'graph nodes', 'outside the engine']
  return [
    table(head, rows),
    'Peak resident memory of the process during the job. *Paid once* is tracing, compiling and the first run beyond a later one. '
      + "*Outside the engine* is the share of a run's time that is not ONNX Runtime's.",
  ].join('\n\n')
}

const nodesOf = (t: OurTiming): string => String(Math.max(0, ...t.compiled.map((c) => c.nodes)))

/** Response tokens of the probe row. */
const TOKENS = PROBE_RESPONSES * RESPONSE

/** A further direction's time over the plain evaluation. */
const furtherOf = ({ jvp2, jvp, forward }: ShapeResult['ours']): number => (best(jvp2) - best(jvp)) / best(forward)
/** One token's gradient dot product over a token's share of the jvp. */
const perTokenOf = ({ dot, jvp }: ShapeResult['ours']): number => best(dot) / (best(jvp) / TOKENS)

function jvps(shapes: readonly ShapeResult[]): string {
  const rows = shapes.map(({ shape, ours }) => {
    const { forward, jvp, jvp2, dot, probe } = ours
    return [
      shape, both(forward), both(jvp), times(best(jvp) / best(forward)), times(best(jvp) / best(probe)), both(jvp2),
      times(furtherOf(ours)), both(dot), times(perTokenOf(ours)), memory(jvp.peakRssMb),
    ]
  })
  const head = [
    '', 'log-probs', 'log-probs and jvp', 'ratio', 'over the probe evaluation', 'two directions', 'the second',
    'one gradient, dotted', 'per token', 'peak',
  ]
  return [
    table(head, rows),
    'The log-probs of the probe row, and the same with their change along one and along two directions of all weights, in one '
      + 'program; *the second* is what the second direction adds, over the log-probs alone. *One gradient, dotted*: the other way '
      + `to one token's change, its gradient (its response alone behind the prompt) times the direction; *per token* is that over the jvp's share of each of the ${TOKENS} tokens.`,
  ].join('\n\n')
}

function targets({ shapes }: Report): string {
  const { ours, flops } = shapes.find((s) => s.shape === TARGET_SHAPE)!
  const row = (what: string, wanted: string, reached: string, met: boolean): string[] =>
    [what, wanted, reached, met ? 'yes' : 'no']
  const share = (count: Flops, t: Timing, least: number): [string, boolean] => {
    const [necessary, whole] = [count.necessary, count.wholeSquares].map((n) => shareOf(n, t, ours.matmul))
    return [`${percent(necessary)} (whole squares: ${percent(whole)})`, necessary >= least]
  }
  const along = best(ours.jvp) / best(ours.forward)
  const once = Math.max(ours.probe.onceSeconds, ours.step.onceSeconds, ours.jvp.onceSeconds)
  return table(['', 'target', 'reached', 'met'], [
    row('probes, share of the matmul peak', '≥ 70 %', ...share(flops.probe, ours.probe, 0.7)),
    row('DPO step, share of the matmul peak', '≥ 65 %', ...share(flops.step, ours.step, 0.65)),
    row('jvp of all probes over their forward pass', '≤ 3.2×', times(along), along <= 3.2),
    row('each further direction', '≤ 2.2×', times(furtherOf(ours)), furtherOf(ours) <= 2.2),
    row('a gradient dot product over the jvp, per probe token', '≥ 20×', times(perTokenOf(ours)), perTokenOf(ours) >= 20),
    row('step outside the engine', '< 5 %', percent(hostShare(ours.step)), hostShare(ours.step) < 0.05),
    row('compiling the largest program', '≤ 20 s', seconds(once), once <= 20),
  ])
}

function agreement(shapes: readonly ShapeResult[]): string {
  const names = Object.keys(shapes.find((s) => s.theirs)?.agreement ?? {})
  const rows = shapes.map((s) => [s.shape, ...names.map((n) => s.agreement[n]?.toExponential(1) ?? '–')])
  return [
    table(['', ...names], rows),
    `Largest relative deviation of the rounds, from the same weights; ${TOLERANCE} is allowed.`,
  ].join('\n\n')
}
