// What is known of one watched position: log π by rank at two steps, the likeliest tokens and what each gained, who
// gave and who got, the fates of chosen, rejected and the likeliest over all steps, and the three of them as a simplex.
import { looks, show, signed, stageMarks, type Look } from '@ldyn/figures'
import type { WatchedPosition } from '@ldyn/runs'
import type { LiveData } from '../data/live-run.ts'
import { tokenText } from '../data/matrices.ts'
import type { PanelModel } from '../panels/panel.ts'
import {
  knownTokens,
  ledgerOf,
  tokenOf,
  valleyOf,
  type Account,
  type Known,
  type Seen,
} from '../panels/watched.ts'
import { useApp } from '../shell/context.ts'

const quoted = (text: string): string => `“${tokenText(text)}”`

/** Tokens with a part of their own: chosen's, rejected's, the likeliest, and one that the reader follows. */
export interface Marked {
  readonly name: string
  readonly id: number
  readonly text: string
  readonly look: Look
}

export const markedTokens = (
  now: WatchedPosition,
  followed: Known | undefined,
  likeliest = 'likeliest now',
): readonly Marked[] => {
  const [chosen, rejected, star] = [tokenOf(now, 'chosen'), tokenOf(now, 'rejected'), now.top[0]]
  const own = now.tokens.find(({ of }) => of === now.type)
  const all: (Marked | undefined)[] = [
    chosen && { name: 'chosen', id: chosen.id, text: chosen.text, look: looks.chosen },
    rejected && { name: 'rejected', id: rejected.id, text: rejected.text, look: looks.rejected },
    !chosen && !rejected && own
      ? { name: now.type, id: own.id, text: own.text, look: looks.otherAnswer }
      : undefined,
    star && { name: likeliest, id: star.id, text: star.text, look: looks.argmax },
    followed && { name: 'followed', id: followed.id, text: followed.text, look: looks.margin },
  ]
  const found = all.filter(one => one !== undefined)
  // A token that is two things at once is drawn once, under both names.
  return found.flatMap((one, i) => {
    if (found.findIndex(({ id }) => id === one.id) < i) return []
    const names = found.filter(({ id }) => id === one.id).map(({ name }) => name)
    return [{ ...one, name: names.join(' = ') }]
  })
}

const logpOf = (position: WatchedPosition, id: number): number | undefined =>
  knownTokens(position).get(id)?.logp

/** The rank at which a token of this log-prob stands: told, or read off the curve. */
const rankAt = (position: WatchedPosition, id: number, logp: number): number => {
  const told = position.tokens.find(token => token.id === id)?.rank
  if (told !== undefined) return told
  const at = position.top.findIndex(token => token.id === id)
  if (at >= 0) return at + 1
  const next = position.curve.findIndex(([, value]) => value <= logp)
  return position.curve[Math.max(0, next)]?.[0] ?? 1
}

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [560, 300, 54, 14, 12, 32]

