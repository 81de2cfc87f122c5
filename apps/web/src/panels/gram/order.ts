// In which order a kernel's rows stand: by response type, by prompt, or like ones side by side. Generators, since the
// distances of two thousand rows are four million: the page has its turn in between (data/sliced.ts).
import type { Order } from '../../state/address.ts'
import type { GramProbe } from './gram.ts'

/** 1 − cos of the gradients of i and j, row by row; what is no number is like nothing. */
function* distancesOf(values: ArrayLike<number>, n: number): Generator<void, Float64Array> {
  const distance = new Float64Array(n * n)
  const length = Float64Array.from({ length: n }, (_, i) => Math.sqrt(values[i * (n + 1)]))
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      const cosine = values[i * n + j] / (length[i] * length[j])
      distance[i * n + j] = Number.isFinite(cosine) ? 1 - cosine : 2
    }
    yield
  }
  return distance
}

/**
 * An order in which like rows are neighbours: average linkage by nearest-neighbour chains (Murtagh 1983), leaves from
 * left to right. O(n²). Likeness is the cosine of the gradients, K_ij / √(K_ii K_jj).
 */
export function* clusterOrder(values: ArrayLike<number>, n: number): Generator<void, readonly number[]> {
  const distance = yield* distancesOf(values, n)
  const members: (number[] | undefined)[] = Array.from({ length: n }, (_, i) => [i])
  const chain: number[] = []
  for (let left = n; left > 1; ) {
    yield
    if (chain.length === 0) chain.push(members.findIndex(Boolean))
    const at = chain.at(-1)!
    const before = chain.at(-2)
    // Of equal ones the one that the chain came from, else it would run in circles.
    let best = before ?? -1
    let nearest = before === undefined ? Infinity : distance[at * n + before]
    for (let j = 0; j < n; j++) {
      if (j !== at && members[j] && distance[at * n + j] < nearest) nearest = distance[at * n + (best = j)]
    }
    if (best < 0) best = members.findIndex((one, j) => one !== undefined && j !== at)
    if (best !== before) {
      chain.push(best)
      continue
    }
    const [a, b] = [members[best]!, members[at]!]
    for (let j = 0; j < n; j++) {
      if (!members[j]) continue
      const joined =
        (a.length * distance[best * n + j] + b.length * distance[at * n + j]) / (a.length + b.length)
      distance[best * n + j] = joined
      distance[j * n + best] = joined
    }
    members[best] = [...a, ...b]
    members[at] = undefined
    chain.length -= 2
    left--
  }
  return members.find(Boolean) ?? []
}

/** Places of the rows of K, in the order that is asked for. */
export function* orderOf(
  probes: readonly GramProbe[],
  values: ArrayLike<number>,
  order: Order,
): Generator<void, readonly number[]> {
  if (order === 'cluster') return yield* clusterOrder(values, probes.length)
  const types = [...new Set(probes.map(({ type }) => type))]
  const byType = (a: number, b: number): number =>
    types.indexOf(probes[a].type) - types.indexOf(probes[b].type)
  const byRow = (a: number, b: number): number => probes[a].row - probes[b].row
  return [...probes.keys()].sort((a, b) =>
    order === 'type' ? byType(a, b) || byRow(a, b) : byRow(a, b) || byType(a, b),
  )
}
