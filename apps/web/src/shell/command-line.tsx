// A command that the reader may want to run: shown to the letter, copied by one click.
import { useEffect } from 'preact/hooks'
import { commandText, type Command } from '../panels/making.ts'
import { useApp } from './context.ts'
import { Icon } from './icon.tsx'

/** Commands name runs below the folder that the viewer was given, whose name the list of runs tells. */
export const CommandLine = ({ command }: { command: Command }) => {
  const app = useApp()
  const root = app.runs.list.value?.root
  const asks = typeof command !== 'string' && root === undefined
  useEffect(() => void (asks && app.runs.refreshList()), [asks])
  const text = commandText(command, root ?? 'runs')
  const copy = (): void => {
    navigator.clipboard?.writeText(text).then(
      () => app.toast('Copied'),
      () => app.toast('The browser does not let the page copy'),
    )
  }
  return (
    <p class="command">
      <code>{text}</code>
      <button type="button" class="icon" onClick={copy} title="Copy">
        <Icon name="copy" />
        <span class="sr">Copy the command</span>
      </button>
    </p>
  )
}
