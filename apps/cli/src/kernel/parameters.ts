/**
 * Which parameters a kernel is taken over, as words on the command line: a path (`layers.3`, itself and all below
 * it), a pattern (`layers.*.attn.q`), or `last:2` for the last layers with the final norm and an untied head.
 */
import { leaves, type PathFilter, type Spec, type Tree } from '@ldyn/tensor'
import { CliError } from '../contract/errors.ts'
import { nearest } from '../contract/nearest.ts'

export interface ChosenParameters {
  readonly wrt: PathFilter
  /** Tensors and numbers chosen, of all that the model has. */
  readonly tensors: number
  readonly numbers: number
  readonly all: number
}

/** `text` undefined chooses all. Throws CliError LD2003 for a word that chooses nothing, with the nearest path. */
export function chosenParameters(params: Tree<Spec>, text?: string): ChosenParameters {
  const every = leaves(params)
  const paths = every.map(({ path }) => path)
  const chosen = text === undefined ? new Set(paths) : new Set(wordsOf(text).flatMap((word) => selected(paths, word)))
  const size = (list: typeof every): number =>
    list.reduce((n, { value }) => n + value.shape.reduce((a, b) => a * b, 1), 0)
  return {
    wrt: text === undefined ? '' : (path) => chosen.has(path),
    tensors: chosen.size,
    numbers: size(every.filter(({ path }) => chosen.has(path))),
    all: size(every),
  }
}

const wordsOf = (text: string): string[] =>
  text
    .split(',')
    .map((word) => word.trim())
    .filter(Boolean)

function selected(paths: readonly string[], word: string): string[] {
  const layers = [...new Set(paths.flatMap((path) => /^layers\.(\d+)\./.exec(path)?.[1] ?? []))].map(Number)
  const [, last] = /^last:(\d+)$/.exec(word) ?? []
  if (last !== undefined) {
    if (Number(last) < 1 || Number(last) > layers.length)
      throw refusal(word, `the model has ${layers.length} layers`, `give last:1 to last:${layers.length}`)
    const from = layers.length - Number(last)
    return paths.filter((path) => {
      const [part, layer] = path.split('.')
      return part === 'layers' ? Number(layer) >= from : part === 'norm' || part === 'head'
    })
  }
  const pattern = new RegExp(
    `^${word
      .split('.')
      .map((step) => step.replace(/[^\w*]/g, '\\$&').replaceAll('*', '[^.]*'))
      .join('\\.')}(\\.|$)`,
  )
  const found = paths.filter((path) => pattern.test(path))
  if (found.length > 0) return found
  const prefixes = new Set(paths.flatMap((path) => path.split('.').map((_, i, all) => all.slice(0, i + 1).join('.'))))
  const near = nearest(word, prefixes)
  const parts = [...new Set(paths.map((path) => path.split('.')[0]))]
  throw refusal(
    word,
    `the model's parameters are ${parts.map((p) => (p === 'layers' ? `layers.0 to layers.${layers.length - 1}` : p)).join(', ')}`,
    `${near ? `did you mean ${near}? ` : ''}Give paths, patterns (layers.*.attn) or last:<n>`,
  )
}

const refusal = (word: string, why: string, fix: string): CliError =>
  new CliError({ code: 'LD2003', what: `--params '${word}' matches no parameter`, where: '--params', why, fix })
