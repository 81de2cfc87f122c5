// Command lines that make what a run does not have: with its own checkpoint, probe file, data and settings where it
// records them (run.json, events.jsonl), so that a line runs as it stands from where `ldyn view` was given the folder.
// What the run does not know stays in <angle brackets>. Weights are asked afterwards where that is enough, since it is
// far cheaper than training again.
import { isPreference, shellWord } from '@ldyn/figures'
import type { Json } from '@ldyn/runs'
import type { LiveData } from '../data/live-run.ts'

/** A line, given the name of the folder of runs. */
export type Command = string | ((root: string) => string)

export type Made = Pick<LiveData, 'key' | 'manifest' | 'events' | 'stages'> & { readonly probes?: LiveData['probes'] }

/** A word of a line: text, or what depends on where the folder of runs is. */
type Word = string | ((root: string) => string)
const line =
  (...words: readonly Word[]): Command =>
  root =>
    words.map(word => (typeof word === 'string' ? word : shellWord(word(root)))).join(' ')

/** The line as it is shown and copied. */
export const commandText = (command: Command, root: string): string =>
  typeof command === 'string' ? command : command(root)

const asRecord = (value: Json | undefined): { readonly [key: string]: Json } =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as { readonly [key: string]: Json })
    : {}
const textOf = (value: Json | undefined): string | undefined => (typeof value === 'string' ? value : undefined)

const configOf = ({ manifest }: Made) => asRecord(manifest.config)
const isDemo = (run: Made): boolean => textOf(configOf(run).demo) !== undefined
/** Without its command line a run was trained in the page, imported, or put into a file without paths. */
const isKnown = ({ manifest }: Made): boolean => manifest.argv.length > 0 && !manifest.imported
const isTrained = (run: Made): boolean => isKnown(run) && run.manifest.argv[0] === 'train'

/** The run's folder, with a path in it or behind it; '<run>' where it lies in the page alone. */
const place = ({ key }: Made, path = ''): Word =>
  key === undefined || /^(lab|local):/.test(key) ? `<run>${path}` : root => `${root}/${key}${path}`

const checkpoints = ({ events }: Made): readonly string[] =>
  events.flatMap(event => (event.type === 'checkpoint' ? [event.path] : []))

/** The newest checkpoint, which is always kept. */
const newest = (run: Made): Word => {
  const path = checkpoints(run).at(-1)
  return path === undefined ? '<checkpoint>' : place(run, `/${path}`)
}
/** Those that end a stage, which are kept too. */
const stageEnds = (run: Made): readonly Word[] => {
  const last = new Map(run.events.flatMap(e => (e.type === 'checkpoint' ? [[e.stage, e.path] as const] : [])))
  return [...last.values()].map(path => place(run, `/${path}`))
}
export const hasCheckpoint = (run: Made): boolean => checkpoints(run).length > 0

/** The file of the rows that were followed; of the demo, which makes them, the run's own list of them. */
const probeFile = (run: Made): Word => {
  const path = isKnown(run) ? textOf(configOf(run).probe) : undefined
  return path !== undefined ? shellWord(path) : isDemo(run) ? place(run, '/probes.json') : '<probes.jsonl>'
}
const dataFile = ({ manifest, ...run }: Made): string | undefined =>
  isKnown({ manifest, ...run }) ? manifest.datasets[0]?.path : undefined
const rowOf = (file: Word, row: number): Word =>
  typeof file === 'string' ? (file.endsWith("'") ? `${file.slice(0, -1)}#${row}'` : `${file}#${row}`) : root => `${file(root)}#${row}`

/** Rows and types as they were followed, and how text becomes tokens. */
const followed = (run: Made): readonly string[] => {
  const { observe, tokens } = configOf(run)
  const [{ limit, types }, { mode }] = [asRecord(observe), asRecord(tokens)]
  return [
    ...(typeof limit === 'number' ? [`--limit ${limit}`] : []),
    ...(textOf(types) !== undefined ? [`--types ${shellWord(textOf(types)!)}`] : []),
    ...tokenMode(mode),
  ]
}
const tokenMode = (mode: Json | undefined): readonly string[] =>
  textOf(mode) === undefined || mode === 'separate' ? [] : [`--token-mode ${textOf(mode)!}`]
const modeOf = (run: Made): readonly string[] => tokenMode(asRecord(configOf(run).tokens).mode)

/** A kernel needs a gradient a response: a few rows are a first look, of a large model those of two types. */
const LARGE = 2e7
const [FEW, FEWER] = [8, 4]
const rows = (run: Made): readonly string[] => {
  const few = (limit: number): string => `--limit ${Math.min(limit, run.probes?.rows.length ?? limit)}`
  return run.manifest.model.params > LARGE
    ? [few(FEWER), '--types chosen,rejected', ...modeOf(run)]
    : [few(FEW), ...followed(run).filter(flag => !flag.startsWith('--limit'))]
}

