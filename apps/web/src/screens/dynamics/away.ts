// Settings of curves that are not as they are by default, in words: what is said where their controls are folded away.
import { FROM_FIRST } from '../../panels/compare/stage-axis.ts'
import { DEFAULTS, type Grouping, type Spread, type View } from '../../state/address.ts'

export const groupText: Readonly<Record<Grouping, string>> = {
  type: 'response type',
  family: 'kin of types',
  prompt: 'prompt, of the type in focus',
  length: 'length, of the type in focus',
}

export const bandNames: Readonly<Record<Spread, string>> = {
  se: 'standard error',
  boot: 'bootstrap 95 %',
  iqr: 'quartiles',
  range: 'lowest–highest',
  none: 'none',
}

type Setting = 'per' | 'spread' | 'grouping' | 'change' | 'smooth' | 'along' | 'xAxis' | 'logY' | 'alignAt' | 'baseline' | 'seeds'

const words: Readonly<Record<Setting, (view: View) => string>> = {
  per: ({ per }) => `per ${per}`,
  spread: ({ spread }) => (spread === 'none' ? 'no band' : `band of ${bandNames[spread]}`),
  grouping: ({ grouping }) => `by ${groupText[grouping]}`,
  change: ({ versus }) => `Δ from ${versus ?? 'the first'}`,
  smooth: ({ smooth }) => `EMA ${smooth}`,
  along: ({ along }) => `along ${along === 'wall' ? 'wall time' : along}`,
  xAxis: () => 'log x',
  logY: () => 'log y',
  alignAt: ({ alignAt }) => `0 is the start of ${alignAt === FROM_FIRST ? 'each run' : alignAt}`,
  baseline: () => 'another baseline',
  seeds: () => 'seeds together',
}

/** Those of these settings that are away from their defaults, in this order. */
export const awayWords = (view: View, settings: readonly Setting[]): readonly string[] =>
  settings.flatMap(name => (view[name] === DEFAULTS[name] ? [] : [words[name](view)]))
