// One HTML file, made by this page from the runs that it reads: what goes in, how large it will be, what is inside.
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { troubleOf, type Trouble } from '../../data/run-store.ts'
import { saveFile } from '../../shell/panel/save.ts'
import { PARTS, type Part, type SnapshotOptions, type Texts } from '../../snapshot/format.ts'
import { exportCommand, fileNameOf, STANDARD } from '../../snapshot/offer.ts'
import { contentsOf } from '../../snapshot/pages.ts'
import { megabytes } from '../../snapshot/words.ts'
import { CommandLine } from '../../shell/command-line.tsx'
import type { Page } from '../../state/address.ts'
import type { RunSummary } from '../../wire.ts'
import { screens } from '../index.ts'
import type { ToolProps } from '../screen.ts'

const writer = () => import('../../snapshot/index.ts')

const texts: Readonly<Record<Texts, string>> = {
  keep: 'as they are',
  blur: 'blurred until pointed at',
  remove: 'not in the file',
}

const STEPS = [undefined, 1000, 200, 50] as const

/** The page that runs are put into, and parts of it, from the viewer that served this one. */
const built = async (name: string): Promise<string> => {
  const response = await fetch(new URL(name, location.href.split('#')[0]))
  if (!response.ok)
    throw new Error('the viewer has no page for it: build @ldyn/web, or use ldyn export --html')
  return response.text()
}
const builtPage = (): Promise<string> => built('snapshot.html')
const builtParts = (parts: readonly Part[]): Promise<readonly string[]> =>
  Promise.all(parts.map(part => built(`snapshot-${part}.html`)))

const isPart = (page: Page): page is Page & Part => PARTS.some(part => part === page)

/** What the file may carry that needs no run. */
const BESIDE = ['lab', 'gpt'] as const
const isBeside = (part: Part): part is (typeof BESIDE)[number] => BESIDE.some(one => one === part)
const beside: Readonly<Record<(typeof BESIDE)[number], string>> = {
  lab: 'the Lab’s toys',
  gpt: 'its tiny GPT, which trains in the page',
}

interface Inside {
  readonly bytes: number
  /** Of the page, and of each part that goes with it. */
  readonly page: number
  readonly parts: Readonly<Record<string, number>>
  readonly files: readonly { readonly path: string; readonly size: number }[]
}

