/**
 * Panels of the training log: what the trainer wrote at each update, under TRL's names. A log of many updates is drawn
 * as its exact envelope, never as a sample of its points.
 */
import { letter, stageMarks, type Line, type Panel } from './lines.ts'
import { looks, runDash, spareLook, type Look } from './response-types.ts'
import type { ScalarColumn } from '@ldyn/runs'
import type { RunData } from './series.ts'

/** Columns of the training log that share a panel, in TRL's names. */
const logs: readonly {
  id: string
  title: string
  unit: string
  says: string
  match: RegExp
  byStage?: boolean
  zero?: boolean
}[] = [
  {
    id: 'loss',
    title: 'Loss',
    unit: 'loss',
    match: /^loss$/,
    byStage: true,
    says: 'What each update minimises, over its own batch. Stages have losses of their own, which cannot be compared.',
  },
  {
    id: 'grad-norm',
    title: 'Gradient norm',
    unit: 'L2 norm',
    match: /^grad_norm$/,
    byStage: true,
    says: 'Global norm of the gradient before clipping.',
  },
  {
    id: 'lr',
    title: 'Learning rate',
    unit: 'learning rate',
    match: /^(lr|learning_rate)$/,
    says: 'As applied, warm-up and schedule included.',
  },
  {
    id: 'rewards',
    title: 'Rewards',
    unit: 'reward',
    match: /^rewards\/(?!accuracies)/,
    zero: true,
    says: 'β(log π − log π_ref) summed over tokens, mean over the batch’s pairs; margins is chosen minus rejected.',
  },
  {
    id: 'accuracies',
    title: 'Reward accuracy',
    unit: 'share of pairs',
    match: /^rewards\/accuracies$/,
    says: 'Share of the batch’s pairs whose chosen reward is the higher one.',
  },
  {
    id: 'batch-logps',
    title: 'Batch log-probabilities',
    unit: 'log π (nats)',
    match: /^logps\//,
    says: 'Mean over the batch of log π summed over tokens. Batches differ, so this is noisier than the probes.',
  },
]

const MAX_POINTS = 400

/**
 * Places of at most `limit` of the values [first, end): the lowest and the highest of each of limit/2 stretches,
 * exactly, in their order. Charts that are live ask for those of every line at every tick.
 */
export const envelope = (
  values: ArrayLike<number>,
  limit: number,
  first = 0,
  end = values.length,
): readonly number[] => {
  const [found, length]: [number[], number] = [[], end - first]
  if (length <= limit) {
    for (let i = first; i < end; i++) found.push(i)
    return found
  }
  const stretches = Math.floor(limit / 2)
  for (let s = 0; s < stretches; s++) {
    const from = first + Math.floor((s * length) / stretches)
    const to = first + Math.floor(((s + 1) * length) / stretches)
    let [low, high] = [from, from]
    for (let i = from; i < to; i++) {
      if (values[i] < values[low]) low = i
      if (values[i] > values[high]) high = i
    }
    found.push(Math.min(low, high))
    if (low !== high) found.push(Math.max(low, high))
  }
  return found
}

// A log that is followed grows in place, ten times a second: its lines are told apart by stage once.
const byStageKept = new WeakMap<readonly string[], { n: number; readonly by: Map<string, number[]> }>()

/** Lines of the column that are of a stage, or all. */
const linesIn = ({ stages, steps }: ScalarColumn, stage: string | undefined): readonly number[] => {
  if (stage === undefined) return Array.from({ length: steps.length }, (_, i) => i)
  const kept = byStageKept.get(stages) ?? { n: 0, by: new Map<string, number[]>() }
  byStageKept.set(stages, kept)
  for (; kept.n < steps.length; kept.n++) {
    const own = kept.by.get(stages[kept.n])
    if (own) own.push(kept.n)
    else kept.by.set(stages[kept.n], [kept.n])
  }
  return kept.by.get(stage) ?? []
}

/** One panel for each group of columns; losses and gradient norms one for each stage. */
export const logPanels = (runs: readonly RunData[]): readonly Panel[] =>
  logs.flatMap(({ id, title, unit, says, match, byStage, zero }) => {
    const stagesShown = byStage
      ? [...new Set(runs.flatMap(({ stages }) => stages.map(({ name }) => name)))]
      : [undefined]
    return stagesShown.flatMap((stage): Panel[] => {
      const names = [
        ...new Set(runs.flatMap(({ scalars }) => [...scalars.keys()].filter((name) => match.test(name)))),
      ]
      let longest = 0
      const lines = names.flatMap((name, k) =>
        runs.flatMap((data, r): Line[] => {
          const column = data.scalars.get(name)
          const all = column ? linesIn(column, stage) : []
          if (!column || all.length === 0) return []
          longest = Math.max(longest, all.length)
          const kept = envelope(
            all.map((i) => column.values[i]),
            MAX_POINTS,
          ).map((i) => all[i])
          return [logLine(column, name, kept, k, runs.length > 1 ? r : undefined)]
        }),
      )
      if (lines.length === 0) return []
      const inside =
        stage === undefined
          ? stageMarks(runs)
          : stageMarks(
              runs.map((data) => ({ ...data, stages: data.stages.filter(({ name }) => name === stage) })),
            )
      return [
        {
          id: stage === undefined ? id : `${id}-${stage}`,
          section: 'training',
          title: stage === undefined ? title : `${title}, ${stage}`,
          says,
          unit,
          lines,
          stages: inside,
          zero,
          ...(longest > MAX_POINTS && {
            thinned:
              `${longest} updates are drawn as the exact lowest and highest value of each of ${MAX_POINTS / 2} stretches; ` +
              '`ldyn export --csv … --scalars` has every one.',
          }),
        },
      ]
    })
  })

const logLook = (short: string, k: number): Look =>
  short === 'chosen' || short === 'target'
    ? looks.chosen
    : short === 'rejected'
      ? looks.rejected
      : short === 'margins'
        ? { ...looks.margin, dash: '6 3' }
        : spareLook(k)

const logLine = (
  column: ScalarColumn,
  name: string,
  kept: readonly number[],
  k: number,
  run: number | undefined,
): Line => {
  const short = name.replace(/^.*\//, '')
  const own = name.startsWith('rewards/') || name.startsWith('logps/') ? logLook(short, k) : spareLook(k)
  return {
    key: run === undefined ? name : `${name} ${letter(run)}`,
    label: run === undefined ? short : `${letter(run)} ${short}`,
    look: { ...own, width: 1.4, dash: run === undefined ? own.dash : runDash(run) },
    steps: kept.map((i) => column.steps[i]),
    stages: kept.map((i) => column.stages[i]),
    mean: kept.map((i) => column.values[i]),
  }
}

/** One column of the log, in full, of every run that has it; undefined where none has. */
export const scalarPanel = (runs: readonly RunData[], name: string): Panel | undefined => {
  const lines = runs.flatMap((data, r): Line[] => {
    const column = data.scalars.get(name)
    return column ? [logLine(column, name, [...column.steps.keys()], 0, runs.length > 1 ? r : undefined)] : []
  })
  return lines.length === 0
    ? undefined
    : {
        id: name,
        section: 'training',
        title: name,
        says: 'What the trainer logged at each update.',
        unit: name,
        lines,
        stages: stageMarks(runs),
      }
}
