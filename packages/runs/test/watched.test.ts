import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openRun, verify } from '../src/index.ts'
import type { Watched } from '../src/index.ts'
import { createRun, directoryFiles, resumeRun } from '../src/node/index.ts'
import { newRun, probes } from './example.ts'

let root: string
beforeEach(async () => { root = await mkdtemp(join(tmpdir(), 'ldyn-watched-')) })
afterEach(() => rm(root, { recursive: true }))

const at = (step: number): Watched => ({
  positions: [{
    row: 0, type: 'chosen', token: 1, entropy: 1.5 - step / 10,
    tokens: [{ of: 'chosen', id: 4, text: ' yes', logp: -1 - step, rank: 2 }],
    top: [{ id: 9, text: ' no', logp: -0.5 }, { id: 4, text: ' yes', logp: -1 - step }],
    curve: [[1, -0.5], [2, -1 - step]],
  }],
})
const begin = async (name: string) => {
  const dir = join(root, name)
  const writer = await createRun(dir, newRun, probes)
  for (const step of [0, 2]) await writer.watched(step, 'sft', at(step))
  return { dir, writer }
}

describe('watched positions', () => {
  it('are read as they were written, and a run without any has no file', async () => {
    const { dir, writer } = await begin('a')
    await writer.finish('done')
    const run = await openRun(directoryFiles(dir))
    expect(run.watched.map(({ t: _, ...line }) => line)).toEqual([
      { s: 0, stage: 'sft', ...at(0) }, { s: 2, stage: 'sft', ...at(2) },
    ])
    expect(await verify(directoryFiles(dir))).toEqual([])
    await (await createRun(join(root, 'b'), newRun, probes)).finish('done')
    await expect(readFile(join(root, 'b', 'watched.jsonl'))).rejects.toThrow('ENOENT')
  })

  it('are compared when a step is done again, and what is not finite is refused', async () => {
    const { dir, writer } = await begin('a')
    await writer.close()
    const again = await resumeRun(dir, 0)
    await again.watched(0, 'sft', at(0))
    await expect(again.watched(2, 'sft', at(1))).rejects.toMatchObject({ code: 'differs' })
    const [position] = at(0).positions
    await expect(again.watched(3, 'sft', { positions: [{ ...position, entropy: NaN }] }))
      .rejects.toMatchObject({ code: 'non-finite' })
    await again.watched(3, 'sft', at(3))
    await again.close()
    expect((await openRun(directoryFiles(dir))).watched.map(({ s }) => s)).toEqual([0, 2, 3])
  })

  it.each([
    ['"positions":4', 'no list'],
    ['"positions":[{"row":0,"type":"chosen"}]', 'token'],
    ['"positions":[{"row":0,"type":"c","token":0,"entropy":1,"tokens":[],"top":[{"id":1}],"curve":[]}]', 'top'],
    ['"positions":[{"row":0,"type":"c","token":0,"entropy":1,"tokens":[],"top":[],"curve":[[1]]}]', 'curve'],
  ])('a line with %s is refused by name', async (body, why) => {
    const { dir, writer } = await begin('a')
    await writer.close()
    await writeFile(join(dir, 'watched.jsonl'), `{"s":0,"t":1,"stage":"sft",${body}}\n`)
    await expect(openRun(directoryFiles(dir))).rejects.toThrow(why)
  })
})
