/**
 * A line is one curve with its errors, a panel some lines on one pair of axes: what charts, tables, terminal plots and
 * descriptions are all made from, so that none can show what another does not.
 */
import { stepName } from './imported.ts'
import { runDash, type Look } from './response-types.ts'
import type { Bend } from './scale.ts'
import { estimate, type RunData, type Sample } from './series.ts'

export interface Line {
  /** Response type, or column of the training log; with the run's letter where there are several. */
  readonly key: string
  /** Written beside the line's end: the response type's key, or where all lines are of one, the run's letter. */
  readonly label: string
  /** The label in plain words, or the run that the letter stands for: behind the label, where there is room. */
  readonly reading?: string
  readonly look: Look
  readonly steps: readonly number[]
  readonly stages: readonly string[]
  readonly mean: readonly number[]
  /** Standard error over probes; absent for training logs. */
  readonly se?: readonly number[]
  /** Probes behind each mean. */
  readonly n?: number
  /** Ends of the band around the line, by point; without them it is the mean ± one standard error. */
  readonly low?: readonly number[]
  readonly high?: readonly number[]
  /** A moving average, drawn over the values, which stay visible. */
  readonly smoothed?: readonly number[]
  /** Where a log does not say how many updates lie between its evaluations: its steps count these. */
  readonly counts?: 'evaluation'
}

/** What the steps of some lines count: "update", "evaluation", or both where lines differ; with `ending` "updates". */
export const countedBy = (lines: readonly Pick<Line, 'counts'>[], ending: '' | 's' = ''): string =>
  [...new Set(lines.length > 0 ? lines.map(({ counts }) => counts ?? 'update') : ['update'])]
    .sort()
    .reverse()
    .map((word) => word + ending)
    .join(' or ')

export type Section = 'overview' | 'logp' | 'others' | 'confidence' | 'training' | 'token'

export interface Panel {
  readonly id: string
  readonly section: Section
  readonly title: string
  /** What is drawn, with its sign: one or two sentences. */
  readonly says: string
  /** Of the vertical axis. */
  readonly unit: string
  readonly lines: readonly Line[]
  /** Where stages begin, by update. The first one's start is no switch. */
  readonly stages: readonly { readonly step: number; readonly name: string }[]
  /** A line at 0 means something here: a margin, a change. */
  readonly zero?: boolean
  /** Said where lines were thinned out for drawing. */
  readonly thinned?: string
  /** What the lines' `steps` are, where they are not updates: examples, minutes. */
  readonly xName?: string
  /** Axes that are not linear. */
  readonly bends?: { readonly x?: Bend; readonly y?: Bend }
}

/** A, B, …, Z, AA, …: names of runs in a figure of several. */
export const letter = (run: number): string =>
  run < 26 ? String.fromCharCode(65 + run) : letter(Math.floor(run / 26) - 1) + letter(run % 26)

/** Runs by their places, neighbours as a span: "A–C, F". */
export const letters = (places: readonly number[]): string => {
  const spans: [number, number][] = []
  for (const place of places) {
    const last = spans.at(-1)
    if (last && last[1] === place - 1) last[1] = place
    else spans.push([place, place])
  }
  return spans
    .map(([from, to]) => (to > from ? `${letter(from)}${to - from > 1 ? '–' : ', '}${letter(to)}` : letter(from)))
    .join(', ')
}

/**
 * The stages of all runs by where they begin; runs that switch at the same place share a mark, and a stage that does
 * not begin there in every run names those in which it does. `at` is where an update of a run lies on the axis.
 */
export const stageMarks = (
  runs: readonly Pick<RunData, 'stages'>[],
  at: (step: number, run: number) => number = (step) => step,
): Panel['stages'] => {
  const starts = new Map<number, Map<string, number[]>>()
  runs.forEach(({ stages }, r) => {
    for (const { from, name } of stages) {
      const place = at(from, r)
      const here = starts.get(place) ?? new Map<string, number[]>()
      starts.set(place, here.set(name, [...(here.get(name) ?? []), r]))
    }
  })
  return [...starts]
    .sort(([a], [b]) => a - b)
    .map(([step, here]) => ({
      step,
      name: [...here].map(([name, of]) => (of.length === runs.length ? name : `${name} ${letters(of)}`)).join(' / '),
    }))
}

/**
 * The stage from whose start runs of unlike length are best compared: the last one that all of them have; undefined
 * where there is none, and where it begins at the same update in all.
 */
export const sharedStage = (runs: readonly Pick<RunData, 'stages'>[]): string | undefined => {
  const [first, ...others] = runs
  const shared = first?.stages.findLast(({ name }) =>
    others.every(({ stages }) => stages.some((one) => one.name === name)),
  )
  const starts = shared && runs.map((run) => stageStart(run, shared.name))
  return starts && new Set(starts).size > 1 ? shared.name : undefined
}

/** The update at which a run begins a stage. */
export const stageStart = ({ stages }: Pick<RunData, 'stages'>, name: string): number | undefined =>
  stages.find((stage) => stage.name === name)?.from

const toLine = (data: RunData, sample: Sample, own: Pick<Line, 'key' | 'label' | 'reading' | 'look'>): Line => {
  const points = sample.at.map(estimate)
  return {
    ...own,
    steps: data.evaluations.map(({ step }) => step),
    stages: data.evaluations.map(({ stage }) => stage),
    mean: points.map(({ mean }) => mean),
    se: points.map(({ se }) => se),
    n: sample.probes.length,
    ...(stepName(data) === 'evaluation' && { counts: 'evaluation' as const }),
  }
}

/** A thing to draw for every run that has it. */
export interface Drawn {
  readonly key: string
  readonly label: string
  readonly reading?: string
  readonly look: Look
  readonly of: (data: RunData) => Sample | undefined
}

/**
 * One line for each thing and run that has it. With several runs the dash says the run, and the label its letter; of
 * one thing alone the letter is all, since the figure's title says what it is.
 */
export const drawLines = (runs: readonly RunData[], things: readonly Drawn[]): readonly Line[] =>
  things.flatMap(({ of, ...thing }) =>
    runs.flatMap((data, r) => {
      const sample = of(data)
      if (!sample || sample.probes.length === 0) return []
      if (runs.length === 1) return [toLine(data, sample, thing)]
      const own = { key: `${thing.key} ${letter(r)}`, look: { ...thing.look, dash: runDash(r) } }
      const name =
        things.length === 1
          ? { label: letter(r), reading: data.id }
          : { label: `${letter(r)} ${thing.label}`, reading: thing.reading }
      return [toLine(data, sample, { ...own, ...name })]
    }),
  )

/** The panel with the points of one stage alone; undefined where no line has any. */
export const onlyStage = (panel: Panel, stage: string): Panel | undefined => {
  const lines = panel.lines.flatMap((line): Line[] => {
    const kept = [...line.steps.keys()].filter((i) => line.stages[i] === stage)
    const pick = (values: readonly number[]) => kept.map((i) => values[i])
    return kept.length === 0
      ? []
      : [
          {
            ...line,
            steps: pick(line.steps),
            stages: kept.map((i) => line.stages[i]),
            mean: pick(line.mean),
            ...(line.se && { se: pick(line.se) }),
            ...(line.low && { low: pick(line.low) }),
            ...(line.high && { high: pick(line.high) }),
            ...(line.smoothed && { smoothed: pick(line.smoothed) }),
          },
        ]
  })
  return lines.length === 0
    ? undefined
    : // A mark of several runs names them: what is left of all marks is where the lines begin.
      { ...panel, lines, stages: [{ step: Math.min(...lines.map(({ steps }) => steps[0])), name: stage }] }
}
