/** Figures 3 and 4: how log π of every kind of response moves during SFT, and during preference training. */
import { moved } from '../effects.ts'
import { groups, looks, type Group } from '../response-types.ts'
import { change, estimate, isPreference, minus } from '../series.ts'
import { argmaxType } from '../imported.ts'
import {
  bandsText,
  cautions,
  dataDiffers,
  learning,
  lacksTypes,
  modelOf,
  pathText,
  pathsText,
  preference,
  probesText,
  lengthText,
  trainLine,
  typesOf,
  type Span,
} from './about.ts'
import {
  argmaxCurves,
  argmaxEntry,
  argmaxSample,
  curveOf,
  stagesIn,
  typeCurves,
  typeEntries,
  typesNamed,
  xLabelOf,
} from './curves.ts'
import { influenceMap } from './influence-map.ts'
import { notDrawn, type CurvesPanel, type Lack, type PaperFigure, type PaperPanel, type PaperRun } from './model.ts'
import { logpLabel, perText, valuesOf } from './per-token.ts'

const TITLES: Readonly<Record<Group, string>> = {
  chosen: 'Preferred response and its kin',
  rejected: 'Dispreferred response and its kin',
  irrelevant: 'Answers to other questions',
  'non-human': 'Shuffled words',
  other: 'Other types',
}

const WANTED: readonly (readonly [Group, readonly string[]])[] = [
  ['chosen', ['chosen', 'chosen_gptsemantic', 'chosen_gptformat', 'chosen_initial']],
  ['rejected', ['rejected', 'reject_gptsemantic', 'reject_gptformat']],
  ['irrelevant', ['irr_train', 'irr_test', 'irr_hum']],
  ['non-human', ['random_permute', 'random_nonhum']],
]

export const curvesPanel = (
  run: PaperRun,
  title: string,
  curves: CurvesPanel['curves'],
  more: Partial<Pick<CurvesPanel, 'stages' | 'zero' | 'ends' | 'yLabel'>> = {},
): CurvesPanel => ({
  kind: 'curves',
  title,
  xLabel: xLabelOf(run),
  yLabel: logpLabel(run),
  curves,
  stages: [],
  ends: true,
  ...more,
})

/** One panel for each group that the run has a type of. */
const groupPanels = ({ run, at }: Span): readonly PaperPanel[] =>
  groups.flatMap((group): PaperPanel[] => {
    const curves = typeCurves(
      run,
      typesOf(run).filter((type) => type.group === group),
      at,
    )
    return curves.length === 0 ? [] : [curvesPanel(run, TITLES[group], curves)]
  })

const groupLacks = (run: PaperRun): readonly Lack[] =>
  WANTED.flatMap(([group, types]) => lacksTypes(run, types, TITLES[group]))

/** What a figure of one stage says first: model, stage, and what the numbers are means of. */
const head = (span: Span): string => {
  const { run, stage } = span
  return (
    `${run.manifest.imported ? 'In' : 'For'} ${modelOf(run)}, stage ${stage.name} (${lengthText(span)}): log π(y|x) of each response type, ${perText(run)}, ` +
    `${probesText(run)}${bandsText(run)}.`
  )
}

const typesIn = (run: PaperRun): PaperFigure['legend'] => typeEntries(run.types)

const KEY_TYPES = ['chosen', 'rejected', 'irr_train', 'random_permute', 'random_nonhum']

/** SFT: four groups of types, the whole run where preference training follows, and what learning did to what. */
export const figure3 = (run: PaperRun, all: readonly PaperRun[]): PaperFigure => {
  const span = learning(run)
  const base = {
    id: 'fig3' as const,
    name: 'Figure 3',
    file: 'fig3',
    runs: [run.id],
    title: 'Learning dynamics of SFT',
    across: 3,
  }
  if (!span) {
    return notDrawn(base, {
      what: 'The run has no stage of SFT with two evaluations, and the figure shows one.',
      command: trainLine(run, 'sft,dpo'),
    })
  }
  const later = preference(run)
  const whole = run.evaluations.map((_, e) => e)
  const through = later
    ? [
        curvesPanel(
          run,
          `${span.stage.name}, then ${later.stage.name}`,
          typeCurves(run, typesNamed(['chosen', 'rejected', 'chosen_gptsemantic', 'irr_train'], run), whole),
          { stages: stagesIn(run) },
        ),
      ]
    : []
  const map = influenceMap(all, run)
  return {
    ...base,
    caption: [head(span), pathsText(span, KEY_TYPES), map.says].filter(Boolean).join(' '),
    differs: [...dataDiffers(run), ...map.differs],
    lacks: [
      ...groupLacks(run),
      ...(later
        ? []
        : [
            {
              what: 'SFT, then preference training: the run ends with SFT',
              command: trainLine(run, `${span.stage.name},dpo`),
            },
          ]),
      ...map.lacks,
    ],
    panels: [...groupPanels(span), ...through, ...(map.panel ? [map.panel] : [])],
    legend: typesIn(run),
  }
}

