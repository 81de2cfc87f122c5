/** `ldyn kernel tokens`: what every token of an update does to every token of a response. */
import { lossOf, tokenKernel, type TokenKernel } from '@ldyn/lab'
import { flagLayer, setLayer } from '../config/sources.ts'
import { resolve, stageConfig } from '../config/resolve.ts'
import type { Context } from '../context.ts'
import { real } from '../contract/arguments.ts'
import { speaksUtf8 } from '../contract/utf8.ts'
import { brief } from '../progress/pace.ts'
import { referredRow } from '../rows/reference.ts'
import { forecast, tellForecast } from './forecast.ts'
import { openKernel, parametersText, piece, sequencesOf, type KernelFlags } from './open.ts'
import { binned, picture, table } from './picture.ts'
import { checkOut, kernelName, saveMatrices, stepOf } from './save.ts'

export interface TokensFlags extends KernelFlags {
  readonly update: string
  readonly observe: string
  readonly type: string
  readonly loss: string
  readonly lr: string
  readonly beta?: string
  readonly set?: readonly string[]
}

/** The answer of `kernel tokens --json`. Rows of matrices are observed tokens m, columns update tokens l. */
export interface TokensAnswer {
  readonly model: string
  readonly loss: string
  /** Rate of the plain gradient step; C is linear in it. */
  readonly lr: number
  readonly parameters: number
  readonly observe: { readonly row: string; readonly type: string; readonly tokens: readonly ObservedToken[] }
  readonly update: { readonly row: string; readonly loss: number; readonly tokens: readonly UpdatingToken[] }
  /** Nats: what update token l adds to log π of observed token m. Σ over l is `predicted`. */
  readonly C: readonly (readonly number[])[]
  readonly margins: {
    readonly A: readonly number[]
    readonly row_A: readonly number[]
    readonly K: readonly (readonly number[])[]
    readonly G: readonly number[]
  }
  /** Σ of C over all m, by the response that l is in, and in all. */
  readonly by_response: Readonly<Record<string, number>>
  readonly predicted: number
  readonly saved?: string
}
interface ObservedToken {
  readonly id: number
  readonly text: string
  readonly logp: number
  readonly predicted: number
}
interface UpdatingToken {
  readonly type: string
  readonly id: number
  readonly text: string
  readonly logp: number
  readonly pull: number
  /** Σ_m C[m,l]. */
  readonly effect: number
}

/** The loss and the rate that the flags say, by the rules of a training config. Throws CliError. */
function settled({ loss, lr, beta, set }: TokensFlags, context: Context) {
  const given = {
    loss_type: { flag: '--loss', value: loss },
    lr: { flag: '--lr', value: real('--lr')(lr) },
    ...(beta === undefined ? {} : { beta: { flag: '--beta', value: real('--beta')(beta) } }),
  }
  const config = resolve([setLayer(set ?? []), flagLayer(given)])
  for (const warning of config.warnings) context.output.warn(warning)
  return stageConfig(config.stages[0], 1)
}

export async function kernelTokens(flags: TokensFlags, context: Context): Promise<void> {
  const { output } = context
  const stage = settled(flags, context)
  await checkOut(flags.out)
  using progress = context.progress()
  await using opened = await openKernel(flags, progress)
  const { backend, checkpoint, params, tokenizer, chosen } = opened
  const loss = lossOf(stage.loss)
  const updateRow = await referredRow(flags.update, '--update', tokenizer)
  const observeRow = await referredRow(flags.observe, '--observe', tokenizer)
  const types = loss.needs.pairs ? ['chosen', 'rejected'] : stage.targets.length > 0 ? stage.targets : ['chosen']
  const update = sequencesOf(updateRow, types, opened)
  const [observe] = sequencesOf(observeRow, [flags.type], opened)
  const request = {
    backend,
    model: checkpoint.model,
    params,
    update,
    observe,
    loss,
    eta: stage.lr,
    wrt: chosen.wrt,
  }
  if (flags.dryRun) {
    const found = await forecast('columns', (report) => tokenKernel({ ...request, progress: report }))
    progress.end()
    return tellForecast('kernel tokens', [found], context)
  }
  const kernel = await tokenKernel({
    ...request,
    progress: (done, total) => progress.update({ task: 'token kernel', done, total, unit: 'columns' }),
  })
  progress.end()
  const answer: TokensAnswer = {
    model: flags.model,
    loss: loss.name,
    lr: stage.lr,
    parameters: chosen.numbers,
    observe: {
      row: flags.observe,
      type: flags.type,
      tokens: kernel.observed.map(({ id, logp }, m) => ({
        id,
        text: piece(tokenizer, id),
        logp,
        predicted: kernel.byObserved[m],
      })),
    },
    update: {
      row: flags.update,
      loss: kernel.loss,
      tokens: kernel.update.map(({ sequence, id, logp, pull }, l) => ({
        type: update[sequence].type,
        id,
        text: piece(tokenizer, id),
        logp,
        pull,
        effect: kernel.byUpdate[l],
      })),
    },
    C: kernel.C.map((row) => [...row]),
    margins: {
      A: [...kernel.margins.A],
      row_A: [...kernel.margins.rowA],
      K: kernel.margins.K.map((row) => [...row]),
      G: [...kernel.margins.G],
    },
    by_response: Object.fromEntries(
      update.map(({ type }, s) => [
        type,
        kernel.update.reduce((n, t, l) => n + (t.sequence === s ? kernel.byUpdate[l] : 0), 0),
      ]),
    ),
    predicted: kernel.total,
  }
  const saved = flags.out && (await save(flags, kernel, answer))
  output.result('kernel tokens', { ...answer, ...(saved ? { saved } : {}) }, () =>
    [render(answer, kernel, context, parametersText(chosen)), ...(saved ? ['', `Saved in ${saved}`] : [])].join('\n'),
  )
}

