import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { explain } from '../contract/errors.ts'
import { commandLine } from '../../test/command-line.ts'
import * as exporting from './export.ts'
import * as importing from './import.ts'
import * as plot from './plot.ts'
import * as runs from './runs.ts'

let root = ''
let log = ''
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'ldyn-cli-import-'))
  log = join(root, 'old_dpo')
  await mkdir(log)
  // The released code before its correction: argmax below chosen, so it cannot be chosen's.
  const line = (e: number): string =>
    `{"logps_eval_prob_train/chosen": ${-100 - e}, "argmax_prob_logits": ${-120 + e}, "except_argmax_prob_logits": NaN, ` +
    `"logps_eval_prob_train/rejected": ${-90 - 5 * e}, "logps_eval_prob_train/irr_train": ${-80 - e}, ` +
    `"logps_eval_prob_train/irr_test": ${-81 - e}, "logps_eval_prob_train/random_nonhum": ${-300 - e}}`
  await writeFile(join(log, 'prob_train_metrics.json'), [0, 1, 2, 3].map(line).join('\n'))
})
afterAll(() => rm(root, { recursive: true }))

const run = commandLine([importing, plot, exporting, runs])
const ldyn = async (...argv: readonly string[]): Promise<string> => (await run(...argv)).out

describe('ldyn import', () => {
  it('writes a run under the log’s name, says what is missing, and does nothing the second time', async () => {
    const dir = join(root, 'runs')
    const said = await ldyn('import', log, '--runs-dir', dir)
    expect(said).toMatch(/old_dpo {2}written/)
    expect(said).toMatch(/note {5}argmax_logp: that of random_nonhum and not of chosen/)
    expect(said).toMatch(/missing {2}entropy/)
    const { data } = JSON.parse(await ldyn('import', log, '--runs-dir', dir, '--json')) as {
      data: Record<string, unknown>
    }
    expect(data).toMatchObject({
      outcome: 'unchanged',
      id: 'old_dpo',
      format: 'released-code',
      evaluations: 4,
      probes: 0,
    })
  })

  it('makes a run that show, plot and export take, with the defect on the curve and no NaN anywhere', async () => {
    const run = join(root, 'run')
    await ldyn('import', log, '--out', run, '--every', '25')
    const shown = await ldyn('runs', 'show', run)
    expect(shown).toMatch(/Imported +the released code’s log: prob_train_metrics.json/)
    expect(shown).toMatch(/rejected +−90.00 +−105.0 +−15.00/)
    const plotted = await ldyn('plot', run, '--types', 'chosen,argmax')
    expect(plotted).toContain('argmax_prob_logits is that of random_nonhum and not of chosen')
    const csv = await ldyn('export', run, '--csv', '-')
    expect(csv).toContain('75,dpo,random_nonhum,argmax_logp,-117,0,1')
    expect(csv).not.toContain('chosen,argmax_logp')
    await ldyn('export', run, '--html', join(root, 'page.html'), '--static')
    expect(shown).toMatch(/Notes +except_argmax_prob_logits: 4 of 4 values are NaN/)
    for (const text of [plotted, csv]) expect(text).not.toMatch(/NaN/)
  })

  it('fails with a code that says which way', async () => {
    const code = (...argv: string[]) =>
      ldyn('import', ...argv).then(
        () => 'no error',
        (error) => explain(error)?.code,
      )
    expect(await code(join(root, 'nowhere'))).toBe('LD4004')
    await writeFile(join(root, 'trainer_state.json'), '{}')
    expect(await code(join(root, 'trainer_state.json'), '--out', join(root, 'x'))).toBe('LD3103')
    expect(await code(log, '--name', 'a/b')).toBe('LD2003')
    expect(await code(log, '--out', join(root, 'run'))).toBe('LD8004')
  })

  it('runs ls: a directory that was named and is not there is an error; that nobody has runs yet is none', async () => {
    const error: unknown = await ldyn('runs', 'ls', join(root, 'nowhere')).catch((thrown: unknown) => thrown)
    expect(explain(error)).toMatchObject({ code: 'LD4003', what: expect.stringContaining('there is no directory') as string })
    await mkdir(join(root, 'bare'))
    expect(await ldyn('runs', 'ls', join(root, 'bare'))).toContain('No runs in')
  })
})