export const ShareFile = ({ app }: ToolProps) => {
  const view = app.store.view.value
  const options = useSignal<SnapshotOptions>(STANDARD)
  const chosen = useSignal<readonly string[]>(view.runs)
  const inside = useSignal<Inside | undefined>(undefined)
  const busy = useSignal(false)
  const anyway = useSignal(false)
  const trouble = useSignal<Trouble | undefined>(undefined)
  const set = (patch: Partial<SnapshotOptions>): void => void (options.value = { ...options.value, ...patch })
  const keys = view.runs.filter(key => chosen.value.includes(key))

  // Names the directory in the command, and holds what the list of runs says of each.
  useEffect(() => void app.runs.refreshList(), [])
  useEffect(() => {
    let stale = false
    const look = async (): Promise<void> => {
      const { estimateBytes, isOfPages } = await writer()
      const page = await builtPage()
      const parts = await builtParts(PARTS)
      const weights = Object.fromEntries(PARTS.map((part, i) => [part, parts[i].length]))
      const code = options.value.parts.reduce((sum, part) => sum + weights[part], page.length)
      const files = keys.map(key => app.runs.open(key).files)
      const listed = await Promise.all(
        files.map(async (one, i) =>
          Promise.all(
            (await one.list())
              .filter(path => isOfPages(path, options.value.pages))
              .map(async path => ({ path: `${keys[i]}/${path}`, size: (await one.size(path)) ?? 0 })),
          ),
        ),
      )
      const bytes = await estimateBytes(files, options.value, code)
      if (!stale) inside.value = { bytes, page: page.length, parts: weights, files: listed.flat() }
    }
    look().catch((error: unknown) => {
      if (!stale) trouble.value = troubleOf(error)
    })
    return () => {
      stale = true
    }
  }, [options.value, keys.join('\n')])

  const make = async (): Promise<void> => {
    busy.value = true
    trouble.value = undefined
    try {
      const { documentOf, makeSnapshot, REFUSE_BYTES } = await writer()
      await app.runs.refreshList()
      const list = app.runs.list.value
      const runs = keys.map(key => {
        const summary = list?.runs.find((run): run is RunSummary => run.key === key)
        if (!summary) throw new Error(`${key} is not in the list of runs any more`)
        return { summary, files: app.runs.open(key).files }
      })
      const made = new Date().toISOString()
      const snapshot = await makeSnapshot({ runs, options: options.value, made, version: list!.version })
      const html = await documentOf(await builtPage(), snapshot, await builtParts(options.value.parts))
      const bytes = new Blob([html]).size
      if (bytes > REFUSE_BYTES && !anyway.value) {
        trouble.value = {
          what: `The file would have ${megabytes(bytes)}`,
          why: `More than ${megabytes(REFUSE_BYTES)} opens slowly, and few can mail it`,
          fix: 'Choose fewer steps or pages, or make it all the same',
        }
      } else {
        saveFile(fileNameOf(keys), 'text/html', html)
        app.toast(`Saved ${fileNameOf(keys)}, ${megabytes(bytes)}`)
      }
    } catch (error) {
      trouble.value = troubleOf(error)
    }
    busy.value = false
  }

  const { pages, parts, text, strip, values, kernel, steps } = options.value
  const toggle = (content: Page | Part): void => {
    const now = [...pages, ...parts.filter(isBeside)]
    set(contentsOf(now.includes(content) ? now.filter(one => one !== content) : [...now, content]))
  }
  const weight = (part: Part): string => (inside.value ? `, ${megabytes(inside.value.parts[part])}` : '')
  const large = (inside.value?.bytes ?? 0) > 10e6
  return (
    <form
      class="share-file"
      onSubmit={event => {
        event.preventDefault()
        void make()
      }}
    >
      <p>The whole viewer with these runs inside: opens from disk, asks no network for anything.</p>
      <fieldset>
        <legend>Runs</legend>
        {view.runs.map(key => (
          <label key={key} class="check">
            <input
              type="checkbox"
              checked={chosen.value.includes(key)}
              onChange={() =>
                void (chosen.value = chosen.value.includes(key)
                  ? chosen.value.filter(one => one !== key)
                  : [...chosen.value, key])
              }
            />{' '}
            {key}
          </label>
        ))}
      </fieldset>
      <fieldset>
        <legend>Screens</legend>
        {screens.map(({ page, title }) => (
          <label key={page} class="check">
            <input type="checkbox" checked={pages.includes(page)} onChange={() => toggle(page)} /> {title}
            {isPart(page) && weight(page)}
          </label>
        ))}
      </fieldset>
      <fieldset>
        <legend>Lab</legend>
        {BESIDE.map(part => (
          <label key={part} class="check">
            <input
              type="checkbox"
              checked={parts.includes(part)}
              disabled={part === 'gpt' && !parts.includes('lab')}
              onChange={() => toggle(part)}
            />{' '}
            {beside[part]}
            {weight(part)}
          </label>
        ))}
      </fieldset>
      <fieldset>
        <legend>Prompts and responses</legend>
        {(Object.keys(texts) as Texts[]).map(one => (
          <label key={one} class="check">
            <input type="radio" name="share-text" checked={text === one} onChange={() => set({ text: one })} /> {texts[one]}
          </label>
        ))}
      </fieldset>
      <fieldset>
        <legend>Numbers</legend>
        <label>
          Steps{' '}
          <select
            value={String(steps ?? 'full')}
            onChange={event => {
              const given = event.currentTarget.value
              set({ steps: given === 'full' ? undefined : Number(given) })
            }}
          >
            {STEPS.map(one => (
              <option key={one ?? 'full'} value={String(one ?? 'full')}>
                {one === undefined ? 'all' : `about ${one}, with lowest and highest`}
              </option>
            ))}
          </select>
        </label>
        <label class="check">
          <input
            type="checkbox"
            checked={values === 'f32'}
            onChange={() => set({ values: values === 'f32' ? 'f16' : 'f32' })}
          />{' '}
          exact values of probes (else changes with 11 bits)
        </label>
        <label class="check">
          <input
            type="checkbox"
            checked={kernel === 'f32'}
            onChange={() => set({ kernel: kernel === 'f32' ? 'f16' : 'f32' })}
          />{' '}
          matrices with 24 bits (else 11)
        </label>
      </fieldset>
      <fieldset>
        <legend>Where and how they were made</legend>
        <label class="check">
          <input type="checkbox" checked={strip} onChange={() => set({ strip: !strip })} /> leave out paths, host, hardware
          and command line
        </label>
      </fieldset>
      {trouble.value && (
        <div class="share-trouble" role="alert">
          <p>
            <strong>{trouble.value.what}</strong>
          </p>
          {trouble.value.why && <p>{trouble.value.why}.</p>}
          {trouble.value.fix && <p>{trouble.value.fix}.</p>}
        </div>
      )}
      <p class="share-size" role="status">
        {keys.length === 0
          ? 'Choose at least one run.'
          : pages.length === 0
            ? 'Choose at least one screen.'
            : inside.value
              ? `About ${megabytes(inside.value.bytes)}${large ? ': large to mail; fewer steps or screens make it smaller' : ''}.`
              : 'Looking at sizes…'}
      </p>
      {large && (
        <label class="check">
          <input type="checkbox" checked={anyway.value} onChange={() => void (anyway.value = !anyway.value)} /> make it even
          above 50 MB
        </label>
      )}
      {inside.value && (
        <details>
          <summary>What’s inside</summary>
          <table>
            <thead>
              <tr>
                <th scope="col">File of the run</th>
                <th scope="col" class="number">
                  Bytes there
                </th>
              </tr>
            </thead>
            <tbody>
              {inside.value.files.map(({ path, size }) => (
                <tr key={path}>
                  <th scope="row">{path}</th>
                  <td class="number">{size}</td>
                </tr>
              ))}
            </tbody>
          </table>
          <p class="muted">
            And the viewer’s page, {megabytes(inside.value.page)}, with what was chosen of kernels, figures and Lab,
            and its main figures as still pictures. No weights.
          </p>
        </details>
      )}
      <p>
        <button type="submit" class="button" disabled={busy.value || keys.length === 0 || pages.length === 0}>
          {busy.value ? 'Making the file…' : 'Download'}
        </button>
      </p>
      <p class="muted">The same from the command line:</p>
      <CommandLine command={exportCommand(app.runs.list.value?.root ?? 'runs', keys, options.value)} />
    </form>
  )
}
