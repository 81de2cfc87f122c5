/** `ldyn diagnose`: what a run or a recorded log suffers from, with the evidence (`ldyn help diagnose`). */
import type { Command } from 'commander'
import type { Diagnosis, Scores } from '@ldyn/lab'
import type { Context } from '../context.ts'
import { aboveZero, listed, positive } from '../contract/arguments.ts'
import { CliError } from '../contract/errors.ts'
import type { Style } from '../contract/output.ts'
import { didYouMean } from '../contract/nearest.ts'
import type { Subject } from '../diagnose/subject.ts'
import type { WhatIfFlags } from '../diagnose/what-ifs.ts'
import { examples } from '../program.ts'

// See doctor.ts for why these are functions of their own.
const loadLab = () => import('@ldyn/lab')
const loadSubject = () => import('../diagnose/subject.ts')
const loadRender = () => import('../diagnose/render.ts')
const loadScores = () => import('../diagnose/scores.ts')
const loadRenderWhatIfs = () => import('../diagnose/render-what-ifs.ts')
const loadTokenTexts = () => import('../diagnose/token-texts.ts')
const loadWhatIfs = () => import('../diagnose/what-ifs.ts')
const loadBackends = () => import('../backends.ts')

interface DiagnoseFlags extends WhatIfFlags {
  readonly stage?: string
  readonly vocab?: number
  readonly scores?: string
  readonly every?: number
  readonly attempt?: number
  readonly failOn?: readonly string[]
  readonly runsDir: string
  readonly ascii?: boolean
  readonly backend: string
  readonly threads?: number
}

export function register(program: Command, context: Context): void {
  const command = program
    .command('diagnose <run|log>')
    .description(
      'benign, squeezing, a learning rate too high…: the verdict on a run or a recorded log, with its evidence',
    )
    .option('--stage <name>', 'one stage alone; of a log that does not say it: what was trained')
    .option(
      '--beta <x>',
      'β of the loss, for pulls and pushes in closed form; the run’s own unless given',
      aboveZero('--beta'),
    )
    .option('--vocab <n>', 'entries of the vocabulary, for Lemma 1', positive('--vocab'))
    .option(
      '--scores <file>',
      'JSONL of scores by probe row ({"row": 0, "ches": …}), correlated with what happened',
    )
    .option(
      '--every <updates>',
      'of a log of the released code: updates between evaluations',
      positive('--every'),
    )
    .option('--attempt <n>', 'of a log that was started several times: which one', positive('--attempt'))
    .option('--fail-on <verdicts>', 'exit with 7 on one of these, by comma (squeezing,diverged)', listed)
    .optionsGroup('What-ifs, predicted to first order:')
    .option('--what-ifs', 'predict them with the run’s own model, data and settings')
    .option(
      '--model <path>',
      'the checkpoint at which to predict; of a run of ours the last one before it began',
    )
    .option('--data <file>', 'pairs of one update: a file, or rows of it as in prefs.jsonl#0-7')
    .option('--probe <file>', 'probe set to follow; the run’s own, or the data, unless given')
    .option('--ref-model <path>', 'the loss’s reference; the model itself unless given')
    .option('--pairs <n>', 'pairs of the update, from the first', positive('--pairs'), 8)
    .option('--limit <n>', 'probe rows, from the first', positive('--limit'), 16)
    .option('--loss <name>', 'the loss as it is; the run’s own, or dpo')
    .option('--lr <x>', 'learning rate; the run’s own, or 5e-7', aboveZero('--lr'))
    .option('--optimizer <name>', 'sgd, rmsprop or adamw; the run’s own, or rmsprop')
    .option('--backend <name>', 'onnx[:cpu|webgpu|cuda|…], another, or reference', 'onnx')
    .option('--threads <n>', 'threads that compute', positive('--threads'))
    .optionsGroup('Output:')
    .option('--runs-dir <dir>', 'where runs are looked for by id', 'runs')
    .option('--ascii', 'no characters beyond ASCII in tables and curves')
    .action((word: string, flags: DiagnoseFlags) => run(word, flags, context))
  examples(command, [
    'ldyn diagnose runs/first                                 # why did chosen fall?',
    'ldyn diagnose prob_pythia410m_dpo/ --beta 0.1            # a log of the released code',
    'ldyn diagnose outputs/dpo/checkpoint-500                 # trainer_state.json of a Hugging Face Trainer or TRL',
    'ldyn diagnose runs/first --what-ifs                      # and what another loss, β, gate or data would do',
    'ldyn diagnose runs/first --fail-on squeezing,diverged    # in a script: exit code 7',
  ])
}

