// Probability by rank at one position, at two steps, both axes logarithmic: a squeeze lifts the head, drops the tail.
import { ranksDrawing, type Ranked, type RanksInput } from '../../drawing/ranks.ts'
import type { PanelModel } from '../../panels/panel.ts'
import type { Seen } from '../../panels/watched/watched.ts'
import { logpOf, rankAt, storyOf, type Marked } from '../../panels/watched/tokens.ts'
import { pictured } from '../../shell/panel/drawn.tsx'

const HEIGHT = 290

const inputOf = (then: Seen, now: Seen, marked: readonly Marked[]): RanksInput => ({
  before: then.position.curve,
  after: now.position.curve,
  marks: marked.flatMap(({ id, name, look }) => {
    const [before, after] = [then.position, now.position].map((position): Ranked | undefined => {
      const logp = logpOf(position, id)
      return logp === undefined ? undefined : [rankAt(position, id, logp), logp]
    })
    return after ? [{ name, look, before, after }] : []
  }),
})

export const rankPanel = (then: Seen, now: Seen, marked: readonly Marked[]): PanelModel => ({
  ...pictured(
    'ranks',
    `Probability by rank: step ${then.step} and step ${now.step}`,
    ranksDrawing(inputOf(then, now, marked), HEIGHT),
  ),
  says: `Both axes logarithmic; dashed: step ${then.step}, solid: step ${now.step}; hollow circles then, filled now. A squeeze lifts the head and drops the tail. ${storyOf(then, now, marked)}.`,
  table: () => {
    const ranks = [...new Set([...then.position.curve, ...now.position.curve].map(([rank]) => rank))]
    const at = (seen: Seen, rank: number) => seen.position.curve.find(([one]) => one === rank)?.[1]
    return {
      head: ['rank', `log π at step ${then.step}`, `log π at step ${now.step}`],
      rows: ranks.sort((a, b) => a - b).map(rank => [rank, at(then, rank), at(now, rank)]),
    }
  },
})
