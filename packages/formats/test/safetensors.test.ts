import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { FormatError, memorySource, openSafetensors, writeSafetensors } from '../src/index.ts'
import type { TensorToWrite } from '../src/index.ts'
import { openSafetensorsFile, openSharded, writeSafetensorsFile } from '../src/node/index.ts'
import { collectingSink, safetensorsOf, watched } from './build.ts'

const goldenPath = new URL('golden/safetensors.safetensors', import.meta.url)
const golden = async () => new Uint8Array(await readFile(goldenPath))

const codeOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work
  } catch (error) {
    if (error instanceof FormatError) return error.code
    throw error
  }
  return 'no error'
}

const withDirectory = async (work: (path: string) => Promise<void>) => {
  const path = await mkdtemp(join(tmpdir(), 'ldyn-formats-'))
  try {
    await work(path)
  } finally {
    await rm(path, { recursive: true })
  }
}

describe('reading safetensors', () => {
  it('reads a span of a tensor, whatever its dtype, and nothing beside it', async () => {
    const source = memorySource(await golden())
    let bytes = 0
    const file = await openSafetensors({
      ...source,
      read: (offset, length) => {
        bytes += length
        return source.read(offset, length)
      },
    })
    for (const [name, width] of [['double', 8], ['int', 4], ['weights.bf16', 2], ['byte', 1]] as const) {
      const all = await file.readF32(name)
      bytes = 0
      expect(await file.readF32(name, { from: 1, count: 1 })).toEqual(all.slice(1, 2))
      expect(bytes).toBe(width)
      expect(await file.readF32(name, { from: all.length, count: 0 })).toHaveLength(0)
      for (const span of [{ from: all.length, count: 1 }, { from: -1, count: 1 }, { from: 0, count: NaN }])
        await expect(file.readF32(name, span)).rejects.toThrow(RangeError)
    }
  })

  it('reads every dtype that the reference implementation wrote', async () => {
    const file = await openSafetensors(memorySource(await golden()))
    expect(file.metadata).toEqual({ format: 'pt', note: 'é' })
    expect(file.tensors.get('weights.bf16')?.shape).toEqual([4, 3])
    expect(Array.from(await file.readF32('double'), x => Math.fround(x))).toHaveLength(3)
    expect(Array.from(await file.readF32('long'))).toEqual([-5, 0, 2 ** 40])
    expect(Array.from(await file.readF32('int'))).toEqual([1, -2, 3, 4])
    expect(Array.from(await file.readF32('short'))).toEqual([7, -8])
    expect(Array.from(await file.readF32('char'))).toEqual([-128, 127])
    expect(Array.from(await file.readF32('byte'))).toEqual([0, 255])
    expect(Array.from(await file.readF32('bool'))).toEqual([1, 0, 1])
    expect(await file.readF32('empty')).toHaveLength(0)
    expect(Array.from(await file.readF32('scalar'))).toEqual([2.5])
  })

  it('reads only the header when it opens a file', async () => {
    const source = watched(safetensorsOf('{"a":{"dtype":"U8","shape":[100000],"data_offsets":[0,100000]}}', 100000))
    await openSafetensors(source)
    expect(source.largest()).toBeLessThan(1000)
  })

  it('offers names that exist where a tensor does not', async () => {
    const file = await openSafetensors(memorySource(await golden(), 'm.safetensors'))
    await expect(file.readF32('other.weights')).rejects.toThrow(/"other.weights".*12 tensors.*"long"/)
  })
})

