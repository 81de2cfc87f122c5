/**
 * `ldyn kernel proxy`: the paper's LBK and SignDelta (eq. 26). From two checkpoints as defined; from a run's log as
 * published, interval by interval, since a log has no whole distributions (core's kernel/proxies.ts has both).
 */
import { publishedProxies, type Proxies } from '@ldyn/core'
import { definedProxiesOf, disposeTree, sftGNorms } from '@ldyn/lab'
import { openModel } from '@ldyn/models/node'
import { openRun, unknownColumns, type Run } from '@ldyn/runs'
import { directoryFiles } from '@ldyn/runs/node'
import { findRun } from '../commands/find-run.ts'
import type { Context } from '../context.ts'
import { CliError } from '../contract/errors.ts'
import { load } from '../observe/observe.ts'
import { brief } from '../progress/pace.ts'
import { referredRow } from '../rows/reference.ts'
import { probesOf, type ProbeFlags } from './gram.ts'
import { forecast, tellForecast } from './forecast.ts'
import { openKernel, sequencesOf, type KernelFlags } from './open.ts'
import { table } from './picture.ts'
import { checkOut, kernelName, saveMatrices, type SavedMatrix } from './save.ts'

export interface ProxyFlags extends Omit<KernelFlags, 'model'> {
  readonly from?: string
  readonly to?: string
  readonly probe?: string
  readonly limit?: number
  readonly types?: readonly string[]
  readonly update?: string
  readonly updateType: string
  readonly runsDir: string
}

/** What the published figures are made of. */
const METRICS = ['logp', 'a_norm', 'p_e'] as const

/** The type whose p_e the released code divides by, whatever is observed (paper.md §1.2). */
const LAST_TYPE = 'random_nonhum'

export async function kernelProxy(run: string | undefined, flags: ProxyFlags, context: Context): Promise<void> {
  const between = flags.from !== undefined || flags.to !== undefined
  if ((run !== undefined) === between)
    throw new CliError({
      code: 'LD2003',
      what: run === undefined ? 'proxy needs a run, or two checkpoints' : 'proxy takes a run or two checkpoints, not both',
      where: 'ldyn kernel proxy',
      fix: 'ldyn kernel proxy runs/first, or ldyn kernel proxy --from A --to B --probe probes.jsonl --update data.jsonl#0',
    })
  await checkOut(flags.out)
  return run === undefined ? defined(flags, context) : published(run, flags, context)
}

interface Defined extends Proxies {
  readonly row: number
  readonly type: string
}

async function defined(flags: ProxyFlags, context: Context): Promise<void> {
  const missing = (['from', 'to', 'probe', 'update'] as const).find((name) => flags[name] === undefined)
  if (missing)
    throw new CliError({
      code: 'LD2003',
      what: `proxy between two checkpoints needs --${missing}`,
      where: 'ldyn kernel proxy',
      fix: 'give --from, --to, --probe and --update (the example that was learned in between)',
    })
  const { output } = context
  using progress = context.progress()
  const own: ProbeFlags = { ...flags, model: flags.from!, probe: flags.probe! }
  await using opened = await openKernel(own, progress)
  await using later = await openModel(flags.to!)
  const { backend, checkpoint, tokenizer } = opened
  const { probes, sequences } = await probesOf(own, opened, (text) => output.warn(text))
  const row = await referredRow(flags.update!, '--update', tokenizer)
  const [update] = sequencesOf(row, [flags.updateType], opened)
  const gNorms = await sftGNorms({ backend, model: checkpoint.model }, opened.params, update)
  const after = await load(later, backend, progress)
  const request = { backend, model: checkpoint.model, before: opened.params, after, observe: sequences, gNorms }
  let found: Proxies[]
  try {
    if (flags.dryRun) {
      const all = await forecast('responses', (report) => definedProxiesOf({ ...request, progress: report }))
      progress.end()
      return tellForecast('kernel proxy', [all], context)
    }
    found = await definedProxiesOf({
      ...request,
      progress: (done, total) => progress.update({ task: 'proxies', done, total, unit: 'responses' }),
    })
  } finally {
    disposeTree(after)
  }
  progress.end()
  const rows: Defined[] = found.map((p, i) => ({ row: probes[i].row, type: probes[i].type, ...p }))
  const about = { form: 'defined', from: flags.from, to: flags.to, update: flags.update, update_type: flags.updateType }
  const saved = flags.out && (await save(flags.out, [rows], { ...about, probe: flags.probe, probes }))
  output.result(
    'kernel proxy',
    { ...about, rows, ...(saved ? { saved } : {}) },
    () =>
      [
        `LBK and SignDelta as defined (eq. 26): ${flags.from} to ${flags.to}, update '${flags.updateType}' of ${flags.update}`,
        '',
        ...table(
          [
            ['row', 'type', 'LBK', 'SignDelta'],
            ...rows.map((r) => [String(r.row), r.type, brief(r.lbk), brief(r.signDelta)]),
          ],
          2,
        ),
        output.style(
          'dim',
          'LBK = ‖Δlog π‖²/(‖A‖²‖G‖²) ≤ η²‖K‖²; SignDelta: mean change of log π over vocabulary and tokens, nats',
        ),
        ...(saved ? ['', `Saved in ${saved}`] : []),
      ].join('\n'),
  )
}

/** LBK and SignDelta, one row for each list: of all probes between two checkpoints, of a type over intervals. */
const save = (
  out: string,
  lists: readonly (readonly Proxies[])[],
  about: Readonly<Record<string, unknown>>,
): Promise<string> => {
  const matrix = (name: string, value: (p: Proxies) => number): SavedMatrix => ({
    name,
    shape: [lists.length, lists[0]?.length ?? 0],
    data: Float64Array.from(lists.flatMap((list) => list.map(value))),
  })
  return saveMatrices(out, kernelName('proxy', undefined), [matrix('lbk', (p) => p.lbk), matrix('sign_delta', (p) => p.signDelta)], about)
}

