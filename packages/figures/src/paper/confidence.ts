/**
 * Figure 9: how peaked each type's distributions become in SFT (‖A_o‖), and where the mass lies along y⁺: log π of the
 * likeliest token y* against log π of all others together, y^c, in SFT and in preference training, with a line through
 * the first quarter of y^c to show whether its fall speeds up.
 */
import { looks, type Look } from '../response-types.ts'
import { plural, show, signed } from '../numbers.ts'
import { argmaxType, stepName } from '../imported.ts'
import { estimate } from '../series.ts'
import {
  cautions,
  bandsText,
  dataDiffers,
  lengthText,
  learning,
  modelOf,
  pathText,
  preference,
  probesText,
  stepsOf,
  trainLine,
  typesOf,
  type Span,
} from './about.ts'
import { argmaxCurves, argmaxEntry, argmaxSample, curveOf, typeCurves, typeEntries } from './curves.ts'
import { curvesPanel } from './learning.ts'
import type { Curve, Lack, PaperFigure, PaperPanel, PaperRun } from './model.ts'
import { perText, valuesOf } from './per-token.ts'

const REST: Look = { ...looks.initial, marker: 'square', dash: '4 2' }
const FIT: Look = { ...looks.initial, dash: '1.5 2' }
const REST_LABEL = { base: 'y', sup: 'c' }

/** Least squares through (x, y); the slope is 0 where all x are one. */
export const fitLine = (
  x: readonly number[],
  y: readonly number[],
): { readonly slope: number; readonly at: (x: number) => number } => {
  const [mx, my] = [x, y].map((values) => values.reduce((n, v) => n + v, 0) / values.length)
  const [sxy, sxx] = [
    x.reduce((n, v, i) => n + (v - mx) * (y[i] - my), 0),
    x.reduce((n, v) => n + (v - mx) ** 2, 0),
  ]
  const slope = sxx === 0 ? 0 : sxy / sxx
  return { slope, at: (value) => my + slope * (value - mx) }
}

/** 12 points of 50 in the paper. */
const firstQuarter = (n: number): number => Math.max(3, Math.round((12 / 50) * n))

interface Mass {
  readonly panel?: PaperPanel
  readonly says: string
}

const massPanel = (span: Span, fit: boolean): Mass => {
  const { run, at, stage } = span
  const greedy = argmaxSample(run)
  const rest = valuesOf(run, 'rest_logp', argmaxType(run))
  if (!greedy && !rest) return { says: '' }
  const steps = stepsOf(run, at)
  const restCurve = rest ? [curveOf(run, rest, at, { key: 'rest', label: REST_LABEL, look: REST })] : []
  const n = firstQuarter(at.length)
  const fitted =
    fit && rest && at.length > 3
      ? fitLine(
          steps.slice(0, n),
          at.slice(0, n).map((e) => estimate(rest.at[e]).mean),
        )
      : undefined
  const line: readonly Curve[] = fitted
    ? [
        {
          key: `fit of rest over ${n} evaluations`,
          label: 'fit',
          look: FIT,
          x: [steps[0], steps.at(-1)!],
          y: [steps[0], steps.at(-1)!].map(fitted.at),
          thin: true,
        },
      ]
    : []
  const ended = fitted && rest ? estimate(rest.at[at.at(-1)!]).mean - fitted.at(steps.at(-1)!) : 0
  return {
    panel: curvesPanel(run, `${stage.name}: greedy token and the rest`, [
      ...argmaxCurves(run, at),
      ...restCurve,
      ...line,
    ]),
    says: [
      greedy ? `In ${stage.name}, ${pathText(span, 'log π(y*)', greedy)}` : '',
      rest ? pathText(span, 'log π(yᶜ)', rest) : '',
      fitted
        ? `a line through its first ${n} evaluations (${signed(fitted.slope)} nats ${stepName(run) === 'update' ? 'an update' : 'an evaluation'}) ends ` +
          `${show(Math.abs(ended))} nats ${ended < 0 ? 'above' : 'below'} it`
        : '',
    ]
      .filter(Boolean)
      .join('; ')
      .concat('.'),
  }
}

