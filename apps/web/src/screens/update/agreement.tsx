// Did the first order tell the step? What it predicted beside what happened: by response type as bars, and every
// followed response as a point.
import { show, signed } from '@ldyn/figures'
import type { DecompositionLine } from '@ldyn/runs'
import { lookOf } from '../../panels/types.ts'
import type { PanelModel } from '../../panels/panel.ts'
import { useApp, type App } from '../../shell/context.ts'
import { agreementOf, type TypeChange } from './data.ts'

const SIGN =
  'Change of log π, after minus before, summed over the response’s tokens, in nats; up means more probable.'

const [WIDTH, LEFT, ROW] = [560, 130, 30]

/** Bars of predicted and actual change, one pair a type. */
const Bars = ({ changes, types }: { changes: readonly TypeChange[]; types: readonly string[] }) => {
  const app = useApp()
  const reach = Math.max(
    ...changes.flatMap(({ predicted, actual }) => [Math.abs(predicted), Math.abs(actual)]),
    1e-12,
  )
  const middle = LEFT + (WIDTH - LEFT) / 2
  const x = (value: number): number => middle + (value / reach) * ((WIDTH - LEFT) / 2 - 56)
  const bar = (value: number, y: number, height: number, colour: string, hollow: boolean) => (
    <rect
      x={Math.min(x(value), x(0))}
      width={Math.max(1, Math.abs(x(value) - x(0)))}
      y={y}
      height={height}
      fill={hollow ? 'none' : colour}
      stroke={colour}
      stroke-width={1.3}
      stroke-dasharray={hollow ? '3 2' : undefined}
    />
  )
  return (
    <svg
      class="strips"
      viewBox={`0 0 ${WIDTH} ${changes.length * ROW + 6}`}
      role="img"
      aria-label="Actual and predicted change by response type"
    >
      <line class="grid" x1={x(0)} x2={x(0)} y1={0} y2={changes.length * ROW} />
      {changes.map(({ type, predicted, actual }, i) => {
        const colour = lookOf(types, type)[app.dark.value ? 'dark' : 'light']
        const y = i * ROW + 4
        const edge =
          actual >= 0 ? Math.max(x(actual), x(predicted)) + 5 : Math.min(x(actual), x(predicted)) - 5
        return (
          <g key={type}>
            <text x={LEFT - 8} y={y + 15} text-anchor="end">
              {type.length > 19 ? `${type.slice(0, 18)}…` : type}
            </text>
            {bar(actual, y + 1, 9, colour, false)}
            {bar(predicted, y + 12, 9, colour, true)}
            <text x={edge} y={y + 15} text-anchor={actual >= 0 ? 'start' : 'end'}>
              {signed(actual)}
            </text>
          </g>
        )
      })}
    </svg>
  )
}

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

export const barsPanel = (changes: readonly TypeChange[], types: readonly string[]): PanelModel => ({
  id: 'predicted',
  kind: 'drawn',
  title: 'Predicted and actual',
  says: `${SIGN} Filled: what happened; dashed: what a first-order prediction along the applied update said. Mean over the followed probes of each type. ${captionOf(changes)}`,
  draw: () => <Bars changes={changes} types={types} />,
  table: () => ({
    head: ['type', 'probes', 'actual', 'predicted', 'actual − predicted'],
    rows: changes.map(({ type, n, actual, predicted }) => [type, n, actual, predicted, actual - predicted]),
  }),
})

const SIDE = 300

/** Every followed response as a point: predicted across, actual up. */
const Scatter = ({
  app,
  update,
  types,
}: {
  app: App
  update: DecompositionLine
  types: readonly string[]
}) => {
  const all = update.probes.flatMap(({ predicted, actual }) => [predicted, actual])
  const [low, high] = [Math.min(0, ...all), Math.max(0, ...all)]
  const room = (high - low) * 0.06 || 1
  const at = (value: number): number => ((value - low + room) / (high - low + 2 * room)) * SIDE
  // The ends, and 0 where its label does not touch theirs.
  const ends = [low, high].filter(value => value !== 0)
  const ticks = ends.some(value => Math.abs(at(value) - at(0)) < 40) ? ends : [...ends, 0]
  const { probe } = app.store.view.value
  return (
    <svg
      class="strips scatter"
      viewBox={`-44 -6 ${SIDE + 56} ${SIDE + 44}`}
      role="img"
      aria-label="Actual against predicted change of every followed response"
    >
      <rect width={SIDE} height={SIDE} fill="none" class="grid" />
      <line class="grid" x1={0} x2={SIDE} y1={SIDE} y2={0} />
      <line class="grid" x1={at(0)} x2={at(0)} y1={0} y2={SIDE} />
      <line class="grid" y1={SIDE - at(0)} y2={SIDE - at(0)} x1={0} x2={SIDE} />
      {update.probes.map(({ row, type, predicted, actual }) => (
        <circle
          key={`${row} ${type}`}
          cx={at(predicted)}
          cy={SIDE - at(actual)}
          r={row === probe ? 5.5 : 3.4}
          fill={lookOf(types, type)[app.dark.value ? 'dark' : 'light']}
          fill-opacity={0.75}
          class="mean"
          onClick={() => app.store.set({ probe: row, type })}
        >
          <title>{`#${row} ${type}: predicted ${signed(predicted)}, actual ${signed(actual)}`}</title>
        </circle>
      ))}
      {ticks.map(value => (
        <text key={value} class="muted" x={at(value)} y={SIDE + 13} text-anchor="middle">
          {value === 0 ? '0' : signed(value)}
        </text>
      ))}
      <text class="muted" x={SIDE / 2} y={SIDE + 31} text-anchor="middle">
        predicted Δ log π (nats)
      </text>
      <text class="muted" transform={`translate(-32 ${SIDE / 2}) rotate(-90)`} text-anchor="middle">
        actual Δ log π (nats)
      </text>
    </svg>
  )
}

export const scatterPanel = (app: App, update: DecompositionLine, types: readonly string[]): PanelModel => {
  const { r2, relative } = agreementOf(update)
  return {
    id: 'agreement',
    kind: 'drawn',
    title: 'Did the first order tell the step?',
    says: `${SIGN} One point a followed response; on the diagonal the prediction was exact.${r2 === undefined ? '' : ` R² ${show(r2)}.`}${relative === undefined ? '' : ` What is left is ${show(relative * 100)} % of what moved.`}`,
    notes:
      relative !== undefined && relative > 0.1
        ? [
            'CAUTION: more than a tenth of the change is beyond the first order. The step was large; so are the directions’ errors.',
          ]
        : [],
    draw: () => <Scatter app={app} update={update} types={types} />,
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