interface PublishedInterval extends Proxies {
  readonly from: number
  readonly to: number
  readonly stage: string
}
interface PublishedType {
  readonly type: string
  readonly probes: number
  /** With the type's own p_e. */
  readonly intervals: readonly PublishedInterval[]
  /** Missing where the run's log lacks what `lacks` names. */
  readonly accumulated?: Proxies
  /** With random_nonhum's p_e, as the released runs have it; missing where that is not in the log. */
  readonly released?: Proxies
  /** Metrics of this type that an imported log does not have. */
  readonly lacks?: readonly string[]
}

async function published(word: string, flags: ProxyFlags, context: Context): Promise<void> {
  const directory = await findRun(word, flags.runsDir)
  const run = await openRun(directoryFiles(directory))
  // A log is read, and no model: what it would take is what it takes.
  if (flags.dryRun)
    return tellForecast('kernel proxy', [await forecast('pass over the log', () => publishedTypes(run, flags.types))], context)
  const types = await publishedTypes(run, flags.types)
  const whole = types.filter((t) => t.accumulated)
  const saved =
    flags.out &&
    (await save(
      flags.out,
      whole.map((t) => t.intervals),
      {
        form: 'published',
        run: directory,
        types: whole.map((t) => t.type),
        intervals: (whole[0]?.intervals ?? []).map(({ from, to, stage }) => ({ from, to, stage })),
      },
    ))
  context.output.result('kernel proxy', { form: 'published', run: directory, types, ...(saved ? { saved } : {}) }, () =>
    [
      `LBK′ and SignDelta′ as published: ${directory}, summed over the ${run.evaluations.length - 1} intervals between evaluations`,
      '',
      ...table(
        [
          ['type', 'probes', 'LBK′', 'SignDelta′', `with ${LAST_TYPE}’s p_e`, ''],
          ...types.map((t) => [
            t.type,
            String(t.probes),
            ...[t.accumulated, t.released].flatMap((p) => (p ? [brief(p.lbk), brief(p.signDelta)] : ['–', '–'])),
          ]),
        ],
        1,
      ),
      ...lacking(types),
      context.output.style(
        'dim',
        '‖δ‖/(√a·p) and mean δ/(√a·p), δ the changes of Σ log π: not eq. 26 (ldyn help kernel). ‖A‖ here is the mean of norms.',
      ),
      ...(saved ? ['', `Saved in ${saved}`] : []),
    ].join('\n'),
  )
}

/** Which types have no figure, and why. */
function lacking(types: readonly PublishedType[]): string[] {
  const short = types.filter((t) => t.lacks)
  if (short.length === 0) return []
  const metrics = [...new Set(short.flatMap((t) => t.lacks!))].join(', ')
  return [`–: the imported log has no ${metrics} of ${short.map((t) => t.type).join(', ')}`]
}

async function publishedTypes(run: Run, asked?: readonly string[]): Promise<PublishedType[]> {
  const { probes, evaluations } = run
  if (!probes || evaluations.length < 2)
    throw new CliError({
      code: 'LD3101',
      what: 'the run has no interval between two evaluations of probes',
      where: run.name,
      why: `it has ${evaluations.length} evaluations`,
      fix: 'train with --probe and --every',
    })
  const unknown = asked?.find((type) => !run.types.includes(type))
  if (unknown !== undefined)
    throw new CliError({
      code: 'LD2003',
      what: `the run does not watch '${unknown}'`,
      where: '--types',
      fix: `it watches ${run.types.join(', ')}`,
    })
  const values = Object.fromEntries(
    await Promise.all(METRICS.map(async (name) => [name, await run.metric(name)] as const)),
  ) as Record<(typeof METRICS)[number], readonly Float32Array[]>
  const known = (type: string, metric: string): number[] => {
    const unknown = unknownColumns(probes, metric)
    return probes.columns.flatMap((c, i) => (c.type === type && !unknown.has(i) ? [i] : []))
  }
  const at = (metric: (typeof METRICS)[number], e: number, of: readonly number[]): number[] =>
    of.map((i) => values[metric][e][i])
  const last = known(LAST_TYPE, 'p_e')
  return (asked ?? run.types).map((type): PublishedType => {
    const own = known(type, 'logp')
    const lacks = METRICS.filter((metric) => known(type, metric).length < own.length || own.length === 0)
    const steps = lacks.some((metric) => metric !== 'p_e') ? [] : evaluations.slice(1).map((_, e) => e)
    const between = (e: number, errors: readonly number[]): Proxies =>
      publishedProxies({
        delta: own.map((i) => values.logp[e + 1][i] - values.logp[e][i]),
        aNorm: at('a_norm', e, own),
        pError: at('p_e', e, errors),
      })
    const sum = (list: readonly Proxies[]): Proxies => ({
      lbk: list.reduce((n, p) => n + p.lbk, 0),
      signDelta: list.reduce((n, p) => n + p.signDelta, 0),
    })
    const intervals = (lacks.length > 0 ? [] : steps).map((e) => ({
      from: evaluations[e].step,
      to: evaluations[e + 1].step,
      stage: evaluations[e + 1].stage,
      ...between(e, own),
    }))
    return {
      type,
      probes: own.length,
      intervals,
      ...(lacks.length > 0 ? { lacks } : { accumulated: sum(intervals) }),
      ...(last.length > 0 && steps.length > 0 ? { released: sum(steps.map((e) => between(e, last))) } : {}),
    }
  })
}
