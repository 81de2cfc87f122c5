// How the settings of runs differ, apart from how their numbers do (ux.md R10): keys flattened, no limit on how many
// runs. Beyond a handful, runs of one value stand together behind it.
import { letter, letters, list } from '@ldyn/figures'
import { useSignal } from '@preact/signals'
import { useMemo } from 'preact/hooks'
import type { LiveData } from '../../data/live-run.ts'
import { Find } from '../../shell/find.tsx'
import { createSearch, flatten } from '../config-tree.ts'

/** More runs than this have no column each. */
const MOST_COLUMNS = 6

export interface SettingRow {
  readonly path: string
  readonly values: readonly (string | undefined)[]
  readonly differs: boolean
}

/** Every setting of the runs, by path; undefined where a run has no such setting. An imported log holds none. */
export const settingRows = (runs: readonly Pick<LiveData, 'manifest'>[]): readonly SettingRow[] => {
  const maps = runs.map(
    ({ manifest }) => new Map(flatten(manifest.config).map(({ path, text }) => [path, text])),
  )
  return [...new Set(maps.flatMap(map => [...map.keys()]))].map(path => {
    const values = maps.map(map => map.get(path))
    const known = values.filter((_, r) => !runs[r].manifest.imported)
    return { path, values, differs: new Set(known).size > 1 }
  })
}

/** The values of a setting, the commonest first, each with the runs that have it. */
export const byValue = (
  values: SettingRow['values'],
): readonly { readonly value: string | undefined; readonly runs: readonly number[] }[] => {
  const found = new Map<string | undefined, number[]>()
  values.forEach((value, r) => found.set(value, [...(found.get(value) ?? []), r]))
  return [...found].map(([value, runs]) => ({ value, runs })).sort((a, b) => b.runs.length - a.runs.length)
}

const Value = ({ text }: { text: string | undefined }) =>
  text === undefined ? <span class="muted">not set</span> : <>{text}</>

export const Settings = ({ runs }: { runs: readonly LiveData[] }) => {
  const [find, all] = [useSignal(''), useSignal(false)]
  const rows = useMemo(() => settingRows(runs), [runs.map(({ manifest }) => manifest.id).join('\n')])
  const differing = rows.filter(({ differs }) => differs)
  const wanted = all.value ? rows : differing
  const search = createSearch(find.value)
  const shown = wanted.filter(({ path, values }) => search([{ path, text: values.join(' ') }]).length > 0)
  const columns = runs.length <= MOST_COLUMNS
  const without = runs.flatMap((run, r) => (run.manifest.imported ? [letter(r)] : []))
  return (
    <section class="panel" aria-labelledby="differ">
      <div class="bar">
        <h2 id="differ">
          Settings that differ <span class="muted">{differing.length}</span>
        </h2>
        <Find text={find} />
        <label class="check">
          <input
            type="checkbox"
            checked={!all.value}
            onChange={() => {
              all.value = !all.value
            }}
          />{' '}
          only differences
        </label>
      </div>
      {without.length > 0 && (
        <p class="muted">
          {list(without)} {without.length === 1 ? 'is' : 'are'} imported: the log holds no settings.
        </p>
      )}
      {shown.length === 0 ? (
        <p class="muted">{find.value === '' ? 'None that the runs record.' : 'No setting fits.'}</p>
      ) : (
        <div class="scroll settings-table" tabIndex={0} role="region" aria-label="Settings of the runs">
          <table>
            <thead>
              <tr>
                <th scope="col">setting</th>
                {columns ? (
                  runs.map((_run, r) => (
                    <th scope="col" key={r}>
                      {letter(r)}
                    </th>
                  ))
                ) : (
                  <th scope="col">values, with the runs that have them</th>
                )}
              </tr>
            </thead>
            <tbody>
              {shown.map(({ path, values, differs }) => (
                <tr key={path} class={differs ? undefined : 'same'}>
                  <th scope="row">{path}</th>
                  {columns ? (
                    values.map((value, r) => (
                      <td key={r}>
                        <Value text={value} />
                      </td>
                    ))
                  ) : (
                    <td>
                      {byValue(values).map(({ value, runs: own }) => (
                        <span class="value-of" key={String(value)}>
                          <Value text={value} /> <span class="muted">{letters(own)}</span>
                        </span>
                      ))}
                    </td>
                  )}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  )
}