const RankPlot = ({ then, now, marked }: { then: Seen; now: Seen; marked: readonly Marked[] }) => {
  const app = useApp()
  const curves = [then.position.curve, now.position.curve]
  const most = Math.max(...curves.flat().map(([rank]) => rank), 2)
  const floor = Math.max(Math.min(...curves.flat().map(([, logp]) => logp)), -32)
  const x = (rank: number): number => LEFT + (Math.log(rank) / Math.log(most)) * (WIDTH - LEFT - RIGHT)
  const y = (logp: number): number => TOP + (Math.max(logp, floor) / floor) * (HEIGHT - TOP - BOTTOM)
  const path = (curve: WatchedPosition['curve']): string =>
    curve
      .map(([rank, logp], i) => `${i === 0 ? 'M' : 'L'}${x(rank).toFixed(1)} ${y(logp).toFixed(1)}`)
      .join('')
  const decades = Array.from({ length: Math.floor(Math.log10(most)) + 1 }, (_, i) => 10 ** i)
  const depth = Math.floor(-floor / Math.LN10)
  const every = Math.max(1, Math.ceil(depth / 5))
  const powers = Array.from({ length: Math.floor(depth / every) + 1 }, (_, i) => i * every)
  const labels = marked.flatMap(({ id, name, look }) => {
    const [b, a] = [then.position, now.position].map(position => {
      const logp = logpOf(position, id)
      return logp === undefined ? undefined : { x: x(rankAt(position, id, logp)), y: y(logp) }
    })
    return a ? [{ id, name, colour: look[app.dark.value ? 'dark' : 'light'], a, b }] : []
  })
  // Labels that would cover each other move down.
  const sorted = [...labels].sort((p, q) => p.a.y - q.a.y)
  const heights = sorted.map(({ a }) => a.y)
  for (let i = 1; i < heights.length; i++) heights[i] = Math.max(heights[i], heights[i - 1] + 13)
  return (
    <svg
      class="strips"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      role="img"
      aria-label="Probability by rank, both logarithmic"
    >
      {powers.map(power => (
        <g key={power}>
          <line
            class="grid"
            x1={LEFT}
            x2={WIDTH - RIGHT}
            y1={y(-power * Math.LN10)}
            y2={y(-power * Math.LN10)}
          />
          <text class="muted" x={LEFT - 6} y={y(-power * Math.LN10) + 4} text-anchor="end">
            {power === 0 ? '1' : `1e−${power}`}
          </text>
        </g>
      ))}
      {decades.map(rank => (
        <text key={rank} class="muted" x={x(rank)} y={HEIGHT - BOTTOM + 14} text-anchor="middle">
          {rank}
        </text>
      ))}
      <text class="muted" x={WIDTH - RIGHT} y={HEIGHT - 3} text-anchor="end">
        rank
      </text>
      <text class="muted" x={4} y={TOP + 2}>
        π
      </text>
      <path class="line past" d={path(then.position.curve)} />
      <path class="line" d={path(now.position.curve)} stroke-width={1.8} />
      {sorted.map(({ id, name, colour, a, b }, i) => (
        <g key={id}>
          {b && <line x1={b.x} y1={b.y} x2={a.x} y2={a.y} stroke={colour} stroke-width={1.4} />}
          {b && <circle cx={b.x} cy={b.y} r={4} fill="none" stroke={colour} stroke-width={1.8} />}
          <circle cx={a.x} cy={a.y} r={4.6} fill={colour} class="mean" />
          <text
            x={a.x > WIDTH * 0.7 ? a.x - 9 : a.x + 9}
            y={heights[i] - 6}
            text-anchor={a.x > WIDTH * 0.7 ? 'end' : 'start'}
          >
            {name}
          </text>
        </g>
      ))}
    </svg>
  )
}

const storyOf = (then: Seen, now: Seen, marked: readonly Marked[]): string =>
  marked
    .flatMap(({ id, name, text }) => {
      const [b, a] = [logpOf(then.position, id), logpOf(now.position, id)]
      if (a === undefined) return []
      const ranks = [then, now].map((seen, k) => rankAt(seen.position, id, [b, a][k] ?? -Infinity))
      return [
        `${name} ${quoted(text)} ${b === undefined ? 'from below the likeliest' : show(Math.exp(b))} → ${show(Math.exp(a))}${b === undefined ? '' : ` (rank ${ranks[0]} → ${ranks[1]})`}`,
      ]
    })
    .join('; ')

export const rankPanel = (then: Seen, now: Seen, marked: readonly Marked[]): PanelModel => ({
  id: 'ranks',
  kind: 'drawn',
  title: `Probability by rank: step ${then.step} and step ${now.step}`,
  says: `Both axes logarithmic; dashed: step ${then.step}, solid: step ${now.step}; hollow circles then, filled now. A squeeze lifts the head and drops the tail. ${storyOf(then, now, marked)}.`,
  draw: () => <RankPlot then={then} now={now} marked={marked} />,
  table: () => {
    const ranks = [...new Set([...then.position.curve, ...now.position.curve].map(([rank]) => rank))]
    const at = (seen: Seen, rank: number) => seen.position.curve.find(([one]) => one === rank)?.[1]
    return {
      head: ['rank', `log π at step ${then.step}`, `log π at step ${now.step}`],
      rows: ranks.sort((a, b) => a - b).map(rank => [rank, at(then, rank), at(now, rank)]),
    }
  },
})