/** Preference training: the same groups, the greedy token against chosen, and the margin. */
export const figure4 = (run: PaperRun): PaperFigure => {
  const span = preference(run)
  const base = {
    id: 'fig4' as const,
    name: 'Figure 4',
    file: 'fig4',
    runs: [run.id],
    title: 'Learning dynamics of off-policy preference training',
    across: 3,
  }
  if (!span) {
    const [first] = run.stages
    const before = first && !isPreference(first) ? `${first.name === 'extend' ? 'extend' : 'sft'},` : ''
    return notDrawn(base, {
      what: 'The run has no stage of preference training with two evaluations, and the figure shows one.',
      command: trainLine(run, `${before}dpo`),
    })
  }
  const { at } = span
  const greedy = [...argmaxCurves(run, at), ...typeCurves(run, typesNamed(['chosen'], run), at)]
  const hasGreedy = argmaxSample(run) !== undefined
  const [up, down] = ['chosen', 'rejected'].map((type) => valuesOf(run, 'logp', type))
  const margin = up && down ? minus(up, down) : undefined
  return {
    ...base,
    title: `Learning dynamics of ${span.stage.loss}, off-policy`,
    caption: [
      head(span),
      pathsText(span, KEY_TYPES),
      greedyText(span),
      margin ? marginText(span, margin) : '',
    ]
      .filter(Boolean)
      .join(' '),
    differs: [
      ...dataDiffers(run),
      ...(span.stage.loss === 'dpo' ? [] : [`The loss is ${span.stage.loss}; the paper’s figure is of DPO.`]),
      'The margin is not in the paper’s figure.',
      ...cautions(run, ['logp', 'argmax_logp']),
    ],
    lacks: [
      ...groupLacks(run),
      ...(hasGreedy
        ? []
        : [
            {
              what: 'Greedy token against chosen: the run has no argmax_logp',
              command: trainLine(run, 'dpo'),
            },
          ]),
      ...(margin ? [] : [{ what: 'Margin: the run has not both log π of chosen and of rejected' }]),
    ],
    panels: [
      ...groupPanels(span),
      ...(hasGreedy ? [curvesPanel(run, 'Greedy token against preferred', greedy)] : []),
      ...(margin
        ? [
            curvesPanel(
              run,
              'Margin',
              [curveOf(run, margin, at, { key: 'margin', label: 'y⁺ − y⁻', look: looks.margin })],
              {
                zero: true,
                yLabel: 'margin (nats)',
                ends: false,
              },
            ),
          ]
        : []),
    ],
    legend: [...typesIn(run), ...(hasGreedy ? [argmaxEntry] : [])],
  }
}

const marginText = ({ at }: Span, margin: NonNullable<ReturnType<typeof minus>>): string => {
  const [from, to] = [at[0], at.at(-1)!].map((e) => estimate(margin.at[e]).mean)
  return `The margin log π(y⁺) − log π(y⁻) ${moved(change(margin, at[0], at.at(-1)!))} (${from.toFixed(1)} → ${to.toFixed(1)}).`.replaceAll(
    '-',
    '−',
  )
}

/** Whether the paper's squeezing effect shows: the likeliest token up while chosen falls. */
const greedyText = (span: Span): string => {
  const { run, at } = span
  const [greedy, chosen] = [argmaxSample(run), valuesOf(run, 'logp', 'chosen')]
  if (!greedy || !chosen) return ''
  const along = argmaxType(run)
  const [up, down] = [greedy, chosen].map((sample) => change(sample, at[0], at.at(-1)!))
  const far = (x: typeof up): boolean => Math.abs(x.mean) > x.se
  const verdict =
    up.mean > 0 && far(up) && down.mean < 0 && far(down)
      ? 'mass is squeezed into the greedy token while the preferred response falls'
      : up.mean > 0 && far(up)
        ? 'the greedy token gains, and the preferred response does not fall'
        : 'the greedy token does not gain: no squeezing shows here'
  const context = along === 'chosen' ? 'y⁺' : along
  const told = pathText(span, `y* (the likeliest token at every position of ${context})`, greedy)
  return along === 'chosen'
    ? `${told}: ${verdict}.`
    : `${told}; y⁺ has another context, so that the two cannot be set against each other.`
}
