// Ctrl+K: one field that finds screens, runs, metrics, probes, saved views and commands. A combobox as the ARIA
// practices have it: the focus stays in the field, arrows choose, Enter does it.
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks'
import { found } from '../../state/search.ts'
import { commandsOf, type Command } from './commands.ts'
import { useApp } from '../context.ts'

// Preact's types want a <datalist> beside every combobox. Of type search, Escape would clear it before it closes.
const COMBOBOX: object = { role: 'combobox', type: 'text' }

export const Search = ({ close }: { close: () => void }) => {
  const app = useApp()
  const [query, setQuery] = useState('')
  const [at, setAt] = useState(0)
  const field = useRef<HTMLInputElement>(null)
  const list = useRef<HTMLUListElement>(null)
  const runs = app.runs.list.value
  const views = app.views.list.value
  const all = useMemo(() => commandsOf(app), [runs, views])
  const shown = useMemo(() => {
    const name = query.trim()
    const save: Command = {
      id: 'save',
      kind: 'command',
      what: `Save this view as “${name}”`,
      run: () => void app.views.save(name, app.store.link({})).then(app.toast),
    }
    // Probes are many, and nobody finds one without a word of it.
    const items = name === '' ? all.filter(({ kind }) => kind !== 'probe') : all
    return [...found(items, query, ({ kind, what }) => `${what} ${kind}`), ...(name === '' ? [] : [save])]
  }, [all, query])
  useLayoutEffect(() => field.current?.focus(), [])
  useEffect(() => {
    void app.runs.refreshList()
    void app.views.refresh()
  }, [])
  useEffect(() => {
    list.current?.querySelector('[aria-selected=true]')?.scrollIntoView({ block: 'nearest' })
  }, [at, shown])
  const choose = (command: Command | undefined): void => {
    if (!command) return
    close()
    command.run()
  }
  const onKeyDown = (event: KeyboardEvent): void => {
    const moves: Record<string, number> = {
      ArrowDown: (at + 1) % Math.max(1, shown.length),
      ArrowUp: (at + shown.length - 1) % Math.max(1, shown.length),
      PageDown: Math.min(shown.length - 1, at + 8),
      PageUp: Math.max(0, at - 8),
    }
    if (event.key === 'Enter') {
      event.preventDefault()
      choose(shown[at])
    } else if (event.key in moves) {
      event.preventDefault()
      setAt(moves[event.key])
    }
  }
  return (
    <>
      <input
        ref={field}
        {...COMBOBOX}
        aria-label="Run, screen, metric, probe or command"
        aria-expanded="true"
        aria-controls="found"
        aria-autocomplete="list"
        aria-activedescendant={shown[at] && `found-${at}`}
        placeholder="run, screen, metric, probe, command…"
        spellcheck={false}
        autocomplete="off"
        value={query}
        onInput={event => {
          setQuery(event.currentTarget.value)
          setAt(0)
        }}
        onKeyDown={onKeyDown}
      />
      <ul id="found" class="found" role="listbox" aria-label="Found" ref={list}>
        {shown.map((command, i) => (
          <li
            key={command.id}
            id={`found-${i}`}
            role="option"
            aria-selected={i === at}
            onPointerMove={() => setAt(i)}
            onClick={() => choose(command)}
          >
            <span class="what">{command.what}</span>
            <span class="kind">{command.kind}</span>
            {command.keys !== undefined && <kbd>{command.keys}</kbd>}
          </li>
        ))}
      </ul>
      {shown.length === 0 && <p class="nothing">Nothing is called that.</p>}
    </>
  )
}