export const topPanel = (
  then: Seen,
  now: Seen,
  marked: readonly Marked[],
  onFollow: (id: number) => void,
): PanelModel => {
  const before = knownTokens(then.position)
  const marks = new Map(marked.map(({ id, name }) => [id, name]))
  const told = new Set(now.position.top.map(({ id }) => id))
  const after = knownTokens(now.position)
  const extra = marked.flatMap(({ id }) => (told.has(id) || !after.has(id) ? [] : [after.get(id)!]))
  const rows = [...now.position.top.slice(0, 12), ...extra]
  const most = Math.exp(now.position.top[0]?.logp ?? 0)
  return {
    id: 'top',
    kind: 'drawn',
    title: `Likeliest tokens at step ${now.step}`,
    says: `Δ since step ${then.step}; a token that was not among the ${then.position.top.length} likeliest then has none. A click follows a token.`,
    draw: () => (
      <div class="scroll" tabIndex={0} role="region" aria-label="Likeliest tokens">
        <table class="top-k">
          <thead>
            <tr>
              <th scope="col">rank</th>
              <th scope="col">token</th>
              <th scope="col" class="number">
                π
              </th>
              <th scope="col" class="number">
                Δ
              </th>
              <th scope="col">share</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ id, text, logp }) => {
              const p = Math.exp(logp)
              const was = before.get(id)
              const change = was && p - Math.exp(was.logp)
              return (
                <tr key={id}>
                  <td class="number">{rankAt(now.position, id, logp)}</td>
                  <th scope="row">
                    <button
                      type="button"
                      class="plain"
                      title={`id ${id}: follow this token`}
                      onClick={() => onFollow(id)}
                    >
                      <code>{tokenText(text)}</code>
                    </button>{' '}
                    {marks.has(id) && <span class="muted">{marks.get(id)}</span>}
                  </th>
                  <td class="number">{show(p)}</td>
                  <td class="number">
                    {change === undefined ? '–' : `${change >= 0 ? '▲' : '▼'} ${signed(change)}`}
                  </td>
                  <td>
                    <span class="top-bar" style={{ width: `${Math.max(1, (p / most) * 90)}px` }} />
                  </td>
                </tr>
              )
            })}
          </tbody>
        </table>
      </div>
    ),
    table: () => ({
      head: ['rank', 'token', 'id', 'log π', `log π at step ${then.step}`, 'Δπ', 'what it is'],
      rows: rows.map(({ id, text, logp }) => [
        rankAt(now.position, id, logp),
        text,
        id,
        logp,
        before.get(id)?.logp,
        before.has(id) ? Math.exp(logp) - Math.exp(before.get(id)!.logp) : undefined,
        marks.get(id),
      ]),
    }),
  }
}

const Side = ({ title, rows }: { title: string; rows: readonly Account[] }) => (
  <div>
    <h3>{title}</h3>
    <table>
      <tbody>
        {rows.map(({ name, text, gain, before, after }) => (
          <tr key={`${name} ${text ?? ''}`}>
            <th scope="row">
              {name} {text !== undefined && <code>{tokenText(text)}</code>}
            </th>
            <td class="number">{show(Math.abs(gain))}</td>
            <td class="number muted">
              {show(before)} → {show(after)}
            </td>
          </tr>
        ))}
        {rows.length === 0 && (
          <tr>
            <td class="muted">nothing</td>
          </tr>
        )}
      </tbody>
    </table>
  </div>
)

