// The tiny GPT's training without a page: the same code that runs in the worker, on the float64 reference.
import { growingFiles, openRun, verify, type Run } from '@ldyn/runs'
import { DeviceError, type Backend } from '@ldyn/tensor'
import { unzipSync } from 'fflate'
import { describe, expect, it } from 'vitest'
import { memoryFiles } from '@ldyn/runs'
import { gptDefaults, type GptSettings } from '../settings.ts'
import { openEngine } from './engines.ts'
import type { FromWorker } from './protocol.ts'
import { sizedFor, train, type TrainOptions } from './training.ts'
import { remedyOf } from './view.ts'
import { zipOf } from './zip.ts'

const tiny: GptSettings = {
  ...gptDefaults, engine: 'cpu', layers: 1, width: 16, base: 2, sftUpdates: 2, dpoUpdates: 2,
}

const run = async (settings: GptSettings, options: Partial<TrainOptions> = {}, decompose = 0) => {
  const files = growingFiles('lab:x')
  const said: FromWorker[] = []
  const request = { id: 'x', settings, every: 2, probes: 2, decompose }
  await train(request, { shouldStop: async () => false, ...options }, message => {
    said.push(message)
    if (message.say !== 'change') return
    const { change } = message
    if ('whole' in change) files.replace(change.path, change.whole)
    else files.append(change.path, change.from, change.bytes)
  })
  const told = said.filter(({ say }) => say !== 'change' && say !== 'doing')
  return { files, told, said, opened: await openRun(files.files) }
}
const losses = ({ scalars }: Run): number[] => Array.from(scalars.get('loss')!.values)

/** The reference, saying that it is a GPU, and lost after so many runs of programs. */
const frail = async (runs: number): Promise<Awaited<ReturnType<typeof openEngine>>> => {
  const engine = await openEngine('cpu')
  let left = runs
  const backend: Backend = {
    ...engine.backend,
    name: 'webgpu',
    async compile(program, options) {
      const executable = await engine.backend.compile(program, options)
      return {
        ...executable,
        async run(inputs) {
          if (left-- <= 0) throw new DeviceError('the GPU device was lost (unknown)')
          return executable.run(inputs)
        },
      }
    },
  }
  return { backend, about: { ...engine.about, rung: 'webgpu' } }
}

