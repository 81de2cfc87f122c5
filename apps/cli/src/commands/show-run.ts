/** What `ldyn runs show` tells: the run's facts, how far it got, and each type's first and last log π. */
import { shellWord } from '@ldyn/figures'
import { openRun, type DecompositionLine, type RunEvent } from '@ldyn/runs'
import { directoryFiles, lockHolder } from '@ldyn/runs/node'
import type { Context } from '../context.ts'
import {
  change,
  estimate,
  factsOf,
  gather,
  inOrder,
  type RunData,
  sampleOf,
  show,
  withError,
} from '@ldyn/figures'
import { findRun, printable } from './find-run.ts'
import { columnsOf, stateOf, stateStyle } from './runs.ts'

interface TypeLine {
  readonly type: string
  readonly probes: number
  readonly first: number
  readonly last: number
  /** Mean over probes of each one's own change, and its standard error. */
  readonly change: { readonly mean: number; readonly se: number }
}

export interface Details {
  readonly directory: string
  readonly state: ReturnType<typeof stateOf>
  readonly facts: Readonly<Record<string, string>>
  readonly stages: RunData['stages']
  /** The last step that has an evaluation or a line in the log. */
  readonly step: number
  readonly updates: number
  readonly evaluations: number
  readonly types: readonly TypeLine[]
  readonly checkpoints: readonly { readonly step: number; readonly stage: string; readonly path: string }[]
  /** Updates that were taken apart (observe.decompose): how many, and what their predictions leave, as a share. */
  readonly decomposed?: { readonly updates: number; readonly residual: number }
  readonly warnings: readonly string[]
  /** Bytes of torn tails by file. */
  readonly torn: Readonly<Record<string, number>>
  readonly manifest: RunData['manifest']
}

export async function details(word: string, runsDir: string): Promise<Details> {
  const directory = await findRun(word, runsDir)
  const run = await openRun(directoryFiles(directory))
  const data = await gather(run)
  const live = (await lockHolder(directory)) !== undefined
  const last = data.evaluations.length - 1
  const kind = <T extends RunEvent['type']>(type: T) =>
    run.events.filter((event): event is Extract<RunEvent, { type: T }> => event.type === type)
  return {
    directory,
    state: stateOf({ manifest: data.manifest, live }),
    facts: Object.fromEntries(factsOf(data)),
    stages: data.stages,
    step: Math.max(0, ...data.stages.map(({ to }) => to)),
    updates: data.manifest.stages.reduce((sum, { updates }) => sum + updates, 0),
    evaluations: data.evaluations.length,
    types: inOrder(data.types).flatMap(({ key }): TypeLine[] => {
      const sample = sampleOf(data, 'logp', key)
      if (!sample) return []
      const { mean, se } = change(sample, 0, last)
      const [first, end] = [estimate(sample.at[0]).mean, estimate(sample.at[last]).mean]
      return [{ type: key, probes: sample.probes.length, first, last: end, change: { mean, se } }]
    }),
    checkpoints: kind('checkpoint').map(({ s, stage, path }) => ({ step: s, stage, path })),
    ...(run.decompositions.length > 0 ? { decomposed: decomposedOf(run.decompositions) } : {}),
    warnings: kind('warning').map(({ message }) => message),
    torn: Object.fromEntries(run.torn),
    manifest: data.manifest,
  }
}

/** ‖actual − predicted‖ over ‖actual‖, of all response sums of all decomposed updates. */
export function decomposedOf(lines: readonly DecompositionLine[]): { updates: number; residual: number } {
  const probes = lines.flatMap((line) => line.probes)
  const left = Math.hypot(...probes.map(({ actual, predicted }) => actual - predicted))
  const size = Math.hypot(...probes.map(({ actual }) => actual))
  return { updates: lines.length, residual: size === 0 ? 0 : left / size }
}

export function renderDetails(found: Details, { output }: Context): string {
  const { directory, state, facts, step, updates, types, checkpoints, decomposed, warnings, torn } = found
  const wide = Math.max(...Object.keys(facts).map((name) => name.length))
  const line = (name: string, text: string): string =>
    `${output.style('dim', name.padEnd(wide))}  ${text.split('\n').map(printable).join(`\n${' '.repeat(wide + 2)}`)}`
  const table =
    types.length === 0
      ? []
      : columnsOf([
          ['log π (nats)', 'first', 'last', 'change', 'probes'],
          ...types.map(({ type, first, last, change: { mean, se }, probes }) => [
            printable(type),
            show(first),
            show(last),
            withError(mean, se),
            String(probes),
          ]),
        ]).map((row) => row.join(''))
  return [
    `${printable(directory)}  ${output.style(stateStyle(state), state)}, ${step} of ${updates} updates`,
    ...Object.entries(facts).map(([name, text]) => line(name, text)),
    ...(checkpoints.length > 0
      ? [
          line(
            'Checkpoints',
            `${checkpoints.length}, the last at ${checkpoints.at(-1)!.step}: ${checkpoints.at(-1)!.path}`,
          ),
        ]
      : []),
    ...(decomposed
      ? [
          line(
            'Decomposed',
            `${decomposed.updates} updates, of whose changes the first order leaves ${(100 * decomposed.residual).toFixed(0)} %: ldyn explain --run ${shellWord(directory)}`,
          ),
        ]
      : []),
    ...warnings.slice(-5).map((text) => line('Warning', text)),
    ...Object.entries(torn).map(([path, bytes]) =>
      line('Torn', `${path}: ${bytes} bytes that were never committed; --resume removes them`),
    ),
    ...(table.length > 0 ? ['', output.style('dim', table[0]), ...table.slice(1)] : []),
  ].join('\n')
}
