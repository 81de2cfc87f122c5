import { describe, expect, it } from 'vitest'
import { createRunIn, growingFiles, memoryRun, openRun, resumeRunIn, verify } from '../src/index.ts'
import type { MemoryChange, RunWriter } from '../src/index.ts'
import { newRun, probes, scalarsAt, stageAt, valuesAt } from './example.ts'

const train = async (writer: RunWriter, from: number, to: number) => {
  for (let step = from; step <= to; step++) {
    await writer.scalars(step, stageAt(step), scalarsAt(step))
    if (step % 5 === 0) await writer.probes(step, stageAt(step), valuesAt(step))
  }
}

/** What a page has that was told every change. */
const told = () => {
  const copy = growingFiles('copy')
  const tell = (change: MemoryChange): void => {
    if ('whole' in change) copy.replace(change.path, change.whole)
    else copy.append(change.path, change.from, change.bytes)
  }
  return { copy, tell }
}

describe('a run in memory', () => {
  it('passes verification and reads back, here and where every change was told', async () => {
    const { copy, tell } = told()
    const storage = memoryRun('lab', 'a page', tell)
    const writer = await createRunIn(storage, newRun, probes)
    await train(writer, 1, 20)
    await writer.finish('done')
    for (const files of [storage.files, copy.files]) {
      expect(await verify(files)).toEqual([])
      const run = await openRun(files)
      expect(run.manifest).toMatchObject({ status: 'done', process: { host: 'a page' } })
      expect(run.steps).toEqual([5, 10, 15, 20])
      expect(Array.from((await run.metric('logp'))[1])).toEqual([-13, -7, -18, 0])
      expect(run.scalars.get('loss')!.values).toHaveLength(20)
    }
  })

  it('is read while it is written', async () => {
    const storage = memoryRun('lab', 'a page')
    const writer = await createRunIn(storage, newRun, probes)
    await train(writer, 1, 5)
    expect((await openRun(storage.files)).steps).toEqual([5])
    await train(writer, 6, 10)
    const run = await openRun(storage.files)
    expect(run.steps).toEqual([5, 10])
    expect(run.manifest.status).toBe('running')
  })

  it('goes on elsewhere from an earlier step: what is on file stays, and where it moved is told', async () => {
    const storage = memoryRun('lab', 'a page')
    await train(await createRunIn(storage, newRun, probes), 1, 8)
    const moved = await resumeRunIn(storage, 6, { backend: { name: 'reference', device: 'cpu', version: '2' } })
    expect(moved.movedFrom?.version).toBe('0.1.0')
    await moved.scalars(7, 'sft', { loss: 100, grad_norm: 1 })
    await train(moved, 9, 20)
    await moved.finish('done')
    const run = await openRun(storage.files)
    expect(run.scalars.get('loss')!.values[6]).toBe(scalarsAt(7).loss)
    expect(await verify(storage.files)).toEqual([])
  })

  it('has one run in a place', async () => {
    const storage = memoryRun('lab', 'a page')
    await createRunIn(storage, newRun, probes)
    await expect(createRunIn(storage, newRun, probes)).rejects.toThrow('Cannot make the run')
  })
})
