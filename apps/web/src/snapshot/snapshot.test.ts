import { join } from 'node:path'
import { openRun, type RunFiles } from '@ldyn/runs'
import { createRun, directoryFiles } from '@ldyn/runs/node'
import { openSafetensors } from '@ldyn/formats'
import { describe, expect, it } from 'vitest'
import { addKernels, addUpdate, beginRun, PROBES, TYPES, valueAt, withRoot } from '../../test/run-on-disk.ts'
import { createSummaries } from '../server/index.ts'
import { PAGES } from '../state/address.ts'
import { unpack } from './container.ts'
import { documentOf, PLACES } from './document.ts'
import { filesOf } from './files.ts'
import { PARTS, type SnapshotOptions } from './format.ts'
import { gzip, sha256, toBase64 } from './gzip.ts'
import { openData, type DataText } from './open.ts'
import { lineRedactor, withoutPaths } from './redact.ts'
import { makeSnapshot, type Snapshot } from './write.ts'

const STEPS = [0, 5, 10, 15, 20, 25, 30, 35, 40]
const everything: SnapshotOptions = {
  pages: PAGES,
  parts: PARTS,
  text: 'keep',
  strip: true,
  values: 'f32',
  kernel: 'f32',
}
const template = `<meta content="script-src ${PLACES.hashes}"><title>${PLACES.title}</title><body>${PLACES.parts}${PLACES.still}${PLACES.data}`

const snapshotOf = async (root: string, options: Partial<SnapshotOptions> = {}): Promise<Snapshot> => {
  const directory = join(root, 'run')
  const summary = await createSummaries().of({ key: 'run', directory })
  return makeSnapshot({
    runs: [{ summary, files: directoryFiles(directory) }],
    options: { ...everything, ...options },
    made: '2026-11-22T12:00:00.000Z',
    version: '1.2.3',
  })
}

/** A snapshot of a run with updates and kernels. */
const made = <T>(
  options: Partial<SnapshotOptions>,
  use: (snapshot: Snapshot, root: string) => Promise<T>,
): Promise<T> =>
  withRoot(async root => {
    const directory = join(root, 'run')
    const writer = await beginRun(directory, STEPS)
    await addUpdate(writer, 40)
    await writer.finish('done')
    await addKernels(directory)
    return use(await snapshotOf(root, options), root)
  })

const textOf = async (html: string): Promise<DataText> => {
  const [, bytes, digest, text] = /data-bytes="(\d+)" data-sha256="(\w*)">([^<]*)</.exec(html)!
  return { text, bytes: Number(bytes), sha256: digest }
}
const matrix = async (files: RunFiles, path: string, name: string) => {
  const size = (await files.size(path))!
  const file = await openSafetensors({ name: path, size, read: (at, n) => files.read(path, at, n) })
  return { metadata: file.metadata, values: [...(await file.readF32(name))] }
}

