// The recorded run that is played where nothing computes. `UPDATE_RECORDED=1` trains it again (a minute or two) and
// writes recorded.txt: the zip of a run directory, in base64.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { fixed, gather } from '@ldyn/figures'
import { growingFiles, memoryFiles, openRun, verify, type MemoryChange } from '@ldyn/runs'
import { describe, expect, it } from 'vitest'
import { gptDefaults } from '../settings.ts'
import { effectOf } from './effect.ts'
import type { FromWorker } from './protocol.ts'
import { messagesOf, recordedFiles } from './replay.ts'
import { toldOf } from './told.ts'
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
    const request = { id: 'recorded', settings, every: 15, probes: 6, decompose: 0 }
    await train(request, { shouldStop: async () => false }, message => {
      if (message.say === 'change') apply(files, message.change)
      else said.push(message)
    })
    expect(said.at(-1)).toEqual({ say: 'ended', status: 'done' })
    writeFileSync(file, `${Buffer.from(zipOf(files.contents(), 'recorded')).toString('base64')}\n`)
  })

  it('is a sound run of the Lab’s own settings, and squeezes: its words say so with its own numbers', async () => {
    const files = memoryFiles(recordedFiles(readFileSync(file, 'utf8')), 'recorded')
    expect(await verify(files)).toEqual([])
    const run = await openRun(files)
    const { engine: _, beside: __, ...config } = settings
    expect(run.manifest.config).toEqual({ lab: 'tiny GPT', ...config })
    const effect = effectOf(await gather(run))!
    expect(effect.kind).toBe('squeezed')
    expect(effect.rejected.by.mean).toBeLessThan(-20)
    for (const { by, key } of effect.others) expect(by.mean, key).toBeLessThan(0)
    const [head, cost] = toldOf(effect, settings)
    expect(head).toContain(`fell from ${fixed(effect.chosen.before, 1)} to ${fixed(effect.chosen.after, 1)} nats`)
    expect(cost).toContain('all fell too')
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
