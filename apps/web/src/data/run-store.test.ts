// A run that goes away while it is looked at, or whose name another run takes.
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { directoryFiles } from '@ldyn/runs/node'
import { describe, expect, it, vi } from 'vitest'
import { beginRun, withRoot } from '../../test/run-on-disk.ts'
import type { StreamEvent } from '../wire.ts'
import { createRunStore, type OpenRun } from './run-store.ts'
import { GoneError, type Source, type SourceFiles } from './source.ts'

/** Runs below `root`, and what tells of their changes. */
const sourceOf = (root: string) => {
  let told: (event: StreamEvent) => void = () => {}
  const filesOf = (key: string): SourceFiles => {
    const files = directoryFiles(join(root, key))
    return {
      ...files,
      grown: () => {},
      refresh: async () => {
        if ((await files.size('run.json')) === undefined) throw new GoneError(`${key} is not there`)
      },
    }
  }
  const source: Source = {
    kind: 'served',
    list: async () => ({ runs: [] }) as never,
    files: filesOf,
    follow: (_, on) => {
      told = on
      return { [Symbol.dispose]() {} }
    },
  }
  return { source, tell: (event: StreamEvent) => told(event) }
}

const write = async (directory: string, steps: readonly number[], created?: string) => {
  await (await beginRun(directory, steps)).finish('done')
  if (created === undefined) return
  const path = join(directory, 'run.json')
  await writeFile(path, JSON.stringify({ ...JSON.parse(await readFile(path, 'utf8')), created }))
}
const stepsOf = (run: OpenRun): readonly number[] | undefined => run.data.value?.evaluations.map(({ step }) => step)
/** Read whole: what can be shown before all is read comes first. */
const shows = (run: OpenRun, steps: readonly number[]) =>
  vi.waitFor(() => {
    expect(stepsOf(run)).toEqual(steps)
    expect(run.data.value!.rows.get('logp')).toHaveLength(steps.length)
    expect([run.gone.value, run.trouble.value]).toEqual([false, undefined])
  }, 20_000)

describe('a run that is open', () => {
  it('stays as it was read when it is removed, and is read from its beginning when its name comes back', () =>
    withRoot(async root => {
      const { source, tell } = sourceOf(root)
      const store = createRunStore(source)
      store.follow(['a'])
      await write(join(root, 'a'), [0, 5, 10, 15])
      const run = store.open('a')
      await shows(run, [0, 5, 10, 15])
      await rm(join(root, 'a'), { recursive: true })
      tell({ event: 'gone', data: { run: 'a' } })
      expect(run.gone.value).toBe(true)
      // Whatever else is still being read changes nothing about that.
      run.need('entropy')
      await new Promise(done => setTimeout(done, 300))
      expect([run.gone.value, stepsOf(run)]).toEqual([true, [0, 5, 10, 15]])
      await write(join(root, 'a'), [0, 1])
      tell({ event: 'manifest', data: { run: 'a', state: 'done' } })
      await shows(run, [0, 1])
    }))

  it.each([
    ['shorter', [0, 3]],
    ['longer', [0, 1, 2, 3, 4, 5, 6, 7]],
  ])('is read from its beginning when a %s run takes its name at once', (_, steps) =>
    withRoot(async root => {
      const { source, tell } = sourceOf(root)
      const store = createRunStore(source)
      store.follow(['a'])
      await write(join(root, 'a'), [0, 5, 10, 15])
      const run = store.open('a')
      await shows(run, [0, 5, 10, 15])
      await write(join(root, 'b'), steps, '2026-11-23T12:00:00.000Z')
      await rm(join(root, 'a'), { recursive: true })
      await rename(join(root, 'b'), join(root, 'a'))
      tell({ event: 'manifest', data: { run: 'a', state: 'done' } })
      await shows(run, steps)
    }))
})
