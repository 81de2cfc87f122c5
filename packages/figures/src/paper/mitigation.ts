/** Figure 5: baseline against extend (SFT on y⁺ and on y⁻ before DPO), on the same axes. */
import { compareRuns } from '../comparing.ts'
import { letter, sharedStage, stageMarks, stageStart } from '../lines.ts'
import { looks, runDash, type Look, type Marker } from '../response-types.ts'
import { argmaxType, stepName } from '../imported.ts'
import { bandsText, cautions, dataDiffers, lacksTypes, preference, trainLine } from './about.ts'
import { argmaxCurves, argmaxEntry, typeCurves, typeEntries, typesNamed } from './curves.ts'
import { notDrawn, type Curve, type CurvesPanel, type PaperFigure, type PaperRun } from './model.ts'
import { logpLabel, perText } from './per-token.ts'

const OTHERS = [
  'chosen_gptsemantic',
  'chosen_gptformat',
  'reject_gptsemantic',
  'reject_gptformat',
  'random_permute',
]
/** Where a run has none of the paper's others. */
const INSTEAD = ['irr_train', 'irr_test', 'irr_hum', 'random_nonhum']
const MARKERS: readonly Marker[] = ['circle', 'square', 'triangle', 'diamond']

const runLook = (look: Look, r: number): Look => ({
  ...look,
  dash: runDash(r),
  marker: MARKERS[r % MARKERS.length],
})

/** Where on the axis an update lies: 0 is where the stage begins that all runs end with, where they reach it apart. */
const placing = (runs: readonly PaperRun[]): ((step: number, run: number) => number) => {
  const stage = sharedStage(runs)
  const starts = runs.map((run) => (stage === undefined ? 0 : stageStart(run, stage)!))
  return (step, r) => step - starts[r]
}

/** A thing of every run: the colour is the thing's, dash and marker the run's. */
const ofRuns = (runs: readonly PaperRun[], curves: (run: PaperRun) => readonly Curve[]): readonly Curve[] => {
  const at = placing(runs)
  return runs.flatMap((run, r) =>
    curves(run).map((curve) => ({
      ...curve,
      x: curve.x.map((step) => at(step, r)),
      key: `${letter(r)} ${curve.key}`,
      label: letter(r),
      look: runLook(curve.look, r),
    })),
  )
}

export const figure5 = (runs: readonly PaperRun[]): PaperFigure => {
  const base = {
    id: 'fig5' as const,
    name: 'Figure 5',
    file: 'fig5',
    runs: runs.map(({ id }) => id),
    title: 'Baseline against extend',
    across: 2,
  }
  const [first] = runs
  if (runs.length < 2 || runs.every((run) => run.evaluations.length < 2)) {
    return notDrawn(base, {
      what: 'The figure compares runs: a baseline (SFT, then DPO) with one whose SFT learned both responses (extend). One run is given.',
      command: trainLine(first, first.stages[0]?.name === 'extend' ? 'sft,dpo' : 'extend,dpo'),
    })
  }
  const all = (run: PaperRun): readonly number[] => run.evaluations.map((_, e) => e)
  const stages = stageMarks(runs, placing(runs))
  const aligned = sharedStage(runs)
  const steps = [...new Set(runs.map(stepName))]
  const has = (key: string): boolean => runs.some(({ types }) => types.includes(key))
  const others = OTHERS.some(has) ? OTHERS.filter(has) : INSTEAD.filter(has)
  const panel = (title: string, curves: readonly Curve[], ends = true): CurvesPanel[] =>
    curves.length === 0
      ? []
      : [
          {
            kind: 'curves',
            title,
            xLabel: `${steps.join(' or ')}s${aligned === undefined ? '' : ` from the start of ${aligned}`}`,
            yLabel: logpLabel(first),
            curves,
            stages,
            ends,
          },
        ]
  const only = (key: string): readonly Curve[] =>
    ofRuns(runs, (run) => typeCurves(run, typesNamed([key], run), all(run)))
  const otherCurves = ofRuns(runs, (run) => typeCurves(run, typesNamed(others, run), all(run))).map(
    ({ error: _, ...curve }) => curve,
  )
  const panels = [
    ...panel('Preferred response', only('chosen')),
    ...panel('Dispreferred response', only('rejected')),
    ...panel('Other responses', otherCurves, false),
    ...panel(
      'Argmax: the greedy token',
      ofRuns(runs, (run) => argmaxCurves(run, all(run))),
    ),
  ]
  const shown = ['chosen', 'rejected', ...others].filter(has)
  const owners = new Set(runs.map(argmaxType))
  return {
    ...base,
    title: runs.length === 2 ? 'Baseline against extend' : `${runs.length} runs side by side`,
    caption: captionOf(runs),
    differs: [
      ...new Set(runs.flatMap(dataDiffers)),
      ...(runs.some(({ stages: own }) => own.some(({ name }) => name === 'extend'))
        ? []
        : ['None of the runs has a stage named extend: this compares them all the same.']),
      ...(owners.size > 1
        ? ['CAUTION: the runs’ argmax curves are those of different response types, and cannot be compared.']
        : []),
      ...new Set(runs.flatMap((run) => cautions(run, ['argmax_logp']))),
    ],
    lacks: [
      ...runs.flatMap((run, r) =>
        preference(run)
          ? []
          : [
              {
                what: `${letter(r)} (${run.id}) has no preference training`,
                command: trainLine(run, `${run.stages[0]?.name ?? 'sft'},dpo`),
              },
            ],
      ),
      ...lacksTypes(
        first,
        OTHERS.filter((key) => !has(key)),
        'Other responses',
      ),
    ],
    panels,
    legend: [
      ...runs.map((run, r) => ({
        key: `run ${letter(r)}`,
        label: letter(r),
        says: run.id,
        look: runLook(looks.initial, r),
      })),
      ...[
        ...typeEntries(shown),
        ...(panels.some(({ title }) => title.startsWith('Argmax')) ? [argmaxEntry] : []),
      ].map((entry) => ({
        ...entry,
        look: { ...entry.look, dash: '' },
      })),
    ],
  }
}

const captionOf = (runs: readonly PaperRun[]): string => {
  const names = runs.map(
    (run, r) => `${letter(r)}: ${run.id} (${run.stages.map(({ name }) => name).join(' → ') || 'no stage'})`,
  )
  // The words of the comparison are about sums.
  const comparable =
    runs[0].per !== 'token' &&
    runs.every((run) => preference(run)) &&
    runs.every((run) => run.rows.has('logp'))
  const aligned = sharedStage(runs)
  const words = comparable
    ? compareRuns(runs).flatMap(({ sentences }) => sentences.map(({ text }) => text))
    : []
  return [
    `log π(y|x), ${perText(runs[0])}, mean over each run’s probes; rules mark where a stage begins${
      aligned === undefined ? '' : `, and 0 is the start of ${aligned} in every run`
    }${bandsText(runs[0])}. ${names.join('; ')}.`,
    ...words,
  ].join(' ')
}
