/** What-ifs as a table and a paragraph: what each update would do to the probes, and what a nat of margin costs. */
import type { Effect, PredictedEffect, WhatIfs } from '@ldyn/lab'
import { columnsOf } from '../commands/runs.ts'
import { figure, signed, wrapped, type RenderOptions } from './render.ts'

const TYPES = ['chosen', 'rejected', 'irr_train', 'irr_test', 'random_permute']

const withSe = ({ change, se, n }: Effect): string =>
  n < 2 ? signed(change) : `${signed(change)} ± ${figure(se)}`

/** What the numbers come to, in words that follow from them alone. */
export function whatIfWords({ base, others, pairs, actual }: WhatIfs): readonly string[] {
  const real = actual.chosen
  const own = base.types.chosen
  const close = real && own ? ` (really ${signed(real.change)}: the rest is of second order)` : ''
  const words = [
    `As it is (${base.says}), the next update moves log π(y⁺) by ${own ? signed(own.change) : 'nothing that is followed'} nats a probe${close}` +
      `${base.argmax ? `, Σ log max π along it by ${signed(base.argmax.change)}` : ''}` +
      `${base.margin ? ` and the margin by ${signed(base.margin.change)}` : ''}. ` +
      'All of it scales with the learning rate: a fifth of it gives a fifth, of the harm and of the margin.',
  ]
  const priced = [base, ...others].filter((one) => one.preference && one.perMargin !== undefined)
  if (priced.length > 1 && base.preference && base.perMargin) {
    const best = priced.reduce((a, b) => (b.perMargin!.chosen > a.perMargin!.chosen ? b : a))
    words.push(
      best === base
        ? `For each nat of margin chosen moves by ${signed(base.perMargin.chosen)} as it is, and no alternative does better.`
        : `For each nat of margin chosen moves by ${signed(base.perMargin.chosen)} as it is and by ${signed(best.perMargin!.chosen)} under ` +
            `${best.name} (${best.says}), the best of them; argmax by ${signed(base.perMargin.argmax)} and ${signed(best.perMargin!.argmax)}.`,
    )
  } else if (!base.perMargin && base.margin) {
    words.push('As it is the update gains no margin on these probes, so that there is nothing to price.')
  }
  const extend = others.find(({ name }) => name === 'extend')
  if (extend?.types.rejected && base.preference) {
    const { chosen, rejected } = extend.types
    words.push(
      `An extend update would raise chosen by ${signed(chosen.change)} and rejected by ${signed(rejected.change)}: what DPO then pushes ` +
        `down starts ${rejected.change > 0 ? 'higher up' : 'no higher'}.`,
    )
  }
  if (real && own && Math.abs(own.change - real.change) > 0.5 * Math.abs(real.change)) {
    words.push(
      'The first order is far off at this learning rate: with a lower --lr the comparison means more.',
    )
  }
  const worst = pairs.filter(({ chosen }) => chosen < 0).slice(0, 3)
  if (worst.length > 0) {
    words.push(
      `Of the ${pairs.length} pairs ${worst.map(({ row, chosen }) => `row ${row} (${signed(chosen)})`).join(', ')} ` +
        `push${worst.length === 1 ? 'es' : ''} chosen down the most.`,
    )
  }
  return words
}

export function renderWhatIfs(
  found: WhatIfs,
  says: readonly string[],
  options: RenderOptions,
): readonly string[] {
  const { style, width, clean } = options
  const { base, others, probes } = found
  const types = TYPES.filter((type) => type in base.types)
  const row = (one: PredictedEffect): readonly string[] => [
    one.name,
    ...types.map((type) => withSe(one.types[type])),
    one.argmax ? withSe(one.argmax) : '',
    one.margin ? withSe(one.margin) : '',
    one.perMargin ? signed(one.perMargin.chosen) : '-',
    one.perMargin ? signed(one.perMargin.argmax) : '-',
  ]
  const head = ['', ...types, 'argmax', 'margin', 'chosen/margin', 'argmax/margin']
  const [first, ...rest] = columnsOf([head, row(base), ...others.map(row)])
  return [
    '',
    style('bold', 'What if (predicted to first order, one update)'),
    wrapped(
      clean(
        `${says.join('; ')}; Δ log π in nats per response, mean over ${probes} probes ± its standard error.`,
      ),
      width,
    ),
    '',
    ...whatIfWords(found).map((text) => wrapped(clean(text), width)),
    '',
    style('dim', `  ${first.join('')}`),
    ...rest.map((cells) => `  ${cells.join('')}`.trimEnd()),
    style(
      'dim',
      wrapped(
        'Sizes are not comparable between losses, whose scale is a learning rate too; what a nat of margin costs is.',
        width,
        '  ',
      ),
    ),
  ]
}
