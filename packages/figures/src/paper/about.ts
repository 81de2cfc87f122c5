/** What a figure says of its run: model, probes, how the paper's data differ, and the commands that would make more. */
import { argmaxType, notesOn, stepName } from '../imported.ts'
import { lastPart } from '../facts.ts'
import { moved, pathOf } from '../effects.ts'
import { brief, plural, show, signed } from '../numbers.ts'
import { inOrder, responseType, type ResponseType } from '../response-types.ts'
import { evaluationsOf, isPreference, type Sample, type StageSpan } from '../series.ts'
import { shellWord } from '../shell-word.ts'
import type { Lack, PaperRun } from './model.ts'
import { valuesOf } from './per-token.ts'
import { plain, signOf } from './signs.ts'

/** A stage with its evaluations, two at least. */
export interface Span {
  readonly run: PaperRun
  readonly stage: StageSpan
  readonly at: readonly number[]
}

const spanOf = (run: PaperRun, stage: StageSpan | undefined): Span | undefined => {
  const at = stage && evaluationsOf(run, stage)
  return at && { run, stage: stage!, at }
}

const simulated = (run: PaperRun): string | undefined => {
  const config = run.manifest.config as { readonly sim?: unknown } | null
  return typeof config?.sim === 'string' ? config.sim : undefined
}
/** A run of `ldyn sim squeeze`, and one of `ldyn sim digits`: figures of their own, and none of the others. */
export const isSqueeze = (run: PaperRun): boolean => simulated(run) === 'squeeze'
export const isDigits = (run: PaperRun): boolean => simulated(run) === 'digits'

/** The first stage that only pulls responses up (SFT, extend), and the last that also pushes one down. */
export const learning = (run: PaperRun): Span | undefined =>
  isSqueeze(run) || isDigits(run)
    ? undefined
    : spanOf(
        run,
        run.stages.find((s) => !isPreference(s) && evaluationsOf(run, s)),
      )
export const preference = (run: PaperRun): Span | undefined =>
  isSqueeze(run) || isDigits(run)
    ? undefined
    : spanOf(
        run,
        run.stages.findLast((s) => isPreference(s) && evaluationsOf(run, s)),
      )
/** Every stage with two evaluations. */
export const spans = (run: PaperRun): readonly Span[] =>
  isSqueeze(run) || isDigits(run) ? [] : run.stages.flatMap((stage) => spanOf(run, stage) ?? [])

export const typesOf = (run: PaperRun): readonly ResponseType[] => inOrder(run.types)

export const stepsOf = (run: PaperRun, at: readonly number[]): readonly number[] =>
  at.map((e) => run.evaluations[e].step)

export const meansOnly = (run: PaperRun): boolean => run.manifest.imported?.meansOnly ?? false

export const modelOf = (run: PaperRun): string => {
  const { imported, model, id } = run.manifest
  // A directory that is just called model says nothing: the run's name says more.
  const name = lastPart(model.path)
  const sim = simulated(run)
  if (sim) return `a simulated ${sim} model`
  return imported ? `the recorded run ${id}` : /^model$/i.test(name) ? `the model of ${id}` : name
}

/** The most probes behind any value of the metric, or that the log has means alone. */
export const probesText = (run: PaperRun): string =>
  meansOnly(run) ? 'means that the log holds' : `means over ${plural(run.probes?.rows.length ?? 0, 'probe')}`

/** What bands are, to follow `probesText`; '' where a log has no single probes. */
export const bandsText = (run: PaperRun): string =>
  meansOnly(run) ? '' : '; bands are ± 1 standard error of the change since the first evaluation shown'

/** What a type did in a stage: "y⁺ clearly rose by 12.1 ± 0.4 nats". */
export const pathText = ({ run, at }: Span, label: string, sample: Sample): string => {
  const { whole, turn } = pathOf(sample, at)
  // A twitch beside a long way is no turn that a caption should tell of.
  const arms = turn ? [turn.before, turn.after].map(({ mean }) => Math.abs(mean)) : []
  if (!turn || meansOnly(run) || Math.min(...arms) < 0.05 * Math.max(...arms))
    return `${label} ${moved(whole)}`
  const [up, down] = turn.kind === 'peak' ? ['rose', 'fell'] : ['fell', 'rose']
  return (
    `${label} ${up} by ${show(Math.abs(turn.before.mean))} nats to ${stepName(run)} ${run.evaluations[turn.at].step}, then ${down} by ` +
    `${show(Math.abs(turn.after.mean))} (in all ${signed(whole.mean)}${whole.se > 0 ? ` ± ${show(whole.se)}` : ''})`
  )
}

/** The sentence over some types of a stage; '' where the run has none of them. */
export const pathsText = (span: Span, types: readonly string[], metric = 'logp'): string => {
  const parts = types.flatMap((key) => {
    const sample = valuesOf(span.run, metric, key)
    return sample ? [pathText(span, plain(signOf(responseType(key))), sample)] : []
  })
  return parts.length === 0 ? '' : `Over ${span.stage.name}, ${parts.join('; ')}.`
}

