// The panels of one watched position, and what chooses it: probe, response, position, the token that is followed.
import { show, signed } from '@ldyn/figures'
import type { WatchedLine } from '@ldyn/runs'
import type { LiveData } from '../../data/live-run.ts'
import type { Trouble } from '../../data/run-store.ts'
import { tokenText } from '../../data/matrices.ts'
import { notRecorded } from '../../panels/not-recorded.ts'
import type { PanelModel } from '../../panels/panel.ts'
import {
  positionInFocus,
  positionsIn,
  seenAt,
  seriesOf,
  tokenOf,
  tokensSeen,
  type PositionKey,
} from '../../panels/watched/watched.ts'
import { markedTokens } from '../../panels/watched/tokens.ts'
import { Choice } from '../../shell/choice.tsx'
import type { App } from '../../shell/context.ts'
import { PanelFrame } from '../../shell/panel/frame.tsx'
import { probeOptions, promptLine } from '../probe-options.ts'
import { fatesPanel } from './fates.ts'
import { ledgerPanel } from './ledger.tsx'
import { rankPanel } from './ranks.tsx'
import { simplexPanel } from './simplex.tsx'
import { topPanel } from './top.tsx'

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
      : notRecorded(run, 'No position of this run was watched while it was trained.', {
          name: 'watched',
          settings: ['observe.watch.rows=8', 'observe.watch.tokens=2'],
        }),
  }
}

/** What stands before the position: the end of the prompt, and the response up to it. */
const contextOf = (run: LiveData, { row, token }: PositionKey): string => {
  return `…${promptLine(run, row).slice(-60)}${token === 0 ? '' : ` (and ${token} token${token === 1 ? '' : 's'} of the response)`}`
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
        <Choice
          label="Probe"
          value={key.row}
          options={probeOptions(
            run,
            keys.map(({ row }) => row),
            50,
          )}
          choose={probe => app.store.set({ probe, position: undefined })}
        />
        <Choice
          label="Position"
          value={nameOf(key)}
          options={ofRow.map(one => [nameOf(one), `token ${one.token} of ${one.type}`])}
          choose={name => {
            const { row, type, token } = ofRow.find(one => nameOf(one) === name)!
            app.store.set({ probe: row, type, position: token })
          }}
        />
        <Choice<number | ''>
          label="Follow a token"
          value={followed?.id ?? ''}
          options={[
            ['', 'none'],
            ...seen.slice(0, 200).map(({ id, text }) => [id, `${tokenText(text)} (${id})`] as const),
          ]}
          choose={id => app.store.set({ token: id === '' ? undefined : id })}
        />
        <span class="muted">
          after “{contextOf(run, key)}”{own && `, where ${key.type} has “${tokenText(own.text)}”`};{' '}
          entropy {show(then.position.entropy)} → {show(now.position.entropy)} nats (
          {signed(now.position.entropy - then.position.entropy)})
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
