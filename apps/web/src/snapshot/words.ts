// What a snapshot says of itself, in the page and in what is saved from it (ux.md R11).
import type { SnapshotAbout } from './format.ts'

const count = (n: number): string => n.toLocaleString('en-US').replaceAll(',', '\u2009')

/** How large a file is, as it is said of snapshots: 0.41 MB, 12.3 MB. */
export const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(bytes < 1e6 ? 2 : 1)} MB`

const day = (iso: string): string => `${iso.slice(0, 16).replace('T', ' ')} UTC`

const isRounded = ({ runs }: SnapshotAbout): boolean =>
  runs.some(run => run.files.some(file => file.parts.some(part => part.codec === 'f16')))
const isThinned = ({ runs }: SnapshotAbout): boolean =>
  runs.some(run => [run.evaluations, run.scalars, run.updates].some(({ kept, of }) => kept < of))

/** What is put into the name of a file that is saved from a snapshot, so that it is not taken for the run's own. */
export const fileTag = (about: SnapshotAbout): string =>
  `${isRounded(about) ? '-11-bit' : ''}${isThinned(about) ? '-fewer-points' : ''}`

/** What was left out or rounded, a sentence each; none where all is as it was. */
export const limitsOf = (about: SnapshotAbout): readonly string[] => {
  const { runs, values, kernel, text, list } = about
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
    ...(isRounded(about)
      ? [
          `Values are stored with 11 bits: ${rounded.join(' and ')} are rounded by at most 1 part in 2048; exact values: ldyn export --html --values f32 --kernel f32.`,
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
