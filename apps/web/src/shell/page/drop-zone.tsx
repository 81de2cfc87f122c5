// Run folders and zips dropped anywhere on the page, or chosen in the browser's dialog; read on this computer.
import { useEffect, useRef, useState } from 'preact/hooks'
import { troubleOf } from '../../data/run-store.ts'
import type { LocalFile } from '../../data/local-files.ts'
import { useApp, type App } from '../context.ts'
import { WITHOUT_RUNS } from './header.tsx'

export const OPEN_FOLDER = 'ldyn:open-folder'
export const OPEN_ZIP = 'ldyn:open-zip'

// Not everybody has files at hand: fetched when somebody does.
const reading = () => import('../../data/local-files.ts')

const open = async (app: App, files: (code: Awaited<ReturnType<typeof reading>>) => Promise<readonly LocalFile[]>) => {
  try {
    const code = await reading()
    const runs = await code.localRuns(await files(code))
    for (const run of runs) app.memory.hold(run)
    const keys = runs.slice(0, 8).map(({ key }) => key)
    app.store.set({ ...WITHOUT_RUNS, runs: keys, page: keys.length > 1 ? 'compare' : 'overview' })
    app.toast(`${runs.length === 1 ? 'A run' : `${runs.length} runs`} of this computer: nothing was sent anywhere`)
  } catch (error) {
    const { what, where, why, fix } = troubleOf(error)
    app.toast([what, where, why, fix].filter(part => part !== undefined).join('. '))
  }
}

export const DropZone = () => {
  const app = useApp()
  const [over, setOver] = useState(false)
  const folder = useRef<HTMLInputElement>(null)
  const zip = useRef<HTMLInputElement>(null)
  useEffect(() => {
    const ending = new AbortController()
    const { signal } = ending
    const hasFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes('Files') ?? false
    addEventListener(
      'dragover',
      event => {
        if (!hasFiles(event)) return
        event.preventDefault()
        setOver(true)
      },
      { signal },
    )
    addEventListener(
      'dragleave',
      event => {
        // Nothing is entered: the pointer left the page.
        if (event.relatedTarget === null) setOver(false)
      },
      { signal },
    )
    addEventListener(
      'drop',
      event => {
        if (!hasFiles(event)) return
        event.preventDefault()
        setOver(false)
        // Entries are gone once this event is over.
        const items = [...event.dataTransfer!.items]
        const entries = items.flatMap(item => item.webkitGetAsEntry() ?? [])
        const plain = [...event.dataTransfer!.files]
        void open(app, code =>
          entries.length > 0 ? code.filesOfEntries(entries) : Promise.resolve(plain.map(file => code.localFile(file))),
        )
      },
      { signal },
    )
    document.addEventListener(OPEN_FOLDER, () => folder.current?.click(), { signal })
    document.addEventListener(OPEN_ZIP, () => zip.current?.click(), { signal })
    return () => ending.abort()
  }, [])
  const chosen = (input: HTMLInputElement): void => {
    const files = [...(input.files ?? [])]
    input.value = ''
    if (files.length > 0) void open(app, async code => files.map(file => code.localFile(file)))
  }
  return (
    <>
      <input
        ref={folder}
        type="file"
        hidden
        aria-label="Folder of a run"
        {...{ webkitdirectory: true }}
        onChange={event => chosen(event.currentTarget)}
      />
      <input
        ref={zip}
        type="file"
        hidden
        accept=".zip"
        aria-label="Zip of a run"
        onChange={event => chosen(event.currentTarget)}
      />
      {over && <div class="dropping">Drop a run’s folder or zip: it is read on this computer</div>}
    </>
  )
}
