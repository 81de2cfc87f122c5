// Three tokens of one position between them: the likeliest, chosen's and rejected's as the corners of a triangle, and
// the way from step to step.
import { show } from '@ldyn/figures'
import type { WatchedPosition } from '@ldyn/runs'
import { tokenText } from '../../data/matrices.ts'
import type { PanelModel } from '../../panels/panel.ts'
import { knownTokens, type Known, type Seen } from '../../panels/watched/watched.ts'
import { logpOf, type Marked } from '../../panels/watched/tokens.ts'

const SIDE = 300
const CORNERS = [
  [SIDE / 2, 18],
  [16, SIDE - 34],
  [SIDE - 16, SIDE - 34],
] as const

/** Three tokens’ shares of what the three have together, as a place in a triangle. */
export const placeIn = (p: readonly [number, number, number]): readonly [number, number] => {
  const sum = p[0] + p[1] + p[2]
  const at = (k: 0 | 1): number => p.reduce((n, x, i) => n + (x / sum) * CORNERS[i][k], 0)
  return [at(0), at(1)]
}

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
      ? [{ step, p: p.map(x => Math.exp(x!)) as unknown as readonly [number, number, number] }]
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
  return {
    ...about,
    kind: 'drawn',
    says: `${says} Together they hold ${show(total(points[0].p))} at step ${points[0].step} and ${show(total(points.at(-1)!.p))} at step ${points.at(-1)!.step}.`,
    draw: () => {
      const places = points.map(({ p }) => placeIn(p))
      const first = Math.max(
        0,
        points.findIndex(({ step }) => step === then.step),
      )
      const last = Math.max(
        0,
        points.findIndex(({ step }) => step === now.step),
      )
      return (
        <svg
          class="strips simplex"
          viewBox={`0 0 ${SIDE} ${SIDE}`}
          role="img"
          aria-label={`Simplex of ${names.join(', ')}`}
        >
          <polygon
            points={CORNERS.map(corner => corner.join(',')).join(' ')}
            fill="none"
            class="grid"
            stroke-width={1.2}
          />
          {names.map((name, i) => (
            <text
              key={name}
              x={CORNERS[i][0]}
              y={i === 0 ? 12 : SIDE - 18}
              text-anchor={i === 0 ? 'middle' : i === 1 ? 'start' : 'end'}
            >
              {name}
            </text>
          ))}
          <polyline
            points={places.map(place => place.join(',')).join(' ')}
            class="line"
            stroke-width={1.3}
            opacity={0.7}
          />
          {places.map(([x, y], i) => (
            <circle key={points[i].step} cx={x} cy={y} r={2} class="actual-mark">
              <title>{`step ${points[i].step}: ${points[i].p.map((p, k) => `${names[k]} ${show(p)}`).join(', ')}`}</title>
            </circle>
          ))}
          <circle cx={places[first][0]} cy={places[first][1]} r={5} class="then" stroke-width={2} />
          <circle cx={places[last][0]} cy={places[last][1]} r={5.5} class="now" />
        </svg>
      )
    },
    table: () => ({
      head: ['step', ...names],
      rows: points.map(({ step, p }) => [step, ...p]),
    }),
  }
}
