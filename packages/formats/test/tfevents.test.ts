import { describe, expect, it } from 'vitest'
import { memorySource, readTfEvents } from '../src/index.ts'
import { crc32c } from '../src/crc32c.ts'
import { record, simple, tensor, version } from './build-events.ts'

const bytes = Uint8Array.from([version, simple('loss', 300, 0.5), tensor('train/acc', 301, 0.25)].flatMap(record))

describe('TensorBoard event files', () => {
  it('CRC-32C of "123456789" is the check value of its catalogue entry', () => {
    expect(crc32c(new TextEncoder().encode('123456789'))).toBe(0xe3069283)
  })

  it('gives scalars of both forms with step, time and tag', async () => {
    expect(await readTfEvents(memorySource(bytes))).toEqual({
      scalars: [
        { tag: 'loss', step: 300, wallTime: 1300, value: 0.5 },
        { tag: 'train/acc', step: 301, wallTime: 1301, value: 0.25 },
      ],
      torn: 0,
    })
  })

  it('drops a torn last record, cut at any byte', async () => {
    const last = record(tensor('train/acc', 301, 0.25)).length
    for (let cut = 1; cut < last; cut++) {
      const { scalars, torn } = await readTfEvents(memorySource(bytes.subarray(0, bytes.length - cut)))
      expect(scalars).toHaveLength(1)
      expect(torn).toBe(last - cut)
    }
  })

  it('refuses every flipped bit, by its checksum', async () => {
    for (let bit = 0; bit < bytes.length * 8; bit += 3) {
      const flipped = bytes.slice()
      flipped[bit >> 3] ^= 1 << (bit & 7)
      await expect(readTfEvents(memorySource(flipped))).rejects.toMatchObject({ code: 'bad-checksum' })
    }
  })

  it('refuses data that are checksummed and yet no Event', async () => {
    const bad = Uint8Array.from(record([0x0a, 0x50, 1, 2]))
    await expect(readTfEvents(memorySource(bad))).rejects.toThrow(/not an Event: a field runs over the end/)
  })
})
