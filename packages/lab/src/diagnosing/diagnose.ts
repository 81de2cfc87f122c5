/**
 * The diagnosis of a run: verdict and evidence for every stage, what carries it, what follows in closed
 * form, and what cannot be told from what is on file, with the command that would tell. Pure: reads curves,
 * computes no model.
 */
import { saidOnce } from '@ldyn/runs'
import type { Case, CaseStage } from './case.ts'
import { carriersOf, correlate, ownScores, type Carriers, type Correlation, type Scores } from './carriers.ts'
import { pushesOf, thresholdOf, type Pushes, type Threshold } from './closed-form.ts'
import type { Finding, Verdict } from './finding.ts'
import { judgeStage } from './verdict.ts'

export interface DiagnoseOptions {
  /** One stage alone. */
  readonly stage?: string
  /** For the log-ratios of preference losses; without it they are left out. */
  readonly beta?: number
  /** Entries of the vocabulary, for Lemma 1; without it that is left out. */
  readonly vocab?: number
  /** Further scores by probe row, as a predictor of displacement gave them. */
  readonly scores?: Scores
}

export interface StageDiagnosis {
  readonly stage: string
  readonly loss: string
  readonly kind: CaseStage['kind']
  /** Steps of the first and last evaluation, or line of the log. */
  readonly steps: readonly [number, number] | undefined
  readonly evaluations: number
  readonly findings: readonly Finding[]
  readonly carriers: Carriers | undefined
  readonly correlations: readonly Correlation[]
  readonly pushes: Pushes | undefined
  readonly threshold: Threshold | undefined
  /** What the data do not permit to say, and the command that would give it. */
  readonly unpredicted: readonly { readonly what: string; readonly command: string }[]
}

export interface Diagnosis {
  readonly run: string
  readonly verdict: Verdict
  readonly confidence: Finding['confidence']
  readonly stage: string
  readonly stages: readonly StageDiagnosis[]
  /** What an importer said of the log: curves that are not what their name promises. */
  readonly notes: readonly string[]
  readonly missing: readonly string[]
}

/** What decides which stage speaks for the run; of equals the later one. */
const GRAVITY: readonly Verdict[] = [
  'diverged',
  'reference-mismatch',
  'squeezing',
  'learning-rate-too-high',
  'displacement',
  'undertrained',
  'benign',
  'inconclusive',
]

const diagnoseStage = (
  found: Case,
  stage: CaseStage,
  { beta, vocab, scores }: DiagnoseOptions,
): StageDiagnosis => {
  const { findings } = judgeStage(found, stage)
  const tracks = [...stage.probes.values(), ...stage.log.values()]
  const steps =
    tracks.length === 0
      ? undefined
      : ([
          Math.min(...tracks.map((track) => track.steps[0])),
          Math.max(...tracks.map((track) => track.steps.at(-1)!)),
        ] as const)
  const main = findings.find(({ since }) => since !== undefined)
  const window = [main?.since?.step ?? steps?.[0] ?? 0, steps?.[1] ?? 0] as const
  const falls = findings.some(({ verdict }) =>
    ['squeezing', 'learning-rate-too-high', 'displacement', 'diverged'].includes(verdict),
  )
  const pushes =
    stage.kind === 'preference' && beta !== undefined ? pushesOf(stage, beta, window[0]) : undefined
  const threshold =
    vocab === undefined
      ? undefined
      : (thresholdOf(stage, 'rejected', vocab, window[0]) ?? thresholdOf(stage, 'chosen', vocab, window[0]))
  const single = [...stage.probes.values()].some((track) => track.values !== undefined)
  return {
    stage: stage.name,
    loss: stage.loss,
    kind: stage.kind,
    steps,
    evaluations: stage.evaluations,
    findings,
    carriers: falls ? carriersOf(found, stage, window) : undefined,
    correlations:
      stage.evaluations > 1
        ? correlate(stage, new Map([...ownScores(found, stage), ...(scores ?? [])]), window)
        : [],
    pushes,
    threshold,
    unpredicted: [
      ...(falls && !single
        ? [
            {
              what: 'which examples and tokens carry it',
              command: 'ldyn observe --model <checkpoint…> --probe <probes.jsonl> --tokens --jsonl',
            },
          ]
        : []),
      ...(stage.kind === 'preference' && scores === undefined && single
        ? [
            {
              what: 'which pairs could have been known to push their own y⁺ down (CHES and others)',
              command:
                'ldyn kernel screen --model <checkpoint> --data <pairs.jsonl> --jsonl > scores.jsonl; ldyn diagnose <run> --scores scores.jsonl',
            },
          ]
        : []),
      ...(stage.kind === 'preference' && beta === undefined
        ? [
            {
              what: 'how hard each loss pulls and pushes at these log-ratios',
              command: 'ldyn diagnose <run> --beta <β of the loss>',
            },
          ]
        : []),
      ...(vocab === undefined
        ? [
            {
              what: 'which tokens a push makes fall (Lemma 1)',
              command: 'ldyn diagnose <run> --vocab <entries of the vocabulary>',
            },
          ]
        : []),
      ...(stage.kind !== 'unknown'
        ? [
            {
              what: 'how log π would move under another loss, β, learning rate, extend or a gate',
              command: found.imported
                ? 'ldyn diagnose <log> --model <checkpoint> --data <pairs.jsonl>'
                : 'ldyn diagnose <run> --what-ifs',
            },
          ]
        : []),
    ],
  }
}

/** Diagnoses a run. Throws RangeError where there is no stage of the given name. */
export const diagnose = (found: Case, options: DiagnoseOptions = {}): Diagnosis => {
  const wanted = found.stages.filter(({ name }) => options.stage === undefined || name === options.stage)
  if (wanted.length === 0) {
    throw new RangeError(
      `there is no stage '${options.stage ?? ''}': the run has ${found.stages.map(({ name }) => name).join(', ') || 'none'}`,
    )
  }
  const stages = wanted.map((stage) => diagnoseStage(found, stage, options))
  const grave = stages.reduce((worst, one) =>
    GRAVITY.indexOf(one.findings[0].verdict) <= GRAVITY.indexOf(worst.findings[0].verdict) ? one : worst,
  )
  return {
    run: found.id,
    verdict: grave.findings[0].verdict,
    confidence: grave.findings[0].confidence,
    stage: grave.stage,
    stages,
    notes: saidOnce(found.notes.filter(({ code }) => code !== 'a-norm-of-mean')),
    missing: found.missing,
  }
}
