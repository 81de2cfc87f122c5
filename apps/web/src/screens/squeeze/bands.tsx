// Probability by bands of ranks along a response: over all steps as areas that add up to 1, and what each band gained
// between two steps.
import { looks, show, stageMarks } from '@ldyn/figures'
import { useMemo } from 'preact/hooks'
import type { LiveData } from '../../data/live-run.ts'
import { bandsDrawing, placeOf, SHADES, stepAt, type BandsInput } from '../../drawing/bands.ts'
import type { Drawing } from '../../drawing/ink.ts'
import { rowsDrawing } from '../../drawing/row-bars.ts'
import { lookOf } from '../../panels/types.ts'
import type { PanelModel } from '../../panels/panel.ts'
import { useApp } from '../../shell/context.ts'
import { asFile, Picture, pictured } from '../../shell/panel/drawn.tsx'
import { BANDS, gains, squeezeIndex, withoutMass, type Mass } from './data.ts'

const HEIGHT = 260

const inputOf = ({ steps, means, own, type }: Mass, run: LiveData): BandsInput => ({
  steps,
  bands: means.map((mass, b) => ({ name: BANDS[b].name, mass })),
  stages: stageMarks([run]),
  ...(own && { own: { p: own, look: lookOf(run.types, type) } }),
})

const Bands = ({ mass, run, evaluation }: { mass: Mass; run: LiveData; evaluation: number }) => {
  const app = useApp()
  const { steps } = mass
  const input = useMemo(() => inputOf(mass, run), [mass, run.version])
  const drawing = useMemo(() => bandsDrawing(input, HEIGHT), [input])
  const at = (event: MouseEvent): number => {
    const box = (event.currentTarget as Element).getBoundingClientRect()
    return stepAt(steps, event.clientX - box.left, box.width)
  }
  return (
    <div
      class="at-pointer"
      onPointerMove={event => {
        app.ghost.value = at(event)
      }}
      onPointerLeave={() => {
        app.ghost.value = undefined
      }}
      onClick={event => app.store.set({ step: at(event) })}
    >
      <Picture
        id="bands"
        {...drawing}
        over={width => <span class="step-line" style={placeOf(input, steps[evaluation], width)} />}
      />
    </div>
  )
}

/** As high as the bands beside it. */
const gainsDrawing = (moved: readonly number[]): Drawing =>
  rowsDrawing(
    moved.map((value, b) => {
      const fill = { light: SHADES[b], dark: SHADES[b] }
      return { name: BANDS[b].name, look: { ...looks.argmax, ...fill }, values: [value] }
    }),
    { unit: 'change of probability', alt: 'Probability gained or lost by each band' },
    HEIGHT,
  )

/** Both panels of the bands, or why there are none. */
export const bandPanels = (
  run: LiveData,
  mass: Mass | undefined,
  type: string,
  now: number,
  then: number,
): readonly PanelModel[] => {
  const title = `Where the probability is: along ${type}`
  const says =
    'The next-token distribution at each position of the response, by rank: mean over its tokens, then over probes; the five bands add up to 1. Dashed: the probability of the response’s own tokens.'
  if (!mass) return [withoutMass(run, { id: 'bands', title, says })]
  const moved = gains(mass, then, now)
  const index = squeezeIndex(moved)
  const [a, b] = [mass.steps[then], mass.steps[now]]
  return [
    {
      id: 'bands',
      kind: 'drawn',
      title,
      says: `${says} ${mass.n} probes.`,
      draw: () => <Bands mass={mass} run={run} evaluation={now} />,
      svg: () => asFile(title, bandsDrawing(inputOf(mass, run), HEIGHT)),
      table: () => ({
        head: ['step', 'stage', ...BANDS.map(({ metric }) => metric), ...(mass.own ? ['own tokens'] : [])],
        rows: mass.steps.map((step, e) => [
          step,
          mass.stages[e],
          ...mass.means.map(mean => mean[e]),
          ...(mass.own ? [mass.own[e]] : []),
        ]),
      }),
    },
    {
      ...pictured('gained', `What moved from step ${a} to step ${b}`, gainsDrawing(moved)),
      says:
        `The likeliest token’s probability went from ${show(mass.means[0][then])} to ${show(mass.means[0][now])}${mass.own ? `, the response’s own tokens’ from ${show(mass.own[then])} to ${show(mass.own[now])}` : ''}. ` +
        (index === undefined
          ? 'The likeliest token gained nothing, so nothing was squeezed into it.'
          : `Of all probability that changed bands, ${show(index * 100)} % went to the likeliest token.`),
      notes:
        index !== undefined && index > 0.5 && mass.own !== undefined && mass.own[now] < mass.own[then]
          ? [
              'CAUTION: probability left the response’s own tokens and most of what moved went to the likeliest one: the squeezing effect.',
            ]
          : [],
      table: () => ({
        head: ['band', `step ${a}`, `step ${b}`, 'change'],
        rows: BANDS.map(({ name }, i) => [name, mass.means[i][then], mass.means[i][now], moved[i]]),
      }),
    },
  ]
}
