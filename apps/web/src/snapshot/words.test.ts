import { expect, it } from 'vitest'
import type { RunSummary } from '../wire.ts'
import type { SnapshotAbout } from './format.ts'
import { fileTag, limitsOf, originOf } from './words.ts'

const all = { kept: 8, of: 8 }
const about: SnapshotAbout = {
  schema: 'ldyn.snapshot/1',
  made: '2026-11-22T12:34:56.000Z',
  version: '1.2.3',
  pages: ['overview'],
  parts: [],
  text: 'keep',
  strip: true,
  values: 'f32',
  kernel: 'f32',
  list: { root: 'this file', version: '1.2.3', runs: [{ key: 'a', state: 'done' } as RunSummary] },
  runs: [{ key: 'a', files: [], evaluations: all, scalars: all, updates: all }],
  sha256: 'ab'.repeat(32),
  bytes: 1,
}

it('a snapshot that holds all says where it comes from and nothing more', () => {
  expect(originOf(about)).toBe('Snapshot of a, 2026-11-22 12:34 UTC, ldyn 1.2.3, sha256 abababababababab…')
  expect(limitsOf(about)).toEqual([])
  expect(fileTag(about)).toBe('')
})

it('what was rounded, thinned, removed or not over yet is said', () => {
  const part = { codec: 'f16' as const, at: 0, bytes: 2, count: 1, width: 1 }
  const less: SnapshotAbout = {
    ...about,
    text: 'remove',
    values: 'f16',
    list: { ...about.list, runs: [{ key: 'a', state: 'live' } as RunSummary] },
    runs: [{ ...about.runs[0], files: [{ path: 'x', size: 4, parts: [part] }], evaluations: { kept: 50, of: 1000 } }],
  }
  expect(limitsOf(less)).toEqual([
    'Values are stored with 11 bits: changes of probe values are rounded by at most 1 part in 2048; exact values: ldyn export --html --values f32 --kernel f32.',
    'Fewer points, lowest and highest of each stretch among them: a: 50 of 1\u2009000 evaluations.',
    'Prompts and responses were removed.',
    'Still running when this was made: a.',
  ])
  expect(fileTag(less)).toBe('-11-bit-fewer-points')
})
