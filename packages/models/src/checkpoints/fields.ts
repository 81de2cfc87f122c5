/**
 * Typed reading of a config's keys, the same for config.json and for a GGUF's metadata. A value of the wrong
 * kind is an error that names the key, and the nearest key that is there where one is missing.
 */
import { listed, ModelError, nearest } from '../error.ts'

export interface Fields {
  readonly where: string
  has(key: string): boolean
  raw(key: string): unknown
  /** A whole number ≥ 1. */
  size(key: string, fallback?: number): number
  number(key: string, fallback?: number): number
  flag(key: string, fallback: boolean): boolean
  text(key: string, fallback?: string): string
  /** One of the given texts. */
  choice<T extends string>(key: string, known: readonly T[], fallback?: T): T
  fail(key: string, why: string, fix: string): ModelError
}

/** Reads keys of `get`; absent keys are `undefined` or null there. */
export function fieldsOf(where: string, keys: readonly string[], get: (key: string) => unknown): Fields {
  const fail = (key: string, why: string, fix: string): ModelError =>
    new ModelError({ code: 'bad-config', what: 'Cannot read the model\'s config', where: `${where}, key "${key}"`, why, fix })
  const value = <T>(key: string, fallback: T | undefined): unknown => {
    const found = get(key) ?? fallback
    if (found !== undefined) return found
    const near = nearest(key, keys)
    throw fail(key, 'the key is missing', near === undefined ? 'Add it' : `Add it, or check whether "${near}" is meant`)
  }
  const typed = <T>(key: string, fallback: T | undefined, ok: (v: unknown) => boolean, kind: string): T => {
    const found = value(key, fallback)
    if (ok(found)) return found as T
    throw fail(key, `its value is ${JSON.stringify(found)?.slice(0, 60)}, which is not ${kind}`, `Give ${kind}`)
  }
  return {
    where,
    has: (key) => get(key) != null,
    raw: get,
    size: (key, fallback) => typed(key, fallback, (v) => Number.isSafeInteger(v) && (v as number) > 0, 'a whole number above 0'),
    number: (key, fallback) => typed(key, fallback, Number.isFinite, 'a finite number'),
    flag: (key, fallback) => typed(key, fallback, (v) => typeof v === 'boolean', 'true or false'),
    text: (key, fallback) => typed(key, fallback, (v) => typeof v === 'string', 'a text'),
    choice: (key, known, fallback) => {
      const found = value(key, fallback)
      if (known.includes(found as never)) return found as (typeof known)[number]
      throw new ModelError({
        code: 'unsupported', what: 'Cannot build the model', where: `${where}, key "${key}"`,
        why: `"${String(found)}" is not supported`, fix: `Supported are ${listed(known)}`,
      })
    },
    fail,
  }
}

/** Sizes that must divide each other. */
export function mustDivide(f: Fields, key: string, whole: number, part: number, what: string): void {
  if (whole % part !== 0) throw f.fail(key, `${what} (${whole}) is no multiple of ${part}`, 'Check both numbers in the config')
}
