import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { thresholds, VERDICTS } from '@ldyn/lab'
import { explain } from '../contract/errors.ts'
import { commandLine } from '../../test/command-line.ts'
import { diagnosePage } from '../help/diagnose.ts'
import * as diagnose from './diagnose.ts'
import * as importing from './import.ts'

let root = ''
let log = ''
const P = 'logps_eval_prob_train/'
const types = ['rejected', 'irr_train', 'irr_test', 'random_nonhum']

/** A log of the corrected code: chosen rises, then falls by 12 nats while argmax gains 15. */
const line = (e: number): string => {
  const wobble = Math.sin(e * 7.3) * 0.4
  const chosen = -150 + (e < 12 ? e * 0.5 : 6 - (e - 12) * 0.65) + wobble
  const norms = Object.fromEntries(types.map((type) => [`${type}_A_o`, 248 + e * 0.3]))
  return JSON.stringify({
    chosen_A_o: 251 + e * 0.4 + wobble,
    [`${P}chosen`]: chosen,
    argmax_prob_logits: -61 + e * 0.5 + wobble,
    p_e: 0.75,
    energy: 0.69,
    ...norms,
    ...Object.fromEntries(types.map((type, k) => [`${P}${type}`, -130 - 20 * k - e * 1.5 - wobble])),
  })
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'ldyn-cli-diagnose-'))
  log = join(root, 'fixed_dpo')
  await mkdir(log)
  await writeFile(
    join(log, 'prob_train_metrics.json'),
    Array.from({ length: 31 }, (_, e) => line(e)).join('\n'),
  )
})
afterAll(() => rm(root, { recursive: true }))

const ldyn = commandLine([diagnose, importing], { columns: 100 })

describe('ldyn diagnose', () => {
  it('gives a recorded log a verdict, a paragraph, a table with curves, and the commands that would tell more', async () => {
    const { out, code } = await ldyn('diagnose', log, '--beta', '0.1')
    expect(out).toMatch(
      /^fixed_dpo: probability mass is squeezed onto the likeliest tokens \(squeezing, \w+ evidence\)/,
    )
    expect(out).toMatch(/It began at evaluation 1[1-4] \(the last evaluation at which chosen/)
    expect(out).toMatch(
      /● +argmax_logp chosen +↑ +−\d+\.\d+ +−\d+\.\d+ +\+\d+\.\d+ +\d+\.\d+ +[▁▂▃▄▅▆▇█]{8,}/,
    )
    expect(out).toMatch(/dpo +\+0\.0\d+ +\+0\.0\d+ +−0\.0\d+ +−0\.0\d+/)
    expect(out).toMatch(/Lemma 1 along rejected \(V = 50304\)/)
    expect(out).toMatch(/note {2}that this is dpo is taken from the name/)
    expect(out).toMatch(/ldyn observe --model <checkpoint…> --probe/)
    expect(
      Math.max(
        ...out
          .split('\n')
          .filter((text) => /[●○·] /.test(text))
          .map((text) => [...text].length),
      ),
    ).toBeLessThanOrEqual(104)
    expect(code).toBe(0)
  })

  it('says the same of the run that was imported from it, and under --json', async () => {
    await ldyn('import', log, '--out', join(root, 'run'))
    const data = async (word: string) =>
      (
        JSON.parse((await ldyn('diagnose', word, '--json')).out) as {
          data: { verdict: string; stages: object[] }
        }
      ).data
    const [a, b] = [await data(log), await data(join(root, 'run'))]
    expect(a).toMatchObject({ verdict: 'squeezing', run: 'fixed_dpo' })
    expect(b.stages).toEqual(a.stages)
  })

  it('draws in ASCII where asked', async () => {
    const { out } = await ldyn('diagnose', log, '--ascii')
    expect(out).toMatch(/\* +argmax_logp chosen +up /)
    expect(out).not.toMatch(/[▁-█●○]/)
  })

  it('correlates a file of scores with what happened, where single probes are known; names its bad line', async () => {
    await writeFile(join(root, 'scores.jsonl'), '{"row": 0, "ches": 1}\n{"ches": 2}')
    expect(
      await ldyn('diagnose', log, '--scores', join(root, 'scores.jsonl')).catch((error) => explain(error)),
    ).toMatchObject({
      code: 'LD3101',
      where: expect.stringMatching(/scores\.jsonl:2$/) as string,
    })
  })

  it('exits with 7 on a verdict that a script refuses, and only then', async () => {
    expect((await ldyn('diagnose', log, '--fail-on', 'squeezing,diverged')).code).toBe(7)
    expect((await ldyn('diagnose', log, '--fail-on', 'diverged')).code).toBe(0)
  })

  it('fails with codes that say which way', async () => {
    const code = (...argv: string[]) =>
      ldyn('diagnose', ...argv).then(
        () => 'no error',
        (error) => explain(error)?.code,
      )
    expect(await code(join(root, 'nowhere'))).toBe('LD4002')
    expect(await code(join(root, 'nowhere.json'))).toBe('LD4004')
    expect(await code(join(root, 'run'), '--stage', 'sft')).toBe('LD2003')
    expect(await code(log, '--fail-on', 'squeezed')).toBe('LD2003')
    expect(await code(log, '--beta', '0')).toBe('LD2003')
    await writeFile(join(root, 'trainer_state.json'), '{"log_history": [{}]}')
    expect(await code(join(root, 'trainer_state.json'))).toBe('LD3103')
  })
})

describe('ldyn help diagnose', () => {
  it('defines every verdict and prints the thresholds that are used', () => {
    const page = diagnosePage()
    for (const verdict of Object.keys(VERDICTS)) expect(page).toContain(`  ${verdict} `)
    expect(page).toContain(`${100 * thresholds.relative} % of the level`)
    expect(page).not.toMatch(/undefined|NaN|\d\.\d{6}/)
    expect(Math.max(...page.split('\n').map((text) => [...text].length))).toBeLessThanOrEqual(150)
  })
})
