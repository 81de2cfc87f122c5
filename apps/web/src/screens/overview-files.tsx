// What lies in the run's directory, with sizes, and what it was made on.
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { LiveData } from '../data/live-run.ts'
import type { OpenRun } from '../data/run-store.ts'

/** 1 234 567 as "1.2 MB". */
export const bytesText = (bytes: number): string => {
  for (const [size, unit] of [
    [1e9, 'GB'],
    [1e6, 'MB'],
    [1e3, 'kB'],
  ] as const)
    if (bytes >= size) return `${(bytes / size).toFixed(bytes / size >= 100 ? 0 : 1)} ${unit}`
  return `${bytes} B`
}

interface File {
  readonly path: string
  readonly bytes: number
}

export const Files = ({ run, opened }: { run: LiveData; opened: OpenRun }) => {
  const files = useSignal<readonly File[]>([])
  useEffect(() => {
    let current = true
    void (async () => {
      const paths = await opened.files.list()
      const found = await Promise.all(
        paths.map(async path => ({ path, bytes: (await opened.files.size(path)) ?? 0 })),
      )
      if (current) files.value = found.sort((a, b) => b.bytes - a.bytes)
    })()
    return () => {
      current = false
    }
  }, [opened, run.version])
  const { environment, git, backend } = run.manifest
  const total = files.value.reduce((sum, { bytes }) => sum + bytes, 0)
  const facts: readonly (readonly [string, string])[] = [
    ['ldyn', environment.ldyn],
    ['Node', environment.node],
    ['Machine', `${environment.cpu}, ${environment.platform}`],
    ['Device', backend.device],
    ['Commit', git ? `${git.commit.slice(0, 10)}${git.dirty ? ', with changes' : ''}` : ''],
  ]
  return (
    <details class="panel config">
      <summary>
        <h2>
          Files and environment{' '}
          <span class="muted">
            {files.value.length} files, {bytesText(total)}
          </span>
        </h2>
      </summary>
      {!run.manifest.imported && (
        <dl>
          {facts
            .filter(([, text]) => text !== '')
            .map(([name, text]) => (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{text}</dd>
              </div>
            ))}
        </dl>
      )}
      <dl class="files">
        {files.value.map(({ path, bytes }) => (
          <div key={path}>
            <dt>{path}</dt>
            <dd class="number">{bytesText(bytes)}</dd>
          </div>
        ))}
      </dl>
      <p class="muted">What the viewer reads; checkpoints and reference log-probs lie beside it.</p>
    </details>
  )
}