/** What stands beside every figure of probes: whose data these are, and what is not as in the paper. */
export const dataDiffers = (run: PaperRun): readonly string[] => {
  const { imported, model } = run.manifest
  const n = run.probes?.rows.length ?? 0
  const sim = simulated(run)
  const own = imported
    ? []
    : sim
      ? [`A simulated ${sim} model in place of a language model: ${n} contexts, and a response is one token.`]
      : [
          `${upper(modelOf(run))} (${brief(model.params)} parameters) and ${plural(n, 'probe')} in place of the paper’s Pythia and ` +
            'Qwen1.5 models (0.4 to 2.8 billion parameters) and 500 probes of Anthropic-HH or UltraFeedback.',
        ]
  const horizontal =
    stepName(run) === 'evaluation'
      ? 'The horizontal axis counts evaluations: the log does not say how many updates lie between; the paper has epochs.'
      : 'The horizontal axis counts updates; the paper has epochs.'
  const absent = PAPER_TYPES.filter((key) => !run.types.includes(key))
  const types =
    sim || absent.length === 0
      ? []
      : [`Of the paper’s 12 response types the run has no ${absent.join(', ')}.`]
  return [...own, horizontal, ...types]
}
/** A sentence begins with a capital, a model's name as it is spelt. */
const upper = (text: string): string => text.replace(/^the /, 'The ')
const PAPER_TYPES = [
  'chosen',
  'chosen_initial',
  'chosen_gptsemantic',
  'chosen_gptformat',
  'rejected',
  'reject_gptsemantic',
  'reject_gptformat',
  'irr_train',
  'irr_test',
  'irr_hum',
  'random_permute',
  'random_nonhum',
]

/** Cautions about the argmax of a log with the known defect, and other notes on these metrics. */
export const cautions = (run: PaperRun, metrics: readonly string[]): readonly string[] => {
  const other = argmaxType(run)
  const argmax =
    metrics.includes('argmax_logp') && other !== 'chosen'
      ? [
          `CAUTION: the argmax is that of ${other}, not of chosen: a known defect of the released code, which the paper’s own figure very probably has too.`,
        ]
      : []
  return [
    ...argmax,
    ...notesOn(
      run,
      metrics.filter((metric) => metric !== 'argmax_logp' || other === 'chosen'),
    ),
  ]
}

/** A training like this run's own, with other stages or settings. What the run does not record stands in ‹›. */
export const trainLine = (run: PaperRun, stages: string, more = ''): string => {
  const { model, datasets, config, imported, id } = run.manifest
  const toy = simulated(run)
  if (more === '' && toy !== undefined && /^(softmax|linear|mlp)$/.test(toy))
    return `ldyn sim ${toy} --stages ${stages} --out ${shellWord(`runs/${id}-${stages.replaceAll(',', '-')}`)}`
  const known = !imported && simulated(run) === undefined
  const settings = (config ?? {}) as { readonly probe?: unknown }
  const probe = known && typeof settings.probe === 'string' ? shellWord(settings.probe) : '<probes.jsonl>'
  const data = known && datasets[0] ? shellWord(datasets[0].path) : '<pairs.jsonl>'
  return [
    'ldyn train',
    `--model ${known ? shellWord(model.path) : '<model>'}`,
    `--data ${data} --probe ${probe} --stages ${stages}`,
    ...(more === '' ? [] : [more]),
    `--out ${shellWord(`runs/${id}-${stages.replaceAll(',', '-')}`)}`,
  ].join(' ')
}

/** The run's own stages as the command takes them; SFT and DPO where they are no such stages. */
export const sameStages = ({ stages }: PaperRun): string =>
  stages.length > 0 && stages.every(({ loss }) => !/^(push|unknown|recorded|train)$/.test(loss))
    ? stages.map(({ name }) => name).join(',')
    : 'sft,dpo'

/** "144 updates, 17 evaluations"; what a log counts by evaluations is not said twice. */
export const lengthText = ({ run, stage, at }: Span): string =>
  [
    ...(stepName(run) === 'update' ? [plural(stage.to - stage.from, 'update')] : []),
    plural(at.length, 'evaluation'),
  ].join(', ')

/** Said where a type that a panel is about is in no column. */
export const lacksTypes = (run: PaperRun, wanted: readonly string[], panel: string): readonly Lack[] => {
  const absent = wanted.filter((key) => !run.types.includes(key))
  if (absent.length === 0 || simulated(run) !== undefined) return []
  const made = absent.some((key) => /^(irr_|random_|chosen_initial|chosen_selfr)/.test(key))
  return [
    {
      what: `${panel}: the run has no ${absent.join(', ')}`,
      ...(made &&
        !run.manifest.imported && {
          command: 'ldyn probe make --data <pairs.jsonl> --model <model> --out <probes.jsonl>',
        }),
    },
  ]
}
