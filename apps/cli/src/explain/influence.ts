/**
 * Accumulated influence over a run (paper.md Fig. 3, last panel): what learning one type did to every observed type,
 * from the exact first-order predictions of `observe.decompose`, beside the published proxy SignDelta; and which
 * updates and examples made an observed type fall.
 *
 * Exact: Σ over decomposed updates of a direction's predicted Δ Σ log π, mean over probes, times the updates that each
 * stands for (the stage's, over those that were decomposed). Proxy: Σ over consecutive evaluations of
 * mean(δ)/(√mean ‖A‖ · mean p_e), of whatever the stage learned: it cannot tell y⁺ from y⁻.
 */
import { publishedProxies } from '@ldyn/core'
import { gather, list, plural, sampleOf, show, signed, type RunData } from '@ldyn/figures'
import { learnedType } from '@ldyn/figures/paper'
import { openRun, type DecompositionLine, type Run } from '@ldyn/runs'
import { directoryFiles } from '@ldyn/runs/node'
import { findRun } from '../commands/find-run.ts'
import { decomposedOf } from '../commands/show-run.ts'
import { CliError } from '../contract/errors.ts'
import { heatSvg } from './heat.ts'
import type { Answer } from './words.ts'

export interface LearnedInfluence {
  readonly stage: string
  /** What was learned: chosen, rejected, nll, …; carry-over or decay. */
  readonly learned: string
  /** Nats a probe by observed type, over the whole stage. */
  readonly exact: Readonly<Record<string, number>>
}

export interface StageInfluence {
  readonly stage: string
  readonly updates: number
  readonly decomposed: number
  /** Σ SignDelta′ by observed type, without unit. */
  readonly proxy: Readonly<Record<string, number>>
  /** What really happened to the type, first evaluation of the stage to last. */
  readonly actual: Readonly<Record<string, number>>
}

/** Whose part of a fall this is. */
export interface Culprit {
  readonly name: string
  /** Nats a probe. */
  readonly change: number
  /** Of all that fell. */
  readonly share: number
}

export interface Influence {
  readonly schema: 'ldyn.explain.run/1'
  readonly run: string
  readonly observed: readonly string[]
  readonly learned: readonly LearnedInfluence[]
  readonly stages: readonly StageInfluence[]
  /** ‖actual − predicted‖ over ‖actual‖ of all response sums of all decomposed updates. */
  readonly residual: number
  readonly fall: {
    readonly type: string
    /** Σ of all changes below 0 among the decomposed updates. */
    readonly total: number
    /** The fewest updates that make 70 % of it; `name` is stage and step. */
    readonly updates: readonly Culprit[]
    readonly decomposed: number
    /** The same by example, from predictions; there where the run told examples apart. `name` is the data row. */
    readonly examples: readonly Culprit[]
    readonly ofExamples: number
  }
}

/** Throws CliError where the run has nothing decomposed, and what reading a run throws. */
export async function influenceOf(word: string, runsDir: string): Promise<Influence> {
  const directory = await findRun(word, runsDir)
  const run = await openRun(directoryFiles(directory))
  if (run.decompositions.length === 0)
    throw new CliError({
      code: 'LD2003',
      what: 'no update of the run was decomposed',
      where: directory,
      why: 'that is done while it trains',
      fix: 'train with observe.decompose.every, for example --set observe.decompose.every=10',
    })
  return accumulate(run, await gather(run))
}

export function accumulate(run: Run, data: RunData): Influence {
  const lines = run.decompositions
  const observed = [...new Set(lines.flatMap(({ probes }) => probes.map(({ type }) => type)))]
  const stages = [...new Set(lines.map(({ stage }) => stage))]
  return {
    schema: 'ldyn.explain.run/1',
    run: run.manifest.id,
    observed,
    learned: stages.flatMap((stage) => learnedIn(stage, lines, data, observed)),
    stages: stages.map((stage) => stageOf(stage, lines, data, observed)),
    residual: decomposedOf(lines).residual,
    fall: fallOf(lines, observed),
  }
}

