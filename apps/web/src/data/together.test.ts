import { describe, expect, it } from 'vitest'
import { together } from './together.ts'

const asker = (knows: (asks: readonly number[]) => boolean) => {
  const [singles, groups]: [number[], (readonly number[])[]] = [[], []]
  const ask = together<number, string>(
    async n => {
      singles.push(n)
      if (n < 0) throw new Error(`no ${n}`)
      return `one ${n}`
    },
    async asks => {
      groups.push(asks)
      if (asks.includes(99)) throw new Error('gone')
      return knows(asks) ? asks.map(n => `all ${n}`) : undefined
    },
  )
  return { ask, singles, groups }
}

describe('questions of the same moment', () => {
  it('are one request, and each has its own answer', async () => {
    const { ask, singles, groups } = asker(() => true)
    const found = await Promise.all([ask(1), Promise.resolve().then(() => ask(2)), ask(3)])
    expect(found).toEqual(['all 1', 'all 2', 'all 3'])
    expect([singles, groups.map(group => group.length)]).toEqual([[], [3]])
    expect(await ask(4)).toBe('one 4')
    expect(groups).toHaveLength(1)
  })

  it('are asked one by one where together there is no answer, each with its own error', async () => {
    const { ask, singles } = asker(() => false)
    const found = await Promise.allSettled([ask(1), ask(-2), ask(3)])
    expect(found.map(one => (one.status === 'fulfilled' ? one.value : (one.reason as Error).message))).toEqual([
      'one 1',
      'no -2',
      'one 3',
    ])
    expect(await Promise.all([ask(99), ask(5)])).toEqual(['one 99', 'one 5'])
    expect(singles).toEqual([1, -2, 3, 99, 5])
  })
})
