/**
 * KTO's examples: a response with its label, and beside it a mismatched one, the response of another prompt behind this
 * prompt, from which the loss estimates KL(π‖π_ref). Labels are the data's own (`label: true | false`), or come from
 * pairs: `chosen` is desirable, `rejected` is not.
 */
import { KTO_LABEL } from '@ldyn/core'
import { DataError, type Row } from '../rows/row.ts'
import type { EncodedRow, Sequence } from '../tokens/tokenise.ts'
import type { StageConfig, StageExample } from './stage.ts'

/** A pair becomes two rows, so that each response is tokenised by itself (as TRL unpairs). */
export const unpaired = (rows: readonly Row[]): Row[] =>
  rows.flatMap((row) => {
    const types = ['chosen', 'rejected'].filter((type) => (row.responses[type] ?? '') !== '')
    return types.map((type) => ({ ...row, responses: { [type]: row.responses[type] } }))
  })

interface Labelled {
  readonly row: number
  readonly where: string
  readonly sequence: Sequence
}

const same = (a: Int32Array, b: Int32Array): boolean => a.length === b.length && a.every((id, i) => id === b[i])

/**
 * The mismatched partner of every example: as in TRL, within blocks of `batch` in the data's order, the response before
 * it, the last one's before the first. Where that has the same prompt it would be no mismatch: then the nearest one
 * before it, around the data, that has another.
 */
function partnerOf(all: readonly Labelled[], i: number, batch: number): Labelled | undefined {
  const from = i - (i % batch)
  const to = Math.min(all.length, from + batch)
  const other = (j: number): boolean => !same(all[j].sequence.prompt, all[i].sequence.prompt)
  const own = i > from ? i - 1 : to - 1
  if (other(own)) return all[own]
  for (let back = 1; back < all.length; back++) {
    const j = (i - back + all.length) % all.length
    if (other(j)) return all[j]
  }
  return undefined
}

/** Throws DataError where nothing is undesirable, or all prompts are the same. */
export function labelledExamples(
  stage: StageConfig,
  rows: readonly EncodedRow[],
  maxLength = Infinity,
): StageExample[] {
  const all = rows.flatMap(({ row, sequences }, index) =>
    sequences
      .filter(({ type }) => type === 'chosen' || type === 'rejected')
      .map((sequence): Labelled => ({ row: index, where: row.where, sequence })),
  )
  if (!all.some(({ sequence }) => sequence.type === 'rejected')) {
    throw new DataError(`stage '${stage.name}' needs to know which responses are undesirable`, {
      where: rows[0]?.row.where,
      why: 'no row has `label: false` beside its completion, and none has a rejected response',
      fix: 'add a label (true or false) to every row, give pairs of chosen and rejected, or use an SFT stage',
    })
  }
  return all.map(({ row, where, sequence }, i) => {
    const partner = partnerOf(all, i, stage.batch)
    if (!partner) {
      throw new DataError(`stage '${stage.name}' needs at least two different prompts`, {
        where,
        why: "KTO's KL is estimated from responses to other prompts",
        fix: 'add data, or use a loss of pairs',
      })
    }
    const { prompt } = sequence
    const response = partner.sequence.response.subarray(0, Math.max(1, maxLength - prompt.length))
    const label = sequence.type === 'chosen' ? KTO_LABEL.desirable : KTO_LABEL.undesirable
    return {
      row,
      sequences: [sequence, { type: 'mismatched', prompt, response, truncated: 0 }],
      fields: { label: [label, KTO_LABEL.mismatched] },
    }
  })
}
