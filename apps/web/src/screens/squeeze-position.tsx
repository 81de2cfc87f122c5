// The panels of one watched position, and what chooses it: probe, response, position, the token that is followed.
import type { WatchedLine } from '@ldyn/runs'
import type { LiveData } from '../data/live-run.ts'
import type { Trouble } from '../data/run-store.ts'
import { tokenText } from '../data/matrices.ts'
import type { PanelModel } from '../panels/panel.ts'
import {
  positionInFocus,
  positionsIn,
  seenAt,
  seriesOf,
  tokenOf,
  tokensSeen,
  type PositionKey,
} from '../panels/watched.ts'
import type { App } from '../shell/context.ts'
import { PanelFrame } from '../shell/panel-frame.tsx'
import {
  fatesPanel,
  ledgerPanel,
  markedTokens,
  positionText,
  rankPanel,
  simplexPanel,
  topPanel,
} from './squeeze-watched.tsx'

const nameOf = ({ row, type, token }: PositionKey): string => `${row} ${type} ${token}`

const absent = (
  run: LiveData,
  lines: readonly WatchedLine[] | undefined,
  trouble: Trouble | undefined,
): PanelModel => {
  const about = {
    id: 'ranks',
    title: 'Single positions: who has the mass, token by token',
    says: 'At watched positions: log π by rank, the likeliest tokens, who gave and who got, chosen, rejected and the likeliest as a simplex.',
  }
  if (trouble) return { ...about, kind: 'trouble', trouble }
  if (!lines) return { ...about, kind: 'loading', part: 'watched.jsonl' }
  return {
    ...about,
    kind: 'missing',
    missing: run.manifest.imported
      ? { what: 'An imported log does not hold distributions over the vocabulary.' }
      : {
          what: 'No position of this run was watched while it was trained.',
          command: 'ldyn train … --set observe.watch.rows=8 --set observe.watch.tokens=2',
        },
  }
}

/** What stands before the position: the end of the prompt, and the response up to it. */
const contextOf = (run: LiveData, { row, token }: PositionKey): string => {
  const prompt = run.probes?.rows[row]?.prompt.trim().replace(/\s+/g, ' ') ?? ''
  return `…${prompt.slice(-60)}${token === 0 ? '' : ` (and ${token} token${token === 1 ? '' : 's'} of the response)`}`
}

export const Position = ({
  app,
  run,
  lines,
  trouble,
}: {
  app: App
  run: LiveData
  lines: readonly WatchedLine[] | undefined
  trouble: Trouble | undefined
}) => {
  const view = app.store.view.value
  const keys = lines ? positionsIn(lines) : []
  const key = positionInFocus(keys, { row: view.probe, type: view.type, token: view.position })
  if (!lines || !key || trouble) return <PanelFrame model={absent(run, lines, trouble)} />
  const series = seriesOf(lines, key)
  const now = seenAt(series, view.step)!
  const then = view.versus === undefined ? series[0] : seenAt(series, view.versus)!
  const seen = tokensSeen(series)
  const followed = seen.find(({ id }) => id === view.token)
  const marked = markedTokens(now.position, followed)
  // Lines over all steps do not change with the step that one looks at.
  const fated = markedTokens(series.at(-1)!.position, followed, 'likeliest at the end')
  const own = tokenOf(now.position, key.type)
  const ofRow = keys.filter(({ row }) => row === key.row)
  return (
    <>
      <div class="controls">
        <h2>One position</h2>
        <label>
          Probe{' '}
          <select
            value={key.row}
            onChange={event =>
              app.store.set({ probe: Number(event.currentTarget.value), position: undefined })
            }
          >
            {[...new Set(keys.map(({ row }) => row))].map(row => (
              <option key={row} value={row}>
                #{row} {run.probes?.rows[row]?.prompt.trim().replace(/\s+/g, ' ').slice(0, 50)}
              </option>
            ))}
          </select>
        </label>
        <label>
          Position{' '}
          <select
            value={nameOf(key)}
            onChange={event => {
              const found = ofRow.find(one => nameOf(one) === event.currentTarget.value)
              if (found) app.store.set({ probe: found.row, type: found.type, position: found.token })
            }}
          >
            {ofRow.map(one => (
              <option key={nameOf(one)} value={nameOf(one)}>
                token {one.token} of {one.type}
              </option>
            ))}
          </select>
        </label>
        <label>
          Follow a token{' '}
          <select
            value={followed?.id ?? ''}
            onChange={event =>
              app.store.set({
                token: event.currentTarget.value === '' ? undefined : Number(event.currentTarget.value),
              })
            }
          >
            <option value="">none</option>
            {seen.slice(0, 200).map(({ id, text }) => (
              <option key={id} value={id}>
                {tokenText(text)} ({id})
              </option>
            ))}
          </select>
        </label>
        <span class="muted">
          after “{contextOf(run, key)}”{own && `, where ${key.type} has “${tokenText(own.text)}”`};{' '}
          {positionText(then, now)}
        </span>
      </div>
      <div class="grid two">
        <PanelFrame model={rankPanel(then, now, marked)} />
        <PanelFrame model={ledgerPanel(run, then, now, series)} />
        <PanelFrame model={topPanel(then, now, marked, id => app.store.set({ token: id }))} />
        <PanelFrame model={simplexPanel(series, then, now, marked)} />
      </div>
      <PanelFrame model={fatesPanel(run, series, fated)} height={230} />
    </>
  )
}
