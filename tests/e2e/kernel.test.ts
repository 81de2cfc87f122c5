import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openSafetensorsFile } from '@ldyn/formats/node'
import { describe, expect, it } from 'vitest'
import { golden, ldyn, scratch } from './ldyn.ts'

const model = join(golden, 'trl', 'model')
const pairs = join(golden, 'trl', 'preferences.jsonl')

/** The data of a command's --json answer; stderr where it failed. */
async function answer<T>(...argv: readonly string[]): Promise<T> {
  const { code, out, err } = await ldyn('kernel', ...argv, '--json')
  expect(code, err).toBe(0)
  const { ok, command, data } = JSON.parse(out) as { ok: boolean; command: string; data: T }
  expect({ ok, command }).toEqual({ ok: true, command: `kernel ${argv[0]}` })
  return data
}
const failure = async (...argv: readonly string[]): Promise<{ code: number | null; err: string }> => {
  const { code, out, err } = await ldyn('kernel', ...argv)
  expect(out).toBe('')
  return { code, err }
}

interface Tokens {
  C: number[][]
  predicted: number
  by_response: Record<string, number>
  observe: { tokens: { predicted: number; id: number }[] }
  update: { tokens: { type: string; pull: number }[] }
}

describe('ldyn kernel', () => {
  const rows = ['--update', `${pairs}#0`, '--observe', `${pairs}#1`, '--model', model]

  it('tokens: C adds up to what is predicted, by observed token and by response, and is saved', async () => {
    const out = join(scratch(), 'c.safetensors')
    const { C, predicted, by_response, observe, update } = await answer<Tokens>(
      'tokens', ...rows, '--loss', 'dpo', '--beta', '0.2', '--lr', '1e-3', '--out', out,
    )
    const sum = (x: readonly number[]): number => x.reduce((a, b) => a + b, 0)
    C.forEach((row, m) => expect(sum(row)).toBeCloseTo(observe.tokens[m].predicted, 10))
    expect(sum(observe.tokens.map((t) => t.predicted))).toBeCloseTo(predicted, 10)
    expect(by_response.chosen + by_response.rejected).toBeCloseTo(predicted, 10)
    // DPO at r = 0: β/2 on every token of y⁺, −β/2 on every one of y⁻.
    update.tokens.forEach(({ type, pull }) => expect(pull).toBeCloseTo(type === 'chosen' ? 0.1 : -0.1, 6))
    await using file = await openSafetensorsFile(out)
    expect(file.tensors.get('C')!.shape).toEqual([observe.tokens.length, update.tokens.length])
  })

  it('tokens says what it did in words', async () => {
    const { code, out } = await ldyn('kernel', 'tokens', ...rows, '--loss', 'sft')
    expect(code).toBe(0)
    expect(out).toMatch(/^One sft gradient step at rate 1\.0e-6 on .*#0, felt by 'chosen' of .*#1\n/)
    expect(out).toContain('predicted Δlog π of the response: ')
  })

  it('block: factored = exact, and k is the token kernel’s', async () => {
    const { C } = await answer<Tokens>('tokens', ...rows, '--loss', 'sft', '--lr', '1')
    const found = await answer<{ exact_difference: number; k: { total: number }; vocab: number; rank: number }>(
      'block', ...rows, '--token', '2', '--update-token', '1', '--exact',
    )
    expect(found.exact_difference).toBeLessThan(1e-4)
    // SFT pulls with 1 and the rate is 1: C is k.
    expect(Math.abs(found.k.total / C[2][1] - 1)).toBeLessThan(1e-3)
    expect(found.rank).toBeLessThan(found.vocab)
  })

  it('gram: symmetric, the same in small blocks, saved as .npy; sketched with errors', async () => {
    const probes = ['--probe', pairs, '--limit', '3', '--model', model]
    const out = join(scratch(), 'g.npy')
    interface Gram { gram: number[][]; se?: number[][]; block?: number; gradients: number }
    const whole = await answer<Gram>('gram', ...probes, '--out', out)
    expect(existsSync(out) && readFileSync(out).length).toBeGreaterThan(6 * 6 * 8)
    whole.gram.forEach((row, i) => row.forEach((x, j) => expect(x).toBe(whole.gram[j][i])))
    expect([whole.block, whole.gradients]).toEqual([6, 6])
    const { data, parameters } = await smallest(probes)
    expect(parameters).toBeGreaterThan(0)
    data.gram.forEach((row, i) => row.forEach((x, j) => expect(x).toBe(whole.gram[i][j])))
    expect([data.block, data.gradients]).toEqual([1, 21])
    const plan = await answer<{ gradients: number; held_bytes: number }>('gram', ...probes, '--dry-run')
    expect(plan).toMatchObject({ gradients: 6, held_bytes: 6 * 4 * parameters })
    const { gram, se } = await answer<Gram>('gram', ...probes, '--sketch', '4096')
    expect(Math.abs(gram[0][1] - whole.gram[0][1])).toBeLessThan(5 * se![0][1])
    expect(se![0][0]).toBe(0)
  })

  /** The same Gram under the smallest budget that its own error message names. */
  async function smallest(probes: readonly string[]) {
    const { code, err } = await failure('gram', ...probes, '--memory', '100KiB')
    expect(code).toBe(5)
    expect(err).toMatch(/error\[LD5002\] the memory budget is too small for a Gram matrix/)
    const [, amount] = /give --memory (\S+) or more/.exec(err)!
    const data = await answer<{ gram: number[][]; block: number; gradients: number; parameters: number }>(
      'gram', ...probes, '--memory', amount,
    )
    return { data, parameters: data.parameters }
  }

  it('norm, drift and screen answer on a tiny model', async () => {
    const probes = ['--probe', pairs, '--limit', '2']
    const norm = await answer<{ norms: { value: number; se: number }[][] }>(
      'norm', '--model', model, ...probes, '--types', 'chosen', '--draws', '4',
    )
    expect(norm.norms[0][1].value).toBeGreaterThan(0)
    const drift = await answer<{ drift: { gram: { relative: number; alignment: number } }[] }>(
      'drift', '--model', model, model, ...probes,
    )
    expect(drift.drift[0].gram).toMatchObject({ relative: 0 })
    const screen = await answer<{ pairs: { ches: number; edit_distance: number }[] }>(
      'screen', '--model', model, '--data', pairs, '--limit', '5',
    )
    expect(screen.pairs).toHaveLength(5)
  })

  it('screen and proxy leave their numbers where they are asked to', async () => {
    const folder = scratch()
    const scores = join(folder, 'scores.safetensors')
    interface Scores { pairs: { row: number; ches: number; ln_ches: number }[]; saved: string }
    const { pairs: screened, saved } = await answer<Scores>(
      'screen', '--model', model, '--data', pairs, '--limit', '3', '--out', scores,
    )
    expect(saved).toBe(scores)
    await using file = await openSafetensorsFile(scores)
    const names = JSON.parse(file.metadata.scores) as string[]
    expect(file.tensors.get('scores')!.shape).toEqual([3, names.length])
    const values = await file.readF32('scores')
    screened.forEach(({ ches, ln_ches }, i) => {
      expect(values[i * names.length + names.indexOf('ches')]).toBeCloseTo(ches, 3)
      expect(values[i * names.length + names.indexOf('ln_ches')]).toBeCloseTo(ln_ches, 3)
    })
    expect(JSON.parse(file.metadata.rows)).toEqual([0, 1, 2])

    const out = join(folder, 'proxy.npy')
    const probes = ['--probe', pairs, '--limit', '2', '--update', `${pairs}#0`]
    await answer('proxy', '--from', model, '--to', model, ...probes, '--out', out)
    // A header of 128 bytes, and four responses.
    expect(readFileSync(out).length).toBe(128 + 4 * 8)
  })

  it('every command says with --dry-run what it would take, and writes nothing', async () => {
    const probes = ['--probe', pairs, '--limit', '2']
    const out = join(scratch(), 'dry.safetensors')
    interface Forecast { dryRun: boolean; seconds: number; memory_bytes: number; parts: { units: number }[] }
    const commands: readonly (readonly [argv: readonly string[], units: number | undefined])[] = [
      [['tokens', ...rows], undefined],
      [['block', ...rows], undefined],
      [['norm', '--model', model, ...probes, '--draws', '2'], undefined],
      [['drift', '--model', model, model, ...probes, '--draws', '2'], undefined],
      [['proxy', '--from', model, '--to', model, ...probes, '--update', `${pairs}#0`], 4],
      [['screen', '--model', model, '--data', pairs, '--limit', '5'], 5],
    ]
    for (const [argv, units] of commands) {
      const found = await answer<Forecast>(argv[0], ...argv.slice(1), '--dry-run', '--out', out)
      expect(found.dryRun).toBe(true)
      expect(found.seconds, argv[0]).toBeGreaterThan(0)
      expect(found.memory_bytes, argv[0]).toBeGreaterThan(2 ** 20)
      expect(found.parts[0].units, argv[0]).toBe(units ?? found.parts[0].units)
    }
    expect(existsSync(out)).toBe(false)
  })

  it('refuses what it cannot do, with where, why and what to do', async () => {
    expect(await failure('gram', '--model', model, '--probe', pairs, '--params', 'layers.77')).toMatchObject({
      code: 2,
      err: expect.stringMatching(/--params 'layers\.77' matches no parameter/) as string,
    })
    expect(await failure('tokens', ...rows, '--loss', 'kto')).toMatchObject({
      code: 3,
      err: expect.stringMatching(/the loss 'kto' needs the field/) as string,
    })
    expect(await failure('tokens', ...rows, '--type', 'irr_test')).toMatchObject({
      code: 3,
      err: expect.stringMatching(/the row has no response of type 'irr_test'/) as string,
    })
    expect(await failure('tokens', '--model', model, '--update', `${pairs}#9999`, '--observe', `${pairs}#0`)).toMatchObject(
      { code: 2, err: expect.stringMatching(/the file has no row 9999/) as string },
    )
    expect(await failure('block', ...rows, '--token', '999')).toMatchObject({
      code: 2,
      err: expect.stringMatching(/there is no token 999/) as string,
    })
    expect(await failure('tokens', '--model', model, '--update', `${pairs}#0-2`, '--observe', `${pairs}#0`)).toMatchObject({
      code: 2,
      err: expect.stringMatching(/--update takes one row here/) as string,
    })
    expect(await failure('drift', '--model', model, '--probe', pairs)).toMatchObject({ code: 2 })
    expect(await failure('proxy')).toMatchObject({ code: 2 })
    const bad = join(scratch(), 'x.txt')
    writeFileSync(bad, '')
    expect(await failure('gram', '--model', model, '--probe', pairs, '--out', bad)).toMatchObject({ code: 2 })
  })

  it('is explained by ldyn help kernel', async () => {
    const { out } = await ldyn('help', 'kernel')
    expect(out).toContain('C[m,l] = −η·(∂L/∂log π_l)')
    expect(out).toContain('Usage: ldyn kernel')
  })
})