export const figure9 = (run: PaperRun): PaperFigure => {
  const [sft, pushed] = [learning(run), preference(run)]
  const peaked = sft ?? pushed
  const peaks = peaked ? typeCurves(run, typesOf(run), peaked.at, { metric: 'a_norm' }) : []
  const parts = [sft && massPanel(sft, false), pushed && massPanel(pushed, true)].filter(
    (part) => part !== undefined,
  )
  const panels: PaperPanel[] = [
    ...(peaks.length > 0 && peaked
      ? [
          curvesPanel(
            run,
            `${peaked.stage.name}: peakiness`,
            peaks.map(({ error: _, ...curve }) => curve),
            { ends: peaks.length <= 6, yLabel: '‖A‖ (Frobenius norm)' },
          ),
        ]
      : []),
    ...parts.flatMap(({ panel }) => panel ?? []),
  ]
  const needs = 'ldyn train records a_norm, argmax_logp and rest_logp of every probe'
  const lacks: Lack[] = [
    ...(peaks.length === 0
      ? [
          {
            what: `Peakiness: the run has no a_norm at two evaluations of a stage (${needs})`,
            command: trainLine(run, 'sft,dpo'),
          },
        ]
      : []),
    ...(peaked && !sft
      ? [
          {
            what: 'SFT: the run has no such stage; peakiness is that of its preference training',
            command: trainLine(run, 'sft,dpo'),
          },
        ]
      : []),
    ...(pushed
      ? []
      : [
          {
            what: 'Preference training: the run has no such stage',
            command: trainLine(run, `${sft?.stage.name ?? 'sft'},dpo`),
          },
        ]),
    ...(peaked && valuesOf(run, 'rest_logp', argmaxType(run)) === undefined
      ? [
          {
            what: `yᶜ: the run has no rest_logp${run.manifest.imported ? ', which the released code logs as NaN' : ''}`,
          },
        ]
      : []),
  ]
  const onePeak = peaks.length === 1 && run.types.length > 1
  return {
    id: 'fig9',
    name: 'Figure 9',
    file: 'fig9',
    runs: [run.id],
    title: 'Peakiness, and where the mass lies',
    caption:
      panels.length === 0
        ? ''
        : captionOf(
            run,
            peaked!,
            peaks,
            parts.map(({ says }) => says),
          ),
    differs:
      panels.length === 0
        ? []
        : [
            ...dataDiffers(run),
            ...(onePeak ? [`‖A‖ is on file for ${peaks[0].key} alone; the paper shows 12 types.`] : []),
            'yᶜ is read as all tokens but the likeliest (Σ log(1 − max π)); π is teacher-forced along y⁺ in both curves.',
            ...cautions(run, ['argmax_logp', 'rest_logp', 'a_norm']),
          ],
    lacks,
    panels,
    across: 3,
    legend: [
      ...(peaks.length > 0 ? typeEntries(peaks.map(({ key }) => key)) : []),
      ...(parts.some(({ panel }) => panel) ? [argmaxEntry] : []),
      ...(parts.some(
        ({ panel }) => panel?.kind === 'curves' && panel.curves.some(({ key }) => key === 'rest'),
      )
        ? [{ key: 'rest', label: REST_LABEL, says: 'all other tokens', look: REST }]
        : []),
    ],
  }
}

const captionOf = (run: PaperRun, peaked: Span, peaks: readonly Curve[], says: readonly string[]): string => {
  const { stage } = peaked
  const moved = peaks.map(({ label, key, y }) => ({ label, key, by: y.at(-1)! - y[0] }))
  const most =
    moved.length > 0 ? moved.reduce((a, b) => (Math.abs(b.by) > Math.abs(a.by) ? b : a)) : undefined
  const risen = moved.filter(({ by }) => by > 0).length
  return [
    `${run.manifest.imported ? 'In' : 'For'} ${modelOf(run)}, ${probesText(run)}, log π ${perText(run)}${bandsText(run)}.`,
    most
      ? `‖A‖ = √(V − 2 + V‖π‖²), mean over tokens, over ${stage.name} (${lengthText(peaked)}): ` +
        `it rose for ${risen} of ${plural(moved.length, 'type')}, and moved most for ${most.key} (${signed(most.by)}); higher is more peaked.`
      : '',
    ...says,
  ]
    .filter((text) => text !== '' && text !== '.')
    .join(' ')
}
