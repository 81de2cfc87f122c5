// What one curve is the mean of (ux.md §5.3): the responses of a type; those of all types of a kin, averaged by
// prompt first, so that errors are over prompts; those of one prompt; those of like length. The last two ask which
// examples are behind the mean of the type in focus.
import { groups as kins, inOrder, looks, spareLook, type Group, type Look } from '@ldyn/figures'
import { isSum } from '@ldyn/runs'
import { columnsFor, type Curves, type Units } from '../../data/curves.ts'
import type { LiveData } from '../../data/live-run.ts'
import type { View } from '../../state/address.ts'

/** A line to draw for each run that has it; without units it is the mean over the responses of its type. */
export interface CurveGroup {
  readonly key: string
  readonly type: string
  readonly label?: string
  readonly look?: Look
  readonly units?: (run: LiveData) => Units | undefined
}

export interface Grouped {
  readonly groups: readonly CurveGroup[]
  /** "by response type" */
  readonly by: string
  /** What is not drawn, and why. */
  readonly said: readonly string[]
}

/** As many as there are looks that tell them apart. */
const MOST_PROMPTS = 6

const kinLooks: Readonly<Record<Group, Look>> = {
  chosen: looks.chosen,
  rejected: looks.rejected,
  irrelevant: looks.otherAnswer,
  'non-human': looks.permuted,
  other: looks.initial,
}

const typesOf = (runs: readonly LiveData[]) => inOrder([...new Set(runs.flatMap(run => run.types))])

/** The type in focus: the one asked for, or chosen, or the first. */
export const typeInFocus = (run: Pick<LiveData, 'types'>, view: Pick<View, 'type'>): string | undefined =>
  run.types.find(type => type === view.type) ?? run.types.find(type => type === 'chosen') ?? run.types[0]

const byFamily = (runs: readonly LiveData[]): Grouped => {
  const types = typesOf(runs)
  return {
    by: 'by kin of response types',
    said: [],
    groups: kins
      .filter(kin => types.some(({ group }) => group === kin))
      .map(kin => {
        const keys = types.filter(({ group }) => group === kin).map(({ key }) => key)
        return {
          key: `${kin} kin`,
          type: keys[0],
          label: keys.length > 1 ? `${kin} (${keys.length} types)` : keys[0],
          look: kinLooks[kin],
          // One value a prompt: its responses of the kin are not independent of each other.
          units: ({ probes }) =>
            probes && {
              name: `kin ${kin}`,
              columns: probes.rows.map((_, row) =>
                probes.columns.flatMap((column, i) => (column.row === row && keys.includes(column.type) ? [i] : [])),
              ),
            },
        }
      }),
  }
}

/** Rows of one group, by its name. */
const rowsByGroup = (run: LiveData): ReadonlyMap<string, readonly number[]> => {
  const found = new Map<string, number[]>()
  run.probes?.rows.forEach(({ group }, row) => {
    const own = found.get(group)
    if (own) own.push(row)
    else found.set(group, [row])
  })
  return found
}

/** Units of some rows' responses of one type, one each. */
const unitsOfRows = (run: LiveData, type: string, rows: readonly number[], name: string): Units | undefined => {
  const wanted = new Set(rows)
  const columns = run.probes?.columns.flatMap((column, i) =>
    column.type === type && wanted.has(column.row) ? [[i]] : [],
  )
  return columns && columns.length > 0 ? { name, columns } : undefined
}

const byPrompt = (runs: readonly LiveData[], curves: Curves, view: View, type: string): Grouped => {
  const [first] = runs
  const groups = [...rowsByGroup(first)].map(([name, rows]): CurveGroup & { readonly moved: number } => {
    const units = (run: LiveData): Units | undefined =>
      unitsOfRows(run, type, rowsByGroup(run).get(name) ?? [], `prompt ${type} ${name}`)
    const own = units(first)
    const per = isSum(view.metric) ? view.per : 'response'
    const curve = own && curves.of(first, { metric: view.metric, type, per, spread: 'none', units: own })
    const [a, b] = [curve?.mean[0], curve?.mean.at(-1)]
    return {
      key: `#${name}`,
      type,
      label: rows.length > 1 ? `group ${name} (${rows.length})` : `#${name}`,
      units,
      moved: a === undefined || b === undefined ? -1 : Math.abs(b - a),
    }
  })
  const drawn = groups
    .filter(({ moved }) => moved >= 0)
    .sort((a, b) => b.moved - a.moved)
    .slice(0, MOST_PROMPTS)
  return {
    by: `of ${type}, by prompt`,
    groups: drawn.map(({ moved: _moved, ...group }, i) => ({ ...group, look: spareLook(i) })),
    said:
      drawn.length < groups.length
        ? [`Of ${groups.length} prompts the ${drawn.length} that moved most are drawn; the list below has all.`]
        : [],
  }
}

const THIRDS = ['short', 'middle', 'long'] as const

const byLength = (runs: readonly LiveData[], type: string, metric: string): Grouped => {
  const by = `of ${type}, by length`
  const lengths = (run: LiveData): readonly number[] =>
    (columnsFor(run, metric, type, 'response')?.columns ?? [])
      .map(i => run.probes!.columns[i].tokens)
      .sort((a, b) => a - b)
  const all = lengths(runs[0])
  if (all.length < 3 || all[0] === 0)
    return {
      by,
      groups: [],
      said: [
        all.length < 3
          ? 'Fewer than three responses have this type: there are no thirds of them.'
          : 'The log does not say how long its responses are.',
      ],
    }
  const cuts = [all[Math.floor(all.length / 3)], all[Math.floor((2 * all.length) / 3)]]
  const third = (tokens: number): number => (tokens < cuts[0] ? 0 : tokens < cuts[1] ? 1 : 2)
  const spans = [`< ${cuts[0]}`, cuts[1] - 1 > cuts[0] ? `${cuts[0]}–${cuts[1] - 1}` : `${cuts[0]}`, `≥ ${cuts[1]}`]
  return {
    by,
    said: [],
    groups: THIRDS.map((name, t) => ({
      key: name,
      type,
      label: `${name}, ${spans[t]} tokens`,
      look: spareLook(t),
      units: ({ probes }: LiveData) => {
        const columns = probes?.columns.flatMap((column, i) =>
          column.type === type && column.tokens > 0 && third(column.tokens) === t ? [[i]] : [],
        )
        return columns && columns.length > 0
          ? { name: `length ${type} ${cuts.join()} ${name}`, columns }
          : undefined
      },
    })),
  }
}

/** The lines that a view asks for, in their order. */
export const groupsOf = (runs: readonly LiveData[], curves: Curves, view: View): Grouped => {
  const type = typeInFocus(runs[0], view)
  if (view.grouping === 'family') return byFamily(runs)
  if (view.grouping === 'prompt' && type !== undefined) return byPrompt(runs, curves, view, type)
  if (view.grouping === 'length' && type !== undefined) return byLength(runs, type, view.metric)
  return { by: 'by response type', said: [], groups: typesOf(runs).map(({ key }) => ({ key, type: key })) }
}
