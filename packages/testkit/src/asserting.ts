/** What tests say of a backend without a test runner, so that the suite also runs in a browser page or a command. */

/** Throws a sentence unless `holds`. */
export function must(holds: boolean, sentence: string): void {
  if (!holds) throw new Error(sentence)
}

/** Numbers compare by Object.is; 0 and −0 differ. Objects and lists are compared as the JSON that they are. */
const written = (value: unknown): string =>
  typeof value === 'object' && value !== null
    ? JSON.stringify(value, (_, v: unknown) => (typeof v === 'number' ? spelled(v) : v))
    : spelled(value)
const spelled = (value: unknown): string => (Object.is(value, -0) ? '-0' : String(value))

/** Throws unless both are the same value, list or plain object. */
export function mustEqual(actual: unknown, expected: unknown, what = 'it'): void {
  const [is, should] = [written(actual), written(expected)]
  must(is === should, `${what} is ${is} where it should be ${should}`)
}

/** Throws unless `actual` has the fields of `expected`, with the same values. */
export function mustHave<T extends object>(actual: T, expected: Partial<T>, what = 'it'): void {
  const fields = Object.keys(expected).map((key) => [key, actual[key as keyof T]])
  mustEqual(Object.fromEntries(fields), expected, what)
}

/** Throws unless `value` was made by that class. */
export function mustBeA(value: unknown, kind: abstract new (...args: never) => unknown): void {
  must(value instanceof kind, `a ${kind.name} was expected, and not ${describe(value)}`)
}
const describe = (value: unknown): string =>
  value instanceof Error ? `${value.name}: ${value.message}` : Object.prototype.toString.call(value)
