// C = A·K·G of one update and one observed response, token by token, as `ldyn kernel tokens … --out <run>` leaves it
// beside a run. Rows are observed tokens m, columns update tokens l.
//
//   C[m,l] = η · A_m · K[m,l] · G_l      nats that learning l adds to log π of m, in a plain gradient step of rate η
//   A_m    = ‖e_y − π‖ at m              how far the token can be moved at all: 0 where it is certain
//   K[m,l]                               the kernel between the two directions that matter, each of length 1
//   G_l    = ±‖π − e_y‖·|∂L/∂log π|      how hard the loss pulls on l: positive up, negative down
import { lastPart, looks, show } from '@ldyn/figures'
import type { Matrices } from '../data/matrices.ts'
import { tokenText } from '../data/matrices.ts'
import { rankOf } from '../drawing/heat-map.ts'
import type { MatrixName } from '../state/address.ts'
import { tokenName, type Heat, type Rail } from './heat.ts'

export interface BlockToken {
  readonly text: string | undefined
  readonly id: number | undefined
  /** log π before. */
  readonly logp: number | undefined
  /** Of the update: which response the token is of. */
  readonly type: string | undefined
}

export interface TokenBlock {
  readonly path: string
  readonly step: number | undefined
  readonly loss: string
  readonly lr: number | undefined
  readonly observe: { readonly row: string; readonly type: string; readonly tokens: readonly BlockToken[] }
  readonly update: { readonly row: string; readonly tokens: readonly BlockToken[] }
  readonly C: Float32Array
  readonly K?: Float32Array
  readonly A?: Float32Array
  readonly G?: Float32Array
}

const PATH = /^kernel\/tokens(?:-(\d+))?(?:-u([\w.]+)-o([\w.]+)-(.+))?\.safetensors$/

export interface BlockFile {
  readonly path: string
  readonly step: number | undefined
  /** Data row of the update and probe row that is observed, as they were named; undefined where the name has none. */
  readonly update: string | undefined
  readonly observed: string | undefined
  readonly type: string | undefined
}

/** Token blocks among the files of a run. */
export const blockFiles = (paths: readonly string[]): readonly BlockFile[] =>
  paths.flatMap((path): BlockFile[] => {
    const found = PATH.exec(path)
    if (!found) return []
    const [, step, update, observed, type] = found
    return [{ path, step: step === undefined ? undefined : Number(step), update, observed, type }]
  })

/** What the list of blocks says of one. */
export const blockName = ({ path, step, update, observed, type }: BlockFile): string =>
  observed === undefined
    ? lastPart(path)
    : `${step === undefined ? '' : `step ${step}: `}learned #${update}, observed #${observed} ${type}`

/**
 * The block that is asked for, or the one nearest to what is looked at: of this probe and type first, then the last
 * one at or before the step.
 */
export const blockInFocus = (
  files: readonly BlockFile[],
  { path, probe, type, step }: { path?: string; probe?: string; type?: string; step?: number },
): BlockFile | undefined => {
  const named = files.find(file => file.path === path)
  if (named) return named
  const score = (file: BlockFile): number =>
    (file.observed !== undefined && file.observed === probe ? 4 : 0) +
    (file.type !== undefined && file.type === type ? 2 : 0) +
    (step === undefined || file.step === undefined || file.step <= step ? 1 : 0)
  return [...files].sort((a, b) => score(b) - score(a) || (b.step ?? -1) - (a.step ?? -1))[0]
}

const tokensOf = (value: unknown, n: number): readonly BlockToken[] => {
  const list = Array.isArray(value) && value.length === n ? (value as Record<string, unknown>[]) : []
  return Array.from({ length: n }, (_, i): BlockToken => {
    const { text, id, logp, type } = list[i] ?? {}
    return {
      // The CLI writes a token as JSON does between its quotes.
      text: typeof text === 'string' ? unquoted(text) : undefined,
      id: Number.isSafeInteger(id) ? (id as number) : undefined,
      logp: typeof logp === 'number' ? logp : undefined,
      type: typeof type === 'string' ? type : undefined,
    }
  })
}
const unquoted = (text: string): string => {
  try {
    return JSON.parse(`"${text}"`) as string
  } catch {
    return text
  }
}
const word = (value: unknown, otherwise: string): string => (typeof value === 'string' ? value : otherwise)

/** Throws FormatError, and Error where the file holds no C. */
export const readBlock = async (matrices: Matrices, path: string): Promise<TokenBlock> => {
  const [M, L] = matrices.shapes.get('C') ?? []
  if (M === undefined || L === undefined) throw new Error(`${path} holds no matrix C`)
  const observe = (matrices.about('observe') ?? {}) as Record<string, unknown>
  const update = matrices.about('update')
  const learned = (Array.isArray(update) ? { tokens: update } : (update ?? {})) as Record<string, unknown>
  const [step, lr] = [matrices.about('step'), matrices.about('lr')]
  const part = async (name: string, ...shape: number[]): Promise<Float32Array | undefined> =>
    String(matrices.shapes.get(name)) === String(shape) ? matrices.read(name) : undefined
  return {
    path,
    step: typeof step === 'number' ? step : undefined,
    loss: word(matrices.about('loss'), 'not said'),
    lr: typeof lr === 'number' ? lr : undefined,
    observe: {
      row: word(observe.row, ''),
      type: word(observe.type, ''),
      tokens: tokensOf(observe.tokens, M),
    },
    update: { row: word(learned.row, ''), tokens: tokensOf(learned.tokens, L) },
    C: await matrices.read('C'),
    K: await part('K', M, L),
    A: await part('row_A', M),
    G: await part('G', L),
  }
}

