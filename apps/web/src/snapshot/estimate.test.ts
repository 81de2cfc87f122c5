import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openRun, type RunFiles } from '@ldyn/runs'
import { directoryFiles } from '@ldyn/runs/node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeRunSet, RUNS } from '../../test/run-set.ts'
import { createSummaries } from '../server/index.ts'
import { documentOf, PLACES } from './document.ts'
import { estimateBytes } from './estimate.ts'
import type { SnapshotOptions } from './format.ts'
import { STANDARD } from './offer.ts'
import { makeSnapshot } from './write.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ldyn-estimate-'))
  await mkdir(join(folder, 'runs'))
  await using _set = await makeRunSet(join(folder, 'runs'), ['full', 'bare', 'recorded', 'large'])
})
afterAll(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }))

/** The page that runs are put into, as heavy as the real one. */
const PAGE = `<meta content="${PLACES.hashes}">${PLACES.title}${PLACES.parts}${PLACES.still}${PLACES.data}`.padEnd(430_000)

const runOf = (name: keyof typeof RUNS): string => join(folder, 'runs', RUNS[name])

/** The run with other numbers for its probes: `value(row, column)` of each. */
const withRows = async (name: keyof typeof RUNS, value: (row: number, column: number) => number): Promise<RunFiles> => {
  const files = directoryFiles(runOf(name))
  const { probes } = await openRun(files)
  const width = probes!.columns.length
  return {
    ...files,
    async read(path, offset, length) {
      if (!/^probe\/(?!tokens_).*\.f32$/.test(path)) return files.read(path, offset, length)
      const from = offset / 4
      const numbers = Float32Array.from({ length: length / 4 }, (_, i) =>
        value(Math.floor((from + i) / width), (from + i) % width),
      )
      return new Uint8Array(numbers.buffer)
    },
  }
}
/** As good as random, the same everywhere. */
const noise = (row: number, column: number): number => {
  const x = Math.sin(row * 12.9898 + column * 78.233) * 43758.5453
  return x - Math.floor(x)
}

/** What the estimate and the file have, the page aside where it is left out. */
const both = async (files: RunFiles, name: keyof typeof RUNS, options: SnapshotOptions) => {
  const summary = await createSummaries().of({ key: name, directory: runOf(name) })
  const snapshot = await makeSnapshot({ runs: [{ summary, files }], options, made: '2026-11-22', version: '1.2.3' })
  const bytes = Buffer.byteLength(await documentOf(PAGE, snapshot))
  return { bytes, estimate: await estimateBytes([files], options, PAGE.length), data: snapshot.data.length }
}

const asked: readonly (readonly [string, Partial<SnapshotOptions>])[] = [
  ['as it is offered', {}],
  ['with exact values', { values: 'f32', kernel: 'f32' }],
  ['without text', { text: 'remove' }],
  ['of four steps', { steps: 4 }],
  ['of one screen', { pages: ['overview'] }],
]

describe.each(asked)('the size of a snapshot %s', (_name, options) => {
  it.each(['full', 'bare', 'recorded', 'large'] as const)('is told within a fifth for the run %s', async name => {
    const { bytes, estimate } = await both(directoryFiles(runOf(name)), name, { ...STANDARD, ...options })
    expect(estimate / bytes).toBeGreaterThan(0.8)
    expect(estimate / bytes).toBeLessThan(1.2)
  })
})

describe('the data of a snapshot', () => {
  const kinds: readonly (readonly [string, (row: number, column: number) => number])[] = [
    ['mostly nothing', (row, column) => (column % 70 === 0 ? noise(row, column) - row : 0)],
    ['noise', (row, column) => noise(row, column) - 40 - row],
    ['what never changes', (_row, column) => -20 - column],
  ]
  it.each(kinds)('that are %s are told within a fifth, the page left aside', async (_name, value) => {
    const files = await withRows('large', value)
    const { bytes, estimate } = await both(files, 'large', STANDARD)
    const page = PAGE.length
    expect((estimate - page) / (bytes - page)).toBeGreaterThan(0.8)
    expect((estimate - page) / (bytes - page)).toBeLessThan(1.2)
  })

  it('are looked at once for all clicks that do not concern them', async () => {
    const files = directoryFiles(runOf('full'))
    let reads = 0
    const counted: RunFiles = { ...files, read: (...at) => (reads++, files.read(...at)) }
    const first = await estimateBytes([counted], STANDARD, 0)
    const before = reads
    expect(await estimateBytes([counted], { ...STANDARD, strip: false }, 0)).toBe(first)
    // The index and the types, no rows.
    expect(reads - before).toBeLessThanOrEqual(2)
  })
})
