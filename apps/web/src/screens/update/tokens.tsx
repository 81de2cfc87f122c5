// One followed response of one recorded update, token by token: what the first order predicted, what happened, and
// which part of the update each token felt; as a map and as running text.
import { looks, show, signed } from '@ldyn/figures'
import type { DecomposedResponse, DecomposedTokens, DecompositionLine } from '@ldyn/runs'
import type { LiveData } from '../../data/live-run.ts'
import { tokenName, type Heat, type Rail } from '../../panels/heat.ts'
import { notRecorded } from '../../panels/not-recorded.ts'
import type { PanelModel } from '../../panels/panel.ts'
import type { App } from '../../shell/context.ts'
import { heatPanel } from '../../shell/heat/panel.tsx'
import { TokenText } from '../token-text.tsx'
import { sideOf, tokenAgreement } from './data.ts'

export const railOfDirection = (direction: string): Rail => {
  const side = sideOf(direction)
  if (side === 'chosen') return { name: 'y⁺', ...looks.chosen }
  return side === 'rejected' ? { name: 'y⁻', ...looks.rejected } : { name: 'other', ...looks.initial }
}

/** Tokens by directions, with the predicted and the actual change beside. */
export const tokenHeat = (tokens: DecomposedTokens): Heat => {
  const names = Object.keys(tokens.directions)
  const shown = names.length > 0
  return {
    rows: tokens.text.map(tokenName),
    columns: shown ? names : ['predicted'],
    rowName: 'token',
    columnName: 'direction',
    columnRails: shown ? names.map(railOfDirection) : undefined,
    values: tokens.text.flatMap((_, m) =>
      shown ? names.map(name => tokens.directions[name][m]) : [tokens.predicted[m]],
    ),
    signed: true,
    log: true,
    unit: 'nats',
    beside: [
      { name: 'predicted', values: tokens.predicted, hollow: true },
      { name: 'actual', values: tokens.actual },
    ],
  }
}

const sum = (values: readonly number[]): number => values.reduce((total, x) => total + x, 0)

const verdict = ({ tokens, predicted, actual }: DecomposedResponse): string => {
  const { r2, relative } = tokens ? tokenAgreement(tokens) : {}
  return (
    `Σ predicted ${signed(predicted)}, Σ actual ${signed(actual)}, residual ${signed(actual - predicted)} nats` +
    (r2 === undefined ? '' : `; over tokens R² ${show(r2)}`) +
    (relative === undefined ? '.' : `, what is left is ${show(relative * 100)} % of what moved.`)
  )
}

export const tokenPanel = (
  app: App,
  run: LiveData,
  key: string,
  update: DecompositionLine,
  response: DecomposedResponse,
): PanelModel => {
  const id = 'by-token'
  const title = `Token by token: update ${update.s} on #${response.row} ${response.type}`
  const says =
    'Δ log π of every token of the response, after minus before. Columns: the parts that the applied update is the sum of; a row adds up to its prediction (dashed), beside what happened (filled). Blue raises the token, red lowers it.'
  const { tokens } = response
  if (!tokens) {
    return {
      id,
      kind: 'missing',
      title,
      says,
      missing: notRecorded(run, 'This update was recorded for whole responses, not for their tokens.', {
        name: 'decomposed',
        settings: ['observe.decompose.every=10', 'observe.decompose.tokens=true'],
      }),
    }
  }
  const heat = tokenHeat(tokens)
  const { relative } = tokenAgreement(tokens)
  const notes =
    relative !== undefined && relative > 0.1
      ? ['CAUTION: more than a tenth of what these tokens moved is beyond the first order (residual > 10 %).']
      : []
  return heatPanel({ id, title, says: `${says} ${verdict(response)}`, notes }, heat, {
    window: `${key} by-token`,
    picked: app.store.view.value.cell,
    onPick: (row, column) => app.store.set({ cell: [row, column] }),
    tallest: 560,
  })
}

/** What the text is coloured by. */
export const TEXT_VALUES = ['predicted', 'actual', 'residual'] as const
export type TextValue = (typeof TEXT_VALUES)[number]

export const textPanel = (
  app: App,
  { row, type, tokens }: DecomposedResponse,
  prompt: string | undefined,
  by: TextValue,
): PanelModel | undefined => {
  if (!tokens) return undefined
  const residual = tokens.actual.map((value, i) => value - tokens.predicted[i])
  const values = { predicted: tokens.predicted, actual: tokens.actual, residual }[by]
  return {
    id: 'text',
    kind: 'drawn',
    title: `As text: #${row} ${type}, by its ${by === 'residual' ? 'residual' : `${by} change`}`,
    says: `Each token coloured by ${by === 'residual' ? 'actual − predicted' : `its ${by} Δ log π`} in this update (Σ ${signed(sum(values))} nats): blue up, red down. ␣ is a space, ↵ a line end, ⟨byte⟩ a piece of a character.`,
    draw: () => (
      <>
        {prompt !== undefined && <p class="prompt-line muted">…{prompt.trim().slice(-160)}</p>}
        <TokenText
          tokens={tokens.text.map((text, i) => ({
            text,
            value: values[i],
            more: {
              predicted: tokens.predicted[i],
              actual: tokens.actual[i],
              'log π before': tokens.logp[i],
            },
          }))}
          unit="nats"
          picked={app.store.view.value.cell?.[0]}
          onPick={i => app.store.set({ cell: [i, app.store.view.peek().cell?.[1] ?? 0] })}
        />
      </>
    ),
    table: () => ({
      head: ['token', 'text', 'log π before', 'predicted', 'actual', 'actual − predicted'],
      rows: tokens.text.map((text, i) => [
        i,
        text,
        tokens.logp[i],
        tokens.predicted[i],
        tokens.actual[i],
        residual[i],
      ]),
    }),
  }
}
