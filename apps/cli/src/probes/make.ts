/**
 * A probe set from preference pairs: types that need no model, `chosen_initial` sampled by the model before finetuning,
 * and rephrasings that somebody else wrote, from a file.
 */
import { stat } from 'node:fs/promises'
import { writeAtomically } from '@ldyn/formats/node'
import {
  disposeTree,
  encodeRow,
  makeProbes,
  readRows,
  sample,
  tokenDefaults,
  type Responder,
  type Row,
} from '@ldyn/lab'
import { openModel } from '@ldyn/models/node'
import { openBackend } from '../backends.ts'
import { CliError } from '../contract/errors.ts'
import { load } from '../observe/observe.ts'
import type { Reporter } from '../progress/reporter.ts'

export interface MakeRequest {
  readonly data: string
  readonly out: string
  readonly rows: number
  readonly seed: number
  readonly heldOut?: string
  readonly model?: string
  readonly maxTokens: number
  readonly temperature: number
  readonly backend: string
  readonly threads?: number
  readonly rephrased?: string
  readonly force?: boolean
}

export interface Made {
  readonly out: string
  readonly rows: number
  readonly types: readonly string[]
}

/** Throws CliError, DataError, and what sampling throws; a file that is there already is left as it is. */
export async function makeProbeSet(request: MakeRequest, progress: Reporter): Promise<Made> {
  const { out, data } = request
  if (!request.force && (await stat(out).catch(() => undefined))) {
    throw new CliError({
      code: 'LD5005',
      what: 'there is a file already',
      where: out,
      fix: 'choose another --out, or replace it with --force',
    })
  }
  await using checkpoint = request.model === undefined ? undefined : await openModel(request.model)
  const tokenizer = await checkpoint?.tokenizer()
  const all = await readRows(data, { tokenizer })
  const rows = all.slice(0, request.rows)
  const pair = rows.find((row) => !row.responses.chosen)
  if (pair)
    throw new CliError({
      code: 'LD3101',
      what: 'a row has no chosen response',
      where: pair.where,
      fix: 'give preference pairs, or rows with a completion',
    })
  if (rows.length < 2)
    throw new CliError({
      code: 'LD3101',
      what: 'a probe set needs two rows at least',
      where: data,
      why: 'irr_train is the answer of another row',
    })
  const conversation = rows.find((row) => row.templated)
  if (conversation) {
    throw new CliError({
      code: 'LD3101',
      what: 'a probe set cannot be made from conversations',
      where: conversation.where,
      why: 'its rows are plain texts, and a rendered chat template would be given its special tokens twice',
      fix: 'give pairs with plain prompt and responses',
    })
  }
  const heldOut =
    request.heldOut === undefined ? all.slice(request.rows) : await readRows(request.heldOut, { tokenizer })
  const further =
    request.rephrased === undefined
      ? {}
      : rephrasings(await readRows(request.rephrased, { tokenizer }), rows, request.rephrased)
  const initial: Record<string, Responder> =
    request.model === undefined ? {} : { chosen_initial: sampler(request, request.model, progress) }
  const records = await makeProbes(rows, {
    heldOut,
    seed: request.seed,
    responders: { ...initial, ...further },
  })
  await writeAtomically(out, (sink) =>
    sink.write(new TextEncoder().encode(`${records.map((r) => JSON.stringify(r)).join('\n')}\n`)),
  )
  const types = [...new Set(records.flatMap((record) => Object.keys(record)))].filter(
    (key) => key !== 'prompt',
  )
  return { out, rows: records.length, types }
}

/** Types that a file brings, row by row. Throws CliError where it has another number of rows. */
function rephrasings(given: readonly Row[], rows: readonly Row[], where: string): Record<string, Responder> {
  if (given.length < rows.length) {
    throw new CliError({
      code: 'LD3101',
      what: 'the rephrasings are fewer than the rows',
      where,
      why: `${given.length} for ${rows.length} rows`,
      fix: 'give one line a row, in the same order',
    })
  }
  const types = [...new Set(given.flatMap((row) => Object.keys(row.responses)))].filter(
    (type) => !['chosen', 'rejected'].includes(type),
  )
  return Object.fromEntries(
    types.map((type) => [type, async () => rows.map((_, i) => given[i].responses[type] ?? '')]),
  )
}

/** What the model answers by itself: one sample a row. A leading space is the model's own business. */
function sampler(request: MakeRequest, model: string, progress: Reporter): Responder {
  return async (rows) => {
    await using backend = await openBackend(request.backend, { threads: request.threads })
    await using checkpoint = await openModel(model)
    const tokenizer = await checkpoint.tokenizer()
    const context = checkpoint.model.context
    const options = { ...tokenDefaults(context), maxLength: context, overflow: 'truncate' as const }
    const prompts = rows.map(
      (row) => encodeRow(row, ['chosen'], tokenizer, options)?.sequences[0]?.prompt ?? new Int32Array(),
    )
    const long = prompts.findIndex((prompt) => prompt.length === 0 || prompt.length >= context)
    if (long >= 0)
      throw new CliError({
        code: 'LD3101',
        what: 'a prompt leaves no room for a sample',
        where: rows[long].where,
        why: `the model's context is ${context} tokens`,
        fix: 'shorten it or drop the row',
      })
    const params = await load(checkpoint, backend, progress)
    try {
      const answers = await sample(backend, checkpoint.model, params, prompts, {
        maxTokens: request.maxTokens,
        temperature: request.temperature,
        seed: request.seed,
        eos: tokenizer.eos,
        progress: (done, total) => progress.update({ task: 'sample', done, total, unit: 'rows' }),
      })
      return answers.map((ids) => tokenizer.decode(ids))
    } finally {
      disposeTree(params)
    }
  }
}
