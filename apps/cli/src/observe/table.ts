/** Means over rows by model and type, for the terminal. */
import type { Output } from '../contract/output.ts'
import type { Observation } from './observe.ts'

const FIGURES = ['tokens', 'logp', 'argmax_logp', 'rest_logp', 'energy', 'p_e', 'a_norm', 'entropy'] as const
type Figure = (typeof FIGURES)[number]

export interface Average {
  readonly model: string
  readonly type: string
  /** Rows that have the type. */
  readonly rows: number
  readonly means: Readonly<Record<Figure, number>>
  /** Standard error of the mean log-prob over rows; NaN for one row. */
  readonly error: number
}

/** In the order in which models and types first come. */
export function averages(observations: readonly Observation[]): Average[] {
  const groups = new Map<string, Observation[]>()
  for (const o of observations) {
    const key = JSON.stringify([o.model, o.type])
    groups.set(key, [...(groups.get(key) ?? []), o])
  }
  return [...groups.values()].map((group) => {
    const mean = (figure: Figure): number => group.reduce((n, o) => n + o[figure], 0) / group.length
    const logp = mean('logp')
    const variance = group.reduce((n, o) => n + (o.logp - logp) ** 2, 0) / (group.length - 1)
    return {
      model: group[0].model,
      type: group[0].type,
      rows: group.length,
      means: Object.fromEntries(FIGURES.map((figure) => [figure, mean(figure)])) as Record<Figure, number>,
      error: Math.sqrt(variance / group.length),
    }
  })
}

/** Sums and means over tokens stand apart; ± is the standard error over rows. */
export function renderAverages(list: readonly Average[], output: Output): string {
  const header = [
    'type',
    'rows',
    'tokens',
    'logp',
    '±',
    'argmax_logp',
    'rest_logp',
    '|',
    'energy',
    'p_e',
    'a_norm',
    'entropy',
  ]
  const models = [...new Set(list.map(({ model }) => model))]
  const row = ({ type, rows, means, error }: Average): string[] => [
    type,
    String(rows),
    means.tokens.toFixed(1),
    means.logp.toFixed(2),
    Number.isNaN(error) ? '' : error.toFixed(2),
    means.argmax_logp.toFixed(2),
    means.rest_logp.toFixed(2),
    '|',
    means.energy.toFixed(3),
    means.p_e.toFixed(3),
    means.a_norm.toFixed(2),
    means.entropy.toFixed(3),
  ]
  const all = [header, ...list.map(row)]
  const wide = header.map((_, i) => Math.max(...all.map((cells) => cells[i].length)))
  const line = (cells: readonly string[]): string =>
    cells.map((cell, i) => (i === 0 ? cell.padEnd(wide[i]) : cell.padStart(wide[i]))).join('  ')
  return [
    ...models.flatMap((model) => [
      output.style('bold', model),
      output.style('dim', line(header)),
      ...list.filter((a) => a.model === model).map((a) => line(row(a))),
      '',
    ]),
    'Means over rows. Left of the bar sums over response tokens in nats, right of it means over response tokens.',
  ].join('\n')
}
