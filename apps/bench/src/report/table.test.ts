import { describe, expect, it } from 'vitest'
import { memory, percent, seconds, table, times } from './table.ts'

describe('table', () => {
  it('pads cells so that it reads as text, and sets numbers to the right', () => {
    expect(table(['', 'time'], [['probes', '1.20 s'], ['a step of training', '12 s']])).toBe([
      '|                    |   time |',
      '| ------------------ | -----: |',
      '| probes             | 1.20 s |',
      '| a step of training |   12 s |',
    ].join('\n'))
  })

  it('keeps a bar inside a cell from ending it', () => {
    expect(table(['x'], [['a|b']]).split('\n')[2]).toBe('| a\\|b |')
  })

  it('refuses a row of another length', () => {
    expect(() => table(['a', 'b'], [['1']])).toThrow('1 cells where the table has 2')
  })
})

it('numbers carry their unit and three digits', () => {
  expect([seconds(0.01234), seconds(0.962), seconds(12.34)]).toEqual(['12.3 ms', '0.962 s', '12.3 s'])
  expect([times(4.512), times(33.71), percent(0.7123)]).toEqual(['4.51×', '33.7×', '71.2 %'])
  expect([memory(412.3), memory(3392)]).toEqual(['412 MiB', '3.31 GiB'])
})
