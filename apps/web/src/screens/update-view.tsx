// Update: one step of the training taken apart. What the first order predicted for every followed response,
// what happened, and which directions (terms of the loss, momentum carried over, decay) add up to it.
import { plural, show, signed } from '@ldyn/figures'
import type { DecompositionLine } from '@ldyn/runs'
import { useState } from 'preact/hooks'
import { lookOf, typesIn } from '../panels/dynamics.ts'
import type { Heat } from '../panels/heat.ts'
import type { PanelModel } from '../panels/panel.ts'
import { useApp, type App, type ScreenProps } from '../shell/context.ts'
import { HeatFigure } from '../shell/heat-figure.tsx'
import { heatFiles } from '../shell/heat-window.ts'
import { Icon } from '../shell/icon.tsx'
import { PanelFrame } from '../shell/panel-frame.tsx'
import { typeInFocus } from './probe-list.tsx'
import { TokenBlockPanel } from './update-block.tsx'
import { agreementOf, byType, responseInFocus, updateAt, type TypeChange } from './update-data.ts'
import { UpdateRange } from './update-range.tsx'
import { cumulativeText, timelinePanel } from './update-timeline.tsx'
import { railOfDirection, TEXT_VALUES, textPanel, tokenPanel, type TextValue } from './update-tokens.tsx'

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

