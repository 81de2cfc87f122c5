import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { memorySource, readNpy, writeNpy } from '../src/index.ts'
import { openFile } from '../src/node/index.ts'
import { collectingSink } from './build.ts'

const npy = (dict: string, data: readonly number[], version = 1) => {
  const text = new TextEncoder().encode(dict)
  const length = version === 1 ? [text.length & 255, text.length >> 8] : [text.length & 255, text.length >> 8, 0, 0]
  return memorySource(Uint8Array.from([0x93, ...new TextEncoder().encode('NUMPY'), version, 0, ...length, ...text,
    ...data]), 'a.npy')
}
const dict = (descr: string, order: string, shape: string) =>
  `{'descr': ${descr}, 'fortran_order': ${order}, 'shape': ${shape}, }\n`
const four = [...new Uint8Array(Float32Array.of(1.5).buffer)]

describe('npy', () => {
  it.each([
    [[2, 3], Float32Array.of(1, 2, 3, 4, 5, 6.5)], [[2], Float64Array.of(0.1, -0.2)], [[], Int32Array.of(-7)],
    [[1, 2], BigInt64Array.of(-1n, 2n ** 40n)], [[0, 4], new Float32Array(0)],
  ])('reads what it wrote, shape %j', async (shape, data) => {
    const sink = collectingSink()
    await writeNpy(sink, shape, data)
    const bytes = sink.bytes()
    expect((bytes.length - data.byteLength) % 64).toBe(0)
    expect(await readNpy(memorySource(bytes))).toMatchObject({ shape, data })
  })

  it('writes the bytes that numpy.save writes', async () => {
    const sink = collectingSink()
    await writeNpy(sink, [1], Float32Array.of(1.5))
    const head = "\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }".padEnd(127) + '\n'
    expect(Array.from(sink.bytes())).toEqual([...Array.from(head, c => c.charCodeAt(0)), ...four])
  })

  it('reads version 2', async () => {
    expect((await readNpy(npy(dict("'<f4'", 'False', '(1,)'), four, 2))).data).toEqual(Float32Array.of(1.5))
  })

  it.each([
    ['an empty file', 'empty-file', memorySource(new Uint8Array(0))],
    ['another format', 'bad-magic', memorySource(new TextEncoder().encode('PK and so on and on'))],
    ['a cut header', 'truncated', memorySource(Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1))],
    ['an object array', 'unsupported-layout', npy(dict("'|O'", 'False', '(1,)'), four)],
    ['Fortran order', 'unsupported-layout', npy(dict("'<f4'", 'True', '(1,)'), four)],
    ['float16', 'unknown-dtype', npy(dict("'<f2'", 'False', '(2,)'), four)],
    ['big-endian', 'unknown-dtype', npy(dict("'>f4'", 'False', '(1,)'), four)],
    ['a record type', 'unknown-dtype', npy(dict("[('a', '<f4')]", 'False', '(1,)'), four)],
    ['too few data', 'truncated', npy(dict("'<f4'", 'False', '(2,)'), four)],
    ['too many data', 'size-mismatch', npy(dict("'<f4'", 'False', '()'), [...four, 0])],
    ['2^80 elements', 'truncated', npy(dict("'<f4'", 'False', '(1099511627776, 1099511627776)'), four)],
    ['no dict', 'bad-header', npy('hello\n', four)],
    ['version 9', 'unsupported-version', npy(dict("'<f4'", 'False', '(1,)'), four, 9)],
  ])('%s is refused as %s', async (_, code, source) => {
    await expect(readNpy(source)).rejects.toMatchObject({ name: 'FormatError', code })
  })
})

const shared = process.env.LDYN_SHARED ?? new URL('../../../../shared', import.meta.url).pathname
const runs = join(shared, 'data/recorded-runs')
const reason = existsSync(runs) ? '' : ` (skipped: ${runs} is not there)`

describe.skipIf(reason)(`the recorded runs' arrays${reason}`, () => {
  it('are read: evaluations × keys × 500 probes', async () => {
    const paths = readdirSync(runs, { recursive: true, encoding: 'utf8' }).filter(path => path.endsWith('.npy'))
    expect(paths.length).toBeGreaterThan(0)
    for (const path of paths) {
      await using file = await openFile(join(runs, path))
      const { shape, data } = await readNpy(file)
      expect(shape).toHaveLength(3)
      expect(shape[2]).toBe(500)
      expect(data.length).toBe(shape[0] * shape[1] * 500)
    }
  })
})