export const ledgerPanel = (run: LiveData, then: Seen, now: Seen, series: readonly Seen[]): PanelModel => {
  const { accounts, taken, index } = ledgerOf(then.position, now.position)
  const sorted = [...accounts].sort((a, b) => Math.abs(b.gain) - Math.abs(a.gain))
  const from = sorted.filter(({ gain }) => gain < -1e-9)
  const to = sorted.filter(({ gain }) => gain > 1e-9)
  // Rejected is pushed from the first stage on that has it in its loss.
  const pushing = run.manifest.stages.find(({ loss }) => !/sft|nll|extend/i.test(loss))?.name
  const start = stageMarks([run]).find(({ name }) => name === pushing)?.step ?? 0
  const pushed = [...series].reverse().find(({ step }) => step <= start) ?? series[0]
  const valley = pushing === undefined ? undefined : valleyOf(pushed.position)
  const fed = valley?.rise.slice(0, 3).map(({ text, logp }) => `${quoted(text)} ${show(Math.exp(logp))}`)
  const squeezed =
    index !== undefined &&
    index > 0.5 &&
    accounts.some(({ name, gain }) => name.includes('chosen') && !name.startsWith('likeliest') && gain < 0)
  return {
    id: 'ledger',
    kind: 'drawn',
    title: `Where did the mass go? Step ${then.step} → ${now.step}`,
    says: `Probability at this one position; what is taken is what is given, ${show(taken)} in all. ${index === undefined ? 'Squeeze index: none, the likeliest token did not gain, or was not told before.' : `Squeeze index ${show(index)}: of all that was gained, the share of the likeliest token.`}`,
    notes: [
      ...(squeezed
        ? [
            'CAUTION: most of what moved went to the likeliest token while chosen lost: the squeezing effect at this position.',
          ]
        : []),
      ...(valley
        ? [
            `Valley check, where ${pushing} began to push (step ${pushed.step}): rejected was at π = ${show(valley.rejected)}. To first order such a push raises exactly the tokens above p_thr = ‖π‖² − π_y = ${show(valley.threshold)} (Lemma 1): ${fed?.join(', ') || 'none on file'}.${valley.chosen === undefined ? '' : ` Chosen, at ${show(valley.chosen)}, is ${valley.chosen > valley.threshold ? 'above it and is fed' : 'below it and falls with the rest'}.`}`,
          ]
        : []),
      'Squeezing is one factor among several: a falling chosen alone does not prove it.',
    ],
    draw: () => (
      <div class="ledger">
        <Side title="taken from" rows={from} />
        <Side title="given to" rows={to} />
      </div>
    ),
    table: () => ({
      head: ['who', 'token', `π at step ${then.step}`, `π at step ${now.step}`, 'gain'],
      rows: accounts.map(({ name, text, before, after, gain }) => [name, text, before, after, gain]),
    }),
  }
}

/** log π of each marked token over all steps. Steps at which a token was not told have no point. */
export const fatesPanel = (
  run: LiveData,
  series: readonly Seen[],
  marked: readonly Marked[],
): PanelModel => ({
  id: 'fates',
  kind: 'curves',
  title: 'log π of single tokens at this position',
  says: 'One token’s log-probability, not a response’s. Gaps: evaluations at which the token was not among the likeliest.',
  panel: {
    id: 'fates',
    section: 'training',
    title: 'log π of single tokens at this position',
    says: 'One token’s log-probability, not a response’s.',
    unit: 'nats',
    zero: false,
    stages: stageMarks([run]),
    lines: marked.flatMap(({ id, name, text, look }) => {
      const told = series.flatMap(({ step, stage, position }) => {
        const logp = logpOf(position, id)
        return logp === undefined ? [] : [{ step, stage, logp }]
      })
      return told.length === 0
        ? []
        : [
            {
              key: `${name} ${tokenText(text)}`,
              label: `${name} ${tokenText(text)}`,
              look,
              steps: told.map(({ step }) => step),
              stages: told.map(({ stage }) => stage),
              mean: told.map(({ logp }) => logp),
            },
          ]
    }),
  },
})

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

/** One line over the panels of a position: what stands before it, and how sure the model is. */
export const positionText = (then: Seen, now: Seen): string =>
  `entropy ${show(then.position.entropy)} → ${show(now.position.entropy)} nats (${signed(now.position.entropy - then.position.entropy)})`
