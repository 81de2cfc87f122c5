// What stands in a panel's place while its data is read: how much has come, and after ten seconds a way to give up.
import { useEffect, useState } from 'preact/hooks'
import { useApp } from '../context.ts'

const PATIENCE_MS = 10_000

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1)

export const Loading = ({ part }: { part: string | undefined }) => {
  const app = useApp()
  const [long, setLong] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setLong(true), PATIENCE_MS)
    return () => clearTimeout(timer)
  }, [])
  const runs = app.opened.value
  const reading = runs.flatMap(run => run.files.reading?.value ?? [])[0]
  const stops = runs.flatMap(run => run.stop ?? [])
  const name = reading?.path.split('/').at(-1)
  return (
    <div class="nothing loading" role="status">
      <p>
        Reading{part === undefined ? '' : ` ${part}`}
        {reading ? `: ${name}, ${megabytes(reading.done)} of ${megabytes(reading.of)} MB` : '…'}
      </p>
      {reading && <progress value={reading.done} max={reading.of} aria-label={`${name}`} />}
      {long && stops.length > 0 && (
        <p>
          <button type="button" onClick={() => stops.forEach(stop => stop())}>
            Stop reading
          </button>
        </p>
      )}
    </div>
  )
}
