// The tables of Compare: where the runs ended, against the baseline and over seeds, to be pasted into notes or a
// paper; and where they first parted.
import { fixed, letter, withError } from '@ldyn/figures'
import type { LiveData } from '../../data/live-run.ts'
import { csvOf, type Cell, type PanelModel, type Table } from '../../panels/panel.ts'
import { partings, seedEnds } from '../../panels/compare/ends.ts'
import type { Compared, End } from '../../panels/compare/comparison.ts'
import { perText, textOf } from '../../panels/metrics.ts'
import { typesIn } from '../../panels/types.ts'
import { cellText, latexOf, markdownOf } from '../../panels/table-text.ts'
import type { App } from '../../shell/context.ts'
import type { View } from '../../state/address.ts'

/** More runs than this are rows, not columns. */
const MOST_COLUMNS = 4

/**
 * Where the runs ended: few runs as columns of types, many as rows. Changes are since the run's own first evaluation;
 * "less A" is the paired difference to the baseline.
 */
export const endTable = (
  runs: readonly LiveData[],
  names: readonly string[],
  ends: readonly End[],
  baseline: number,
): Table => {
  const types = typesIn(runs).map(({ key }) => key)
  const base = letter(baseline)
  const at = (run: number, type: string): End | undefined =>
    ends.find(end => end.run === run && end.type === type)
  if (runs.length > MOST_COLUMNS)
    return {
      head: ['run', 'name', ...types.flatMap(type => [type, `${type} less ${base}`, `${type} ± se`])],
      rows: runs.map((_, r) => [
        letter(r),
        names[r],
        ...types.flatMap((type): Cell[] => {
          const end = at(r, type)
          return [end?.last, end?.difference?.mean, end?.difference?.se]
        }),
      ]),
    }
  return {
    head: [
      'type',
      ...runs.flatMap((_, r) => [
        `${letter(r)} last`,
        `${letter(r)} Δ`,
        `${letter(r)} Δ ± se`,
        ...(r === baseline ? [] : [`${letter(r)} less ${base}`, `${letter(r)} less ${base} ± se`]),
      ]),
    ],
    rows: types.map(type => [
      type,
      ...runs.flatMap((_, r): Cell[] => {
        const end = at(r, type)
        return [
          end?.last,
          end?.change,
          end?.changeSe,
          ...(r === baseline ? [] : [end?.difference?.mean, end?.difference?.se]),
        ]
      }),
    ]),
  }
}

/** Groups of seeds: mean of the last values with its 95 % interval. */
const seedTable = (
  runs: readonly LiveData[],
  ends: readonly End[],
  groups: readonly (readonly number[])[],
): Table => {
  const all = seedEnds(ends, groups)
  const names = groups.map(members => members.map(letter).join(' '))
  return {
    head: ['type', ...names.flatMap(name => [`${name} mean`, `${name} ± 95 %`])],
    rows: typesIn(runs).map(({ key }) => [
      key,
      ...groups.flatMap((_, g): Cell[] => {
        const found = all.find(one => one.type === key && one.group === g)
        return [found?.mean, found?.half]
      }),
    ]),
  }
}

const copy = (app: App, text: string, what: string): void => {
  if (!navigator.clipboard) app.toast('The browser does not let the page copy')
  else
    void navigator.clipboard.writeText(text).then(
      () => app.toast(`Copied as ${what}`),
      () => app.toast('The browser does not let the page copy'),
    )
}

const CopyRow = ({ app, table }: { app: App; table: Table }) => (
  <p class="copy-row" role="group" aria-label="Copy the table">
    <span class="muted">Copy as</span>
    <button type="button" class="small" onClick={() => copy(app, markdownOf(table), 'Markdown')}>
      Markdown
    </button>
    <button type="button" class="small" onClick={() => copy(app, latexOf(table), 'LaTeX')}>
      LaTeX
    </button>
    <button type="button" class="small" onClick={() => copy(app, csvOf(table), 'CSV')}>
      CSV
    </button>
  </p>
)

