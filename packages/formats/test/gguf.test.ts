import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { FormatError, memorySource, openGguf } from '../src/index.ts'
import { openGgufFile } from '../src/node/index.ts'
import { watched } from './build.ts'

const golden = async (name: string) => new Uint8Array(await readFile(new URL(`golden/${name}`, import.meta.url)))

describe('GGUF against gguf-py', () => {
  it('dequantises random blocks of all eleven types to the same bits', async () => {
    const file = await openGguf(memorySource(await golden('quants.gguf')))
    const expected = new Float32Array((await golden('quants.f32')).slice().buffer)
    const names = [...file.tensors.keys()].sort()
    expect(names).toHaveLength(11)
    let at = 0
    for (const name of names) {
      expect(file.tensors.get(name)?.shape).toEqual([2, 512])
      const values = await file.readF32(name)
      const bits = (array: Float32Array) => Array.from(new Uint32Array(array.slice().buffer))
      expect(bits(values), name).toEqual(bits(expected.subarray(at, at + values.length)))
      at += values.length
    }
    expect(at).toBe(expected.length)
  })

  it('reads metadata of every type, nested arrays too', async () => {
    const { metadata, version } = await openGguf(memorySource(await golden('quants.gguf')))
    expect(version).toBe(3)
    const ours = [...metadata].filter(([key]) => key.startsWith('ldyn.'))
    expect(Object.fromEntries(ours)).toEqual({
      'ldyn.note': 'random blocks, é', 'ldyn.strings': ['a', 'b', 'ç'], 'ldyn.floats': [0.5, 1.25, -3],
      'ldyn.nested': [[1, 2, 3], [4]], 'ldyn.flag': true, 'ldyn.u8': 200, 'ldyn.i8': -100, 'ldyn.u16': 60000,
      'ldyn.i16': -30000, 'ldyn.u32': 4000000000, 'ldyn.i32': -2000000000, 'ldyn.u64': 2 ** 40,
      'ldyn.i64': -(2 ** 40), 'ldyn.f32': Math.fround(0.1), 'ldyn.f64': 0.1,
    })
  })
})

const shared = process.env.LDYN_SHARED ?? new URL('../../../../shared', import.meta.url).pathname
const model = join(shared, 'models/smollm2-135m-instruct/SmolLM2-135M-Instruct.Q4_1.gguf')
const reason = existsSync(model) ? '' : ` (skipped: ${model} is not there)`

describe.skipIf(reason)(`the pretrained SmolLM2-135M${reason}`, () => {
  it('reads all weights, one tensor at a time', async () => {
    await using file = await openGgufFile(model)
    expect(file.metadata.get('general.architecture')).toBe('llama')
    expect(file.tensors.get('token_embd.weight')).toMatchObject({ dtype: 'Q8_0', shape: [49152, 576] })
    let count = 0
    let finite = true
    for (const name of file.tensors.keys()) {
      const values = await file.readF32(name)
      count += values.length
      finite &&= Number.isFinite(values.reduce((sum, x) => sum + x, 0))
    }
    expect(count).toBe(134_515_008)
    expect(finite).toBe(true)
  })
})

// A GGUF by hand: what each test damages is visible in it.
const u32 = (n: number) => [n & 255, (n >> 8) & 255, (n >> 16) & 255, (n >>> 24) & 255]
const u64 = (n: bigint) => Array.from({ length: 8 }, (_, i) => Number((n >> BigInt(8 * i)) & 255n))
const text = (s: string) => [...u64(BigInt(s.length)), ...new TextEncoder().encode(s)]
const tensor = (name: string, dims: bigint[], type: number, offset: bigint) =>
  [...text(name), ...u32(dims.length), ...dims.flatMap(u64), ...u32(type), ...u64(offset)]
const gguf = (kv: number[][], tensors: number[][], data: number, version = 3) => {
  const head = [...text('').slice(8), 0x47, 0x47, 0x55, 0x46, ...u32(version), ...u64(BigInt(tensors.length)),
    ...u64(BigInt(kv.length)), ...kv.flat(), ...tensors.flat()]
  const padded = Math.ceil(head.length / 32) * 32
  return memorySource(Uint8Array.from([...head, ...Array<number>(padded - head.length + data).fill(0)]), 'm.gguf')
}
const patch = (source: ReturnType<typeof gguf>, at: number, bytes: number[]) => ({
  ...source,
  read: async (offset: number, length: number) => {
    const all = (await source.read(0, source.size)).slice()
    all.set(bytes, at)
    return all.subarray(offset, offset + length)
  },
})
const f32 = tensor('a', [4n], 0, 0n)

