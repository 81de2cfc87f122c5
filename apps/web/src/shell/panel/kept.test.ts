import { describe, expect, it } from 'vitest'
import type { LiveData } from '../../data/live-run.ts'
import { isDue, REST_MS, takeTurns, TURN_MS, type Made } from './kept.ts'

const rows = new Map()
const run = (evaluations: number, own: Partial<LiveData> = {}): LiveData =>
  ({
    evaluations: Array.from({ length: evaluations }, (_, e) => ({ step: e, stage: 'sft' })),
    scalars: new Map(),
    events: [],
    updates: [],
    rows,
    ...own,
  }) as unknown as LiveData

/** As what was made of a run is kept. */
const madeOf = (data: LiveData, at = 0): Made<string> => ({
  value: 'made',
  settings: '[]',
  runs: [data],
  stamps: [`${data.evaluations.length} 0 ${data.events.length} ${data.updates.length}`],
  at,
})

describe('what is made of runs', () => {
  const [early, late] = [run(3), run(4)]

  it('is made first, and for other settings or another run, seen or not', () => {
    expect(isDue(undefined, [early], '[]', false, 0)).toBe(true)
    expect(isDue(madeOf(early), [early], '[1]', false, 0)).toBe(true)
    expect(isDue(madeOf(early), [early, late], '[]', false, 0)).toBe(true)
    expect(isDue(madeOf(early), [run(4, { rows: new Map() })], '[]', false, 0)).toBe(true)
    expect(isDue(madeOf(early), [early], '[]', true, 1e9)).toBe(false)
  })

  it('is made again as a run grows while it is seen, else after a rest', () => {
    expect(isDue(madeOf(early), [late], '[]', true, 1)).toBe(true)
    expect(isDue(madeOf(early), [late], '[]', false, 1)).toBe(false)
    expect(isDue(madeOf(early), [late], '[]', false, REST_MS + 1)).toBe(true)
  })

  it('does not wait for what it was waiting for: a run that is another without having grown', () => {
    expect(isDue(madeOf(early), [run(3)], '[]', false, 1)).toBe(true)
  })
})

describe('things that rested', () => {
  it('are made again one at a time, each in its turn, and none waits longer than another rest', () => {
    const turn = takeTurns()
    const made = Array.from({ length: 20 }, () => 0)
    const longest = Array.from({ length: 20 }, () => 0)
    for (let now = 0; now < 20 * REST_MS; now += TURN_MS / 2) {
      let taken = 0
      made.forEach((at, i) => {
        if (now - at <= REST_MS || !turn(at, now)) return
        longest[i] = Math.max(longest[i], now - at)
        ;[made[i], taken] = [now, taken + 1]
      })
      expect(taken).toBeLessThan(3)
    }
    for (const ms of longest) expect(ms).toBeLessThanOrEqual(2 * REST_MS + TURN_MS)
  })
})
