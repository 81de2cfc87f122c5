import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { parquetReadObjects } from 'hyparquet'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createRun } from '@ldyn/runs/node'
import { openData, PARTS } from '@ldyn/web/snapshot'
import { extendMoves, paperMoves, writeSynthetic } from '../../../../packages/figures/test/synthetic-run.ts'
import { newRun, stageAt } from '../../../../packages/runs/test/example.ts'
import { commandLine, failureOf } from '../../test/command-line.ts'
import * as exporting from './export.ts'

// The built page stands elsewhere, and is tried in a browser by @ldyn/web: here a page of three places will do.
const template = { path: '' as string | undefined, parts: '' }
vi.mock('@ldyn/web/server', async original => ({
  ...(await original<object>()),
  builtTemplate: () => template.path,
  builtPart: (name: string) => join(template.parts, `${name}.html`),
}))

let root = ''
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'ldyn-export-'))
  template.path = join(root, 'template.html')
  template.parts = root
  const places = ['title', 'hashes', 'parts', 'still', 'data'].map(place => `<!--ldyn:${place}-->`)
  await writeFile(template.path, `<title>${places[0]}</title>${places.slice(1).join('')}`)
  for (const part of PARTS) {
    const script = `<script>${part}</script>`
    await writeFile(join(root, `${part}.html`), `<!--ldyn:part 'sha256-${part}='-->\n${script}`)
  }
  await writeSynthetic(join(root, 'base'), { id: '2026-11-22-base', moves: paperMoves, every: 10 })
  await writeSynthetic(join(root, 'ext'), { id: '2026-11-22-ext', moves: extendMoves, every: 10 })
})
afterAll(() => rm(root, { recursive: true }))

const ldyn = commandLine([exporting])
const failure = (...argv: readonly string[]) => failureOf(ldyn(...argv))

/** What an exported page holds. */
const opened = async (path: string) => {
  const html = await readFile(path, 'utf8')
  const [, bytes, sha256, text] = /data-bytes="(\d+)" data-sha256="(\w*)">([^<]*)</.exec(html)!
  return { html, ...(await openData({ text, bytes: Number(bytes), sha256 })) }
}

describe('ldyn export --html', () => {
  it('puts runs, by the names of their directories, into the page; says its size before and its path after', async () => {
    const to = join(root, 'deep', 'both.html')
    const { out, err } = await ldyn('export', join(root, 'base'), join(root, 'ext'), '--html', to)
    expect(err).toMatch(/^size +0\.\d+ MB: the page/)
    expect(out).toContain(to)
    const { about, html } = await opened(to)
    expect(about.list.runs.map(({ key, id }) => [key, id])).toEqual([
      ['base', '2026-11-22-base'],
      ['ext', '2026-11-22-ext'],
    ])
    expect(about).toMatchObject({ version: '0.1.0', text: 'keep', strip: true, values: 'f16', kernel: 'f16' })
    expect(html.startsWith('<title>base, ext · ldyn</title>')).toBe(true)
    expect(/<noscript>[^]*<svg[^]*<\/noscript>/.test(html)).toBe(true)
    expect(await readdir(join(root, 'deep'))).toEqual(['both.html'])
  })

  it('takes pages, steps, precision and text from the command line', async () => {
    const to = join(root, 'few.html')
    const flags = ['--pages', 'dynamics,overview', '--steps', '4', '--values', 'f32', '--text', 'remove', '--no-strip']
    await ldyn('export', join(root, 'base'), '--html', to, ...flags)
    const { about } = await opened(to)
    expect(about).toMatchObject({ pages: ['overview', 'dynamics'], steps: 4, values: 'f32', text: 'remove', strip: false })
    expect(about.runs[0].evaluations.kept).toBeLessThan(about.runs[0].evaluations.of)
  })

  it('carries kernels, the figures of the paper, the Lab and its tiny GPT, their scripts allowed, unless they are left out', async () => {
    const to = join(root, 'parts.html')
    const carried = async (...flags: string[]) => {
      const { err } = await ldyn('export', join(root, 'base'), '--html', to, ...flags)
      const { about, html } = await opened(to)
      const scripts = PARTS.filter(part => html.includes(`<script>${part}</script>`))
      expect(PARTS.filter(part => html.includes(`'sha256-${part}='`))).toEqual(scripts)
      expect(about.parts).toEqual(scripts)
      return { scripts, err, pages: about.pages }
    }
    expect(await carried()).toMatchObject({
      scripts: ['kernel', 'figures', 'lab', 'gpt'],
      err: expect.stringContaining('tiny GPT 0.00 MB, data') as string,
    })
    expect((await carried('--without', 'gpt, figures')).scripts).toEqual(['kernel', 'lab'])
    // The tiny GPT stands in the Lab, and kernels and figures are screens.
    const { scripts, pages } = await carried('--without', 'lab')
    expect(scripts).toEqual(['kernel', 'figures'])
    expect(pages).toEqual(expect.arrayContaining(scripts))
    expect((await carried('--pages', 'overview,lab')).scripts).toEqual(['lab'])
    const base = join(root, 'base')
    expect(await failure('export', base, '--html', to, '--without', 'labs')).toMatchObject({ fix: 'did you mean lab?' })
    expect(await failure('export', base, '--html', to, '--pages', 'lab')).toMatchObject({ code: 'LD2003' })
  })

  it('--dir is a folder for a web server: the page, and data beside it that it may fetch', async () => {
    const site = join(root, 'site')
    const { out, err } = await ldyn('export', join(root, 'base'), '--dir', site)
    expect(err).toMatch(/^size +0\.\d+ MB: the page .* data 0\.\d+ MB in \d+ files/)
    expect(out.trim().split('\n')).toHaveLength(1)
    expect(out).toContain(join(site, 'index.html'))
    const html = await readFile(join(site, 'index.html'), 'utf8')
    expect(html).toContain("; connect-src 'self'")
    const [, bytes, sha256, text] = /data-bytes="(\d+)" data-sha256="(\w*)" data-beside>([^<]*)</.exec(html)!
    const read: number[] = []
    const { container } = await openData({ text, bytes: Number(bytes), sha256 }, async nth => {
      read.push(nth)
      return gunzipSync(await readFile(join(site, 'data', `${nth}.bin`)))
    })
    expect(read).toEqual([])
    const [{ files }] = container.manifest.runs
    const metric = files.find(({ path }) => path === 'probe/logp.f32')!
    expect((await container.read(metric)).length).toBe(metric.size)
    expect(read).toEqual([files.indexOf(metric)])
    expect(await readdir(join(site, 'data'))).toHaveLength(files.length)
    expect(await failure('export', join(root, 'base'), '--dir', site)).toMatchObject({ what: 'the folder is not empty' })
    await ldyn('export', join(root, 'base'), '--dir', site, '--force')
  })

  it('writes nothing with --dry-run', async () => {
    const to = join(root, 'dry.html')
    const { out } = await ldyn('export', join(root, 'base'), '--html', to, '--dry-run', '--json')
    const { data } = JSON.parse(out) as { data: { written: boolean; files: { bytes: number }[] } }
    expect(data.written).toBe(false)
    expect(data.files[0].bytes).toBeGreaterThan(10_000)
    expect(await readdir(root)).not.toContain('dry.html')
  })

  it('says what it does not know, and what is not there', async () => {
    const base = join(root, 'base')
    const html = ['--html', join(root, 'x.html')]
    expect(await failure('export', base, ...html, '--pages', 'overveiw')).toMatchObject({
      code: 'LD2003',
      fix: 'did you mean overview?',
    })
    for (const flags of [['--steps', '1'], ['--steps', 'x'], ['--text', 'hide'], ['--values', 'f8']])
      expect(await failure('export', base, ...html, ...flags)).toMatchObject({ code: 'LD2003' })
    expect(await failure('export', base, '--static', '--csv', '-')).toMatchObject({ code: 'LD2003' })
    expect(await failure('export', base, '--html', '-')).toMatchObject({
      code: 'LD2003',
      why: 'only --csv can be written to stdout',
    })
    expect(await failure('export', root, ...html)).toMatchObject({
      code: 'LD4002',
      what: expect.stringMatching(/is no run: it is a folder of \d+$/) as string,
    })
    expect(await failure('export', base, '--csv', root)).toMatchObject({ why: 'a directory of that name is there' })
    const { path } = template
    template.path = undefined
    expect(await failure('export', base, ...html)).toMatchObject({ code: 'LD4003', where: '@ldyn/web' })
    template.path = path
    expect(await readdir(root)).not.toContain('x.html')
  })
})

