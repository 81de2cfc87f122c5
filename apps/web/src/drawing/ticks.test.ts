import { textWidth } from '@ldyn/figures'
import { describe, expect, it } from 'vitest'
import { across, everyNth, upwards } from './ticks.ts'

describe('axes of small pictures', () => {
  it.each([60, 120, 280, 560, 900])('have no two labels that touch, on %i pixels', width => {
    for (const high of [1e-6, 0.0234, 1, 47, 12_345, 9e7]) {
      const axis = across([-high, high], [0, width])
      expect(axis.labels).toHaveLength(axis.ticks.length)
      axis.ticks.slice(1).forEach((tick, i) => {
        const gap = axis.at(tick) - axis.at(axis.ticks[i])
        const half = (textWidth(axis.labels[i]) + textWidth(axis.labels[i + 1])) / 2
        if (axis.ticks.length > 3) expect(gap).toBeGreaterThanOrEqual(half)
      })
    }
  })

  it('have numbers on either side of zero where both are drawn, also on a telephone', () => {
    for (const width of [280, 560]) {
      const { ticks } = across([-4.7, 0.2], [0, width])
      expect(ticks.length).toBeGreaterThanOrEqual(3)
      expect(ticks).toContain(0)
    }
    const up = upwards([-4.7, 0.2], [280, 0])
    expect(up.ticks).toContain(0)
    up.ticks.slice(1).forEach((tick, i) => expect(up.at(up.ticks[i]) - up.at(tick)).toBeGreaterThan(14))
  })

  it('name as many of things in a row as have room', () => {
    expect(everyNth(['1', '2', '3'], 40)).toBe(1)
    expect(everyNth(['1000', '2000'], 10)).toBe(4)
  })
})
