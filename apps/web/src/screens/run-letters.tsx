// Which run a letter and a dash stand for: above every figure that has several runs.
import { letter, runDash } from '@ldyn/figures'
import { MOST_LINES } from '../panels/compare/panels.ts'
import type { App } from '../shell/context.ts'

/** The dash that a run's lines have. */
const Dash = ({ run }: { run: number }) => (
  <svg class="dash" width="26" height="8" aria-hidden="true">
    <line x1="1" x2="25" y1="4" y2="4" stroke="currentColor" stroke-width="2" stroke-dasharray={runDash(run)} />
  </svg>
)

interface Props {
  readonly app: App
  readonly names: readonly string[]
  readonly baseline?: number
}

/** Letters, dashes and names of all runs, each a link to the run alone. */
export const RunLetters = ({ app, names, baseline }: Props) => {
  const list = (
    <ul class="run-letters">
      {names.map((name, r) => (
        <li key={name}>
          <b>{letter(r)}</b> {names.length <= MOST_LINES && <Dash run={r} />}{' '}
          <a href={app.store.link({ runs: [name], page: 'overview' })}>{name}</a>
          {r === baseline && <span class="tag">baseline</span>}
        </li>
      ))}
    </ul>
  )
  return names.length <= MOST_LINES ? (
    list
  ) : (
    <details class="panel">
      <summary>
        <h2 class="inline">
          {names.length} runs, {letter(0)} to {letter(names.length - 1)}
        </h2>
      </summary>
      {list}
    </details>
  )
}
