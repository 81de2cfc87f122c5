// What lies in the run's directory, with sizes, and what it was made on.
import { useSignal } from '@preact/signals'
import { useEffect, useMemo, useRef } from 'preact/hooks'
import type { LiveData } from '../../data/live-run.ts'
import type { OpenRun } from '../../data/run-store.ts'
import { useSeen } from '../../shell/near.ts'

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

/** Sizes grow with every line that a run writes: they are looked at anew this seldom. */
const SIZES_MS = 10_000

export const Files = ({ run, opened }: { run: LiveData; opened: OpenRun }) => {
  const place = useRef<HTMLDetailsElement>(null)
  const looked = useRef({ at: -Infinity, times: 0 })
  if (useSeen(place) && performance.now() - looked.current.at > SIZES_MS)
    looked.current = { at: performance.now(), times: looked.current.times + 1 }
  const { times } = looked.current
  // Of a run that grows the list is drawn anew with new sizes, not with every evaluation.
  return useMemo(
    () => <Listed run={run} opened={opened} times={times} place={place} />,
    [opened, run.manifest, times],
  )
}

const Listed = ({
  run,
  opened,
  times,
  place,
}: {
  run: LiveData
  opened: OpenRun
  times: number
  place: { current: HTMLDetailsElement | null }
}) => {
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
  }, [opened, times])
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
    <details class="panel config" ref={place}>
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
