// The recorded run that is played where nothing computes. `UPDATE_RECORDED=1` trains it again (a minute or two) and
// writes recorded.txt: the zip of a run directory, in base64.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { growingFiles, memoryFiles, openRun, verify, type MemoryChange } from '@ldyn/runs'
import { describe, expect, it } from 'vitest'
import { gptDefaults } from '../settings.ts'
import type { FromWorker } from './protocol.ts'
import { messagesOf, recordedFiles } from './replay.ts'
import { sizedFor, train } from './training.ts'
import { zipOf } from './zip.ts'

const file = fileURLToPath(new URL('recorded.txt', import.meta.url))
const settings = { ...sizedFor(gptDefaults, 'cpu'), engine: 'cpu' as const }

const apply = (files: ReturnType<typeof growingFiles>, change: MemoryChange): void => {
  if ('whole' in change) files.replace(change.path, change.whole)
  else files.append(change.path, change.from, change.bytes)
}

describe('the recorded run', () => {
  it.runIf(process.env.UPDATE_RECORDED)('is trained', { timeout: 900_000 }, async () => {
    const files = growingFiles('recorded')
    const said: FromWorker[] = []
    const request = { id: 'recorded', settings, every: 10, probes: 8, decompose: 0 }
    await train(request, { shouldStop: async () => false }, message => {
      if (message.say === 'change') apply(files, message.change)
      else said.push(message)
    })
    expect(said.at(-1)).toEqual({ say: 'ended', status: 'done' })
    writeFileSync(file, `${Buffer.from(zipOf(files.contents(), 'recorded')).toString('base64')}\n`)
  })

  it('is a sound run of the Lab’s own settings; in DPO rejected falls most, and other answers fall with it', async () => {
    const files = memoryFiles(recordedFiles(readFileSync(file, 'utf8')), 'recorded')
    expect(await verify(files)).toEqual([])
    const run = await openRun(files)
    const { engine: _, ...config } = settings
    expect(run.manifest.config).toEqual({ lab: 'tiny GPT', ...config })
    const before = run.evaluations.findLastIndex(({ stage }) => stage === 'sft')
    const change = async (metric: string, type: string): Promise<number> => {
      const { mean } = await run.curve(metric, type)
      return mean.at(-1)! - mean[before]
    }
    expect(await change('logp', 'rejected')).toBeLessThan(-20)
    expect(await change('logp', 'irr_test')).toBeLessThan(0)
    expect(await change('logp', 'irr_test')).toBeGreaterThan(await change('logp', 'rejected'))
    expect(await change('logp', 'chosen_gptsemantic')).toBeLessThan(0)
  })

  it('is played to the very same files, evaluation by evaluation', async () => {
    const recorded = recordedFiles(readFileSync(file, 'utf8'))
    const played = growingFiles('played')
    let groups = 0
    for (const messages of messagesOf(recorded)) {
      for (const message of messages) if (message.say === 'change') apply(played, message.change)
      groups++
      if (groups === 3) expect((await openRun(played.files)).evaluations).toHaveLength(3)
      expect((await verify(played.files)).filter(({ severity }) => severity === 'error')).toEqual([])
    }
    expect(new Map(played.contents())).toEqual(new Map([...recorded].filter(([, bytes]) => bytes.length > 0)))
  })
})