/**
 * The run once more, with other settings, into a folder beside it: with the very config that it keeps. Undefined for
 * runs that no command trains: simulations, imported logs, what the Lab trained.
 */
export const trainAgain = (run: Made, name: string, settings: readonly string[]): Command | undefined => {
  const { manifest } = run
  const beside = place(run, `-${name}`)
  if (isDemo(run)) return line('ldyn demo --out', root => `${root}/demo-${name}`)
  if (manifest.imported || manifest.argv[0] === 'sim' || /^(lab|local):/.test(run.key ?? '')) return undefined
  const set = settings.map(one => `--set ${shellWord(one)}`)
  // A file without paths does not say how a run was trained; who has the run can go by it.
  return isTrained(run) || manifest.argv.length === 0
    ? line('ldyn train --config', place(run, '/run.json'), '--out', beside, ...set)
    : undefined
}

/** The probes under the newest checkpoint, as JSON lines. */
export const observeAfter = (run: Made, flag: '--bands' | '--tokens'): Command =>
  line('ldyn observe --model', newest(run), '--probe', probeFile(run), ...followed(run), `${flag} --jsonl`)

/** What one update on the first row would do to the first probes, from the newest checkpoint. */
export const explainAfter = (run: Made): Command => {
  const data = dataFile(run)
  const stage = run.manifest.stages.at(-1)
  const kind = stage && (isPreference({ ...stage, from: 0, to: 0 }) || stage.loss === 'sft') ? stage.loss : 'dpo'
  const rate = rateOf(run)
  return line(
    'ldyn explain --model',
    newest(run),
    '--update',
    rowOf(data === undefined ? '<prefs.jsonl>' : shellWord(data), 0),
    '--observe',
    rowOf(probeFile(run), 0),
    `--loss ${shellWord(kind)}`,
    ...(rate === undefined ? [] : [`--lr ${rate}`]),
    ...modeOf(run),
  )
}
const rateOf = (run: Made): number | undefined => {
  const { stages } = configOf(run)
  const last = Array.isArray(stages) ? asRecord((stages as readonly Json[]).at(-1)) : {}
  return typeof last.lr === 'number' ? last.lr : undefined
}

const save = (run: Made): readonly Word[] => ['--out', place(run)]

/** K over the probe responses at the newest checkpoint. */
export const gramCommand = (run: Made): Command =>
  line('ldyn kernel gram --model', newest(run), '--probe', probeFile(run), ...rows(run), ...save(run))

/** The same at the ends of all stages, and how far it drifted; undefined where there are not two. */
export const driftCommand = (run: Made): Command | undefined =>
  stageEnds(run).length < 2
    ? undefined
    : line('ldyn kernel drift --model', ...stageEnds(run), '--probe', probeFile(run), ...rows(run), ...save(run))

export const normCommand = (run: Made): Command =>
  line('ldyn kernel norm --model', newest(run), '--probe', probeFile(run), '--limit 2 --types chosen,rejected', ...modeOf(run), ...save(run))

export const blockCommand = (run: Made): Command => {
  const data = dataFile(run)
  const file = data === undefined ? '<prefs.jsonl>' : shellWord(data)
  return line('ldyn kernel block --model', newest(run), '--update', rowOf(file, 0), '--observe', rowOf(file, 1), ...modeOf(run), ...save(run))
}

/** Scores of the followed pairs before the last stage, beside what that stage did to them. */
export const screenCommand = (run: Made): Command => {
  const stage = run.stages.findLast(isPreference)
  const before = run.events.findLast(
    event => event.type === 'checkpoint' && stage !== undefined && event.s <= stage.from && event.stage !== stage.name,
  )
  const model =
    before?.type === 'checkpoint'
      ? place(run, `/${before.path}`)
      : isKnown(run)
        ? shellWord(run.manifest.model.path)
        : '<model>'
  return line(
    'ldyn kernel screen --model',
    model,
    '--data',
    probeFile(run),
    ...modeOf(run),
    '--run',
    place(run),
    ...(stage ? [`--stage ${shellWord(stage.name)}`] : []),
  )
}

/** One token block: what learning row `update` does to response `type` of the probe in row `observe`. */
export const tokensCommand = (
  run: Made,
  { update, observe, type }: { readonly update: number; readonly observe: number | undefined; readonly type: string },
): Command => {
  const data = dataFile(run)
  const loss = run.manifest.stages.at(-1)?.loss ?? 'dpo'
  const file = probeFile(run)
  return line(
    'ldyn kernel tokens --model',
    newest(run),
    '--update',
    rowOf(data === undefined ? '<prefs.jsonl>' : shellWord(data), update),
    '--observe',
    observe === undefined ? `${typeof file === 'string' ? file : '<probes.jsonl>'}#<row>` : rowOf(file, observe),
    `--type ${shellWord(type)} --loss ${shellWord(loss)}`,
    ...modeOf(run),
    ...save(run),
  )
}

/** A training that was cut off goes on. */
export const resumeCommand = (run: Made): Command => line('ldyn train --out', place(run), '--resume')
