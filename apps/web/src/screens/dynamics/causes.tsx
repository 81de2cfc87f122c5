// "Which updates caused this change?" (ux.md §5.3): the step of the cursor and the type of the curve that was
// clicked, answered from the updates that were taken apart, each of them a link to the Update screen.
import { placeName, plural, show, signed, withError } from '@ldyn/figures'
import { carriersOf, causesOf, changesOf, fallOf, type Causes } from '../../panels/dynamics/causes.ts'
import { evaluationAt } from '../../data/evaluation.ts'
import { linesOf } from '../../panels/lines.ts'
import { typeInFocus } from '../../panels/dynamics/grouping.ts'
import type { LiveData } from '../../data/live-run.ts'
import { notRecorded } from '../../panels/not-recorded.ts'
import type { PanelModel } from '../../panels/panel.ts'
import type { App } from '../../shell/context.ts'
import type { View } from '../../state/address.ts'

/** From the step compared with, where there is one before the cursor, else from the evaluation before it. */
export const intervalOf = (
  run: LiveData,
  view: Pick<View, 'step' | 'versus'>,
): { readonly from: number; readonly to: number } | undefined => {
  const to = evaluationAt(run, view.step)
  const then = view.versus === undefined ? to - 1 : evaluationAt(run, view.versus)
  const from = then < to ? then : to - 1
  return from < 0 ? undefined : { from, to }
}

const Bars = ({ causes }: { causes: Causes }) => {
  const reach = Math.max(...causes.parts.map(({ value }) => Math.abs(value)), 1e-12)
  return (
    <ul class="part-bars" aria-label="Parts of the updates, by what they did">
      {causes.parts.map(({ name, value }) => (
        <li key={name}>
          <span class="part-name">{name}</span>
          <span class="part-track" aria-hidden="true">
            <span
              class={`part-bar ${value < 0 ? 'lower' : 'raise'}`}
              style={{
                width: `${((Math.abs(value) / reach) * 50).toFixed(1)}%`,
                ...(value < 0 ? { right: '50%' } : { left: '50%' }),
              }}
            />
          </span>
          <span class="number">{signed(value)}</span>
        </li>
      ))}
    </ul>
  )
}

const Found = ({ app, causes }: { app: App; causes: Causes }) => {
  const carriers = carriersOf(causes)
  const link = (step: number): string =>
    app.store.link({ page: 'update', update: step, type: causes.type, full: undefined, find: '', sort: '' })
  return (
    <div class="causes">
      <div>
        {carriers && (
          <>
            <h3>
              {carriers.updates.length} of {carriers.of} carry {Math.round(carriers.share * 100)} % of what went{' '}
              {causes.actual < 0 ? 'down' : 'up'}
            </h3>
            <ol class="cause-list">
              {carriers.updates.slice(0, 12).map(({ step, actual }) => (
                <li key={step}>
                  <a href={link(step)}>update {step}</a> <span class="number">{signed(actual)}</span>
                </li>
              ))}
            </ol>
            <p>
              <a
                href={app.store.link({
                  page: 'update',
                  range: [causes.from + 1, causes.to],
                  type: causes.type,
                  full: undefined,
                  find: '',
                  sort: '',
                })}
              >
                All {carriers.of} together, part by part
              </a>
            </p>
            {carriers.updates.length > 12 && (
              <p class="muted">and {carriers.updates.length - 12} more: the table has all.</p>
            )}
          </>
        )}
      </div>
      <div>
        <h3>Which part of the updates</h3>
        <Bars causes={causes} />
      </div>
      {causes.examples.length > 0 && (
        <div>
          <h3>Which training examples</h3>
          <ol class="cause-list">
            {causes.examples.map(({ row, value }) => (
              <li key={row}>
                row {row} <span class="number">{signed(value)}</span>
              </li>
            ))}
          </ol>
        </div>
      )}
    </div>
  )
}

/** The panel, and what could be asked instead. */
export const causesPanel = (
  app: App,
  run: LiveData,
  view: View,
): { readonly model: PanelModel; readonly fall?: { readonly from: number; readonly to: number } } | undefined => {
  const type = typeInFocus(run, view)
  const interval = intervalOf(run, view)
  if (type === undefined || !interval) return undefined
  const steps = run.evaluations.map(({ step }) => step)
  const [from, to] = [steps[interval.from], steps[interval.to]]
  const change = changesOf(run, 'logp', type)?.(interval.from, interval.to)
  const [level] = linesOf([run], app.curves, { metric: 'logp', type, per: 'response', spread: 'se' })
  const fall = level && fallOf(level.mean)
  const title = `What moved ${type} from ${placeName(run)} ${from} to ${placeName(run)} ${to}?`
  const moved = change
    ? `log π(${type}) changed by ${withError(change.mean, change.se)} nats, summed over the response, ${run.manifest.imported?.meansOnly ? 'as a mean over probes' : `mean over ${plural(change.n, 'probe')}`}. `
    : ''
  const causes = causesOf(run, type, from, to)
  const found = fall && fall.by > 0 ? { fall: { from: steps[fall.from], to: steps[fall.to] } } : {}
  if (!causes) {
    const why = run.manifest.imported
      ? { what: `${moved}An imported log does not hold the updates themselves.` }
      : run.updates.length > 0
        ? { what: `${moved}No update between these steps was taken apart for this type.` }
        : notRecorded(
            run,
            `${moved}No update was taken apart while this run was trained, so which of them did it is not known.`,
            { name: 'decomposed', settings: ['observe.decompose.every=10'] },
          )
    return {
      model: { id: 'causes', kind: 'missing', title, says: 'From updates that were taken apart.', missing: why },
      ...found,
    }
  }
  // What the followed responses did in all: updates that were not taken apart are in it.
  const own = changesOf(run, 'logp', type, new Set(causes.rows))?.(interval.from, interval.to)
  return {
    model: {
      id: 'causes',
      kind: 'drawn',
      title,
      says:
        `${moved}Of the ${to - from} updates between, ${causes.updates.length} were taken apart, on ${plural(causes.followed, 'followed response')} ` +
        `of the type: together they moved these by ${signed(causes.actual)} nats${own ? `, of ${signed(own.mean)} in all` : ''}; ` +
        `the first order predicted ${signed(causes.predicted)}.`,
      notes:
        Math.abs(causes.predicted - causes.actual) > 0.5 * Math.abs(causes.actual)
          ? [
              `CAUTION: the first order is off by ${show(Math.abs(causes.predicted - causes.actual))} nats here, so its parts say the direction rather than the size.`,
            ]
          : [],
      draw: () => <Found app={app} causes={causes} />,
      table: () => ({
        head: ['update', 'stage', `actual Δ log π(${type})`, 'predicted'],
        rows: causes.updates.map(one => [one.step, one.stage, one.actual, one.predicted]),
      }),
    },
    ...found,
  }
}
