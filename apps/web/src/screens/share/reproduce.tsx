// Reproduce: the commands behind what is shown.
import { useEffect } from 'preact/hooks'
import { CommandLine } from '../../shell/command-line.tsx'
import { exportCommand, STANDARD } from '../../snapshot/offer.ts'
import type { ToolProps } from '../screen.ts'

/** A command line from its words; undefined where the run does not say how it was made. */
const commandOf = (argv: readonly string[]): string | undefined =>
  argv.length === 0 ? undefined : ['ldyn', ...argv.map(word => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word}'`))].join(' ')

export const ShareReproduce = ({ app }: ToolProps) => {
  useEffect(() => void app.runs.refreshList(), [])
  const root = app.runs.list.value?.root ?? 'runs'
  const { runs } = app.store.view.value
  const made = app.opened.value.flatMap(({ key, data }) => {
    const command = commandOf(data.value?.manifest.argv ?? [])
    return command === undefined ? [] : [{ key, command }]
  })
  return (
    <>
      {!app.snapshot && (
        <>
          <h3>This file, without the page</h3>
          <CommandLine command={exportCommand(root, runs, STANDARD)} />
          <h3>The numbers</h3>
          <CommandLine command={`ldyn export ${runs.map(key => `${root}/${key}`).join(' ')} --csv -`} />
        </>
      )}
      {made.map(({ key, command }) => (
        <div key={key}>
          <h3>How {key} was made</h3>
          <CommandLine command={command} />
        </div>
      ))}
      {made.length === 0 && app.snapshot && (
        <p>How the runs were made was left out of this file. Whoever has them can read it in run.json.</p>
      )}
    </>
  )
}