const rowNumber = (reference: string): string => reference.slice(reference.lastIndexOf('#') + 1)

async function save(
  { out, model, step: given, type }: TokensFlags,
  kernel: TokenKernel,
  { C: _C, margins: _margins, ...about }: TokensAnswer,
): Promise<string> {
  const step = await stepOf(model, given)
  const of = [`u${rowNumber(about.update.row)}`, `o${rowNumber(about.observe.row)}`, type]
  const [M, L] = [kernel.observed.length, kernel.update.length]
  const flat = (rows: readonly Float64Array[]): Float64Array => Float64Array.from(rows.flatMap((row) => [...row]))
  const { A, rowA, G, K } = kernel.margins
  return saveMatrices(
    out!,
    kernelName('tokens', step, ...of),
    [
      { name: 'C', shape: [M, L], data: flat(kernel.C) },
      { name: 'k', shape: [M, L], data: flat(kernel.kernel) },
      { name: 'K', shape: [M, L], data: flat(K) },
      { name: 'A', shape: [M], data: A },
      { name: 'row_A', shape: [M], data: rowA },
      { name: 'G', shape: [L], data: G },
      { name: 'predicted', shape: [M], data: kernel.byObserved },
    ],
    { ...about, ...(step === undefined ? {} : { step }) },
  )
}

const LISTED = 8

function render(answer: TokensAnswer, kernel: TokenKernel, { output, env }: Context, parameters: string): string {
  const { observe, update, by_response, predicted, loss, lr } = answer
  const dim = (text: string): string => output.style('dim', text)
  const signed = (x: number): string => `${x > 0 ? '+' : ''}${brief(x)}`
  const responses = Object.entries(by_response)
  // One column of the picture is a token, or a few of them summed up where a line is too short.
  const room = Math.max(20, (output.stderr.columns ?? 100) - 36)
  const columns = responses.map(([type]) =>
    binned(
      update.tokens.flatMap((t, l) => (t.type === type ? [l] : [])),
      Math.max(4, Math.floor(room / responses.length) - 1),
    ),
  )
  const ascii = !speaksUtf8(env)
  const summed = kernel.C.map((row) =>
    columns.flatMap((bins) => bins.map((bin) => bin.reduce((n, l) => n + row[l], 0))),
  )
  const drawn = picture(summed, { ascii, style: output.style })
  const widest = 14
  const label = (text: string): string => {
    const cut = [...text].slice(0, widest).join('')
    return cut + ' '.repeat(widest - [...cut].length)
  }
  const head = `${' '.repeat(widest)}  ${columns.map((bins, i) => responses[i][0].slice(0, bins.length).padEnd(bins.length)).join('')}  predicted Δlog π`
  const strongest = update.tokens
    .map((t, l) => ({ ...t, l }))
    .sort((a, b) => Math.abs(b.effect) - Math.abs(a.effect))
    .slice(0, LISTED)
  const per = Math.max(...columns.flatMap((bins) => bins.map((bin) => bin.length)))
  return [
    `One ${loss} gradient step at rate ${brief(lr)} on ${update.row}, felt by '${observe.type}' of ${observe.row}`,
    dim(`over ${parameters}; first order in the rate, so C scales with it`),
    '',
    dim(head),
    ...observe.tokens.map((t, m) => `${label(t.text)}  ${drawn.rows[m]}  ${signed(t.predicted)}`),
    dim(`rows: observed tokens; columns: update tokens${per > 1 ? `, ${per} summed a cell` : ''}. ${drawn.legend} nats`),
    '',
    `predicted Δlog π of the response: ${signed(predicted)} nats = ${responses
      .map(([type, x]) => `${signed(x)} from ${type}`)
      .join(', ')}`,
    '',
    'Update tokens with the most effect on the whole response',
    ...table(
      [
        ['token', 'of', 'effect', 'pull', 'log π', '‖G‖', 'K to the strongest'],
        ...strongest.map(({ text, type, effect, pull, logp, l }) => {
          const m = kernel.C.reduce((best, row, i) => (Math.abs(row[l]) > Math.abs(kernel.C[best][l]) ? i : best), 0)
          return [
            text.slice(0, 20),
            type,
            signed(effect),
            signed(pull),
            brief(logp),
            brief(Math.abs(kernel.margins.G[l])),
            `${brief(kernel.margins.K[m][l])} ${observe.tokens[m].text.slice(0, 16)}`,
          ]
        }),
      ],
      2,
    ),
    dim('effect: Σ over observed tokens of C, nats. pull: −∂L/∂log π, positive raises the token itself. `ldyn help kernel`'),
  ].join('\n')
}
