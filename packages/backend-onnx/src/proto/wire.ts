/**
 * The protobuf wire format, writing only: varints, 32-bit floats and length-delimited fields
 * (protobuf.dev/programming-guides/encoding). A message stays a list of pieces until `joined`, so that a large
 * tensor inside is copied once however deep it lies.
 */

export interface Message {
  readonly size: number
  readonly pieces: readonly Uint8Array[]
}

const text = new TextEncoder()

function varint(n: number): Uint8Array {
  // A negative int64 is its two's complement: always ten bytes.
  let rest = BigInt.asUintN(64, BigInt(n))
  const out: number[] = []
  do {
    const low = Number(rest & 127n)
    rest >>= 7n
    out.push(rest === 0n ? low : low | 128)
  } while (rest !== 0n)
  return Uint8Array.from(out)
}

const tag = (field: number, wireType: 0 | 2 | 5): Uint8Array => varint(field * 8 + wireType)
const piece = (...pieces: readonly Uint8Array[]): Message => ({
  size: pieces.reduce((n, p) => n + p.length, 0),
  pieces,
})

/** A message of its fields, in the order given. */
export const message = (fields: readonly Message[]): Message => ({
  size: fields.reduce((n, f) => n + f.size, 0),
  pieces: fields.flatMap((f) => f.pieces),
})

export const int = (field: number, value: number): Message => piece(tag(field, 0), varint(value))
export const float = (field: number, value: number): Message =>
  piece(tag(field, 5), new Uint8Array(Float32Array.of(value).buffer))
export const bytes = (field: number, value: Uint8Array): Message =>
  piece(tag(field, 2), varint(value.length), value)
export const string = (field: number, value: string): Message => bytes(field, text.encode(value))
export const nested = (field: number, value: Message): Message => {
  const head = piece(tag(field, 2), varint(value.size))
  return { size: head.size + value.size, pieces: [...head.pieces, ...value.pieces] }
}
/** A repeated field of plain integers, packed as proto3 does. */
export const ints = (field: number, values: readonly number[]): Message =>
  nested(field, message(values.map((v) => piece(varint(v)))))

export function joined(m: Message): Uint8Array {
  const out = new Uint8Array(m.size)
  let at = 0
  for (const p of m.pieces) {
    out.set(p, at)
    at += p.length
  }
  return out
}