describe('ldyn export --csv', () => {
  it('of a run without probes says that the table is empty, and what is not', async () => {
    const bare = join(root, 'without-probes')
    const writer = await createRun(bare, newRun)
    await writer.scalars(1, stageAt(1), { loss: 0.5 })
    await writer.finish('done')
    const [csv, log] = [join(root, 'none.csv'), join(root, 'log.csv')]
    expect((await ldyn('export', bare, '--csv', csv)).err).toContain('--scalars writes the training log')
    expect((await ldyn('export', bare, '--csv', log, '--scalars')).err).toBe('')
    expect((await readFile(log, 'utf8')).split('\n').length).toBeGreaterThan(2)
    expect((await ldyn('export', join(root, 'base'), '--csv', csv)).err).toBe('')
  })
})

describe('ldyn export --parquet', () => {
  it('holds the numbers of --csv, typed', async () => {
    const [csv, parquet] = [join(root, 'a.csv'), join(root, 'a.parquet')]
    await ldyn('export', join(root, 'base'), join(root, 'ext'), '--csv', csv, '--parquet', parquet)
    const bytes = await readFile(parquet)
    const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)
    const rows = await parquetReadObjects({ file: file as ArrayBuffer })
    const [head, ...lines] = (await readFile(csv, 'utf8')).trim().split('\n')
    expect(rows.map(row => head.split(',').map(name => String(row[name])).join(','))).toEqual(lines)
    expect(rows[0]).toMatchObject({ run: '2026-11-22-base', step: 0, mean: expect.any(Number) as number })
  })

  it('holds every probe’s value, or the training log', async () => {
    for (const [flag, column] of [['--rows', 'value'], ['--scalars', 'name']] as const) {
      const path = join(root, `b${flag}.parquet`)
      await ldyn('export', join(root, 'base'), '--parquet', path, flag)
      const bytes = await readFile(path)
      const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer
      expect((await parquetReadObjects({ file }))[0]).toHaveProperty(column)
    }
  })
})

it('ldyn export --png draws what --svg holds', async () => {
  const to = join(root, 'all.png')
  await ldyn('export', join(root, 'base'), '--png', to)
  expect([...(await readFile(to)).subarray(1, 4)]).toEqual([...Buffer.from('PNG')])
})