describe('writing safetensors', () => {
  it('writes the reference implementation\'s bytes, whatever order the tensors come in', async () => {
    const bytes = await golden()
    const file = await openSafetensors(memorySource(bytes))
    const own = async (name: string, dtype: string) => {
      const raw = (await file.readRaw(name)).slice()
      if (dtype === 'F32' || dtype === 'F16' || dtype === 'BF16') return file.readF32(name)
      if (dtype === 'F64') return new Float64Array(raw.buffer)
      if (dtype === 'I64') return new BigInt64Array(raw.buffer)
      if (dtype === 'I32') return new Int32Array(raw.buffer)
      if (dtype === 'I16') return new Int16Array(raw.buffer)
      return dtype === 'I8' ? new Int8Array(raw.buffer) : raw
    }
    const tensors: TensorToWrite[] = [...file.tensors].reverse().map(([name, { dtype, shape }]) =>
      ({ name, dtype, shape, data: () => own(name, dtype) }))
    const sink = collectingSink()
    expect(await writeSafetensors(sink, tensors, { metadata: { note: 'é', format: 'pt' } })).toBe(bytes.length)
    expect(sink.bytes()).toEqual(bytes)
  })

  it('refuses a value that the narrower type would turn into an infinity, and names it', async () => {
    const tensor = { name: 'w', shape: [2], dtype: 'F16', data: Float32Array.of(1, 70000) } as const
    await expect(writeSafetensors(collectingSink(), [tensor])).rejects.toThrow(/"w".*element 1, 70000.*BF16/)
  })

  it('refuses two tensors of one name, a wrong length and a wrong array type', async () => {
    const write = (...tensors: TensorToWrite[]) => codeOf(writeSafetensors(collectingSink(), tensors))
    const a: TensorToWrite = { name: 'a', shape: [2], dtype: 'F32', data: Float32Array.of(1, 2) }
    expect(await write(a, a)).toBe('duplicate-name')
    expect(await write({ ...a, shape: [3] })).toBe('size-mismatch')
    expect(await write({ ...a, dtype: 'I32' })).toBe('size-mismatch')
    expect(await write({ ...a, shape: [-2] })).toBe('bad-shape')
  })

  it('leaves the old file and no temporary one where writing fails half-way', () => withDirectory(async dir => {
    const path = join(dir, 'model.safetensors')
    const good: TensorToWrite = { name: 'a', shape: [1], dtype: 'F32', data: Float32Array.of(1) }
    await writeSafetensorsFile(path, [good])
    const before = await readFile(path)
    const bad: TensorToWrite = { name: 'b', shape: [1], dtype: 'F32', data: () => { throw new Error('lost the device') } }
    await expect(writeSafetensorsFile(path, [good, bad])).rejects.toThrow('lost the device')
    expect(await readFile(path)).toEqual(before)
    expect(await readdir(dir)).toEqual(['model.safetensors'])
  }))

  it('says so where the directory is not there', async () => {
    expect(await codeOf(writeSafetensorsFile('/nowhere/at/all.safetensors', []))).toBe('write-failed')
  })
})

const entry = (dtype: string, shape: unknown, offsets: unknown) =>
  JSON.stringify({ dtype, shape, data_offsets: offsets })

describe('what is not a sound safetensors file', () => {
  const text = (s: string) => memorySource(new TextEncoder().encode(s), 'model.safetensors')
  const cases: [string, string, ReturnType<typeof text>][] = [
    ['an empty file', 'empty-file', memorySource(new Uint8Array(0))],
    ['a git-LFS pointer', 'lfs-pointer', text('version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 9\n')],
    ['an HTML page', 'html-page', text('\n<!DOCTYPE html><html><body>Sign in</body></html>')],
    ['a PyTorch zip', 'wrong-format', text('PK\x03\x04 data.pkl and so on')],
    ['a GGUF', 'wrong-format', text('GGUF\x03\0\0\0')],
    ['seven bytes', 'truncated', memorySource(new Uint8Array(7))],
    ['a header of 2^60 bytes', 'header-too-large', safetensorsOf('{}', 0, 2n ** 60n)],
    ['a header beyond the end', 'truncated', safetensorsOf('{}', 0, 50n)],
    ['a header that is not JSON', 'header-not-json', safetensorsOf('{"a":')],
    ['a header that is not UTF-8', 'header-not-utf8', safetensorsOf(Uint8Array.of(0x7b, 0xff, 0xfe, 0x7d))],
    ['a header that is a list', 'bad-header', safetensorsOf('[1]')],
    ['metadata that are not strings', 'bad-header', safetensorsOf('{"__metadata__":{"a":1}}')],
    ['an entry that is a number', 'bad-header', safetensorsOf('{"a":1}')],
    ['a name twice', 'duplicate-name', safetensorsOf(
      `{"a":${entry('U8', [1], [0, 1])},"\\u0061" : ${entry('U8', [1], [0, 1])}}`, 1)],
    ['an unknown dtype', 'unknown-dtype', safetensorsOf(`{"a":${entry('F7', [1], [0, 4])}}`, 4)],
    ['a dtype that is not supported', 'unknown-dtype', safetensorsOf(`{"a":${entry('F8_E4M3', [1], [0, 1])}}`, 1)],
    ['a negative size', 'bad-shape', safetensorsOf(`{"a":${entry('F32', [-1], [0, 4])}}`, 4)],
    ['a fractional size', 'bad-shape', safetensorsOf(`{"a":${entry('F32', [1.5], [0, 4])}}`, 4)],
    ['sizes whose product overflows', 'bad-shape', safetensorsOf(`{"a":${entry('F32', [2 ** 40, 2 ** 40], [0, 4])}}`, 4)],
    ['offsets beyond the end', 'truncated', safetensorsOf(`{"a":${entry('F32', [2], [0, 8])}}`, 4)],
    ['offsets the wrong way round', 'out-of-bounds', safetensorsOf(`{"a":${entry('F32', [1], [4, 0])}}`, 4)],
    ['three offsets', 'bad-header', safetensorsOf(`{"a":${entry('F32', [1], [0, 4, 8])}}`, 8)],
    ['offsets that do not fit shape and dtype', 'size-mismatch', safetensorsOf(`{"a":${entry('F32', [2], [0, 4])}}`, 4)],
    ['overlapping tensors', 'overlap', safetensorsOf(
      `{"a":${entry('U8', [2], [0, 2])},"b":${entry('U8', [2], [1, 3])}}`, 3)],
    ['a hole', 'hole', safetensorsOf(`{"a":${entry('U8', [1], [0, 1])},"b":${entry('U8', [1], [2, 3])}}`, 3)],
    ['bytes after the last tensor', 'hole', safetensorsOf(`{"a":${entry('U8', [1], [0, 1])}}`, 3)],
    ['arrays nested ten thousand deep', 'bad-shape', safetensorsOf(
      `{"a":{"dtype":"U8","shape":${'['.repeat(10000)}${']'.repeat(10000)},"data_offsets":[0,0]}}`)],
  ]
  it.each(cases)('%s is refused as %s', async (_, code, source) => {
    expect(await codeOf(openSafetensors(source))).toBe(code)
  })

  it('the message says what, where, why and what to do', async () => {
    await expect(openSafetensors(safetensorsOf('{}', 0, 2n ** 60n))).rejects.toThrow(
      'Cannot read the safetensors header (model.safetensors): it claims a header of 1152921504606846976 bytes, more '
      + 'than the 100000000 that the format allows. The file is damaged or was not finished: copy or download it again.')
  })
})

