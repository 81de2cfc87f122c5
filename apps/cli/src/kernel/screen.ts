/**
 * `ldyn kernel screen`: which preference pairs are likely to push their own y⁺ down, from one forward pass each,
 * and how well that ranked what a run then did to them. It stands under `kernel` since CHES is the last layer's
 * kernel.
 */
import { DISPLACEMENT_SCORES, type DisplacementScores } from '@ldyn/core'
import { correlations, readRows, screenPairs, type Row, type ScoreCorrelations } from '@ldyn/lab'
import { openRun, unknownColumns } from '@ldyn/runs'
import { directoryFiles } from '@ldyn/runs/node'
import { findRun } from '../commands/find-run.ts'
import type { Context } from '../context.ts'
import { CliError } from '../contract/errors.ts'
import { brief } from '../progress/pace.ts'
import { forecast, tellForecast } from './forecast.ts'
import { openKernel, sequencesOf, type KernelFlags } from './open.ts'
import { table } from './picture.ts'
import { checkOut, kernelName, saveMatrices, stepOf, type SavedMatrix } from './save.ts'

type Score = keyof DisplacementScores

export interface ScreenFlags extends KernelFlags {
  readonly data: string
  readonly limit?: number
  readonly by: Score
  readonly top: number
  readonly run?: string
  readonly stage?: string
  readonly runsDir: string
  readonly jsonl?: boolean
}

/** What a run then did to a pair: after minus before, nats. */
interface Outcome {
  readonly chosen: number
  readonly chosen_per_token: number
  readonly margin: number
}
const OUTCOMES = ['chosen', 'chosen_per_token', 'margin'] as const satisfies readonly (keyof Outcome)[]

interface Screened extends DisplacementScores {
  readonly row: number
  readonly chosen_tokens: number
  readonly rejected_tokens: number
  readonly outcome?: Outcome
}

/** For which scores a higher value means more displacement; for the others a lower one does. */
const HIGHER_IS_WORSE: readonly Score[] = ['ches', 'ln_ches', 'last_hidden', 'p_thr']
const worstFirst = (by: Score) => (a: Screened, b: Screened) =>
  HIGHER_IS_WORSE.includes(by) ? b[by] - a[by] : a[by] - b[by]

export async function kernelScreen(flags: ScreenFlags, context: Context): Promise<void> {
  const { output } = context
  if (!(DISPLACEMENT_SCORES as readonly string[]).includes(flags.by))
    throw new CliError({
      code: 'LD2003',
      what: `there is no score '${flags.by}'`,
      where: '--by',
      fix: `scores are ${DISPLACEMENT_SCORES.join(', ')}`,
    })
  await checkOut(flags.out)
  using progress = context.progress()
  await using opened = await openKernel(flags, progress)
  const { backend, checkpoint, params, tokenizer } = opened
  const rows = await readRows(flags.data, { tokenizer, limit: flags.limit })
  const pairs = rows.map((row) => {
    const [chosen, rejected] = sequencesOf(row, ['chosen', 'rejected'], opened)
    return { chosen, rejected }
  })
  const request = { backend, model: checkpoint.model, params, pairs }
  if (flags.dryRun) {
    const found = await forecast('pairs', (report) => screenPairs({ ...request, progress: report }))
    progress.end()
    return tellForecast('kernel screen', [found], context)
  }
  const outcomes = flags.run === undefined ? undefined : await outcomesOf(flags.run, rows, flags)
  const scores = await screenPairs({
    ...request,
    progress: (done, total) => progress.update({ task: 'screen', done, total, unit: 'pairs' }),
  })
  progress.end()
  const screened = scores.map((s, i): Screened => {
    const outcome = outcomes?.[i]
    return {
      row: rows[i].row,
      chosen_tokens: pairs[i].chosen.response.length,
      rejected_tokens: pairs[i].rejected.response.length,
      ...s,
      ...(outcome ? { outcome } : {}),
    }
  })
  const seen = screened.filter((s) => s.outcome)
  const found =
    seen.length === 0
      ? undefined
      : (Object.fromEntries(
          OUTCOMES.map((name) => [
            name,
            correlations(
              seen,
              seen.map((s) => s.outcome![name]),
            ),
          ]),
        ) as Record<keyof Outcome, ScoreCorrelations>)
  const saved = flags.out && (await save(flags, screened))
  if (flags.jsonl) {
    for (const s of screened) output.line({ schema: 'ldyn.screen/1', ...s })
    return
  }
  output.result(
    'kernel screen',
    {
      model: flags.model,
      data: flags.data,
      pairs: screened,
      ...(found ? { run: flags.run, matched: seen.length, spearman: found } : {}),
      ...(saved ? { saved } : {}),
    },
    () => [render(screened, found, flags, context), ...(saved ? ['', `Saved in ${saved}`] : [])].join('\n'),
  )
}

