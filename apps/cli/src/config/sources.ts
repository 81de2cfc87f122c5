/** Where layers of config come from: a YAML or JSON file, `LDYN_*` variables, `--set`, the command's flags. */
import { readFile } from 'node:fs/promises'
import { LineCounter, parse, parseDocument } from 'yaml'
import { CliError } from '../contract/errors.ts'
import { nearest } from '../contract/nearest.ts'
import { layerOf, type ConfigLayer } from './assignments.ts'
import { leaves } from './schema.ts'

/** Throws CliError for a file that is missing, not UTF-8 or not YAML, and for keys and values as `layerOf`. */
export async function fileLayer(path: string): Promise<ConfigLayer> {
  const text = await readConfig(path)
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines })
  const [error] = document.errors
  if (error) {
    const line = error.linePos?.[0].line
    throw new CliError({
      code: 'LD3001',
      what: 'the config file is not YAML',
      where: line === undefined ? path : `${path}:${line}`,
      why: error.message.split('\n', 1)[0],
      fix: 'write it as in `ldyn config show`; JSON is read too',
    })
  }
  const tree: unknown = document.toJS()
  // A run's own manifest: the settings that it was trained with.
  const isRun = isManifest(tree)
  return layerOf(isRun ? tree.config : tree, (keys) => {
    for (let n = keys.length; n > 0; n--) {
      const range = (
        document.getIn([...(isRun ? ['config'] : []), ...keys.slice(0, n)], true) as { range?: [number, number, number] } | undefined
      )?.range
      if (range) return `${path}:${lines.linePos(range[0]).line}`
    }
    return path
  })
}

const isManifest = (tree: unknown): tree is { readonly config?: unknown } =>
  /^ldyn\.run\//.test(String((tree as { readonly schema?: unknown } | null)?.schema))

async function readConfig(path: string): Promise<string> {
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
    throw new CliError({
      code: 'LD4003',
      what: 'config file not found',
      where: path,
      fix: 'check the path (it is taken relative to the current directory)',
    })
  })
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new CliError({
      code: 'LD3001',
      what: 'the config file is not UTF-8 text',
      where: path,
      fix: 'save it as UTF-8',
    })
  }
}

/** A value as YAML reads it: 1e-6, true, [a, b], text. */
const scalar = (text: string): unknown => {
  try {
    return parse(text)
  } catch {
    return text
  }
}

/** `{a: {b: value}}` for `a.b`. */
const nested = (keys: readonly string[], value: unknown): unknown =>
  keys.reduceRight((inner, key) => ({ [key]: inner }), value)

/** Layers of one standing as one; of what several say, the last counts. */
export const joined = (layers: readonly ConfigLayer[]): ConfigLayer => ({
  assignments: layers.flatMap((layer) => layer.assignments),
  stages: layers.findLast((layer) => layer.stages)?.stages,
  preset: layers.findLast((layer) => layer.preset)?.preset,
})

/** `--set a.b=3`, in order; the last wins. */
export const setLayer = (pairs: readonly string[]): ConfigLayer =>
  joined(
    pairs.map((pair) => {
      const at = pair.indexOf('=')
      if (at < 1)
        throw new CliError({
          code: 'LD2003',
          what: `--set '${pair}' is no key=value`,
          where: '--set',
          fix: 'for example --set stages.dpo.lr=1e-6',
        })
      const key = pair.slice(0, at)
      return layerOf(nested(key.split('.'), scalar(pair.slice(at + 1))), () => `--set ${key}`)
    }),
  )

/** Variables of ours that are no config. */
const RESERVED = /^LDYN_(REQUIRE|SHARED|DEBUG|TEST|BENCH)/

/**
 * `LDYN_LR=1e-6`, `LDYN_TOKENS__MAX_LENGTH=512` (two underscores for a dot). A variable that is no key is a
 * warning, not an error, since the environment is shared.
 */
export function envLayer(
  env: Readonly<Record<string, string | undefined>>,
  warn: (text: string) => void,
): ConfigLayer {
  const layers = Object.entries(env).flatMap(([name, text]) => {
    if (!name.startsWith('LDYN_') || RESERVED.test(name) || text === undefined || text === '') return []
    const keys = name.slice('LDYN_'.length).toLowerCase().split('__')
    try {
      return [layerOf(nested(keys, scalar(text)), () => name)]
    } catch (error) {
      if (!(error instanceof CliError) || error.code !== 'LD3002') throw error
      const near = nearest(keys.join('.'), Object.keys(leaves))
      warn(`${name} is no setting and was ignored${near ? `; did you mean LDYN_${snake(near)}?` : ''}`)
      return []
    }
  })
  return joined(layers)
}

const snake = (path: string): string =>
  path
    .replace(/[A-Z]/g, (c) => `_${c}`)
    .replaceAll('.', '__')
    .toUpperCase()

/** Flags by the path that they set: `{lr: 1e-6, 'observe.every': 10}`; undefined ones were not given. */
export const flagLayer = (
  flags: Readonly<Record<string, { readonly flag: string; readonly value: unknown }>>,
): ConfigLayer =>
  joined(
    Object.entries(flags)
      .filter(([, { value }]) => value !== undefined)
      .map(([path, { flag, value }]) => layerOf(nested(path.split('.'), value), () => flag)),
  )
