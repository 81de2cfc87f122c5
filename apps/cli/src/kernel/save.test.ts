import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { kernelName, stepOf } from './save.ts'

describe('where a kernel lies in a run', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ldyn-kernel-'))
    for (const [name, text] of [
      ['saved', '{"step":40}'],
      ['torn', '{"step":'],
      ['odd', '{"step":"40"}'],
    ]) {
      await mkdir(join(folder, name))
      await writeFile(join(folder, name, 'checkpoint.json'), text)
    }
    await mkdir(join(folder, 'base'))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  it('is named by step and by what it is of, as one plain file name', () => {
    expect(kernelName('gram', undefined)).toBe('gram')
    expect(kernelName('gram', 40)).toBe('gram-000040')
    expect(kernelName('tokens', 0, 'u3', 'o12', 'rejected')).toBe('tokens-000000-u3-o12-rejected')
    expect(kernelName('tokens', undefined, 'u3', 'o0', '../a b')).toBe('tokens-u3-o0-.._a_b')
  })

  it('takes the step that is given, else what the checkpoint of a run says, else none', async () => {
    expect(await stepOf(join(folder, 'saved'))).toBe(40)
    expect(await stepOf(join(folder, 'saved'), 7)).toBe(7)
    for (const name of ['torn', 'odd', 'base', 'nowhere']) expect(await stepOf(join(folder, name))).toBeUndefined()
  })
})