const updatesOf = (stage: string, data: RunData): number => {
  const span = data.stages.find(({ name }) => name === stage)
  return span ? span.to - span.from : 0
}

/** Mean over the probes of a type of a figure, in one line; 0 where the line has none. */
function meanOver(
  { probes }: DecompositionLine,
  type: string,
  figure: (probe: DecompositionLine['probes'][number]) => number,
): number {
  const own = probes.filter((probe) => probe.type === type)
  return own.length === 0 ? 0 : own.reduce((n, probe) => n + figure(probe), 0) / own.length
}

function learnedIn(
  stage: string,
  all: readonly DecompositionLine[],
  data: RunData,
  observed: readonly string[],
): LearnedInfluence[] {
  const lines = all.filter((line) => line.stage === stage)
  const standsFor = updatesOf(stage, data) / lines.length
  const directions = (line: DecompositionLine): string[] => [
    ...new Set(line.probes.flatMap((p) => Object.keys(p.directions))),
  ]
  const learned = [...new Set(lines.flatMap((line) => directions(line).map(learnedType)))]
  return learned.map((name) => ({
    stage,
    learned: name,
    exact: Object.fromEntries(
      observed.map((type) => {
        const sum = lines.reduce(
          (n, line) =>
            n +
            meanOver(line, type, (probe) =>
              Object.entries(probe.directions).reduce(
                (m, [d, x]) => m + (learnedType(d) === name ? x : 0),
                0,
              ),
            ),
          0,
        )
        return [type, standsFor * sum]
      }),
    ),
  }))
}

function stageOf(
  stage: string,
  all: readonly DecompositionLine[],
  data: RunData,
  observed: readonly string[],
): StageInfluence {
  const decomposed = all.filter((line) => line.stage === stage).length
  const span = data.stages.find(({ name }) => name === stage)
  const within = data.evaluations.flatMap(({ step }, i) =>
    span && step >= span.from && step <= span.to ? [i] : [],
  )
  const proxy: Record<string, number> = {}
  const actual: Record<string, number> = {}
  for (const type of observed) {
    const [logp, aNorm, pError] = ['logp', 'a_norm', 'p_e'].map((metric) => sampleOf(data, metric, type))
    if (!logp || !aNorm || !pError || within.length < 2) continue
    proxy[type] = within.slice(1).reduce((sum, i, k) => {
      const before = within[k]
      const delta = logp.at[i].map((x, p) => x - logp.at[before][p])
      return sum + publishedProxies({ delta, aNorm: aNorm.at[before], pError: pError.at[before] }).signDelta
    }, 0)
    const moved = logp.at[within.at(-1)!].map((x, p) => x - logp.at[within[0]][p])
    actual[type] = moved.reduce((n, x) => n + x, 0) / moved.length
  }
  return { stage, updates: updatesOf(stage, data), decomposed, proxy, actual }
}

/** The fewest, from the largest on, that make up a share of the whole. */
function fewest(
  items: readonly { readonly name: string; readonly change: number }[],
  share: number,
): Culprit[] {
  const falls = items.filter(({ change }) => change < 0).sort((a, b) => a.change - b.change)
  const total = falls.reduce((n, { change }) => n + change, 0)
  const found: Culprit[] = []
  let sofar = 0
  for (const { name, change } of falls) {
    if (sofar / total >= share) break
    found.push({ name, change, share: change / total })
    sofar += change
  }
  return found
}

const SHARE = 0.7

