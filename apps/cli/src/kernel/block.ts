/** `ldyn kernel block`: the V×V kernel between one observed and one update token. */
import { exactBlock, tokenBlock, type TokenBlock } from '@ldyn/lab'
import type { Matrix } from '@ldyn/core'
import type { Context } from '../context.ts'
import { CliError } from '../contract/errors.ts'
import { brief } from '../progress/pace.ts'
import { referredRow } from '../rows/reference.ts'
import { forecast, tellForecast } from './forecast.ts'
import { openKernel, parametersText, piece, sequencesOf, type KernelFlags } from './open.ts'
import { table } from './picture.ts'
import { checkOut, kernelName, saveMatrices, stepOf } from './save.ts'

export interface BlockFlags extends KernelFlags {
  readonly update: string
  readonly observe: string
  readonly type: string
  readonly updateType: string
  readonly token: number
  readonly updateToken: number
  readonly top: number
  readonly exact?: boolean
}

/** Beyond this many entries of vocabulary a V×V matrix is not made. */
const EXACT_MOST = 2048

export interface BlockAnswer {
  readonly model: string
  readonly parameters: number
  readonly vocab: number
  readonly observe: Side
  readonly update: Side
  readonly trace: number
  readonly frobenius: number
  /** K = α·1 + a part of rank ≤ `rank`. */
  readonly alpha: number
  readonly rank: number
  readonly symmetric: boolean
  /**
   * Of P·K·P, P = 1 − 11ᵀ/V: without what moves all logits alike. Eigenvalues where the block is symmetric, else
   * singular values; on all other dimensions it is α·1.
   */
  readonly centred: { readonly trace: number; readonly frobenius: number; readonly spectrum: readonly number[] }
  /** (e_y − π_m)ᵀ K (e_y − π_l) = ⟨∇log π_m, ∇log π_l⟩ and its terms. */
  readonly k: { readonly total: number; readonly head: number; readonly body: number; readonly cross: number }
  /** K[v,w], rows `observe.shown`, columns `update.shown`. */
  readonly entries: readonly (readonly number[])[]
  readonly effects: readonly number[]
  /** Largest difference of the shown entries from the exact block's, over the largest entry; with --exact. */
  readonly exact_difference?: number
  readonly saved?: string
}
interface Side {
  readonly row: string
  readonly type: string
  readonly token: number
  readonly id: number
  readonly text: string
  readonly logp: number
  readonly shown: readonly { readonly id: number; readonly text: string; readonly p: number }[]
}

export async function kernelBlock(flags: BlockFlags, context: Context): Promise<void> {
  const { output } = context
  await checkOut(flags.out)
  using progress = context.progress()
  await using opened = await openKernel(flags, progress)
  const { backend, checkpoint, params, tokenizer, chosen } = opened
  const { model } = checkpoint
  if (flags.exact && model.vocab > EXACT_MOST)
    throw new CliError({
      code: 'LD2003',
      what: '--exact makes every entry of a V×V matrix, and the vocabulary is too large for that',
      where: '--exact',
      why: `V = ${model.vocab}: ${((8 * model.vocab ** 2) / 2 ** 30).toFixed(1)} GiB and ${model.vocab} passes; up to ${EXACT_MOST} is done`,
      fix: 'leave --exact out: the factored block is the same to rounding',
    })
  const updateRow = await referredRow(flags.update, '--update', tokenizer)
  const observeRow = await referredRow(flags.observe, '--observe', tokenizer)
  const [observe] = sequencesOf(observeRow, [flags.type], opened)
  const [update] = sequencesOf(updateRow, [flags.updateType], opened)
  mustHave(observe.response.length, flags.token, '--token', `'${flags.type}' of ${flags.observe}`)
  mustHave(update.response.length, flags.updateToken, '--update-token', `'${flags.updateType}' of ${flags.update}`)
  const at = {
    observe: { sequence: observe, token: flags.token },
    update: { sequence: update, token: flags.updateToken },
  }
  const request = { backend, model, params, wrt: chosen.wrt, ...at }
  if (flags.dryRun) {
    const parts = [
      await forecast('columns', (report) => tokenBlock({ ...request, top: flags.top, progress: report })),
      ...(flags.exact
        ? [await forecast('columns of the exact block', (report) => exactBlock({ ...request, progress: report }))]
        : []),
    ]
    progress.end()
    return tellForecast('kernel block', parts, context)
  }
  const found = await tokenBlock({
    ...request,
    top: flags.top,
    progress: (done, total) => progress.update({ task: 'block', done, total, unit: 'columns' }),
  })
  const exact =
    flags.exact &&
    (await exactBlock({
      ...request,
      progress: (done, total) => progress.update({ task: 'exact', done, total, unit: 'columns' }),
    }))
  progress.end()
  const { centred } = found.block
  const spectrum = centred.spectrum(found.symmetric)
  const side = (which: 'observe' | 'update'): Side => {
    const { id, logp, ids, pi } = found[which]
    return {
      row: flags[which],
      type: which === 'observe' ? flags.type : flags.updateType,
      token: at[which].token,
      id,
      text: piece(tokenizer, id),
      logp,
      shown: ids.map((v, i) => ({ id: v, text: piece(tokenizer, v), p: pi[i] })),
    }
  }
  const answer: BlockAnswer = {
    model: flags.model,
    parameters: chosen.numbers,
    vocab: model.vocab,
    observe: side('observe'),
    update: side('update'),
    trace: found.block.trace,
    frobenius: found.block.frobenius,
    alpha: spectrum.alpha,
    rank: spectrum.values.length,
    symmetric: found.symmetric,
    centred: { trace: centred.trace, frobenius: centred.frobenius, spectrum: [...spectrum.values] },
    k: found.k,
    entries: found.observe.ids.map((_, i) => [...entriesRow(found.entries, i)]),
    effects: found.effects,
    ...(exact ? { exact_difference: difference(found, exact) } : {}),
  }
  const step = await stepOf(flags.model, flags.step)
  const saved =
    flags.out &&
    (await saveMatrices(
      flags.out,
      kernelName('block', step),
      [
        exact
          ? { name: 'K', shape: [exact.rows, exact.cols], data: exact.data }
          : { name: 'B', shape: [model.width, model.width], data: found.block.parts.body.data },
        { name: 'spectrum', shape: [spectrum.values.length], data: spectrum.values },
        { name: 'entries', shape: [found.entries.rows, found.entries.cols], data: found.entries.data },
      ],
      {
        model: flags.model,
        ...(step === undefined ? {} : { step }),
        alpha: spectrum.alpha,
        observe: answer.observe,
        update: answer.update,
      },
    ))
  output.result('kernel block', { ...answer, ...(saved ? { saved } : {}) }, () =>
    [render(answer, context, parametersText(chosen)), ...(saved ? ['', `Saved in ${saved}`] : [])].join('\n'),
  )
}

