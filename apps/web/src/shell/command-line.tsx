// A command that the reader may want to run: shown to the letter, copied by one click.
import { useApp } from './context.ts'
import { Icon } from './icon.tsx'

export const CommandLine = ({ command }: { command: string }) => {
  const app = useApp()
  const copy = (): void => {
    navigator.clipboard?.writeText(command).then(
      () => app.toast('Copied'),
      () => app.toast('The browser does not let the page copy'),
    )
  }
  return (
    <p class="command">
      <code>{command}</code>
      <button type="button" class="icon" onClick={copy} title="Copy">
        <Icon name="copy" />
        <span class="sr">Copy the command</span>
      </button>
    </p>
  )
}
