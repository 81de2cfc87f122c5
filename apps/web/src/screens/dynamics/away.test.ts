import { expect, it } from 'vitest'
import { DEFAULTS } from '../../state/address.ts'
import { awayWords } from './away.ts'

const all = ['spread', 'grouping', 'change', 'smooth', 'along', 'xAxis', 'logY'] as const

it('says nothing of defaults', () => {
  expect(awayWords(DEFAULTS, all)).toEqual([])
  // Since which step is no setting while there is no change.
  expect(awayWords({ ...DEFAULTS, versus: 20 }, all)).toEqual([])
})

it('says each setting that was changed, of those whose controls are folded away', () => {
  const view = { ...DEFAULTS, spread: 'iqr', change: true, versus: 20, along: 'wall', logY: true, per: 'token' } as const
  expect(awayWords(view, all)).toEqual(['band of quartiles', 'Δ from 20', 'along wall time', 'log y'])
  expect(awayWords({ ...DEFAULTS, spread: 'none', smooth: 0.9 }, all)).toEqual(['no band', 'EMA 0.9'])
})
