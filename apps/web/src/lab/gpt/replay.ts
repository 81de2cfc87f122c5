// The last rung of the ladder: a recorded run of the tiny GPT, played as if it were being trained. The files are those
// that a training wrote (recorded.test.ts makes them again); they come evaluation by evaluation.
import { paths, type RunManifest } from '@ldyn/runs'
import { unzipSync } from 'fflate'
// eslint-disable-next-line no-restricted-imports -- a text, not a module
import recorded from './recorded.txt?raw'
import type { FromWorker } from './protocol.ts'
import type { TrainingWorker } from './start-worker.ts'

const PAUSE_MS = 150

/** The recorded run's files by path. */
export const recordedFiles = (text: string = recorded): ReadonlyMap<string, Uint8Array> => {
  const bytes = Uint8Array.from(atob(text.trim()), c => c.charCodeAt(0))
  return new Map(Object.entries(unzipSync(bytes)).map(([path, data]) => [path.slice(path.indexOf('/') + 1), data]))
}

interface Line {
  readonly s?: number
  readonly stage?: string
  readonly bytes: Uint8Array
  readonly values: Readonly<Record<string, unknown>>
}
const linesOf = (bytes: Uint8Array | undefined): readonly Line[] =>
  new TextDecoder()
    .decode(bytes)
    .split('\n')
    .filter(Boolean)
    .map(text => {
      const values = JSON.parse(text) as Record<string, unknown>
      return {
        s: values.s as number | undefined,
        stage: values.stage as string | undefined,
        bytes: new TextEncoder().encode(`${text}\n`),
        values,
      }
    })

/** Messages in groups, one for each evaluation and one for the end, as a training says them. */
export function* messagesOf(files: ReadonlyMap<string, Uint8Array>): Generator<readonly FromWorker[]> {
  const json = (value: unknown): Uint8Array => new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`)
  const manifest = JSON.parse(new TextDecoder().decode(files.get(paths.manifest))) as RunManifest
  const steps = manifest.stages.reduce((n, { updates }) => n + updates, 0)
  const [index, scalars, events, watched] = [paths.index, paths.scalars, paths.events, paths.watched].map(path =>
    linesOf(files.get(path)),
  )
  const rows = [...files].filter(([path]) => path.endsWith('.f32'))
  const at = new Map<string, number>()
  const append = (path: string, bytes: Uint8Array): FromWorker => {
    const from = at.get(path) ?? 0
    at.set(path, from + bytes.length)
    return { say: 'change', change: { path, from, bytes } }
  }
  const whole = (path: string, bytes: Uint8Array): FromWorker => ({ say: 'change', change: { path, whole: bytes } })
  let [done, told] = [0, 0]
  for (const [e, evaluation] of index.entries()) {
    const messages: FromWorker[] = []
    if (e === 0) {
      messages.push(whole(paths.probes, files.get(paths.probes)!))
      messages.push(whole(paths.manifest, json({ ...manifest, status: 'running' })))
    }
    for (; done < scalars.length && scalars[done].s! <= evaluation.s!; done++)
      messages.push(append(paths.scalars, scalars[done].bytes))
    for (; told < events.length - 1 && (events[told].s ?? 0) <= evaluation.s!; told++)
      messages.push(append(paths.events, events[told].bytes))
    for (const [path, bytes] of rows) {
      const width = bytes.length / index.length
      messages.push(append(path, bytes.subarray(e * width, (e + 1) * width)))
    }
    if (e < watched.length) messages.push(append(paths.watched, watched[e].bytes))
    messages.push(append(paths.index, evaluation.bytes))
    const { s: _, t: __, stage = '', ...values } = scalars[done - 1]?.values ?? {}
    messages.push({
      say: 'progress',
      progress: {
        stage: String(stage || evaluation.stage),
        step: evaluation.s!,
        steps,
        // Nobody computes, so nothing takes any time.
        seconds: 0,
        values: values as Record<string, number>,
      },
    })
    yield messages
  }
  const rest = events.slice(told).map(({ bytes }) => append(paths.events, bytes))
  yield [...rest, whole(paths.manifest, files.get(paths.manifest)!), { say: 'ended', status: 'done' }]
}

/** Plays it to `hear`; pause and go on work as in a training. `instead` says why nothing is computed. */
export const startReplay = (hear: (message: FromWorker) => void, instead?: string): TrainingWorker => {
  const files = recordedFiles()
  const { config } = JSON.parse(new TextDecoder().decode(files.get(paths.manifest))) as {
    readonly config: { readonly seed: number; readonly width: number }
  }
  const device = `a run that was recorded, seed ${config.seed}, width ${config.width}`
  const messages = messagesOf(files)
  let timer: ReturnType<typeof setTimeout> | undefined
  const go = (): void => {
    const { done, value } = messages.next()
    if (done) return
    timer = setTimeout(go, PAUSE_MS)
    for (const message of value) hear(message)
  }
  return {
    tell(message) {
      clearTimeout(timer)
      if (message.do === 'train') hear({ say: 'engine', about: { rung: 'replay', device, limits: {}, ...(instead === undefined ? {} : { instead }) } })
      if (message.do === 'stop') hear({ say: 'ended', status: 'interrupted' })
      else if (message.do !== 'pause') go()
    },
    end: () => clearTimeout(timer),
  }
}
