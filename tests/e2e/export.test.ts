// `ldyn export` as its users run it: what it writes is a file, whole or not at all, and what it says is short.
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { filesOf, openData } from '../../apps/web/src/snapshot/index.ts'
import { openRun } from '@ldyn/runs'
import { afterAll, expect, it } from 'vitest'
import { ldyn, scratch } from './ldyn.ts'

const folder = scratch()
afterAll(() => rmSync(folder, { recursive: true, force: true }))

it('export --html writes the viewer with a run inside, after its size was said', async () => {
  const run = join(folder, 'toy')
  expect(await ldyn('sim', 'squeeze', '--out', run)).toMatchObject({ code: 0 })
  const path = join(folder, 'out', 'toy.html')
  const dry = await ldyn('export', run, '--html', path, '--dry-run')
  expect(dry).toMatchObject({ code: 0, err: expect.stringMatching(/^size +0\.\d+ MB/) as string })
  expect(existsSync(path)).toBe(false)

  const done = await ldyn('export', run, '--html', path, '--values', 'f32', '--json')
  expect(done.code).toBe(0)
  const { data } = JSON.parse(done.out) as { data: { files: { bytes: number }[] } }
  expect(data.files[0].bytes).toBe(statSync(path).size)
  expect(readdirSync(join(folder, 'out'))).toEqual(['toy.html'])

  const html = readFileSync(path, 'utf8')
  const [, bytes, sha256, text] = /data-bytes="(\d+)" data-sha256="(\w+)">([^<]*)</.exec(html)!
  const { container } = await openData({ text, bytes: Number(bytes), sha256 })
  const found = await openRun(filesOf(container, 'toy')!)
  expect(found.manifest.argv).toEqual([])
  expect(found.evaluations.length).toBeGreaterThan(0)
  expect(html.includes(folder)).toBe(false)
})

it('export names what is wrong, and writes nothing', async () => {
  const wrong = await ldyn('export', join(folder, 'toy'), '--html', join(folder, 'x.html'), '--pages', 'squeze')
  expect(wrong).toMatchObject({ code: 2, err: expect.stringMatching(/LD2003.*no page 'squeze'[^]*squeeze/) as string })
  expect(existsSync(join(folder, 'x.html'))).toBe(false)
})
