// A PNG of at most 256 colours (PNG 1.2, colour type 3): a picture of a page takes a quarter of what it takes in full
// colour. Rarer colours become the nearest of the 256 commonest, which a comparison with some tolerance does not see.
import { crc32, deflateSync } from 'node:zlib'

export interface Picture {
  readonly width: number
  readonly height: number
  /** RGBA. */
  readonly data: Uint8Array
}

/** Levels of a channel: what the eye cannot tell apart need not be kept apart. */
const LEVELS = 32
const level = (byte: number): number => Math.round((byte * (LEVELS - 1)) / 255)
const byteOf = (one: number): number => Math.round((one * 255) / (LEVELS - 1))
const keyAt = ({ data }: Picture, i: number): number =>
  (level(data[4 * i]) * LEVELS + level(data[4 * i + 1])) * LEVELS + level(data[4 * i + 2])
const rgbOf = (key: number): readonly [number, number, number] => [
  Math.floor(key / LEVELS / LEVELS),
  Math.floor(key / LEVELS) % LEVELS,
  key % LEVELS,
]

const chunk = (type: string, data: Uint8Array): Uint8Array => {
  const bytes = Buffer.alloc(12 + data.length)
  bytes.writeUInt32BE(data.length, 0)
  bytes.write(type, 4, 'latin1')
  bytes.set(data, 8)
  bytes.writeUInt32BE(crc32(bytes.subarray(4, 8 + data.length)), 8 + data.length)
  return bytes
}

export const indexedPng = (picture: Picture): Uint8Array => {
  const { width, height } = picture
  const counts = new Map<number, number>()
  for (let i = 0; i < width * height; i++) counts.set(keyAt(picture, i), (counts.get(keyAt(picture, i)) ?? 0) + 1)
  const palette = [...counts].sort(([a, n], [b, m]) => m - n || a - b).slice(0, 256).map(([key]) => key)
  const places = new Map(palette.map((key, place) => [key, place]))
  const place = (key: number): number => {
    let found = places.get(key)
    if (found !== undefined) return found
    const far = (other: number): number =>
      rgbOf(other).reduce((sum, one, c) => sum + (one - rgbOf(key)[c]) ** 2, 0)
    found = palette.reduce((best, one, i) => (far(one) < far(palette[best]) ? i : best), 0)
    places.set(key, found)
    return found
  }
  // Each row begins with its filter: none, which suits flat colours.
  const rows = new Uint8Array(height * (width + 1))
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) rows[y * (width + 1) + 1 + x] = place(keyAt(picture, y * width + x))
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, 3, 0, 0, 0], 8)
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    chunk('PLTE', Uint8Array.from(palette.flatMap(key => rgbOf(key).map(byteOf)))),
    chunk('IDAT', deflateSync(rows, { level: 9 })),
    chunk('IEND', new Uint8Array()),
  ])
}