const speaksUtf8 = ({ LC_ALL, LC_CTYPE, LANG }: Context['env']): boolean =>
  /utf-?8/i.test(LC_ALL || LC_CTYPE || LANG || 'utf-8')

async function run(word: string, flags: DiagnoseFlags, context: Context): Promise<void> {
  const { output, env } = context
  const { diagnose, VERDICTS } = await loadLab()
  const { subjectOf, vocabularyOf } = await loadSubject()
  const { stageOf } = await loadWhatIfs()
  const { renderDiagnosis } = await loadRender()
  const { renderWhatIfs } = await loadRenderWhatIfs()
  const { tokenTexts } = await loadTokenTexts()
  const { printable } = await import('./find-run.ts')
  const { placeName } = await import('@ldyn/figures')
  const unknown = flags.failOn?.find((verdict) => !(verdict in VERDICTS))
  if (unknown !== undefined) {
    throw new CliError({
      code: 'LD2003',
      what: `there is no verdict '${unknown}'`,
      where: '--fail-on',
      fix: didYouMean(unknown, Object.keys(VERDICTS)) || `there are ${Object.keys(VERDICTS).join(', ')}`,
    })
  }
  const subject = await subjectOf(word, flags)
  const { found, manifest } = subject
  const names = found.stages.map(({ name }) => name)
  if (flags.stage !== undefined && !names.includes(flags.stage)) {
    throw new CliError({
      code: 'LD2003',
      what: `the run has no stage '${flags.stage}'`,
      where: '--stage',
      fix: didYouMean(flags.stage, names) || `there are ${names.join(', ') || 'none'}`,
    })
  }
  const preference = found.stages.findLast(
    ({ kind, name }) => kind === 'preference' && (flags.stage ?? name) === name,
  )
  const own = preference && stageOf(manifest, preference.name, 1)
  const scores: Scores | undefined =
    flags.scores === undefined ? undefined : await (await loadScores()).readScores(flags.scores)
  const diagnosis = diagnose(found, {
    stage: flags.stage,
    beta: flags.beta ?? (own && 'beta' in own.loss ? own.loss.beta : undefined),
    vocab: flags.vocab ?? (await vocabularyOf(subject)),
    scores,
  })
  const asked = flags.whatIfs || flags.model !== undefined || flags.data !== undefined
  const predicted = asked ? await predictions(subject, diagnosis, flags, context) : undefined
  const options = {
    width: Math.min(output.stderr.columns ?? 100, 120),
    ascii: flags.ascii ?? !speaksUtf8(env),
    style: (format: Style, text: string) => output.style(format, text),
    clean: printable,
    place: placeName(subject),
    texts: await tokenTexts(subject, diagnosis),
  }
  output.result('diagnose', { ...diagnosis, ...(predicted && { whatIfs: predicted }) }, () =>
    renderDiagnosis(
      diagnosis,
      options,
      predicted && renderWhatIfs(predicted, predicted.sources.says, options),
    ),
  )
  const all = diagnosis.stages.flatMap(({ findings }) => findings.map(({ verdict }) => verdict as string))
  if (flags.failOn?.some((verdict) => all.includes(verdict))) context.exit(7)
}

/** For the last preference stage, or the last one. */
async function predictions(subject: Subject, { stages }: Diagnosis, flags: DiagnoseFlags, context: Context) {
  const { sourcesOf, whatIfs } = await loadWhatIfs()
  const { openBackend } = await loadBackends()
  const stage = stages.findLast(({ kind }) => kind === 'preference') ?? stages.at(-1)!
  const sources = await sourcesOf(subject, stage, flags)
  await using backend = await openBackend(flags.backend, { threads: flags.threads })
  using progress = context.progress()
  const found = await whatIfs(sources, flags, subject, {
    backend,
    progress,
    warn: (text) => context.output.warn(text),
  })
  progress.end()
  return { ...found, stage: stage.stage, sources }
}
