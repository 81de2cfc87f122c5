// How the kernel moves over the recorded steps, and its spectrum: whether "the kernel stays" holds, and until when.
import { looks, show, stageMarks } from '@ldyn/figures'
import type { LiveData } from '../../data/live-run.ts'
import type { Trouble } from '../../data/run-store.ts'
import { spectrumDrawing } from '../../drawing/spectrum.ts'
import { RANKED_ROWS, STABLE, stableUntil, type DriftPoint } from '../../panels/gram/drift.ts'
import type { PanelModel } from '../../panels/panel.ts'
import { pictured } from '../../shell/panel/drawn.tsx'
import { stageAt } from './data.ts'

const verdictOf = (points: readonly DriftPoint[], n: number): string => {
  const last = points.at(-1)
  if (!last || points.length < 2) return ''
  const until = stableUntil(points)
  const ranked = points.some(({ stability }, i) => i > 0 && stability !== undefined)
  const stable = !ranked
    ? 'Too few probes to say whether the ranking stayed.'
    : until === undefined
      ? 'The stable-kernel assumption does not hold at any recorded step.'
      : until === last.step
        ? `Stable-kernel assumption: holds up to the last recorded step, ${until}.`
        : until === points[0].step
          ? `Stable-kernel assumption: broken at step ${points[1].step} already, where ρ is ${show(points[1].stability ?? 0)}.`
          : `Stable-kernel assumption: holds until step ${until}.`
  return `‖ΔK‖/‖K‖ since the first: ${show(last.fromFirst)}. ${stable} It counts as holding while Spearman’s ρ of who influences whom, against the first kernel, is at least ${STABLE}${n > RANKED_ROWS ? ` (over ${RANKED_ROWS} rows or fewer, evenly taken)` : ''}.`
}

/** The recorded kernels as far as they were read. */
interface Drift {
  readonly points: readonly DriftPoint[]
  readonly trouble: Trouble | undefined
  readonly done: boolean
}

/** `n` probes; `recorded` kernels in all. */
export const driftPanel = (
  run: LiveData,
  n: number,
  recorded: number,
  { points, trouble, done }: Drift,
): PanelModel => {
  const [id, title] = ['drift', 'Drift of the kernel']
  const says = verdictOf(points, n)
  const about = { id, title, says: says || 'How far the kernel moved from the first one on record.' }
  if (trouble) return { ...about, kind: 'trouble', trouble }
  if (!done && points.length < recorded)
    return { ...about, kind: 'loading', part: `kernels, ${points.length} of ${recorded}` }
  const steps = points.map(({ step }) => step)
  const stages = steps.map(step => stageAt(run, step))
  const line = (
    key: string,
    look: (typeof looks)[keyof typeof looks],
    of: (p: DriftPoint) => number | undefined,
  ) => {
    const kept = [...points.keys()].filter(i => of(points[i]) !== undefined)
    return {
      key,
      label: key,
      look,
      steps: kept.map(i => steps[i]),
      stages: kept.map(i => stages[i]),
      mean: kept.map(i => of(points[i])!),
    }
  }
  const others = recorded - points.length
  return {
    ...about,
    kind: 'curves',
    notes:
      others > 0
        ? [`${others} of ${recorded} recorded kernels are over other probes than the first and left out.`]
        : [],
    panel: {
      id,
      section: 'training',
      title,
      says: about.says,
      unit: 'share of ‖K‖; correlation',
      zero: true,
      stages: stageMarks([run]),
      lines: [
        line('‖ΔK‖/‖K‖ since the first', looks.rejected, p => p.fromFirst),
        line('since the one before', looks.rejectedFormat, p => p.fromLast),
        line('alignment with the first', looks.chosenFormat, p => p.alignment),
        line('rank stability ρ', looks.chosen, p => p.stability),
      ].filter(({ mean }) => mean.length > 0),
    },
  }
}

export const spectrumPanel = (
  { points, trouble, done }: Drift,
  step: number | undefined,
  versus: number | undefined,
): PanelModel => {
  const about = { id: 'spectrum', title: 'Spectrum: the largest eigenvalues' }
  const now = points.find(point => point.step === step)
  const then = step === versus ? undefined : points.find(point => point.step === versus)
  const says = `Of K over the probe responses, unnormed, on a logarithmic scale. One large eigenvalue: whatever is learned moves all responses alike.`
  if (!now && trouble) return { ...about, says, kind: 'trouble', trouble }
  if (!now && done) {
    const what =
      step === undefined
        ? 'The kernel that is shown names no step, so it is not one of those that are followed.'
        : `The kernel at step ${step} is over other probes than the first, so the two are not compared.`
    return { ...about, says, kind: 'missing', missing: { what } }
  }
  if (!now) return { ...about, says, kind: 'loading', part: 'kernels' }
  const sum = now.eigenvalues.reduce((a, b) => a + b, 0)
  return {
    ...pictured(about.id, about.title, spectrumDrawing(now, then, looks.chosen)),
    says: `${says} Filled: step ${now.step}${then ? `; dashed: step ${then.step}` : ''}. The first is ${show((now.eigenvalues[0] / sum) * 100)} % of these ${now.eigenvalues.length}.`,
    table: () => ({
      head: ['eigenvalue', ...points.map(point => `step ${point.step}`)],
      rows: now.eigenvalues.map((_, i) => [i + 1, ...points.map(point => point.eigenvalues[i])]),
    }),
  }
}
