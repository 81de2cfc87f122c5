// The step cursor that drives all panels: one slider under every screen, along the evaluations of the first
// run.
import { placeName } from '@ldyn/figures'
import { useEffect, useState } from 'preact/hooks'
import type { LiveData } from '../../data/live-run.ts'
import { evaluationAt } from '../../data/evaluation.ts'
import { useApp } from '../context.ts'
import { Icon } from '../icon.tsx'

const PLAY_MS = 180

export const Transport = ({ run }: { run: LiveData }) => {
  const app = useApp()
  const [playing, setPlaying] = useState(false)
  const { step, versus } = app.store.view.value
  const { evaluations, manifest } = run
  const last = evaluations.length - 1
  const at = evaluationAt(run, step)
  const go = (i: number): void =>
    app.store.set({ step: i >= last ? undefined : evaluations[Math.max(0, i)].step })
  useEffect(() => {
    if (!playing) return
    const timer = setInterval(() => {
      const now = evaluationAt(run, app.store.view.peek().step)
      if (now >= last) setPlaying(false)
      else go(now + 1)
    }, PLAY_MS)
    return () => clearInterval(timer)
  }, [playing, last])
  useEffect(() => {
    const toggle = (): void => {
      setPlaying(now => {
        if (!now && evaluationAt(run, app.store.view.peek().step) >= last) go(0)
        return !now
      })
    }
    document.addEventListener('ldyn:play', toggle)
    return () => document.removeEventListener('ldyn:play', toggle)
  }, [last])
  if (last < 0) return null
  const { step: now, stage } = evaluations[at]
  const name = placeName(run)
  const planned = manifest.stages.reduce((sum, one) => sum + one.updates, 0)
  return (
    <div class="transport" role="group" aria-label="Step">
      <button
        type="button"
        class="icon"
        onClick={() => go(at - 1)}
        disabled={at === 0}
        title={`Back one evaluation (${app.keyOf(',')})`}
      >
        <Icon name="back" />
        <span class="sr">Back one evaluation</span>
      </button>
      <button
        type="button"
        class="icon"
        onClick={() => go(at + 1)}
        disabled={at === last}
        title={`On one evaluation (${app.keyOf('.')})`}
      >
        <Icon name="on" />
        <span class="sr">On one evaluation</span>
      </button>
      <button
        type="button"
        class="icon"
        aria-pressed={playing}
        onClick={() => document.dispatchEvent(new Event('ldyn:play'))}
        title={`Play (${app.keyOf(' ')})`}
      >
        <Icon name={playing ? 'pause' : 'play'} />
        <span class="sr">Play</span>
      </button>
      <output class="step-now">
        {name} {now} <span class="muted">{stage}</span>
      </output>
      <input
        type="range"
        min={0}
        max={last}
        value={at}
        aria-label="Step"
        aria-valuetext={`${name} ${now}, ${stage}`}
        onInput={event => go(Number(event.currentTarget.value))}
      />
      <span class="muted wide">
        {evaluations[last].step}
        {planned > evaluations[last].step ? ` of ${planned}` : ''}
      </span>
      <button
        type="button"
        class="small"
        aria-pressed={versus === now}
        title="Changes and differences count from this step"
        onClick={() => app.store.set({ versus: versus === now ? undefined : now })}
      >
        Δ from {versus ?? evaluations[0].step}
      </button>
      <button
        type="button"
        class="small"
        aria-pressed={step === undefined}
        title="Stay at the newest step"
        onClick={() => app.store.set({ step: undefined })}
      >
        newest
      </button>
    </div>
  )
}
