// The list of runs as rows: what is filtered, how it is sorted. Words are looked for in names; `field:word` and
// `field<number` ask for one thing, and a word that means nothing is named rather than ignored.
import type { ListGroup } from '../../state/address.ts'
import type { RunSummary } from '../../wire.ts'

/** A word of a filter as it is understood. */
export interface FilterPart {
  readonly part: string
  /** What it asks for, in words. */
  readonly says: string
  /** Why it means nothing; it then keeps every run. */
  readonly why?: string
}

export interface Filter {
  readonly keep: (run: RunSummary) => boolean
  readonly parts: readonly FilterPart[]
  /** Parts of the text that mean nothing, with why. */
  readonly wrong: readonly { readonly part: string; readonly why: string }[]
}

const texts: Readonly<Record<string, (run: RunSummary) => string>> = {
  name: run => `${run.key} ${run.id}`,
  algo: run => run.stages.map(stage => `${stage.name} ${stage.loss}`).join(' '),
  model: run => run.model,
  status: run => run.state,
  warn: run => run.warnings.join(' '),
}
const numbers: Readonly<Record<string, (run: RunSummary) => number | undefined>> = {
  lr: run => run.lr,
  step: run => run.step,
  probes: run => run.probes,
  chosen: run => changeOf(run, 'chosen'),
  rejected: run => changeOf(run, 'rejected'),
  argmax: run => changeOf(run, 'argmax'),
}

/** Last minus first mean of log π of a type, in nats. */
export const changeOf = (run: RunSummary, type: string): number | undefined => {
  const spark = run.sparks[type]
  return spark && spark.values.length > 1 ? spark.values.at(-1)! - spark.values[0] : undefined
}

const WORDS = /[^\s"]*"[^"]*"?|\S+/g

/** Words and conditions of a filter; text in quotes is one word. */
export const parseFilter = (text: string): Filter => {
  const parts = text.match(WORDS) ?? []
  const wrong: { part: string; why: string }[] = []
  const said: FilterPart[] = []
  const reject = (part: string, why: string): [] => {
    wrong.push({ part, why })
    said.push({ part, says: part, why })
    return []
  }
  const tests = parts.flatMap((part): ((run: RunSummary) => boolean)[] => {
    const plain = part.replaceAll('"', '').toLowerCase()
    const compared = /^([a-z]+)(<=|>=|<|>|=)(.+)$/.exec(plain)
    if (compared) {
      const [, field, sign, value] = compared
      const of = numbers[field]
      const limit = Number(value)
      if (!of) return reject(part, `numbers are ${Object.keys(numbers).join(', ')}`)
      if (value.trim() === '' || !Number.isFinite(limit)) return reject(part, `"${value}" is no number`)
      said.push({ part, says: `${field} ${sign} ${value}` })
      return [
        run => {
          const x = of(run)
          if (x === undefined) return false
          return sign === '<'
            ? x < limit
            : sign === '<='
              ? x <= limit
              : sign === '>'
                ? x > limit
                : sign === '>='
                  ? x >= limit
                  : x === limit
        },
      ]
    }
    const named = /^([a-z]+):(.*)$/.exec(plain)
    if (named) {
      const of = texts[named[1]]
      if (!of) return reject(part, `fields are ${Object.keys(texts).join(', ')}`)
      said.push({ part, says: `${named[1]} has “${named[2]}”` })
      return [run => of(run).toLowerCase().includes(named[2])]
    }
    said.push({ part, says: `name or model has “${plain}”` })
    return [run => `${texts.name(run)} ${texts.model(run)}`.toLowerCase().includes(plain)]
  })
  return { keep: run => tests.every(test => test(run)), wrong, parts: said }
}

/** A filter without one of its words. */
export const withoutPart = (text: string, nth: number): string =>
  (text.match(WORDS) ?? []).filter((_, i) => i !== nth).join(' ')

const SORTS: Readonly<Record<string, (run: RunSummary) => string | number | undefined>> = {
  name: run => run.key,
  model: run => run.model,
  algo: run => run.stages.map(stage => stage.loss).join(' '),
  lr: run => run.lr,
  steps: run => run.step,
  chosen: run => changeOf(run, 'chosen'),
  rejected: run => changeOf(run, 'rejected'),
  argmax: run => changeOf(run, 'argmax'),
  probes: run => run.probes,
  warn: run => run.warnings.join(' '),
  when: run => run.created,
}

/** Sorted by a column, `-` in front for the other way round; what has no value stands last; ties keep their order. */
export const sortRuns = (runs: readonly RunSummary[], sort: string): readonly RunSummary[] => {
  const down = sort.startsWith('-')
  const of = SORTS[sort.replace(/^-/, '')]
  if (!of) return [...runs].sort((a, b) => b.created.localeCompare(a.created))
  return runs
    .map((run, i) => ({ run, i, value: of(run) }))
    .sort((a, b) => {
      if (a.value === undefined || b.value === undefined)
        return a.value === b.value ? a.i - b.i : a.value === undefined ? 1 : -1
      const order =
        typeof a.value === 'number' && typeof b.value === 'number'
          ? a.value - b.value
          : String(a.value).localeCompare(String(b.value))
      return (down ? -order : order) || a.i - b.i
    })
    .map(({ run }) => run)
}

export const stagesText = (run: RunSummary): string =>
  run.stages
    .map(({ name, loss }) => {
      // An imported log may know the kind of a loss and no more: "preference, kind unknown".
      const more = loss === name ? '' : loss.startsWith(`${name}, `) ? loss.slice(name.length + 2) : loss
      return more === '' ? name : `${name} (${more})`
    })
    .join(' → ')

const groupName: Readonly<Record<Exclude<ListGroup, 'none'>, (run: RunSummary) => string>> = {
  algo: stagesText,
  model: run => run.model,
  state: run => run.state,
}

/** Runs in groups, each in the order given; groups in order of their first run. */
export const groupRuns = (
  runs: readonly RunSummary[],
  by: ListGroup,
): readonly { readonly name: string; readonly runs: readonly RunSummary[] }[] => {
  if (by === 'none') return [{ name: '', runs }]
  const groups = new Map<string, RunSummary[]>()
  for (const run of runs) {
    const name = groupName[by](run) || '(not said)'
    const own = groups.get(name)
    if (own) own.push(run)
    else groups.set(name, [run])
  }
  return [...groups].map(([name, own]) => ({ name, runs: own }))
}

/** "now", "5 min", "3 h", "2 d". */
export const ago = (created: string, now: number): string => {
  const seconds = (now - Date.parse(created)) / 1000
  if (!Number.isFinite(seconds)) return ''
  if (seconds < 60) return 'now'
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h`
  return `${Math.floor(seconds / 86_400)} d`
}
