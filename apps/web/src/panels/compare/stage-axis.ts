// Axes from the start of a stage (ux.md §5.8): runs whose earlier stages differ in length meet where the stage begins
// that all of them have, so that 0 is the same moment of each.
import { letter, list, sharedStage, stageStart } from '@ldyn/figures'
import type { LiveData } from '../../data/live-run.ts'
import type { Axis } from '../../drawing/align.ts'
import type { Along, View } from '../../state/address.ts'
import { alongText, axesOf } from '../dynamics/axis.ts'

/** The setting that counts from each run's own first update. */
export const FROM_FIRST = '0'

/** Stages that all runs have, in the order of the first. */
export const stagesOfAll = ([first, ...others]: readonly Pick<LiveData, 'stages'>[]): readonly string[] =>
  first.stages.map(({ name }) => name).filter(name => others.every(run => stageStart(run, name) !== undefined))

/**
 * The stage whose start is 0: the one that was asked for, else the last one that all runs share, where they do not
 * begin it at one update. Undefined counts from each run's first update.
 */
export const alignedStage = (
  runs: readonly Pick<LiveData, 'stages'>[],
  asked: View['alignAt'],
): string | undefined =>
  asked === undefined
    ? runs.length > 1
      ? sharedStage(runs)
      : undefined
    : stagesOfAll(runs).find(name => name === asked && asked !== FROM_FIRST)

/** Why the stage that was asked for is not where the axis begins; undefined where it is. */
export const whyNotAligned = (runs: readonly Pick<LiveData, 'stages'>[], asked: View['alignAt']): string | undefined => {
  if (asked === undefined || asked === FROM_FIRST || stagesOfAll(runs).includes(asked)) return undefined
  const without = runs.flatMap((run, r) => (stageStart(run, asked) === undefined ? [letter(r)] : []))
  return `${list(without)} ${without.length === 1 ? 'has' : 'have'} no stage ${asked}, so each run counts from its own start.`
}

/** The axes of runs that are compared; undefined where each simply counts its updates. */
export const comparedAxes = (
  runs: readonly LiveData[],
  along: Along,
  stage: string | undefined,
): readonly Axis[] | undefined => {
  const axes = axesOf(runs, along)
  if (stage === undefined) return axes
  const steps: Axis = { name: alongText(runs, 'step'), at: step => step, stepAt: x => x }
  return runs.map((run, r) => {
    const axis = axes?.[r] ?? steps
    const zero = axis.at(stageStart(run, stage)!)
    return {
      name: `${axis.name} from the start of ${stage}`,
      at: step => axis.at(step) - zero,
      stepAt: x => axis.stepAt(x + zero),
    }
  })
}
