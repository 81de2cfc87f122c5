// Whatever is done to a sound file, a parser gives valid data or a FormatError, in time, and asks for no
// more bytes than the file has.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import {
  FormatError, memorySource, openGguf, openSafetensors, readJsonl, readNpy, readTfEvents,
} from '../src/index.ts'
import type { ByteSource, TensorFile } from '../src/index.ts'
import { random, watched } from './build.ts'
import { record, simple, tensor, version } from './build-events.ts'

const golden = (name: string) => new Uint8Array(readFileSync(new URL(`golden/${name}`, import.meta.url)))

const readAll = async (file: TensorFile) => {
  let values = 0
  for (const [name, { shape }] of file.tensors) {
    const data = await file.readF32(name)
    expect(data.length).toBe(shape.reduce((a, b) => a * b, 1))
    values += data.length
  }
  return values
}

const npy = (() => {
  const head = "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }".padEnd(117) + '\n'
  return Uint8Array.from([0x93, ...new TextEncoder().encode(`NUMPY\x01\x00v\x00${head}`), ...new Uint8Array(12)])
})()
const events = Uint8Array.from([version, simple('loss', 3, 0.5), tensor('acc', 4, 0.25)].flatMap(record))
const jsonl = new TextEncoder().encode('{"prompt":"é","chosen":"b"}\n{"prompt":"c","chosen":"d"}\n')

/** Gives the number of values that it read. */
type Parse = (source: ByteSource) => Promise<number>

const parsers: readonly [string, Uint8Array, number, Parse][] = [
  ['safetensors', golden('safetensors.safetensors'), 4000, async source => readAll(await openSafetensors(source))],
  ['GGUF', golden('quants.gguf'), 1500, async source => readAll(await openGguf(source))],
  ['npy', npy, 2000, async source => (await readNpy(source)).data.length],
  ['tfevents', events, 2000, async source => (await readTfEvents(source)).scalars.length],
  ['jsonl', jsonl, 2000, async source => {
    let lines = 0
    for await (const _ of readJsonl(source)) lines++
    return lines
  }],
]

const outcome = async (bytes: Uint8Array, parse: Parse) => {
  const source = watched(memorySource(bytes))
  try {
    const values = await parse(source)
    // Four bits a value is the least that any format here stores; nothing may come from nowhere.
    expect(values).toBeLessThanOrEqual(bytes.length * 2)
    return 'data'
  } catch (error) {
    if (!(error instanceof FormatError)) throw error
    return error.code
  } finally {
    expect(source.largest()).toBeLessThanOrEqual(bytes.length)
  }
}

describe.each(parsers)('hostile %s', (_, sound, rounds, parse) => {
  // The header is where lengths are: most damage goes there.
  const place = (next: () => number) => next() % (next() % 4 === 0 ? sound.length : Math.min(sound.length, 1200))

  it('the sound file is read', async () => {
    expect(await outcome(sound, parse)).toBe('data')
  })

  it('cut anywhere', async () => {
    const next = random(1)
    const all = sound.length < 1000
    for (let round = 0; round < (all ? sound.length : 400); round++) {
      const end = all ? round : place(next)
      await outcome(sound.subarray(0, end), parse)
    }
  })

  it('with bits flipped', async () => {
    const next = random(2)
    const seen = new Set<string>()
    for (let round = 0; round < rounds; round++) {
      const bytes = sound.slice()
      for (let flips = 1 + next() % 3; flips > 0; flips--) bytes[place(next)] ^= 1 << (next() % 8)
      seen.add(await outcome(bytes, parse))
    }
    // Flips that no check caught would make this test say nothing.
    expect([...seen].filter(found => found !== 'data').length).toBeGreaterThan(0)
  })

  it('with eight bytes replaced by a huge or odd number', async () => {
    const next = random(3)
    const odd = [2n ** 60n, 2n ** 64n - 1n, 2n ** 63n, 2n ** 53n, 2n ** 32n - 1n, 0n, BigInt(sound.length)]
    for (let round = 0; round < rounds / 2; round++) {
      const bytes = sound.slice()
      const at = Math.min(place(next), sound.length - 8)
      new DataView(bytes.buffer).setBigUint64(at, odd[next() % odd.length], true)
      await outcome(bytes, parse)
    }
  })

  it('with pieces of itself in other places', async () => {
    const next = random(4)
    for (let round = 0; round < rounds / 4; round++) {
      const bytes = sound.slice()
      const length = 1 + next() % 64
      bytes.copyWithin(place(next), place(next), sound.length - length)
      await outcome(bytes, parse)
    }
  })
})
