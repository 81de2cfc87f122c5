import { appendFile, readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { RunFiles } from '@ldyn/runs'
import { directoryFiles } from '@ldyn/runs/node'
import { describe, expect, it } from 'vitest'
import { addStep, beginRun, valueAt, withRoot } from '../../test/run-on-disk.ts'
import { followRun } from './live-run.ts'

/** The same files, and how many bytes of each were read. */
const counting = (files: RunFiles) => {
  const bytes = new Map<string, number>()
  return {
    bytes,
    files: {
      ...files,
      read: (path: string, offset: number, length: number) => {
        bytes.set(path, (bytes.get(path) ?? 0) + length)
        return files.read(path, offset, length)
      },
    },
  }
}

describe('a run that is followed', () => {
  it('reads what was appended and nothing twice', () =>
    withRoot(async root => {
      const writer = await beginRun(root, [0, 10])
      const { files, bytes } = counting(directoryFiles(root))
      const live = followRun(files)
      const first = await live.refresh()
      expect(first!.evaluations.map(({ step }) => step)).toEqual([0, 10])
      expect(await live.refresh()).toBeUndefined()
      for (const step of [20, 30]) await addStep(writer, step)
      const second = await live.refresh()
      expect(second!.version).toBeGreaterThan(first!.version)
      expect(second!.rows.get('logp')!.map(row => row[3])).toEqual(
        [0, 10, 20, 30].map(step => Math.fround(valueAt('logp', 3, step))),
      )
      expect(second!.stages.map(({ name, from, to }) => [name, from, to])).toEqual([
        ['sft', 0, 20],
        ['dpo', 20, 30],
      ])
      expect(bytes.get('probe/logp.f32')).toBe(await files.size('probe/logp.f32'))
      expect(bytes.get('probe/index.jsonl')).toBe(await files.size('probe/index.jsonl'))
      expect(bytes.get('scalars.jsonl')).toBe(await files.size('scalars.jsonl'))
      await writer.close()
    }))

  it('reads a metric when somebody needs it', () =>
    withRoot(async root => {
      const writer = await beginRun(root, [0, 10])
      const live = followRun(directoryFiles(root))
      expect((await live.refresh())!.rows.has('entropy')).toBe(false)
      expect(live.need('entropy')).toBe(true)
      expect(live.need('entropy')).toBe(false)
      expect((await live.refresh())!.rows.get('entropy')!.map(row => row[0])).toEqual(
        [2, 1.9].map(Math.fround),
      )
      await writer.close()
    }))

  it('leaves half a line for later', () =>
    withRoot(async root => {
      const writer = await beginRun(root, [0])
      await writer.close()
      const live = followRun(directoryFiles(root))
      await live.refresh()
      await appendFile(join(root, 'scalars.jsonl'), '{"s":1,"t":5,"stage":"sft","lo')
      expect(await live.refresh()).toBeUndefined()
      await appendFile(join(root, 'scalars.jsonl'), 'ss":0.5}\n')
      expect([...(await live.refresh())!.scalars.get('loss')!.values]).toEqual([0.5])
    }))

  it('names file and line of what is wrong', () =>
    withRoot(async root => {
      const writer = await beginRun(root, [0, 10])
      await writer.close()
      const live = followRun(directoryFiles(root))
      await live.refresh()
      await appendFile(join(root, 'scalars.jsonl'), '{"s":11,"t":5,"stage":"dpo","loss":null}\n')
      await expect(live.refresh()).rejects.toThrow(/scalars.jsonl, line 2/)
      await truncate(join(root, 'probe/logp.f32'), 10)
      await expect(followRun(directoryFiles(root)).refresh()).rejects.toThrow()
    }))
})

it('rows that are cut off are told and not asked for again and again; other metrics go on, and so does a retry', async () => {
  await withRoot(async root => {
    const directory = join(root, 'damaged')
    await (await beginRun(directory, [0, 10])).finish('done')
    const path = join(directory, 'probe', 'logp.f32')
    const whole = await readFile(path)
    await truncate(path, 20)
    const live = followRun(directoryFiles(directory), ['logp', 'entropy'])
    const found = await live.refresh()
    expect([...found!.rows.keys()]).toEqual(['entropy'])
    expect(String(live.failure())).toMatch(/logp\.f32/)
    expect(await live.refresh()).toBeUndefined()
    await writeFile(path, whole)
    live.retry()
    expect(live.failure()).toBeUndefined()
    expect([...(await live.refresh())!.rows.keys()].sort()).toEqual(['entropy', 'logp'])
  })
})
