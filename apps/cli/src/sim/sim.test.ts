import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openRun } from '@ldyn/runs'
import { directoryFiles } from '@ldyn/runs/node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { commandLine } from '../../test/command-line.ts'
import { register, type FinetuneFlags } from '../commands/sim.ts'
import type { Context } from '../context.ts'
import { createProgram } from '../program.ts'

let folder: string
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'ldyn-cli-sim-'))))
afterAll(() => rm(folder, { recursive: true, force: true }))

const run = commandLine([{ register }])
const ldyn = async (...argv: readonly string[]): Promise<string> => (await run(...argv)).out
const out = (name: string): string => join(folder, name)

describe('ldyn sim squeeze', () => {
  it('says where the mass went', async () => {
    const text = await ldyn('sim', 'squeeze', '--case', 'D', '--out', out('d'))
    expect(text).toMatch(/pushed +class 42 +4\.0e-10 → 5\.5e-14/)
    expect(text).toMatch(/largest other +class 8 +0\.7627 → 0\.9863/)
    expect(text).toMatch(/rose, fell +1, 49 of 50/)
    expect(text).toMatch(/a class rises exactly if p > ln Z\/ε = 0\.7132/)
    expect(text).toMatch(/^Squeezed: the largest class took 100 % of what moved, nearly all of it/m)
  })

  it('tells a spread from a squeeze, and a cancelled push from both', async () => {
    expect(await ldyn('sim', 'squeeze', '--case', 'B', '--out', out('b'))).toMatch(/^Spread: 49 classes share/m)
    expect(await ldyn('sim', 'squeeze', '--case', "D'", '--out', out('dp'))).toMatch(/^Not squeezed: .*π terms cancel/m)
    expect(await ldyn('sim', 'squeeze', '--case', 'A', '--out', out('a'))).toMatch(/^Pulled up, class 21/m)
  })

  it('prints the same as JSON, and leaves a run', async () => {
    const { ok, data } = JSON.parse(await ldyn('sim', 'squeeze', '--json', '--steps', '4', '--out', out('j')))
    expect(ok).toBe(true)
    expect(data).toMatchObject({ case: 'D', vocab: 50, steps: 4, first: { up: 1, down: 49 } })
    const run = await openRun(directoryFiles(out('j')))
    expect([run.manifest.status, run.steps]).toEqual(['done', [0, 1, 2, 3, 4]])
    expect(run.manifest.config).toMatchObject({ sim: 'squeeze', case: 'D', seed: 10086 })
  })

  it('refuses sizes that do not hold the case, and numbers that are none', async () => {
    await expect(ldyn('sim', 'squeeze', '--case', 'C', '--vocab', '5', '--out', out('x'))).rejects.toMatchObject({
      code: 'LD2003',
      what: 'case C: 5 classes do not hold class 12',
    })
    await expect(ldyn('sim', 'squeeze', '--lr', '-1')).rejects.toMatchObject({ code: 'LD2003', where: '--lr' })
  })
})

describe('ldyn sim linear', () => {
  const few = ['--steps', '4', '--every', '2', '--contexts', '4', '--vocab', '20'] as const

  it('says what every stage moved, and leaves a run with the stages', async () => {
    const text = await ldyn('sim', 'linear', ...few, '--out', out('l'))
    expect(text).toMatch(/^sft, 4 updates: mean change of log π \(nats\)$/m)
    expect(text).toMatch(/answers +y⁺ \+.* y⁻ .* margin/)
    const run = await openRun(directoryFiles(out('l')))
    expect(run.manifest.stages.map((s) => s.name)).toEqual(['sft', 'dpo'])
    expect(run.manifest.backend.name).toBe('reference')
  })

  it('takes any loss and its settings', async () => {
    const set = ['--stages', 'extend,simpo', '--set', 'stages.simpo.gamma=0.5', '--set', 'stages.simpo.lr=0.25'] as const
    const { data, warnings } = JSON.parse(await ldyn('sim', 'linear', '--json', ...few, ...set, '--out', out('s')))
    expect(warnings).toEqual([])
    expect(data.stages.map((s: { name: string }) => s.name)).toEqual(['extend', 'simpo'])
    const { config } = (await openRun(directoryFiles(out('s')))).manifest
    const { stages } = config as unknown as { stages: { loss: object; lr: number; targets: string[] }[] }
    expect(stages[0].targets).toEqual(['chosen', 'rejected'])
    expect(stages[1]).toMatchObject({ lr: 0.25, loss: { name: 'simpo', beta: 1, gamma: 0.5 } })
  })

  it('names what a toy world does not have', async () => {
    await expect(ldyn('sim', 'linear', '--stages', 'kto', '--out', out('k'))).rejects.toMatchObject({
      code: 'LD2003',
      what: 'sim: stages of kto need data that a toy world does not have',
    })
    const flags: (keyof FinetuneFlags)[] = ['divergence']
    for (const flag of flags)
      await expect(ldyn('sim', 'linear', `--${flag}`, '2')).rejects.toMatchObject({ why: "it is '2'" })
  })
})

describe('ldyn sim', () => {
  it('has its definitions in the help', async () => {
    const { simPage } = await import('../help/sim.ts')
    const group = await import('../commands/sim.ts')
    const program = createProgram({ output: {}, version: '0', env: {}, options: {} } as unknown as Context, [group])
    const names = program.commands.find((c) => c.name() === 'sim')!.commands.map((c) => c.name())
    expect(names).toEqual(['squeeze', 'softmax', 'linear', 'mlp', 'digits'])
    for (const name of names) expect(simPage).toContain(name)
  })
})
