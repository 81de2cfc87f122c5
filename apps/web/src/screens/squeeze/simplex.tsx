// Three tokens of one position between them: the likeliest, chosen's and rejected's as the corners of a triangle, and
// the way from step to step.
import { show } from '@ldyn/figures'
import type { WatchedPosition } from '@ldyn/runs'
import { tokenText } from '../../data/matrices.ts'
import { simplexDrawing, type Three } from '../../drawing/simplex.ts'
import type { PanelModel } from '../../panels/panel.ts'
import { knownTokens, type Known, type Seen } from '../../panels/watched/watched.ts'
import { logpOf, type Marked } from '../../panels/watched/tokens.ts'
import { pictured } from '../../shell/panel/drawn.tsx'

const three = (marked: readonly Marked[], now: WatchedPosition): readonly Known[] => {
  const ids = [...marked.map(({ id }) => id), ...now.top.map(({ id }) => id)]
  const known = knownTokens(now)
  return [...new Set(ids)].flatMap(id => (known.has(id) ? [known.get(id)!] : [])).slice(0, 3)
}

export const simplexPanel = (
  series: readonly Seen[],
  then: Seen,
  now: Seen,
  marked: readonly Marked[],
): PanelModel => {
  const order = ['likeliest', 'chosen', 'rejected']
  const rank = (name: string): number =>
    (order.findIndex(one => name.includes(one)) + order.length + 1) % (order.length + 1)
  const corners = three(
    [...marked].sort((a, b) => rank(a.name) - rank(b.name)),
    now.position,
  )
  const names = corners.map(
    ({ id, text }) => `${marked.find(one => one.id === id)?.name ?? 'next'} ${tokenText(text)}`,
  )
  const points = series.flatMap(({ step, position }) => {
    const p = corners.map(({ id }) => logpOf(position, id))
    return p.length === 3 && p.every(x => x !== undefined)
      ? [{ step, p: p.map(x => Math.exp(x!)) as unknown as Three }]
      : []
  })
  const about = { id: 'simplex', title: 'Three tokens between them' }
  const says =
    'Shares of what the three have together, at every evaluation on file: a corner is all of it. The way from hollow to filled; towards the top: squeezed into the likeliest.'
  if (points.length === 0) {
    return {
      ...about,
      says,
      kind: 'missing',
      missing: { what: 'At no evaluation are all three tokens told, so they have no common place.' },
    }
  }
  const total = (p: readonly number[]): number => p[0] + p[1] + p[2]
  const place = (step: number): number => Math.max(0, points.findIndex(point => point.step === step))
  return {
    ...pictured(
      about.id,
      about.title,
      simplexDrawing({ names, points, then: place(then.step), now: place(now.step) }),
    ),
    says: `${says} Together they hold ${show(total(points[0].p))} at step ${points[0].step} and ${show(total(points.at(-1)!.p))} at step ${points.at(-1)!.step}.`,
    table: () => ({
      head: ['step', ...names],
      rows: points.map(({ step, p }) => [step, ...p]),
    }),
  }
}
