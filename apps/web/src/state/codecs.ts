// How one setting of a view is written in an address and read again. What a codec writes it understands; what it does
// not understand it says, and never guesses.

export interface Codec<T> {
  /** Undefined leaves the setting out. */
  readonly write: (value: T) => string | undefined
  /** Undefined: not understood. */
  readonly read: (text: string) => T | undefined
}

const MOST_STEPS = 1e12
export const whole: Codec<number | undefined> = {
  write: value => (value === undefined ? undefined : String(value)),
  read: text => (/^\d{1,12}$/.test(text) && Number(text) < MOST_STEPS ? Number(text) : undefined),
}
export const word: Codec<string | undefined> = { write: value => value || undefined, read: text => text }
export const text = (standard: string): Codec<string> => ({
  write: value => (value === standard ? undefined : value),
  read: given => given,
})
export const oneOf = <T extends string>(standard: T, ...values: readonly T[]): Codec<T> => ({
  write: value => (value === standard ? undefined : value),
  read: given => [standard, ...values].find(value => value === given),
})
export const flag: Codec<boolean> = {
  write: value => (value ? '1' : undefined),
  read: given => (given === '1' ? true : given === '0' ? false : undefined),
}
// Commas part the items, so a comma inside one is escaped once more than the address itself does.
export const words: Codec<readonly string[]> = {
  write: values => (values.length > 0 ? values.map(escapeItem).join(',') : undefined),
  read: given => (given === '' ? [] : given.split(',').map(unescapeItem)),
}
export const share: Codec<number> = {
  write: value => (value === 0 ? undefined : String(value)),
  read: given => (/^0?\.\d{1,4}$/.test(given) ? Number(given) : undefined),
}
export const theme: Codec<'light' | 'dark' | undefined> = {
  write: value => value,
  read: given => (['light', 'dark'] as const).find(value => value === given),
}
export const span: Codec<readonly [number, number] | undefined> = {
  write: value => value && `${value[0]}~${value[1]}`,
  read: given => {
    const found = /^(-?\d+(?:\.\d+)?)~(-?\d+(?:\.\d+)?)$/.exec(given)
    const [from, to] = found ? [Number(found[1]), Number(found[2])] : [0, 0]
    return to > from ? [from, to] : undefined
  },
}
export const pair: Codec<readonly [number, number] | undefined> = {
  write: value => value && value.join('.'),
  read: given => {
    const found = /^(\d{1,6})\.(\d{1,6})$/.exec(given)
    return found ? [Number(found[1]), Number(found[2])] : undefined
  },
}
/** 0-4.7.9-12 for [0,1,2,3,4,7,9,10,11,12]. */
export const set: Codec<readonly number[]> = {
  write: values => {
    const sorted = [...new Set(values)].sort((a, b) => a - b)
    const runs: [number, number][] = []
    for (const value of sorted) {
      const last = runs.at(-1)
      if (last && last[1] === value - 1) last[1] = value
      else runs.push([value, value])
    }
    return runs.length === 0
      ? undefined
      : runs.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join('.')
  },
  read: given => {
    const values: number[] = []
    for (const part of given.split('.')) {
      const found = /^(\d{1,7})(?:-(\d{1,7}))?$/.exec(part)
      if (!found) return undefined
      const [from, to] = [Number(found[1]), Number(found[2] ?? found[1])]
      if (to < from || to - from > 100_000) return undefined
      for (let i = from; i <= to; i++) values.push(i)
    }
    return values
  },
}

export const escapeItem = (item: string): string => item.replaceAll('~', '~0').replaceAll(',', '~1')
export const unescapeItem = (item: string): string => item.replaceAll('~1', ',').replaceAll('~0', '~')
