import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { commandLine } from '../../test/command-line.ts'
import { explain } from '../contract/errors.ts'
import * as view from './view.ts'

let root = ''
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'ldyn-cli-view-'))
})
afterAll(() => rm(root, { recursive: true }))

/** The words of the error that ends the command. */
const refused = async (...argv: readonly string[]): Promise<string> => {
  const error: unknown = await commandLine([view])('view', root, '--no-open', ...argv).catch(
    (thrown: unknown) => thrown,
  )
  const { code, what, why } = explain(error)!
  return `${code} ${what}: ${why}`
}

describe('ldyn view', () => {
  it.each(['*', 'https://*.example', 'localhost:8888', 'http://localhost:8888/notebook'])(
    'takes origins of pages that may frame it, one by one, and not %s',
    async origin => {
      expect(await refused('--allow-frames', 'http://localhost:1', '--allow-frames', origin)).toBe(
        `LD2003 --allow-frames takes the origin of a page: scheme, host and port: ${
          origin.includes('*') ? `'${origin}' names more than one` : `it is '${origin}'`
        }`,
      )
    },
  )

  it.each([
    ['run.json', /give the run: ldyn view '.*a folder'$/],
    ['page.html', /open it in a browser/],
    ['trainer_state.json', /ldyn import '.*a folder\/trainer_state.json'$/],
  ])('says of a file what is to be done with it: %s', async (name, fix) => {
    const file = join(root, 'a folder', name)
    await mkdir(join(root, 'a folder'), { recursive: true })
    await writeFile(file, '{}')
    const error: unknown = await commandLine([view])('view', file, '--no-open').catch((thrown: unknown) => thrown)
    expect(explain(error)).toMatchObject({ code: 'LD4003', what: expect.stringContaining('is a file') as string })
    expect(explain(error)!.fix).toMatch(fix)
  })

  it('refuses a port that is none', async () => {
    expect(await refused('--port', '70000')).toContain("LD2003 --port takes a number from 0 to 65535: it is '70000'")
  })
})
