import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openRun, verify } from '../src/index.ts'
import type { Decomposition } from '../src/index.ts'
import { createRun, directoryFiles, resumeRun } from '../src/node/index.ts'
import { newRun, probes, scalarsAt } from './example.ts'

let root: string
beforeEach(async () => { root = await mkdtemp(join(tmpdir(), 'ldyn-decompose-')) })
afterEach(() => rm(root, { recursive: true }))

const at = (step: number): Decomposition => ({
  rows: [step, step + 1], lr: 1e-3, grad_norm: 2.5, clip_factor: 1, residual: 0.01 / step,
  probes: [
    { row: 0, type: 'chosen', actual: -0.3, predicted: -0.25, directions: { '3 chosen': 0.5, '4 rejected': -0.75 } },
    { row: 1, type: 'rejected', actual: -step, predicted: -step, directions: { 'carry-over': -step } },
  ],
})
const begin = async (dir: string) => {
  const writer = await createRun(dir, newRun, probes)
  for (const step of [1, 2, 3]) {
    await writer.scalars(step, 'sft', scalarsAt(step))
    if (step !== 2) await writer.decomposition(step, 'sft', at(step))
  }
  return writer
}

describe('decompositions of updates', () => {
  it('are read as they were written, and a run without any has none and no file', async () => {
    const dir = join(root, 'a')
    await (await begin(dir)).finish('done')
    const run = await openRun(directoryFiles(dir))
    expect(run.decompositions.map(({ t: _, ...line }) => line)).toEqual([
      { s: 1, stage: 'sft', ...at(1) }, { s: 3, stage: 'sft', ...at(3) },
    ])
    expect(await verify(directoryFiles(dir))).toEqual([])
    const plain = join(root, 'b')
    await (await createRun(plain, newRun, probes)).finish('done')
    expect((await openRun(directoryFiles(plain))).decompositions).toEqual([])
    await expect(readFile(join(plain, 'decompose.jsonl'))).rejects.toThrow('ENOENT')
  })

  it('are compared when a resumed run does a step again, and never written twice', async () => {
    const dir = join(root, 'a')
    await (await begin(dir)).close()
    const again = await resumeRun(dir, 0)
    await again.decomposition(1, 'sft', at(1))
    await expect(again.decomposition(3, 'sft', { ...at(3), residual: 9 })).rejects.toMatchObject({ code: 'differs' })
    await expect(again.decomposition(2, 'sft', at(2))).rejects.toMatchObject({ code: 'differs' })
    await again.close()
    expect((await readFile(join(dir, 'decompose.jsonl'), 'utf8')).trim().split('\n')).toHaveLength(2)
  })

  it('lose a torn tail alone', async () => {
    const dir = join(root, 'a')
    await (await begin(dir)).close()
    await appendFile(join(dir, 'decompose.jsonl'), '{"s":4,"t":1,"stag')
    expect((await openRun(directoryFiles(dir))).decompositions).toHaveLength(2)
    await (await resumeRun(dir, 3)).close()
    expect(await readFile(join(dir, 'decompose.jsonl'), 'utf8')).toMatch(/\}\n$/)
  })

  it('are refused with their place where a number is not finite, by the writer and by the reader', async () => {
    const dir = join(root, 'a')
    const writer = await begin(dir)
    const bad = at(4)
    await expect(writer.decomposition(4, 'sft', { ...bad, probes: [{ ...bad.probes[0], directions: { decay: NaN } }] }))
      .rejects.toMatchObject({ code: 'non-finite', where: expect.stringContaining('decay of chosen, row 0') as string })
    await writer.close()
    const file = join(dir, 'decompose.jsonl')
    await writeFile(file, (await readFile(file, 'utf8')).replace('"actual":-0.3', '"actual":null'))
    await expect(openRun(directoryFiles(dir))).rejects.toMatchObject({ code: 'non-finite' })
  })
})