function fallOf(lines: readonly DecompositionLine[], observed: readonly string[]): Influence['fall'] {
  const change = (line: DecompositionLine, type: string): number =>
    meanOver(line, type, ({ actual }) => actual)
  const falls = (type: string): number => lines.reduce((n, line) => n + Math.min(0, change(line, type)), 0)
  const type = observed.includes('chosen')
    ? 'chosen'
    : observed.reduce((a, b) => (falls(b) < falls(a) ? b : a))
  const updates = lines.map((line) => ({ name: `${line.stage} ${line.s}`, change: change(line, type) }))
  const examples = new Map<string, number>()
  for (const line of lines) {
    const names = new Set(line.probes.flatMap((p) => Object.keys(p.directions)))
    for (const name of names) {
      const row = name.split(' ')[0]
      if (!/^\d+$/.test(row)) continue
      examples.set(
        row,
        (examples.get(row) ?? 0) + meanOver(line, type, ({ directions }) => directions[name] ?? 0),
      )
    }
  }
  const byExample = [...examples].map(([name, sum]) => ({ name, change: sum }))
  return {
    type,
    total: falls(type),
    updates: fewest(updates, SHARE),
    decomposed: lines.length,
    examples: fewest(byExample, SHARE),
    ofExamples: examples.size,
  }
}

/** Share of a change from which on its first order is no account of it. */
const POOR = 0.25

const percent = (share: number): string => `${(100 * share).toFixed(0)} %`
const shareOf = (culprits: readonly Culprit[]): number => culprits.reduce((n, { share }) => n + share, 0)

export function influenceAnswer({ run, observed, learned, stages, residual, fall }: Influence): Answer {
  const { type, total, updates, decomposed, examples, ofExamples } = fall
  const some = (culprits: readonly Culprit[]): string =>
    `${list(culprits.slice(0, 5).map(({ name, change }) => `${name} (${signed(change)})`))}${
      culprits.length > 5 ? ', …' : ''
    }`
  const whose =
    total === 0
      ? `'${type}' fell in none of the ${plural(decomposed, 'decomposed update')}.`
      : `Of the ${plural(decomposed, 'decomposed update')}, ${updates.length} caused ${percent(
          shareOf(updates),
        )} of the fall of ` +
        `'${type}' (${show(-total)} nats a probe in all): ${some(updates)}.` +
        (examples.length > 0
          ? ` By example, ${examples.length} of ${ofExamples} made ${percent(
              shareOf(examples),
            )} of what pushed it down: rows ${some(examples)}.`
          : '')
  const strongest = learned.flatMap((l) =>
    Object.entries(l.exact).map(([o, x]) => ({ ...l, observed: o, x })),
  )
  const [most] = [...strongest].sort((a, b) => Math.abs(b.x) - Math.abs(a.x))
  const columns = [
    ...learned.map(({ stage, learned: name, exact }) => ({ head: `${stage}: ${name}`, of: exact })),
    ...stages.map(({ stage, proxy }) => ({ head: `${stage} SignDelta`, of: proxy })),
    ...stages.map(({ stage, actual }) => ({ head: `${stage} actual`, of: actual })),
  ]
  const title = `${run}: what learning did to what was observed`
  return {
    title,
    paragraph:
      `${whose} The strongest accumulated influence: learning '${most.learned}' in stage ${most.stage} moved ` +
      `'${most.observed}' by ${signed(most.x)} nats a probe.`,
    table: [
      ['observed', ...columns.map(({ head }) => head)],
      ...observed.map((o) => [o, ...columns.map(({ of }) => (o in of ? signed(of[o]) : '·'))]),
    ],
    bars: observed.map((o) => ({
      title: `observed ${o}`,
      bars: learned.map(({ stage, learned: name, exact }) => ({
        label: `${stage}: ${name}`,
        value: exact[o],
      })),
    })),
    svg: heatSvg(title, observed, columns),
    notes: [
      residual > POOR
        ? `Caution: the first order leaves ${percent(residual)} of what single updates did, so steps were too large for ` +
          'its figures to add up to what happened; a lower learning rate makes them exact.'
        : `The first order leaves ${percent(residual)} of what single updates did.`,
      ...stages.map(
        ({ stage, updates: n, decomposed: k }) =>
          `${stage}: ${k} of ${plural(n, 'update')} decomposed${
            k > 0 && n > k ? `, each standing for ${show(n / k)}` : ''
          }.`,
      ),
      'Exact: Σ of first-order predictions by direction, nats a probe. SignDelta is the published proxy (no unit), which ' +
        'cannot tell the directions of a stage apart. Definitions: ldyn help explain.',
    ],
  }
}
