// The legend of curves is their control (ux.md §5.3): names hide, a second click alone shows. Values are those at the
// cursor. Of a run that grows, those rows are drawn anew whose numbers changed.
import { readingOf, signed, show, withError, type Look } from '@ldyn/figures'
import { useMemo, useRef } from 'preact/hooks'
import { pointAt, updatesOf, type CurveLine } from '../../drawing/align.ts'
import { typesIn } from '../../panels/types.ts'
import type { PanelModel } from '../../panels/panel.ts'
import type { ScreenProps } from '../../shell/context.ts'
import { Swatch } from '../../shell/swatch.tsx'

interface Entry {
  readonly key: string
  readonly says: string
  /** The key in plain words, behind it. */
  readonly reading?: string
  readonly look: Look
}

/** What a line has at a step, and how far that is from its first value. */
interface Value {
  readonly key: string
  /** Of which run it is, where there are several. */
  readonly run: string | undefined
  readonly text: string
  readonly change: string | undefined
}

const valueOf = (line: CurveLine, step: number, changes: boolean, many: boolean): Value => {
  const i = Math.max(0, pointAt(updatesOf(line), step))
  const { key, mean, se } = line
  return {
    key,
    run: many ? / ([A-Z]+)$/.exec(key)?.[1] : undefined,
    text: se && se[i] > 0 ? withError(mean[i], se[i]).replace(/^\+/, '') : show(mean[i]),
    change: changes && i > 0 ? signed(mean[i] - mean[0]) : undefined,
  }
}

interface RowProps {
  readonly entry: Entry
  readonly name: string
  readonly off: boolean
  readonly focus: boolean
  readonly values: readonly Value[]
  readonly toggle: (key: string) => void
  readonly solo: (key: string) => void
}

const Row = ({ entry: { key, says, reading, look }, name, off, focus, values, toggle, solo }: RowProps) => (
  <li class={focus ? 'focus' : undefined}>
    <button
      type="button"
      aria-pressed={!off}
      title={`${says}. Click hides or shows, double-click shows it alone`}
      onClick={() => toggle(key)}
      onDblClick={() => solo(key)}
    >
      <Swatch look={look} />{' '}
      <span class="name">
        {name}
        {reading !== undefined && <span class="reading"> {reading}</span>}
      </span>
      {values.length === 0 && !off && (
        <span class="value" title="Nothing of it is recorded in this metric">
          –
        </span>
      )}
      {values.map(({ key: line, run, text, change }) => (
        <span class="value" key={line}>
          {run !== undefined && <b>{run} </b>}
          {text}
          {change !== undefined && <span class="delta"> {change}</span>}
        </span>
      ))}
    </button>
  </li>
)

/** A row as it was drawn before, while it says the same. */
const Kept = (props: RowProps) => {
  const { entry, name, off, focus, values } = props
  return useMemo(() => <Row {...props} />, [JSON.stringify([entry, name, off, focus, values])])
}

export const Legend = ({ model, app, runs }: { model: PanelModel } & Pick<ScreenProps, 'app' | 'runs'>) => {
  const { hidden, step, grouping, type } = app.store.view.value
  const at = app.ghost.value ?? step ?? Infinity
  const lines = model.kind === 'curves' ? model.panel.lines : []
  const changes = model.kind === 'curves' && !model.panel.zero
  // A run's letter stands behind the name of what is drawn.
  const nameOf = (key: string): string => (runs.length > 1 ? key.replace(/ [A-Z]+$/, '') : key)
  const types = useMemo(() => typesIn(runs), [runs.flatMap(run => run.types).join('\n')])
  const drawn = [...new Set(lines.map(({ key }) => nameOf(key)))]
  const all: readonly Entry[] =
    grouping === 'type'
      ? types.map(type => ({ key: type.key, says: type.says, reading: readingOf(type), look: type.look }))
      : [
          ...drawn,
          ...hidden.filter(key => !drawn.includes(key) && !types.some(one => one.key === key)),
        ].map(key => ({
          key,
          says: key,
          look: lines.find(line => nameOf(line.key) === key)?.look ?? types[0].look,
        }))
  // What a row does is asked when it is clicked: rows that say the same are not made anew.
  const latest = useRef(all)
  latest.current = all
  const toggle = (key: string): void => {
    const { hidden: now } = app.store.view.peek()
    app.store.set({ hidden: now.includes(key) ? now.filter(one => one !== key) : [...now, key] })
  }
  const solo = (key: string): void => {
    const { hidden: now } = app.store.view.peek()
    const others = latest.current.map(one => one.key).filter(one => one !== key)
    app.store.set({ hidden: others.every(one => now.includes(one)) ? [] : others })
  }
  return (
    <ul class="legend" aria-label="Curves">
      {all.map(({ key, says, reading, look }) => {
        const own = lines.filter(line => nameOf(line.key) === key)
        return (
          <Kept
            key={key}
            entry={{ key, says, reading, look: own[0]?.look ?? look }}
            name={grouping === 'type' ? key : (own[0]?.label ?? key)}
            off={hidden.includes(key)}
            focus={key === type}
            values={own.map(line => valueOf(line, at, changes, runs.length > 1))}
            toggle={toggle}
            solo={solo}
          />
        )
      })}
    </ul>
  )
}