describe('a snapshot', () => {
  it('gives back the very run as f32, through the file', () =>
    made({}, async (snapshot, root) => {
      const { container, about } = await openData(await textOf(await documentOf(template, snapshot)))
      expect(about).toEqual(snapshot.about)
      const [there, here] = [directoryFiles(join(root, 'run')), filesOf(container, 'run')!]
      const [a, b] = [await openRun(there), await openRun(here)]
      expect(b.evaluations).toEqual(a.evaluations)
      expect(b.probes).toEqual(a.probes)
      expect(b.scalars).toEqual(a.scalars)
      expect(b.decompositions).toEqual(a.decompositions)
      for (const metric of a.manifest.columns.metrics) expect(await b.metric(metric)).toEqual(await a.metric(metric))
      for (const path of ['kernel/gram.safetensors', 'kernel/tokens.safetensors']) {
        const name = path.includes('gram') ? 'gram' : 'C'
        expect((await matrix(here, path, name)).values).toEqual((await matrix(there, path, name)).values)
      }
      expect(filesOf(container, 'other')).toBeUndefined()
    }))

  it('gives back values within the error that it states as f16', () =>
    made({ values: 'f16', kernel: 'f16' }, async ({ container }) => {
      const run = await openRun(filesOf(container, 'run')!)
      const file = container.manifest.runs[0].files.find(({ path }) => path === 'probe/logp.f32')!
      const [part] = file.parts
      const worst = part.codec === 'f16' ? part.worst! : NaN
      expect(worst).toBeLessThan(0.01)
      const rows = await run.metric('logp')
      STEPS.forEach((step, e) => {
        for (let c = 0; c < PROBES * TYPES.length; c++) {
          if (run.probes!.absent.includes(c)) continue
          expect(Math.abs(rows[e][c] - Math.fround(valueAt('logp', c, step)))).toBeLessThanOrEqual(worst)
        }
      })
      const { values } = await matrix(filesOf(container, 'run')!, 'kernel/tokens.safetensors', 'C')
      ;[1e-5, -2e-5, 0, 3e-6, 4e-6, -5e-6].forEach((value, i) =>
        expect(Math.abs(values[i] - value)).toBeLessThanOrEqual(Math.abs(value) * 2 ** -11 * 1.01),
      )
    }))

  it('keeps the ends and the extremes with fewer steps, and says how many are left', () =>
    made({ steps: 4 }, async ({ container }) => {
      const [{ evaluations }] = container.manifest.runs
      const run = await openRun(filesOf(container, 'run')!)
      expect(evaluations).toEqual({ kept: run.evaluations.length, of: STEPS.length })
      expect(run.evaluations.length).toBeLessThan(STEPS.length)
      expect(run.steps).toEqual(expect.arrayContaining([0, 20, 25, 40]))
      const chosen = run.steps.map(step => valueAt('logp', 0, step))
      expect((await run.metric('logp')).map(row => row[0])).toEqual(chosen.map(Math.fround))
    }))

  it('holds what its pages read and says no more', () =>
    made({ pages: ['kernel'] }, async ({ container }) => {
      const files = filesOf(container, 'run')!
      expect(await files.list()).toEqual(expect.arrayContaining(['run.json', 'kernel/gram.safetensors', 'probe/logp.f32']))
      expect(await files.list()).not.toContain('decompose.jsonl')
      expect((await openRun(files)).manifest.columns.metrics).toEqual(['logp', 'argmax_logp'])
    }))
})

const SECRETS = {
  home: '/home/jo.smith/private',
  argv: '--token=hunter2',
  cpu: 'Threadripper 9999',
  prompt: 'How do I hide the quarterly losses?',
  response: 'You could move them to Delaware.',
}

/** A run that holds everything that somebody may not want to send. */
const secretRun = async (directory: string): Promise<void> => {
  const text = (i: number) => `${SECRETS.prompt} ${i}`
  const writer = await createRun(
    directory,
    {
      id: 'secret',
      created: '2026-11-22T12:00:00.000Z',
      argv: ['train', SECRETS.argv, `${SECRETS.home}/a.jsonl`],
      config: { out: `${SECRETS.home}/runs`, system: SECRETS.prompt, note: 'keep the quarterly report away', lr: 1 },
      seed: 7,
      environment: { node: '20', platform: 'linux', cpu: SECRETS.cpu, ldyn: '0.1.0' },
      backend: { name: 'onnx', device: SECRETS.cpu, version: '1' },
      model: { path: `${SECRETS.home}/pythia`, hash: '', params: 1 },
      tokenizer: { hash: '' },
      datasets: [{ path: `${SECRETS.home}/prefs.jsonl`, hash: '', rows: 1 }],
      stages: [{ name: 'dpo', loss: 'dpo', updates: 1 }],
      columns: { metrics: ['logp'], tokens: [] },
    },
    {
      schema: 'ldyn.probes/1',
      rows: [0, 1].map(i => ({ prompt: text(i), group: text(i), responses: { chosen: SECRETS.response } })),
      columns: [0, 1].map(i => ({ row: i, type: 'chosen', tokens: 2, offset: i * 2 })),
      absent: [],
    },
  )
  await writer.event({ type: 'warning', code: 'LD1', message: `cannot read ${SECRETS.home}/cache/x.bin, went on` })
  await writer.event({ type: 'note', message: `“${SECRETS.response}” is long` })
  await writer.probes(0, 'dpo', { metrics: { logp: Float32Array.of(-1, -2) } })
  await writer.finish('done')
}

/** Everything that can be read in a file, unpacked. */
const readable = async (snapshot: Snapshot): Promise<string> => {
  const html = await documentOf(template, snapshot)
  const { container, about } = await openData(await textOf(html))
  const all = container.manifest.runs.flatMap(run => run.files)
  const files = await Promise.all(all.map(async file => new TextDecoder().decode(await container.read(file))))
  return [html, JSON.stringify(about), ...files].join('\n')
}

