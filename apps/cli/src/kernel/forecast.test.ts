import { describe, expect, it } from 'vitest'
import { forecast } from './forecast.ts'

/** Work of `total` units that takes `first` ms before and for the first, and `each` for every further one. */
const working = (total: number, first: number, each: number) => {
  let now = 0
  let done = 0
  const work = async (progress: (done: number, total: number) => void): Promise<void> => {
    progress(0, total)
    for (now += first; done < total; now += each) progress(++done, total)
  }
  return { work, clock: () => now, done: () => done }
}

describe('a forecast of work', () => {
  it('begins it, leaves it after two seconds, and goes on at its pace', async () => {
    const { work, clock, done } = working(1_000, 5_000, 300)
    const found = await forecast('columns', work, clock)
    // Compiling is in the first; 2.1 s are seven more.
    expect(done()).toBe(8)
    expect(found).toMatchObject({ unit: 'columns', units: 1_000, measured: 8 })
    expect(found.seconds).toBeCloseTo((5_000 + 999 * 300) / 1000, 9)
    expect(found.memory_bytes).toBeGreaterThan(2 ** 24)
  })

  it('says what small work took', async () => {
    const { work, clock, done } = working(3, 100, 10)
    expect((await forecast('pairs', work, clock)).seconds).toBeCloseTo(0.13, 9)
    expect(done()).toBe(3)
  })

  it('takes one unit of several where each is long', async () => {
    const { work, clock, done } = working(4, 60_000, 50_000)
    expect((await forecast('pairs', work, clock)).seconds).toBeCloseTo(60 + 3 * 50, 9)
    expect(done()).toBe(2)
  })

  it('passes on what goes wrong', async () => {
    await expect(forecast('pairs', () => Promise.reject(new RangeError('no pair')))).rejects.toThrow('no pair')
  })
})