describe('a model directory', () => {
  const shard = (names: readonly string[]) => names.map((name, i): TensorToWrite =>
    ({ name, shape: [2], dtype: 'BF16', data: Float32Array.of(i, i + 0.5) }))
  const index = (map: Record<string, string>) => JSON.stringify({ metadata: { total_size: 12 }, weight_map: map })

  it('reads shards as one file', () => withDirectory(async dir => {
    await writeSafetensorsFile(join(dir, 'model-1.safetensors'), shard(['a', 'b']))
    await writeSafetensorsFile(join(dir, 'model-2.safetensors'), shard(['c']), { metadata: { format: 'pt' } })
    await writeFile(join(dir, 'model.safetensors.index.json'),
      index({ a: 'model-1.safetensors', b: 'model-1.safetensors', c: 'model-2.safetensors' }))
    await using model = await openSharded(dir)
    expect([...model.tensors.keys()]).toEqual(['a', 'b', 'c'])
    expect(Array.from(await model.readF32('b'))).toEqual([1, 1.5])
    expect(Array.from(await model.readF32('c'))).toEqual([0, 0.5])
    expect(model.metadata).toEqual({ format: 'pt' })
  }))

  it('reads a single file', () => withDirectory(async dir => {
    await writeSafetensorsFile(join(dir, 'model.safetensors'), shard(['a']))
    await using model = await openSharded(dir)
    expect(Array.from(await model.readF32('a'))).toEqual([0, 0.5])
    await using file = await openSafetensorsFile(join(dir, 'model.safetensors'))
    expect(file.tensors.size).toBe(1)
  }))

  it('names the shard that is missing and how much of the model it holds', () => withDirectory(async dir => {
    await writeSafetensorsFile(join(dir, 'model-1.safetensors'), shard(['a']))
    await writeFile(join(dir, 'model.safetensors.index.json'),
      index({ a: 'model-1.safetensors', b: 'model-2.safetensors' }))
    await expect(openSharded(dir)).rejects.toThrow(/shard model-2.safetensors.*2 shards.*1 of 2 tensors/)
  }))

  it('names a tensor that its shard does not have', () => withDirectory(async dir => {
    await writeSafetensorsFile(join(dir, 'model-1.safetensors'), shard(['a']))
    await writeFile(join(dir, 'model.safetensors.index.json'), index({ b: 'model-1.safetensors' }))
    await expect(openSharded(dir)).rejects.toThrow(/"b".*model-1.safetensors/)
  }))

  it('refuses an index that points out of its directory, or is no index', () => withDirectory(async dir => {
    await writeFile(join(dir, 'model.safetensors.index.json'), index({ a: '../../etc/passwd' }))
    expect(await codeOf(openSharded(dir))).toBe('bad-index')
    await writeFile(join(dir, 'model.safetensors.index.json'), '{"weight_map":')
    expect(await codeOf(openSharded(dir))).toBe('bad-index')
    await writeFile(join(dir, 'model.safetensors.index.json'), '{}')
    expect(await codeOf(openSharded(dir))).toBe('bad-index')
  }))

  it('says what it looked for where there are no weights', () => withDirectory(async dir => {
    await expect(openSharded(dir)).rejects.toThrow(/neither model.safetensors nor model.safetensors.index.json/)
  }))
})
