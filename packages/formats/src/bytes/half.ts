// float16 and bfloat16, to and from float32. Widening is exact; narrowing rounds to nearest, ties to even,
// as IEEE 754 and PyTorch do. Widening f16 goes through a table of all 65 536 values (256 KiB, built on
// first use): one load per value, about four times the speed of decoding the bits each time.
//
// Typed arrays use the platform's byte order, and every platform that runs JavaScript today is
// little-endian, as are all formats here.

const scratchF32 = new Float32Array(1)
const scratchU32 = new Uint32Array(scratchF32.buffer)

const widenF16Bits = (half: number): number => {
  const sign = half & 0x8000 ? -1 : 1
  const exponent = (half >> 10) & 0x1f
  const fraction = half & 0x3ff
  if (exponent === 0) return sign * fraction * 2 ** -24
  if (exponent === 31) return fraction ? NaN : sign * Infinity
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}

let table: Float32Array | undefined

/** All float16 values by their bits. */
export const f16Table = (): Float32Array => {
  if (!table) {
    table = new Float32Array(65536)
    for (let bits = 0; bits < 65536; bits++) table[bits] = widenF16Bits(bits)
  }
  return table
}

/** out[at + i] = the float16 whose bits are half[i]. */
export const widenF16 = (half: Uint16Array, out: Float32Array, at = 0): void => {
  const values = f16Table()
  for (let i = 0; i < half.length; i++) out[at + i] = values[half[i]]
}

/**
 * out[at + i] = the bfloat16 whose bits are half[i]: the upper half of a float32, so bits survive, NaN
 * payloads too.
 */
export const widenBF16 = (half: Uint16Array, out: Float32Array, at = 0): void => {
  const bits = new Uint32Array(out.buffer, out.byteOffset + at * 4, half.length)
  for (let i = 0; i < half.length; i++) bits[i] = half[i] << 16
}

/** Bits of the float16 nearest to `value`; beyond 65 519.99 that is an infinity. */
export const f16Bits = (value: number): number => {
  scratchF32[0] = value
  const bits = scratchU32[0]
  const sign = (bits >>> 16) & 0x8000
  const magnitude = bits & 0x7fffffff
  if (magnitude > 0x7f800000) return sign | 0x7e00
  if (magnitude >= 0x477ff000) return sign | 0x7c00
  if (magnitude >= 0x38800000) {
    // Normal: rebias the exponent by 112 and drop 13 bits; adding 0xfff plus the last kept bit rounds ties
    // to even.
    return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13)
  }
  // Subnormal: a whole number of 2^-24. Adding and taking away 2^23 lets the f32 unit round to even.
  scratchF32[0] = Math.abs(value) * 2 ** 24 + 8388608
  return sign | (scratchU32[0] - 0x4b000000)
}

/** Bits of the bfloat16 nearest to `value`, which must already be a float32; NaN stays a (quiet) NaN. */
export const bf16Bits = (value: number): number => {
  scratchF32[0] = value
  const bits = scratchU32[0]
  if ((bits & 0x7fffffff) > 0x7f800000) return (bits >>> 16) | 0x40
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16
}

export const narrowF16 = (values: Float32Array): Uint16Array => {
  const out = new Uint16Array(values.length)
  for (let i = 0; i < values.length; i++) out[i] = f16Bits(values[i])
  return out
}

export const narrowBF16 = (values: Float32Array): Uint16Array => {
  const out = new Uint16Array(values.length)
  for (let i = 0; i < values.length; i++) out[i] = bf16Bits(values[i])
  return out
}
