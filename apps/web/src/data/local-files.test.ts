import { zipSync } from 'fflate'
import { readFile, readdir } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { describe, expect, it } from 'vitest'
import { beginRun, withRoot } from '../../test/run-on-disk.ts'
import { localFile, localRuns, type LocalFile } from './local-files.ts'
import { followRun } from './live-run.ts'

const file = (path: string, content: Uint8Array): LocalFile =>
  localFile(new File([content as Uint8Array<ArrayBuffer>], path), path)

/** The files of a real run below `above`. */
const filesBelow = async (root: string, above: string): Promise<readonly (readonly [string, Uint8Array])[]> => {
  const entries = await readdir(root, { recursive: true, withFileTypes: true })
  return Promise.all(
    entries
      .filter(entry => entry.isFile())
      .map(async entry => {
        const path = join(entry.parentPath, entry.name)
        return [above + relative(root, path).split(sep).join('/'), new Uint8Array(await readFile(path))] as const
      }),
  )
}

const withRun = (use: (files: readonly (readonly [string, Uint8Array])[]) => Promise<void>) =>
  withRoot(async root => {
    await (await beginRun(root, [0, 10, 20])).finish('done')
    await use(await filesBelow(root, 'runs/first/'))
  })

describe('runs of this computer', () => {
  it('are found in a folder, and read as any run', () =>
    withRun(async files => {
      const [run] = await localRuns(files.map(([path, content]) => file(path, content)))
      expect(run).toMatchObject({ key: 'local:runs/first', state: 'done' })
      expect(run.summary!()).toMatchObject({ id: 'dpo-a3f9', step: 20, evaluations: 3, probes: 4 })
      const data = await followRun(run.files).refresh()
      expect(data!.rows.get('logp')!.length).toBe(3)
    }))

  it('are found in a zip', () =>
    withRun(async files => {
      const zip = zipSync(Object.fromEntries(files))
      const [run] = await localRuns([file('first.zip', zip)])
      expect((await followRun(run.files).refresh())!.evaluations.map(({ step }) => step)).toEqual([0, 10, 20])
    }))

  it('say what is wrong with a zip that is none, one that says it is huge, and a folder without a run', async () => {
    await expect(localRuns([file('a.zip', new Uint8Array(50))])).rejects.toThrow(/Cannot open the zip/)
    const small = zipSync({ 'run.json': new Uint8Array(10) }, { level: 0 })
    const view = new DataView(small.buffer, small.byteOffset, small.byteLength)
    // The size in the central directory, 24 bytes behind its signature.
    for (let i = 0; i < small.length - 4; i++)
      if (view.getUint32(i, true) === 0x02014b50) view.setUint32(i + 24, 3_000_000_000, true)
    await expect(localRuns([file('a.zip', small)])).rejects.toThrow(/more than 512 MB/)
    await expect(localRuns([file('x/notes.txt', new Uint8Array(1))])).rejects.toThrow(/no folder of it holds a run.json/)
    await expect(localRuns([file('x/run.json', new TextEncoder().encode('{}'))])).rejects.toThrow(/run.json|schema/)
  })
})