const entriesRow = ({ cols, data }: Matrix, i: number): Float64Array => data.subarray(i * cols, (i + 1) * cols)

function difference({ observe, update, entries }: TokenBlock, exact: Matrix): number {
  const largest = exact.data.reduce((m, x) => Math.max(m, Math.abs(x)), 0)
  const off = observe.ids.flatMap((v, i) =>
    update.ids.map((w, j) => Math.abs(entries.data[i * entries.cols + j] - exact.data[v * exact.cols + w])),
  )
  return Math.max(...off) / largest
}

function mustHave(tokens: number, token: number, flag: string, what: string): void {
  if (token < tokens) return
  throw new CliError({
    code: 'LD2003',
    what: `there is no token ${token}`,
    where: flag,
    why: `${what} has ${tokens} tokens, counting from 0, the EOS among them`,
    fix: `give 0 to ${tokens - 1}; \`ldyn probe show --tokens\` lists them`,
  })
}

function render(answer: BlockAnswer, { output }: Context, parameters: string): string {
  const { observe, update, k, centred, alpha, vocab, rank, trace, frobenius, symmetric } = answer
  const dim = (text: string): string => output.style('dim', text)
  const text = (t: string): string => [...t].slice(0, 12).join('')
  const side = (s: Side): string => `'${s.text}' (token ${s.token} of '${s.type}', ${s.row}, log π ${brief(s.logp)})`
  const { spectrum } = centred
  const common = 1 - (centred.frobenius / frobenius) ** 2
  const kinds = symmetric ? 'eigenvalues' : 'singular values'
  return [
    `K between observed ${side(observe)}`,
    `  and update ${side(update)}, over ${parameters}`,
    '',
    `k = ⟨∇log π, ∇log π⟩  ${brief(k.total)} = head ${brief(k.head)} + body ${brief(k.body)}${k.cross === 0 ? '' : ` + tie ${brief(k.cross)}`}`,
    `‖K‖_F ${brief(frobenius)}, trace ${brief(trace)}: ${vocab} × ${vocab}, ${brief(alpha)} times the identity and a part of rank ≤ ${rank}`,
    `${(100 * common).toFixed(1)} % of ‖K‖² moves all logits alike, or is a push on all alike, which no probability feels`,
    `the rest: ‖K‖_F ${brief(centred.frobenius)}, ${kinds} ${spectrum.slice(0, 6).map(brief).join(', ')}, …; the largest has ${(
      100 *
      (spectrum[0] / centred.frobenius) ** 2
    ).toFixed(0)} % of it`,
    ...(answer.exact_difference === undefined
      ? []
      : [`exact block: entries differ by ${answer.exact_difference.toExponential(1)} of the largest`]),
    '',
    'What pulling the update token up does to the observed distribution',
    ...table(
      [
        ['observed token', 'π', 'log π rises by', ...update.shown.map((w) => text(w.text))],
        ['', '', '', ...update.shown.map((w) => `π ${w.p.toPrecision(2)}`)],
        ...observe.shown.map((v, i) => [
          `${v.text}${v.id === observe.id ? ' ←' : ''}`,
          v.p.toPrecision(2),
          `${answer.effects[i] > 0 ? '+' : ''}${brief(answer.effects[i])}`,
          ...answer.entries[i].map(brief),
        ]),
      ],
      1,
    ),
    dim('rises: per unit of rate and pull. Columns under it: K[v,w], how a push on logit w of the update moves logit v.'),
    dim('`ldyn help kernel`'),
  ].join('\n')
}