describe('a training of the tiny GPT', () => {
  it('writes a sound run of three stages with its probes, and the same from the same seed', async () => {
    const { files, told, opened } = await run(tiny)
    expect(told.at(-1)).toEqual({ say: 'ended', status: 'done' })
    expect(await verify(files.files)).toEqual([])
    expect(opened.manifest.stages.map(({ name }) => name)).toEqual(['base', 'sft', 'dpo'])
    expect(opened.evaluations.map(({ step }) => step)).toEqual([0, 2, 4, 6])
    expect(opened.types).toContain('irr_train')
    expect(losses((await run(tiny)).opened)).toEqual(losses(opened))
    expect(losses((await run({ ...tiny, seed: 8 })).opened)).not.toEqual(losses(opened))
  })

  it('says what it does before the first update, and watches words at places of y⁺ and y⁻', async () => {
    const { said, files } = await run(tiny)
    const first = said.findIndex(({ say }) => say === 'progress')
    expect(said.slice(0, first)).toContainEqual({ say: 'doing', doing: { what: 'evaluate', done: 12, total: 12 } })
    const lines = new TextDecoder().decode(files.contents().get('watched.jsonl')).trim().split('\n')
    expect(lines).toHaveLength(4)
    const { positions } = JSON.parse(lines[0]) as { positions: { type: string; token: number }[] }
    expect(positions.slice(0, 5).map(({ type, token }) => [type, token])).toEqual(
      [['chosen', 0], ['chosen', 1], ['chosen', 2], ['rejected', 1], ['rejected', 2]])
  })

  it('learns in extend y⁻ as well, in twice the updates', async () => {
    const { opened } = await run({ ...tiny, ext: true })
    expect(opened.manifest.stages.map(({ name, updates }) => [name, updates])).toEqual(
      [['base', 2], ['extend', 4], ['dpo', 2]])
  })

  it('takes updates of every stage apart, each by its own optimizer', async () => {
    const { told, opened } = await run(tiny, {}, 2)
    expect(told.at(-1)).toEqual({ say: 'ended', status: 'done' })
    expect(opened.decompositions.map(({ stage }) => stage)).toEqual(['base', 'sft', 'dpo'])
    for (const { probes } of opened.decompositions)
      for (const { predicted, directions } of probes)
        expect(Object.values(directions).reduce((a, b) => a + b, 0)).toBeCloseTo(predicted, 8)
  })

  it('learns', async () => {
    const { opened } = await run({ ...tiny, base: 0, sftUpdates: 12, dpoUpdates: 0, lr: 0.02 })
    const { mean } = await opened.curve('logp', 'chosen')
    expect(mean.at(-1)).toBeGreaterThan(mean[0] + 3)
  })

  it('is saved as a zip that unzips into a run; one that goes on, as interrupted', async () => {
    const { files } = await run(tiny)
    const unzipped = (contents: ReadonlyMap<string, Uint8Array>): Map<string, Uint8Array> =>
      new Map(Object.entries(unzipSync(zipOf(contents, 'gpt-7'))).map(([path, bytes]) => {
        expect(path.startsWith('gpt-7/')).toBe(true)
        return [path.slice('gpt-7/'.length), bytes]
      }))
    const whole = memoryFiles(unzipped(files.contents()), 'gpt-7')
    expect(await verify(whole)).toEqual([])
    expect((await openRun(whole)).manifest.status).toBe('done')
    const contents = new Map(files.contents())
    const manifest = JSON.parse(new TextDecoder().decode(contents.get('run.json')))
    contents.set('run.json', new TextEncoder().encode(JSON.stringify({ ...manifest, status: 'running' })))
    const going = memoryFiles(unzipped(contents), 'gpt-7')
    expect(await verify(going)).toEqual([])
    expect((await openRun(going)).manifest.status).toBe('interrupted')
  })

  it('goes on with the CPU where the GPU is lost, in the same run', async () => {
    const undisturbed = await run(tiny)
    const { files, told, opened } = await run({ ...tiny, engine: 'auto' }, {
      open: choice => (choice === 'cpu' ? openEngine('cpu') : frail(7)),
    })
    expect(told.map(({ say }) => say).filter(say => say !== 'progress')).toEqual(['engine', 'lost', 'engine', 'ended'])
    expect(await verify(files.files)).toEqual([])
    expect(opened.events.some(({ type }) => type === 'resume')).toBe(true)
    expect(losses(opened)).toEqual(losses(undisturbed.opened))
  })

  it('stops at a number that is not finite, and says where', async () => {
    const { files, told, opened } = await run({ ...tiny, lr: 1e300 })
    const last = told.at(-1)!
    expect(last).toMatchObject({ say: 'failed' })
    const where = last.say === 'failed' ? last.where! : ''
    expect(where).toMatch(/^stage (base|sft), update \d+, /)
    expect(remedyOf(where, { ...tiny, lr: 1e300 })).toContain('lower lr (it was 1e+300)')
    expect(remedyOf('stage dpo, update 3, exp', tiny)).toContain('lower DPO lr (it was 0.2)')
    expect(remedyOf('Open the Lab in the viewer', tiny)).toBe('Open the Lab in the viewer.')
    expect(opened.manifest.status).toBe('failed')
    expect(await verify(files.files)).toEqual([])
  })

  it('stops between updates where it is told to', async () => {
    let asked = 0
    const { told, opened } = await run(tiny, { shouldStop: async () => ++asked >= 3 })
    expect(told.at(-1)).toEqual({ say: 'ended', status: 'interrupted' })
    expect(losses(opened)).toHaveLength(3)
  })

  it('is smaller on a CPU that nobody asked for', () => {
    expect(sizedFor({ ...gptDefaults, engine: 'auto' }, 'cpu')).toMatchObject({
      width: 32, lr: 2 * gptDefaults.lr, dpoLr: 0.3,
    })
    expect(sizedFor({ ...gptDefaults, engine: 'cpu' }, 'cpu')).toEqual({ ...gptDefaults, engine: 'cpu' })
    expect(sizedFor(gptDefaults, 'webgpu')).toEqual(gptDefaults)
  })
})
