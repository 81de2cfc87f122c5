// JSON as Python's json.dump writes it: with bare NaN, Infinity and -Infinity, and, where a program appends to
// one file, several values one after another with or without line ends ("}{", very old logs of the released
// code: paper.md §11).
import { RunError } from '../error.ts'

// A string, kept as it is, or one of the three words that JSON does not have. Unrolled, so that a long string
// costs no stack.
const WORD = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\bInfinity\b|\bNaN\b/gs
const MARK = '\u0000number:'

const bad = (where: string, why: string, cause?: unknown) => new RunError({
  code: 'bad-log', what: 'Cannot read the log', where, why, fix: 'Give the file as the trainer wrote it',
}, { cause })

/** One value; NaN and infinities become JavaScript's. Throws RunError `bad-log`. */
export const parsePythonJson = (text: string, where: string): unknown => {
  const marked = text.replace(WORD, word => word.startsWith('"') ? word : JSON.stringify(MARK + word))
  try {
    return JSON.parse(marked, (_, value: unknown) =>
      typeof value === 'string' && value.startsWith(MARK) ? Number(value.slice(MARK.length)) : value) as unknown
  } catch (cause) {
    throw bad(where, `it is not JSON (${(cause as Error).message})`, cause)
  }
}

export interface LoggedObject { readonly value: Readonly<Record<string, unknown>>, readonly where: string }

export interface LoggedObjects {
  readonly objects: readonly LoggedObject[]
  /** Characters of an unfinished last object: what a killed program leaves. */
  readonly torn: number
}

/** Objects one after another. An unfinished last one is dropped and counted. Throws RunError `bad-log`. */
export const parseLoggedObjects = (text: string, name: string): LoggedObjects => {
  const objects: LoggedObject[] = []
  let depth = 0
  let start = 0
  let line = 1
  let lineOfStart = 1
  let inString = false
  for (let i = 0; i < text.length; i++) {
    const c = text[i]
    if (c === '\n') line++
    if (inString) {
      if (c === '\\') i++
      else if (c === '"') inString = false
    } else if (c === '{') {
      if (depth++ === 0) [start, lineOfStart] = [i, line]
    } else if (c === '}' && depth > 0) {
      if (--depth > 0) continue
      const where = `${name}, line ${lineOfStart}`
      objects.push({ value: parsePythonJson(text.slice(start, i + 1), where) as LoggedObject['value'], where })
    } else if (c === '"' && depth > 0) {
      inString = true
    } else if (depth === 0 && !/[\s,]/.test(c)) {
      throw bad(`${name}, line ${line}`, `${JSON.stringify(text.slice(i, i + 20))} stands where an object should begin`)
    }
  }
  return { objects, torn: depth > 0 ? text.length - start : 0 }
}