const refused = async (source: ReturnType<typeof gguf>) => {
  try {
    await openGguf(source)
  } catch (error) {
    if (error instanceof FormatError) return error.code
    throw error
  }
  return 'no error'
}

describe('what is not a sound GGUF', () => {
  it('the hand-made one is sound, in versions 2 and 3', async () => {
    expect(await refused(gguf([], [f32], 16))).toBe('no error')
    expect(await refused(gguf([], [f32], 16, 2))).toBe('no error')
  })

  const string = new TextEncoder()
  const cases: [string, string, ReturnType<typeof gguf>][] = [
    ['an empty file', 'empty-file', memorySource(new Uint8Array(0))],
    ['a git-LFS pointer', 'lfs-pointer', memorySource(string.encode('version https://git-lfs.github.com/spec/v1\n'))],
    ['an HTML page', 'html-page', memorySource(string.encode('<html>404</html>'))],
    ['another magic number', 'bad-magic', memorySource(string.encode('GGML and something else'))],
    ['three bytes', 'truncated', memorySource(string.encode('GGU'))],
    ['version 1', 'unsupported-version', gguf([], [f32], 16, 1)],
    ['a big-endian file', 'unsupported-version', gguf([], [f32], 16, 0x03000000)],
    ['2^60 tensors', 'header-too-large', patch(gguf([], [f32], 16), 8, u64(2n ** 60n))],
    ['2^60 metadata entries', 'header-too-large', patch(gguf([], [f32], 16), 16, u64(2n ** 60n))],
    ['a string of 2^60 bytes', 'header-too-large', patch(gguf([], [f32], 16), 24, u64(2n ** 60n))],
    ['an array of 2^60 numbers', 'header-too-large', gguf([[...text('k'), ...u32(9), ...u32(0), ...u64(2n ** 60n)]], [], 0)],
    ['arrays nested 20 deep', 'bad-header', gguf([[...text('k'), ...u32(9),
      ...Array.from({ length: 20 }, () => [...u32(9), ...u64(1n)]).flat(), ...u32(0), ...u64(0n)]], [], 99)],
    ['an unknown value type', 'bad-header', gguf([[...text('k'), ...u32(77)]], [], 0)],
    ['a key twice', 'duplicate-name', gguf([[...text('k'), ...u32(0), 1], [...text('k'), ...u32(0), 1]], [], 0)],
    ['a tensor twice', 'duplicate-name', gguf([], [f32, f32], 16)],
    ['a name that is not UTF-8', 'not-utf8', patch(gguf([], [f32], 16), 32, [0xff])],
    ['five dimensions', 'bad-shape', gguf([], [tensor('a', [1n, 1n, 1n, 1n, 1n], 0, 0n)], 16)],
    ['a dimension of 2^60', 'bad-shape', gguf([], [tensor('a', [2n ** 60n], 0, 0n)], 16)],
    ['a product of 2^64', 'truncated', gguf([], [tensor('a', [2n ** 32n, 2n ** 32n], 0, 0n)], 16)],
    ['half a block', 'bad-shape', gguf([], [tensor('a', [16n], 8, 0n)], 34)],
    ['a quantisation that is not supported', 'unknown-dtype', gguf([], [tensor('a', [256n], 10, 0n)], 84)],
    ['a type that nobody knows', 'unknown-dtype', gguf([], [tensor('a', [256n], 99, 0n)], 84)],
    ['data beyond the end', 'truncated', gguf([], [f32], 12)],
    ['unaligned data', 'unaligned', gguf([], [tensor('a', [4n], 0, 8n)], 64)],
    ['overlapping tensors', 'overlap', gguf([], [tensor('a', [16n], 0, 0n), tensor('b', [4n], 0, 32n)], 64)],
    ['an alignment of 3', 'bad-header', gguf([[...text('general.alignment'), ...u32(4), ...u32(3)]], [], 0)],
  ]
  it.each(cases)('%s is refused as %s', async (_, code, source) => {
    expect(await refused(source)).toBe(code)
  })

  it('an unsupported quantisation is called by its name', async () => {
    const source = gguf([], [tensor('blk.0.w', [256n], 10, 0n)], 84)
    await expect(openGguf(source)).rejects.toThrow(/"blk.0.w" has the quantisation Q2_K, which is not supported/)
  })

  it('opening reads the header, not the weights', async () => {
    const source = watched(gguf([], [tensor('a', [4_000_000n], 0, 0n)], 16_000_000))
    await openGguf(source)
    expect(source.largest()).toBeLessThanOrEqual(1 << 20)
  })
})