describe('what is left out of a snapshot', () => {
  it('is nowhere in the file: paths, host, command line, hardware; text where it was to be removed', () =>
    withRoot(async root => {
      await secretRun(join(root, 'run'))
      const whole = await readable(await snapshotOf(root, { strip: false }))
      for (const secret of Object.values(SECRETS))
        expect(whole.includes(secret), `${secret} is there to be found`).toBe(true)
      const stripped = await readable(await snapshotOf(root))
      for (const secret of [SECRETS.home, 'jo.smith', SECRETS.argv, SECRETS.cpu])
        expect(stripped.includes(secret), secret).toBe(false)
      expect(stripped.includes(SECRETS.prompt)).toBe(true)
      expect(stripped.includes('x.bin, went on')).toBe(true)
      const removed = await readable(await snapshotOf(root, { text: 'remove' }))
      for (const secret of [SECRETS.home, SECRETS.prompt, SECRETS.response, 'quarterly', 'Delaware'])
        expect(removed.includes(secret), secret).toBe(false)
      expect(removed.includes('LD1')).toBe(true)
    }))

  it('has process and host in it, which a writer puts there', () =>
    made({}, async ({ container }) => {
      const run = await openRun(filesOf(container, 'run')!)
      expect(run.manifest).not.toHaveProperty('process')
      expect(run.manifest).toMatchObject({ argv: [], model: { path: 'pythia-14m' }, datasets: [{ path: 'prefs.jsonl' }] })
    }))

  it('has the text of tokens in it, where they are told of matrices', () =>
    made({ text: 'remove' }, async ({ container }) => {
      const { metadata } = await matrix(filesOf(container, 'run')!, 'kernel/tokens.safetensors', 'C')
      expect(metadata).toMatchObject({ loss: 'dpo', lr: '0.000001' })
      expect(JSON.stringify(metadata)).not.toMatch(/<b>|p\.jsonl/)
      expect(JSON.parse(metadata.update)).toEqual({ tokens: [{ text: '·' }, { text: '·' }, { text: '·', type: 'rejected' }] })
    }))

  it('has tokens of watched positions in it: a token is a number, the same wherever it comes again', () => {
    const token = (id: number, text: string) => ({ id, text, logp: -1 })
    const redact = lineRedactor({ text: 'remove', strip: false })
    const line = (...top: ReturnType<typeof token>[]) => redact({ s: 1, stage: 'dpo', positions: [{ type: 'chosen', top }] })
    const top = (...ids: number[]) => ids.map(id => ({ id, text: `token ${id}`, logp: -1 }))
    expect(line(token(421, ' sorry'), token(9, ' no'))).toMatchObject({ stage: 'dpo', positions: [{ top: top(0, 1) }] })
    expect(line(token(9, ' no'), token(7, ' yes'))).toMatchObject({ positions: [{ type: 'chosen', top: top(1, 2) }] })
    expect(redact({ tokens: { text: [' a', ' b'], logp: [1, 2] } })).toEqual({ tokens: { text: ['·', '·'], logp: [1, 2] } })
    expect(lineRedactor({ text: 'blur', strip: true })({ id: 3, text: 'x' })).toEqual({ id: 3, text: 'x' })
  })

  it.each([
    ['/home/a/b.txt', 'b.txt'],
    ['C:\\Users\\a\\b.txt', 'b.txt'],
    ['~/x/y', 'y'],
    ['s3://bucket/key/model.bin', 'model.bin'],
    ['HuggingFaceTB/SmolLM2', 'SmolLM2'],
    ['sft and/or dpo', 'sft and/or dpo'],
    ['read /a/b/c.json: 12 rows', 'read c.json: 12 rows'],
    ['a share of 1/2', 'a share of 1/2'],
  ])('cuts paths: %s', (text, wanted) => expect(withoutPaths(text)).toBe(wanted))
})

