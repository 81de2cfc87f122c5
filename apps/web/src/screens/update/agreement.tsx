// Did the first order tell the step? What it predicted beside what happened: by response type as bars, and every
// followed response as a point.
import { show, signed } from '@ldyn/figures'
import type { DecompositionLine } from '@ldyn/runs'
import { useMemo } from 'preact/hooks'
import { heightOf, rowsDrawing } from '../../drawing/row-bars.ts'
import { scatterDrawing, type ScatterInput } from '../../drawing/scatter.ts'
import type { PanelModel } from '../../panels/panel.ts'
import { lookOf } from '../../panels/types.ts'
import { useApp, type App } from '../../shell/context.ts'
import { asFile, Picture, pictured } from '../../shell/panel/drawn.tsx'
import { agreementOf, byType, type TypeChange } from './data.ts'

const SIGN =
  'Change of log π, after minus before, summed over the response’s tokens, in nats; up means more probable.'

const UNIT = 'Δ log π (nats)'
/** Two pictures side by side, neither much higher than the other. */
const [LEAST, MOST] = [300, 420]
const heightFor = (types: number): number => Math.min(MOST, Math.max(LEAST, heightOf(types, 2)))

/** The story of the update in one sentence, numbers from the data (ux.md R15). */
const captionOf = (changes: readonly TypeChange[]): string => {
  const fell = changes.reduce((a, b) => (b.actual < a.actual ? b : a))
  const rose = changes.reduce((a, b) => (b.actual > a.actual ? b : a))
  const told = (one: TypeChange): string =>
    `${one.type} ${signed(one.actual)} (predicted ${signed(one.predicted)})`
  return changes.length < 2
    ? `${told(rose)}.`
    : `${rose.actual > 0 ? 'Rose most' : 'Fell least'}: ${told(rose)}; ${fell.actual < 0 ? 'fell most' : 'rose least'}: ${told(fell)}.`
}

/** Bars of what happened and of what was predicted, a pair a type. */
export const barsPanel = (changes: readonly TypeChange[], types: readonly string[]): PanelModel => {
  const rows = changes.map(({ type, predicted, actual }) => ({
    name: type,
    look: lookOf(types, type),
    values: [actual, predicted],
  }))
  const words = { unit: UNIT, alt: 'Actual and predicted change by response type' }
  return {
    ...pictured('predicted', 'Predicted and actual', rowsDrawing(rows, words, heightFor(changes.length))),
    says: `${SIGN} Filled: what happened; dashed: what a first-order prediction along the applied update said. Mean over the followed probes of each type. ${captionOf(changes)}`,
    table: () => ({
      head: ['type', 'probes', 'actual', 'predicted', 'actual − predicted'],
      rows: changes.map(({ type, n, actual, predicted }) => [type, n, actual, predicted, actual - predicted]),
    }),
  }
}

const inputOf = (
  { probes }: DecompositionLine,
  types: readonly string[],
  probe: number | undefined,
): ScatterInput => ({
  points: probes.map(({ row, type, predicted, actual }) => ({
    predicted,
    actual,
    kind: type,
    look: lookOf(types, type),
    says: `#${row} ${type}: predicted ${signed(predicted)}, actual ${signed(actual)}`,
    picked: row === probe,
  })),
  unit: UNIT,
  alt: 'Actual against predicted change of every followed response',
})

/** Every followed response as a point: predicted across, actual up. A click brings it into focus. */
const Scatter = ({ update, types }: { update: DecompositionLine; types: readonly string[] }) => {
  const app = useApp()
  const { probe } = app.store.view.value
  const drawing = useMemo(
    () => scatterDrawing(inputOf(update, types, probe), heightFor(byType(update).length)),
    [update, types, probe],
  )
  return (
    <div
      class="points"
      onClick={event => {
        const point = (event.target as Element).closest<SVGElement>('[data-point]')?.dataset.point
        if (point === undefined) return
        const { row, type } = update.probes[Number(point)]
        app.store.set({ probe: row, type })
      }}
    >
      <Picture id="agreement" {...drawing} />
    </div>
  )
}

export const scatterPanel = (app: App, update: DecompositionLine, types: readonly string[]): PanelModel => {
  const { r2, relative } = agreementOf(update)
  const title = 'Did the first order tell the step?'
  return {
    id: 'agreement',
    kind: 'drawn',
    title,
    says: `${SIGN} One point a followed response; on the diagonal the prediction was exact.${r2 === undefined ? '' : ` R² ${show(r2)}.`}${relative === undefined ? '' : ` What is left is ${show(relative * 100)} % of what moved.`}`,
    notes:
      relative !== undefined && relative > 0.1
        ? [
            'CAUTION: more than a tenth of the change is beyond the first order. The step was large; so are the directions’ errors.',
          ]
        : [],
    draw: () => <Scatter update={update} types={types} />,
    svg: () => asFile(title, scatterDrawing(inputOf(update, types, app.store.view.peek().probe), MOST)),
    table: () => ({
      head: ['probe', 'type', 'predicted', 'actual', ...Object.keys(update.probes[0]?.directions ?? {})],
      rows: update.probes.map(({ row, type, predicted, actual, directions }) => [
        row,
        type,
        predicted,
        actual,
        ...Object.keys(update.probes[0].directions).map(name => directions[name]),
      ]),
    }),
  }
}