/** Scores by pair; with --run, what the run then did to the pairs that it watched, and which those are. */
async function save(flags: ScreenFlags, screened: readonly Screened[]): Promise<string> {
  const { out, model, step: given, data, run } = flags
  const step = await stepOf(model, given)
  const grid = <T>(rows: readonly T[], values: readonly ((row: T) => number)[]): Omit<SavedMatrix, 'name'> => ({
    shape: [rows.length, values.length],
    data: Float64Array.from(rows.flatMap((row) => values.map((of) => of(row)))),
  })
  const seen = screened.flatMap(({ outcome }, pair) => (outcome ? [{ pair, ...outcome }] : []))
  return saveMatrices(
    out!,
    kernelName('screen', step),
    [
      { name: 'scores', ...grid(screened, DISPLACEMENT_SCORES.map((name) => (s: Screened) => s[name])) },
      ...(seen.length > 0
        ? [{ name: 'outcomes', ...grid(seen, OUTCOMES.map((name) => (s: (typeof seen)[number]) => s[name])) }]
        : []),
    ],
    {
      model,
      ...(step === undefined ? {} : { step }),
      data,
      rows: screened.map(({ row }) => row),
      scores: DISPLACEMENT_SCORES,
      ...(seen.length > 0 ? { run, outcomes: OUTCOMES, watched: seen.map(({ pair }) => screened[pair].row) } : {}),
    },
  )
}

/**
 * By row, from the first to the last evaluation of a run (or of one stage of it); undefined for rows it did not
 * watch.
 */
async function outcomesOf(
  word: string,
  rows: readonly Row[],
  flags: ScreenFlags,
): Promise<readonly (Outcome | undefined)[]> {
  const directory = await findRun(word, flags.runsDir)
  const run = await openRun(directoryFiles(directory))
  const { probes } = run
  const evaluations = run.evaluations.filter((e) => flags.stage === undefined || e.stage === flags.stage)
  if (!probes || evaluations.length < 2)
    throw new CliError({
      code: 'LD3101',
      what: `the run has no two evaluations${flags.stage === undefined ? '' : ` in stage '${flags.stage}'`} to compare`,
      where: directory,
      why: `its stages are ${[...new Set(run.evaluations.map((e) => e.stage))].join(', ') || 'none'}`,
      fix: 'take a run that watched its training pairs: ldyn train --probe <the data> …',
    })
  const logp = await run.metric('logp')
  const [before, after] = [logp[evaluations[0].row], logp[evaluations.at(-1)!.row]]
  const unknown = unknownColumns(probes, 'logp')
  const column = (row: number, type: string): number | undefined => {
    const i = probes.columns.findIndex((c) => c.row === row && c.type === type)
    return i < 0 || unknown.has(i) ? undefined : i
  }
  const outcomes = rows.map((row): Outcome | undefined => {
    const at = probes.rows.findIndex(
      (p) =>
        p.prompt === row.prompt &&
        p.responses.chosen === row.responses.chosen &&
        p.responses.rejected === row.responses.rejected,
    )
    const [up, down] = [column(at, 'chosen'), column(at, 'rejected')]
    if (at < 0 || up === undefined || down === undefined) return undefined
    const change = (i: number): number => after[i] - before[i]
    return {
      chosen: change(up),
      chosen_per_token: change(up) / probes.columns[up].tokens,
      margin: change(up) - change(down),
    }
  })
  if (!outcomes.some(Boolean))
    throw new CliError({
      code: 'LD3101',
      what: 'the run watched none of these pairs',
      where: directory,
      why: 'rows are matched by prompt, chosen and rejected text',
      fix: 'give the file that was the run’s --probe as --data',
    })
  return outcomes
}

function render(
  screened: readonly Screened[],
  found: Record<keyof Outcome, ScoreCorrelations> | undefined,
  flags: ScreenFlags,
  { output }: Context,
): string {
  const dim = (text: string): string => output.style('dim', text)
  const worst = [...screened].sort(worstFirst(flags.by)).slice(0, flags.top)
  const pairs = table(
    [
      ['row', 'tokens ±', ...DISPLACEMENT_SCORES, ...(found ? ['Δlog π(y⁺)'] : [])],
      ...worst.map((s) => [
        String(s.row),
        `${s.chosen_tokens}/${s.rejected_tokens}`,
        ...DISPLACEMENT_SCORES.map((name) => brief(s[name])),
        ...(found ? [s.outcome ? brief(s.outcome.chosen) : '–'] : []),
      ]),
    ],
    1,
  )
  const rho = (c: ScoreCorrelations, name: Score): string => c[name].rho?.toFixed(3) ?? '–'
  return [
    `${screened.length} pairs of ${flags.data} under ${flags.model}, most at risk by ${flags.by} first`,
    '',
    dim(pairs[0]),
    ...pairs.slice(1),
    ...(screened.length > worst.length ? [dim(`… ${screened.length - worst.length} more; --top, --json`)] : []),
    ...(found
      ? [
          '',
          `Spearman’s ρ with what ${flags.run} did${flags.stage === undefined ? '' : ` in stage ${flags.stage}`}, n = ${found.chosen.ches.n} pairs`,
          ...table(
            [
              ['score', 'Δlog π(y⁺)', 'per token', 'Δ margin', 'displacement predicted by'],
              ...DISPLACEMENT_SCORES.map((name) => [
                name,
                ...OUTCOMES.map((o) => rho(found[o], name)),
                HIGHER_IS_WORSE.includes(name) ? 'ρ < 0' : 'ρ > 0',
              ]),
            ],
            1,
          ),
        ]
      : []),
    dim(
      'Risk rises with ches, ln_ches, last_hidden and p_thr, and falls with edit_distance and rejected_logp. `ldyn help kernel`',
    ),
  ].join('\n')
}