const barsPanel = (changes: readonly TypeChange[], types: readonly string[]): PanelModel => ({
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

/** Types by directions: what one update did, or several together. */
const directionsPanel = (
  window: string,
  changes: readonly TypeChange[],
  about: { readonly id: string; readonly title: string; readonly says: string },
): PanelModel => {
  const names = [...new Set(changes.flatMap(({ directions }) => [...directions.keys()]))]
  const heat: Heat = {
    rows: changes.map(({ type }) => type),
    columns: names,
    rowName: 'type',
    columnName: 'direction',
    columnRails: names.map(railOfDirection),
    signed: true,
    unit: 'nats',
    values: changes.flatMap(({ directions }) => names.map(name => directions.get(name) ?? NaN)),
    beside: [
      { name: 'predicted', values: changes.map(({ predicted }) => predicted), hollow: true },
      { name: 'actual', values: changes.map(({ actual }) => actual) },
    ],
  }
  const name = `${window} ${about.id}`
  return {
    ...about,
    kind: 'drawn',
    draw: () => <HeatFigure heat={heat} label={about.title} id={name} />,
    ...heatFiles(name, heat, about.title),
  }
}

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

const scatterPanel = (app: App, update: DecompositionLine, types: readonly string[]): PanelModel => {
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

export const UpdateView = ({ app, runs, opened }: ScreenProps) => {
  const [run] = runs
  const view = app.store.view.value
  const [by, setBy] = useState<TextValue>('predicted')
  const update = updateAt(run.updates, view.update ?? view.step)
  if (!update) {
    const type = typeInFocus(run, view) ?? 'chosen'
    return (
      <>
        <PanelFrame
          model={{
            id: 'updates',
            kind: 'missing',
            title: 'Updates taken apart',
            says: 'For single updates: what the first order predicted for every probe, what happened, and which directions add up to it.',
            missing: run.manifest.imported
              ? {
                  what: 'An imported log does not hold the updates themselves.',
                  command: 'ldyn explain --model <checkpoint> --update prefs.jsonl#0 --observe probes.jsonl',
                }
              : {
                  what: 'No update of this run was taken apart while it was trained.',
                  command:
                    'ldyn train … --set observe.decompose.every=10 --set observe.decompose.tokens=true',
                },
          }}
        />
        <TokenBlockPanel
          run={run}
          opened={opened[0]}
          probe={view.probe ?? 0}
          type={type}
          step={view.step}
          row={undefined}
        />
      </>
    )
  }
  const at = run.updates.indexOf(update)
  const go = (i: number): void => app.store.set({ update: run.updates[i].s })
  const changes = byType(update)
  const types = typesIn([run])
    .map(({ key }) => key)
    .filter(key => run.updates[0].probes.some(({ type }) => type === key))
  const type = types.includes(typeInFocus(run, view) ?? '') ? typeInFocus(run, view)! : types[0]
  const response = responseInFocus(update, view.probe, type)
  const one = view.probe !== undefined && update.probes.some(({ row }) => row === view.probe)
  const together = cumulativeText(run, view.range)
  const text = response && textPanel(app, response, run.probes?.rows[response.row]?.prompt, by)
  return (
    <>
      <div class="bar panel">
        <button
          type="button"
          class="icon"
          disabled={at === 0}
          onClick={() => go(at - 1)}
          title="Previous recorded update ([)"
        >
          <Icon name="back" />
          <span class="sr">Previous recorded update</span>
        </button>
        <h2>
          Update {update.s - 1} → {update.s}{' '}
          <span class="muted">
            {update.stage}, {at + 1} of {run.updates.length} recorded
          </span>
        </h2>
        <button
          type="button"
          class="icon"
          disabled={at === run.updates.length - 1}
          onClick={() => go(at + 1)}
          title="Next recorded update (])"
        >
          <Icon name="on" />
          <span class="sr">Next recorded update</span>
        </button>
        <span>
          learning rate <b>{show(update.lr)}</b>
        </span>
        <span title="Global norm before clipping, and the factor that clipping multiplied it by">
          gradient norm <b>{show(update.grad_norm)}</b>
          {update.clip_factor < 1 && <> × {show(update.clip_factor)}</>}
        </span>
        <span title="L2 norm over all tokens of all followed responses of actual − predicted">
          residual <b>{show(update.residual)}</b> nats
        </span>
        <span title={`Rows of the data that the update learned: ${update.rows.join(', ')}`}>
          {plural(update.rows.length, 'example')}:{' '}
          {update.rows
            .slice(0, 8)
            .map(row => `#${row}`)
            .join(' ')}
          {update.rows.length > 8 && ' …'}
        </span>
        {view.update !== undefined && (
          <button type="button" class="small" onClick={() => app.store.set({ update: undefined })}>
            follow the step
          </button>
        )}
      </div>
      {view.update !== undefined && view.update !== update.s && (
        <p class="note caution">Update {view.update} was not taken apart; this is the one before it.</p>
      )}
      {view.step !== undefined && view.update === undefined && view.step > update.s && (
        <p class="note">
          Step {view.step} was not taken apart; this is the last recorded update before it. Which are recorded
          is a setting of the training: observe.decompose.every.
        </p>
      )}
      <div class="grid two">
        <PanelFrame model={barsPanel(changes, run.types)} />
        <PanelFrame model={scatterPanel(app, update, run.types)} />
      </div>
      <div class="controls">
        <label>
          Probe{' '}
          <select
            value={response?.row}
            onChange={event => app.store.set({ probe: Number(event.currentTarget.value), cell: undefined })}
          >
            {[...new Set(update.probes.map(({ row }) => row))].map(row => (
              <option key={row} value={row}>
                #{row} {run.probes?.rows[row]?.prompt.trim().replace(/\s+/g, ' ').slice(0, 60)}
              </option>
            ))}
          </select>
        </label>
        <label>
          Type{' '}
          <select
            value={type}
            onChange={event => app.store.set({ type: event.currentTarget.value, cell: undefined })}
          >
            {types.map(key => (
              <option key={key} value={key}>
                {key}
              </option>
            ))}
          </select>
        </label>
        {one && (
          <button
            type="button"
            class="small"
            onClick={() => app.store.set({ probe: undefined, cell: undefined })}
          >
            mean over probes
          </button>
        )}
      </div>
      <div class="grid two beside">
        {response && <PanelFrame model={tokenPanel(app, opened[0].key, update, response)} />}
        <div class="stacked">
          {text && (
            <PanelFrame model={text}>
              <label>
                Coloured by{' '}
                <select value={by} onChange={event => setBy(event.currentTarget.value as TextValue)}>
                  {TEXT_VALUES.map(name => (
                    <option key={name} value={name}>
                      {name === 'residual' ? 'residual: actual − predicted' : name}
                    </option>
                  ))}
                </select>
              </label>
            </PanelFrame>
          )}
          <PanelFrame
            model={directionsPanel(opened[0].key, changes, {
              id: 'directions',
              title: 'Which part of the update did it',
              says: 'The predicted change of each response type, split into the directions that the applied update is the sum of: terms of the loss, what momentum carried over, weight decay. A row adds up to its prediction (dashed), beside what happened. Blue raises log π, red lowers it.',
            })}
          />
        </div>
      </div>
      <PanelFrame model={timelinePanel(run, type, one ? view.probe : undefined, update.s)} />
      {together && (
        <PanelFrame
          model={directionsPanel(opened[0].key, together.changes, {
            id: 'cumulative',
            title: view.range
              ? `Steps ${view.range[0]} to ${view.range[1]} together`
              : 'All recorded updates together',
            says: `${together.says} Predictions add up step by step, each from its own starting point; what they leave is beyond the first order.`,
          })}
        >
          <UpdateRange app={app} updates={run.updates} />
        </PanelFrame>
      )}
      <TokenBlockPanel
        run={run}
        opened={opened[0]}
        probe={response?.row ?? 0}
        type={type}
        step={update.s}
        row={update.rows[0]}
      />
    </>
  )
}