const Shown = ({ table, label }: { table: Table; label: string }) => (
  <div class="scroll" tabIndex={0} role="region" aria-label={label}>
    <table>
      <thead>
        <tr>
          {table.head.map((name, i) => (
            <th scope="col" key={`${i} ${name}`} class={i === 0 ? undefined : 'number'}>
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {table.rows.map((row, r) => (
          <tr key={r}>
            {row.map((cell, c) =>
              c === 0 ? (
                <th scope="row" key={c}>
                  {cellText(cell)}
                </th>
              ) : (
                <td key={c} class={typeof cell === 'string' ? undefined : 'number'}>
                  {cellText(cell)}
                </td>
              ),
            )}
          </tr>
        ))}
      </tbody>
    </table>
  </div>
)

export const endPanel = (
  app: App,
  runs: readonly LiveData[],
  names: readonly string[],
  compared: Compared,
  baseline: number,
  view: View,
): PanelModel => {
  const table = endTable(runs, names, compared.ends, baseline)
  const { title } = textOf(view.metric)
  return {
    id: 'last',
    kind: 'drawn',
    title: 'Where they ended',
    says:
      `${title} ${perText(view.metric, view.per)}, mean over probes, at each run’s last evaluation. Δ is the change since the run’s own first, ` +
      (runs.every(run => run.manifest.imported?.meansOnly)
        ? `“less ${letter(baseline)}” the difference to the baseline at the last evaluation that both cover. The logs hold means alone, so there are no errors.`
        : `with the standard error of the probes’ own changes; “less ${letter(baseline)}” is the difference to the baseline over the probes that both have, paired, ` +
          'at the last evaluation that both cover.'),
    draw: () => (
      <>
        <CopyRow app={app} table={table} />
        <Shown table={table} label="Last values" />
      </>
    ),
    table: () => table,
  }
}

export const seedPanel = (
  app: App,
  runs: readonly LiveData[],
  compared: Compared,
  groups: readonly (readonly number[])[],
  view: View,
): PanelModel => {
  const table = seedTable(runs, compared.ends, groups)
  const { title } = textOf(view.metric)
  return {
    id: 'over-seeds',
    kind: 'drawn',
    title: 'Over seeds',
    says: `${title} ${perText(view.metric, view.per)} at the last evaluation: mean over runs whose settings differ in the seed alone, and half the width of its 95 % interval (Student’s t over seeds). One run has no interval.`,
    draw: () => (
      <>
        <CopyRow app={app} table={table} />
        <Shown table={table} label="Means over seeds" />
      </>
    ),
    table: () => table,
  }
}

/** When and in what each run first parted from the baseline. */
export const partingPanel = (
  app: App,
  runs: readonly LiveData[],
  names: readonly string[],
  compared: Compared,
  baseline: number,
): PanelModel => {
  const all = partings(compared)
  const base = letter(baseline)
  const title = 'First divergence'
  const says = `The first evaluation at which a run is beyond two standard errors of the paired difference to ${base}, and is so at the next as well.`
  const firsts = runs.flatMap((_, r) => {
    const first = all.find(({ run }) => run === r)
    const also = all.filter(({ run }) => run === r).slice(1, runs.length > 6 ? 1 : 4)
    return r === baseline ? [] : [{ r, first, also }]
  })
  /** Why nothing can be said of a run; undefined where something can. */
  const unknown = (r: number): string | undefined => {
    const sizes = [...compared.differences.values()].flatMap(own => own[r]?.n ?? [])
    if (sizes.length === 0) return `shares no probed response with ${base}`
    return sizes.every(n => n < 2) ? 'has one value a type, so its noise is unknown' : undefined
  }
  const paired = [...compared.differences.values()].some(own => own.some(Boolean))
  if (!paired)
    return {
      id: 'divergence',
      kind: 'missing',
      title,
      says,
      missing: { what: `No run shares a probed response with ${base}, so when they part cannot be told.` },
    }
  return {
    id: 'divergence',
    kind: 'drawn',
    title,
    says,
    draw: () => (
      <ul class="partings" tabIndex={0} aria-label="Where each run parts from the baseline">
        {firsts.map(({ r, first, also }) => (
          <li key={r}>
            <b>{letter(r)}</b> {names[r]}:{' '}
            {first ? (
              <>
                <a href={app.store.link({ step: compared.cursorAt(r, first.step) })}>step {first.step}</a>, {first.type}{' '}
                {withError(first.mean, first.se)}
                {also.length > 0 && (
                  <span class="muted">
                    {' '}
                    then {also.map(({ type, step }) => `${type} at ${step}`).join(', ')}
                  </span>
                )}
              </>
            ) : (
              <span class="muted">{unknown(r) ?? 'does not part beyond noise'}</span>
            )}
          </li>
        ))}
      </ul>
    ),
    table: () => ({
      head: ['run', 'name', 'type', 'step', `less ${base}`, 'se', 'probes'],
      rows: all.map(({ run, type, step, mean, se, n }) => [letter(run), names[run], type, step, mean, se, n]),
    }),
  }
}

/** "412 of 500 probed responses are shared; 88 only in A." */
export const joinText = (of: readonly number[], both: number, only: readonly number[]): string => {
  const whole = Math.max(...of)
  const alone = only.flatMap((n, r) => (n > 0 ? [`${n} not everywhere but in ${letter(r)}`] : []))
  const share = fixed((100 * both) / Math.max(1, whole), 0)
  const others = alone.length > 0 ? `; ${alone.slice(0, 4).join(', ')}${alone.length > 4 ? ', …' : ''}` : ''
  return `${both} of ${whole} probed responses (${share} %) are watched by all runs${others}.`
}