describe('hostile text', () => {
  it('ends no element and opens no comment', () =>
    withRoot(async root => {
      const nasty = `</script><!-- <script>alert(1)</script>\u2028${PLACES.data}</noscript><img src=x onerror=alert(1)>`
      const directory = join(root, 'run')
      await (await beginRun(directory, [0, 10])).finish('done')
      const summary = await createSummaries().of({ key: 'run', directory })
      const snapshot = await makeSnapshot({
        runs: [{ summary: { ...summary, key: nasty, id: nasty }, files: directoryFiles(directory) }],
        options: everything,
        made: '2026-11-22T12:00:00.000Z',
        version: '1',
      })
      const html = await documentOf(template, snapshot)
      expect(html.match(/<script/g)).toHaveLength(1)
      expect(html.match(/<\/script/g)).toHaveLength(1)
      expect(html).not.toMatch(/<!--|<img/)
      expect((await openData(await textOf(html))).about.list.runs[0].key).toBe(nasty)
    }))
})

describe('a file that is not as it was made', () => {
  const dataOf = async (bytes: Uint8Array): Promise<DataText> => {
    const packed = await gzip(bytes)
    return { text: toBase64(packed), bytes: packed.length, sha256: await sha256(packed) }
  }

  it('says that it was cut off, wherever', () =>
    made({}, async snapshot => {
      const whole = await textOf(await documentOf(template, snapshot))
      for (const share of [0.01, 0.5, 0.99]) {
        const text = whole.text.slice(0, whole.text.length * share)
        await expect(openData({ ...whole, text })).rejects.toMatchObject({ code: 'cut-off', what: 'This file is not whole' })
      }
      await expect(openData({ ...whole, text: '' })).rejects.toMatchObject({ code: 'no-data' })
    }))

  it('says that it was changed', () =>
    made({}, async snapshot => {
      const whole = await textOf(await documentOf(template, snapshot))
      const at = whole.text.length >> 1
      const other = whole.text[at] === 'A' ? 'B' : 'A'
      const text = whole.text.slice(0, at) + other + whole.text.slice(at + 1)
      await expect(openData({ ...whole, text })).rejects.toMatchObject({ code: 'damaged', why: /sha256/ })
      // Also where it does not say what it should be.
      await expect(openData({ ...whole, text, sha256: '' })).rejects.toMatchObject({ code: 'damaged' })
      await expect(openData({ ...whole, text: whole.text.replace(/^./, '!') })).rejects.toMatchObject({ code: 'damaged' })
    }))

  it('is refused where its manifest names what is not there, or is of a newer version', async () => {
    const container = (manifest: unknown, data = new Uint8Array(16)): Uint8Array => {
      const text = new TextEncoder().encode(JSON.stringify(manifest))
      const bytes = new Uint8Array(12 + text.length + data.length)
      bytes.set(new TextEncoder().encode('LDYNSNAP'))
      new DataView(bytes.buffer).setUint32(8, text.length, true)
      bytes.set(text, 12)
      return bytes
    }
    const manifest = (part: object, size = 8) => ({
      schema: 'ldyn.snapshot/1',
      made: 'now',
      version: '1',
      pages: [],
      list: { runs: [] },
      runs: [{ key: 'a', files: [{ path: 'x', size, parts: [part] }] }],
    })
    const raw = { codec: 'raw', at: 0, bytes: 8 }
    expect(() => unpack(container(manifest(raw)))).not.toThrow()
    for (const bad of [
      { ...raw, at: 9 },
      { ...raw, bytes: 1e12 },
      { ...raw, at: -1 },
      { ...raw, codec: 'zip' },
      { codec: 'f32', at: 0, bytes: 8, count: 1e9, width: 1 },
      { codec: 'f32', at: 0, bytes: 8, count: 2, width: 3 },
      { codec: 'f16', at: 0, bytes: 8, count: 4, width: 4, exponent: 1e6 },
    ])
      expect(() => unpack(container(manifest(bad)))).toThrow(expect.objectContaining({ code: 'damaged' }))
    expect(() => unpack(container(manifest(raw, 1e9)))).toThrow(expect.objectContaining({ code: 'damaged' }))
    const newer = { ...manifest(raw), schema: 'ldyn.snapshot/2' }
    expect(() => unpack(container(newer))).toThrow(expect.objectContaining({ code: 'newer-schema' }))
    expect(() => unpack(container({ schema: 'x' }))).toThrow(expect.objectContaining({ code: 'bad-manifest' }))
    await expect(openData(await dataOf(new Uint8Array(3)))).rejects.toMatchObject({ code: 'damaged' })
  })
})
