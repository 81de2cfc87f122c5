// What a snapshot says of itself, in the page and in what is saved from it (ux.md R11).
import type { SnapshotAbout } from './format.ts'

const count = (n: number): string => n.toLocaleString('en-US').replaceAll(',', '\u2009')

const day = (iso: string): string => `${iso.slice(0, 16).replace('T', ' ')} UTC`

/** What was left out or rounded, a sentence each; none where all is as it was. */
export const limitsOf = (about: SnapshotAbout): readonly string[] => {
  const { runs, values, kernel, text, list } = about
  const numbers = runs.flatMap(run => run.files.flatMap(file => file.parts)).filter(part => part.codec === 'f16')
  const rounded = [...(values === 'f16' ? ['changes of probe values'] : []), ...(kernel === 'f16' ? ['matrices'] : [])]
  const thinned = runs.flatMap(({ key, evaluations, updates, scalars }) =>
    [
      [evaluations, 'evaluations'] as const,
      [scalars, 'values of the log'] as const,
      [updates, 'recorded updates'] as const,
    ].flatMap(([{ kept, of }, what]) => (kept < of ? [`${key}: ${count(kept)} of ${count(of)} ${what}`] : [])),
  )
  const live = list.runs.filter(({ state }) => state === 'live' || state === 'stalled').map(({ key }) => key)
  return [
    ...(numbers.length > 0
      ? [
          `Values are stored with 11 bits: ${rounded.join(' and ')} are rounded by at most 1 part in 2048; exact values: ldyn export --html --values f32.`,
        ]
      : []),
    ...(thinned.length > 0
      ? [`Fewer points, lowest and highest of each stretch among them: ${thinned.join('; ')}.`]
      : []),
    ...(text === 'remove' ? ['Prompts and responses were removed.'] : []),
    ...(live.length > 0 ? [`Still running when this was made: ${live.join(', ')}.`] : []),
  ]
}

/** One line: what this file is. */
export const originOf = ({ list, made, version, sha256 }: SnapshotAbout): string =>
  `Snapshot of ${list.runs.map(({ key }) => key).join(', ')}, ${day(made)}, ldyn ${version}${sha256 === '' ? '' : `, sha256 ${sha256.slice(0, 16)}…`}`

export const bannerText = (about: SnapshotAbout): string =>
  [`${originOf(about)}.`, ...limitsOf(about)].join(' ')