export const DEFINITIONS: Readonly<
  Record<MatrixName, { readonly name: string; readonly formula: string; readonly says: string }>
> = {
  C: {
    name: 'C = A·K·G',
    formula: 'C[m,l] = η · A_m · K[m,l] · G_l = −η · ∂L/∂log π_l · ⟨∇log π_m, ∇log π_l⟩',
    says: 'Nats that learning token l adds to log π of observed token m, to first order in the rate. C > 0 (blue) raises the observed token, C < 0 (red) lowers it. A row adds up to the predicted change of its token.',
  },
  K: {
    name: 'K',
    formula: 'K[m,l] = ⟨∇log π_m, ∇log π_l⟩ / (‖e_y − π‖_m · ‖e_y − π‖_l)',
    says: 'How much the model ties the two tokens together, whatever the loss wants. K > 0: raising one raises the other.',
  },
  G: {
    name: 'G',
    formula: 'G_l = −∂L/∂log π_l · ‖e_y − π‖_l',
    says: 'How hard the loss pulls on update token l. G > 0: the update pushes the token up; G < 0: down. Near 0 where the token is already certain.',
  },
  A: {
    name: 'A',
    formula: 'A_m = ‖e_y − π‖_m',
    says: 'How far observed token m can be moved at all: 0 where it is certain, up to √2 where another token is.',
  },
}

const types = [looks.chosen, looks.rejected]
const railOf = (type: string | undefined): Rail =>
  type === 'rejected' || type?.startsWith('rejected')
    ? { name: 'y⁻', ...types[1] }
    : { name: type === undefined ? 'learned' : 'y⁺', ...types[0] }

const sums = (block: TokenBlock): { readonly rows: Float64Array; readonly columns: Float64Array } => {
  const [M, L] = [block.observe.tokens.length, block.update.tokens.length]
  const [rows, columns] = [new Float64Array(M), new Float64Array(L)]
  block.C.forEach((value, i) => {
    rows[Math.floor(i / L)] += value
    columns[i % L] += value
  })
  return { rows, columns }
}

/** Σ of C over the columns of each response of the update. */
export const byResponse = (block: TokenBlock): ReadonlyMap<string, number> => {
  const { columns } = sums(block)
  const found = new Map<string, number>()
  block.update.tokens.forEach(({ type = 'learned' }, l) =>
    found.set(type, (found.get(type) ?? 0) + columns[l]),
  )
  return found
}

/** The map of one matrix; undefined where the file does not hold it. A has one column, G one row. */
export const blockHeat = (block: TokenBlock, matrix: MatrixName): Heat | undefined => {
  const values = block[matrix]
  if (!values) return undefined
  const rows = block.observe.tokens.map(({ text }, m) => tokenName(text, m))
  const columns = block.update.tokens.map(
    ({ text, type }, l) => `${tokenName(text, l)}${type?.startsWith('rejected') ? ' y⁻' : ''}`,
  )
  const { rows: byRow } = sums(block)
  const common = { rowName: 'observed', columnName: 'learned' }
  const columnRails = block.update.tokens.map(({ type }) => railOf(type))
  switch (matrix) {
    case 'A':
      return { ...common, rows, columns: ['‖e_y − π‖'], columnName: '', values, signed: false, unit: '' }
    case 'G':
      return { ...common, rows: ['pull'], rowName: '', columns, columnRails, values, signed: true, unit: '' }
    case 'K':
      return { ...common, rows, columns, columnRails, values, signed: true, log: true, unit: '' }
    case 'C':
      return {
        ...common,
        rows,
        columns,
        columnRails,
        values,
        signed: true,
        log: true,
        unit: 'nats',
        beside: [{ name: 'Σ predicted', values: byRow }],
        above: block.G ? { name: 'G', values: block.G } : undefined,
      }
  }
}

export interface CellFact {
  readonly name: string
  readonly value: string
  readonly says?: string
}

/** Everything that is known of one cell, in words. */
export const cellFacts = (block: TokenBlock, m: number, l: number): readonly CellFact[] => {
  const L = block.update.tokens.length
  const i = m * L + l
  const [observed, learned] = [block.observe.tokens[m], block.update.tokens[l]]
  const { rows } = sums(block)
  const fact = (name: string, value: number | undefined, says?: string): CellFact[] =>
    value === undefined || !Number.isFinite(value) ? [] : [{ name, value: show(value), says }]
  const p = observed.logp === undefined ? undefined : Math.exp(observed.logp)
  const G = block.G?.[l]
  return [
    {
      name: 'C',
      value: `${show(block.C[i])} nats`,
      says: `rank ${rankOf(block.C, i)} of ${block.C.length}${block.C[i] < 0 ? ', lowers' : block.C[i] > 0 ? ', raises' : ''}`,
    },
    ...fact('K', block.K?.[i]),
    ...fact('G', G, G === undefined ? undefined : G > 0 ? 'pushed up' : G < 0 ? 'pushed down' : 'not pushed'),
    ...fact('A', block.A?.[m], '‖e_y − π‖'),
    ...(p === undefined
      ? []
      : [
          {
            name: `p(${tokenText(observed.text ?? '')})`,
            value: `${show(p)} → ${show(Math.min(1, p * Math.exp(rows[m])))}`,
            says: 'before → after, predicted from the whole row',
          },
        ]),
    ...fact('log π of the learned token', learned.logp),
  ]
}
