import { describe, expect, it } from 'vitest'
import { memorySource, readAppended, readJsonl, readLines } from '../src/index.ts'

const source = (text: string | number[]) => memorySource(
  typeof text === 'string' ? new TextEncoder().encode(text) : Uint8Array.from(text), 'data.jsonl')
const collect = async <T>(items: AsyncIterable<T>): Promise<T[]> => {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}
const rows = (text: string | number[]) => collect(readJsonl(source(text)))

describe('lines of users\' data', () => {
  it('come with their number, counted from 1, and byte offset; blank ones are passed over', async () => {
    expect(await rows('{"a":"é"}\n\n{"a":2}\r\n[3]')).toEqual([
      { number: 1, offset: 0, end: 11, value: { a: 'é' } },
      { number: 3, offset: 12, end: 21, value: { a: 2 } },
      { number: 4, offset: 21, end: 24, value: [3] },
    ])
  })

  it('may begin with a byte order mark', async () => {
    expect((await rows('\ufeff{"a":1}\n'))[0].value).toEqual({ a: 1 })
  })

  it('that are half written are an error with the line\'s number', async () => {
    await expect(rows('{"a":1}\n{"a":')).rejects.toThrow(/data.jsonl, line 2, byte 8.*ends in the middle/)
    const cut = [...new TextEncoder().encode('{"a":1}\n{"a":"é')].slice(0, -1)
    await expect(rows(cut)).rejects.toMatchObject({ code: 'not-utf8' })
  })

  it('that are not JSON, not UTF-8 or UTF-16 are errors that say so', async () => {
    await expect(rows('{"a":1}\nprompt,chosen\n')).rejects.toThrow(/line 2.*not JSON.*prompt,chosen/)
    await expect(rows([0x7b, 0xff, 0x7d, 10])).rejects.toThrow(/line 1.*not UTF-8/)
    await expect(rows([0xff, 0xfe, 0x7b, 0, 10])).rejects.toThrow(/UTF-16, not UTF-8/)
  })

  it('are found across the reader\'s pieces of one MiB', async () => {
    const long = JSON.stringify('é'.repeat(900_000))
    const found = await collect(readLines(source(`${long}\n${long}\n"end"\n`)))
    expect(found.map(line => line.text.length)).toEqual([900_002, 900_002, 5])
    expect(found[2].offset).toBe(2 * (1_800_002 + 1))
  })
})

describe('lines of a file that is appended to', () => {
  it('end at the last line feed: a torn tail is left out and counted, at every cut', async () => {
    const bytes = [...new TextEncoder().encode('{"s":1}\n{"s":2,"x":"é"}\n')]
    for (let end = 0; end <= bytes.length; end++) {
      const { lines, committed, torn } = await readAppended(source(bytes.slice(0, end)))
      expect(committed).toBe(end < 8 ? 0 : end < bytes.length ? 8 : bytes.length)
      expect(torn).toBe(end - committed)
      expect(lines).toHaveLength(committed === 0 ? 0 : committed === 8 ? 1 : 2)
    }
  })

  it('that are whole and yet not JSON are an error all the same', async () => {
    await expect(readAppended(source('{"s":1}\nxx\n{"s":3}\n'))).rejects.toMatchObject({ code: 'not-json' })
  })
})
