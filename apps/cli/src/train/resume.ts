/**
 * `--resume`: the run's own config counts. What the command line says beside it must be the same, save where to
 * compute; data and model must have the content that they had.
 */
import { readFile } from 'node:fs/promises'
import { join, resolve as absolute } from 'node:path'
import type { RunManifest } from '@ldyn/runs'
import { layerOf, type Assignment, type ConfigLayer } from '../config/assignments.ts'
import { origins, resolve, valueAt, type Config } from '../config/resolve.ts'
import { CliError } from '../contract/errors.ts'

/** Settings that change no number beyond what another machine would: they may differ when a run goes on. */
const FREE: readonly string[] = ['out', 'backend', 'threads', 'checkpoint.every', 'checkpoint.keep']

/** The config with paths that hold from any directory. */
export const withAbsolutePaths = (config: Config): Config => ({
  ...config,
  values: Object.fromEntries(
    Object.entries(config.values).map(([key, settled]) => [
      key,
      ['model', 'data', 'probe', 'out'].includes(key)
        ? { ...settled, value: absolute(settled.value as string) }
        : settled,
    ]),
  ),
})

/** The config to go on with, and the run's manifest; where no run is at `out` yet, the config as it is given. */
export async function resumedConfig(
  layers: readonly ConfigLayer[],
): Promise<{ config: Config; manifest?: RunManifest }> {
  const given = resolve(
    layers.map((layer) => ({ ...layer, assignments: layer.assignments.filter(ofNoStage) })),
  )
  const out = valueAt<string>(given, 'out')
  if (out === undefined) {
    throw new CliError({
      code: 'LD2003',
      what: '--resume needs the run',
      where: '--out',
      fix: 'give --out <run>',
    })
  }
  const path = join(out, 'run.json')
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined
    throw error
  })
  if (text === undefined) {
    // Stopped before anything was on file: there is nothing to go on from, and nothing to lose.
    if (given.stages.length > 0) return { config: resolve(layers) }
    throw new CliError({
      code: 'LD4002',
      what: 'there is no run to resume',
      where: path,
      fix: 'check --out; `ldyn runs ls` lists runs',
    })
  }
  const manifest = parse(text, path)
  const base = layerOf(manifest.config, () => path)
  const config = resolve([base, ...layers])
  mustAgree(resolve([base]), config)
  return { config, manifest }
}

const ofNoStage = ({ stage }: Assignment): boolean => stage === undefined

/** Throws CliError LD8004 for the first setting that is not what it was. */
function mustAgree(before: Config, now: Config): void {
  const then = new Map(settled(before).map(({ path, value }) => [path, value]))
  const found = settled(now).find(
    ({ path, value }) => !FREE.includes(path) && JSON.stringify(value) !== JSON.stringify(then.get(path)),
  )
  if (!found) return
  throw new CliError({
    code: 'LD8004',
    what: `the run was begun with another ${found.path}`,
    where: found.origin,
    why: `here it is ${JSON.stringify(found.value)}, there ${JSON.stringify(then.get(found.path)) ?? 'nothing'}`,
    fix: 'leave it out, or start a new run with another --out',
  })
}

const settled = (config: Config): ReturnType<typeof origins> => [
  {
    path: 'stages',
    value: config.stages.map(({ name, kind }) => `${name}:${kind}`).join(),
    origin: '--stages',
  },
  ...origins(withAbsolutePaths(config)),
]

function parse(text: string, path: string): RunManifest {
  try {
    return JSON.parse(text) as RunManifest
  } catch (error) {
    throw new CliError({
      code: 'LD8001',
      what: "the run's manifest is not JSON",
      where: path,
      why: (error as Error).message,
      fix: 'restore run.json',
    })
  }
}

/** Throws CliError LD8004 where a file or the model has another content than when the run began. */
export function checkSameData(
  manifest: RunManifest,
  datasets: readonly { readonly path: string; readonly hash: string }[],
  modelHash: string,
): void {
  const changed = datasets.find(({ hash }, i) => manifest.datasets[i]?.hash !== hash)
  const what = changed
    ? 'the data has changed since the run began'
    : 'the model has changed since the run began'
  if (!changed && manifest.model.hash === modelHash) return
  throw new CliError({
    code: 'LD8004',
    what,
    where: changed?.path ?? manifest.model.path,
    why: 'a run that goes on with other data or weights would have numbers of two experiments',
    fix: 'restore what it was, or start a new run with another --out',
  })
}
