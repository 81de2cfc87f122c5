// From blocks to float32, bit for bit as gguf-py's `dequantize`. Scales are float16 and codes are at most 8
// bits, so every product here is exact in f64 and fits f32; a sum is rounded once, on storing. Layouts:
// ggml-common.h.
import { f16Table, widenBF16, widenF16 } from '../bytes/half.ts'
import type { GgufType } from './types.ts'

/** Turns `count` blocks at the start of `bytes` into values from `out[at]` on. */
export type Dequantise = (bytes: Uint8Array, count: number, out: Float32Array, at: number) => void

const half = (bytes: Uint8Array, i: number): number => bytes[i] | (bytes[i + 1] << 8)

const plain16 = (widen: (half: Uint16Array, out: Float32Array, at: number) => void): Dequantise =>
  (bytes, count, out, at) => widen(new Uint16Array(bytes.buffer, bytes.byteOffset, count), out, at)

const q8_0: Dequantise = (bytes, count, out, at) => {
  const f16 = f16Table()
  for (let b = 0, i = 0; b < count; b++, i += 34) {
    const d = f16[half(bytes, i)]
    for (let j = 0; j < 32; j++) out[at++] = d * ((bytes[i + 2 + j] << 24) >> 24)
  }
}

const q4_0: Dequantise = (bytes, count, out, at) => {
  const f16 = f16Table()
  for (let b = 0, i = 0; b < count; b++, i += 18, at += 32) {
    const d = f16[half(bytes, i)]
    for (let j = 0; j < 16; j++) {
      const q = bytes[i + 2 + j]
      out[at + j] = d * ((q & 15) - 8)
      out[at + 16 + j] = d * ((q >> 4) - 8)
    }
  }
}

const q4_1: Dequantise = (bytes, count, out, at) => {
  const f16 = f16Table()
  for (let b = 0, i = 0; b < count; b++, i += 20, at += 32) {
    const d = f16[half(bytes, i)]
    const m = f16[half(bytes, i + 2)]
    for (let j = 0; j < 16; j++) {
      const q = bytes[i + 4 + j]
      out[at + j] = d * (q & 15) + m
      out[at + 16 + j] = d * (q >> 4) + m
    }
  }
}

/** The fifth bits of 32 codes lie in one little-endian word: bit j belongs to code j. */
const word = (bytes: Uint8Array, i: number): number =>
  bytes[i] | (bytes[i + 1] << 8) | (bytes[i + 2] << 16) | (bytes[i + 3] << 24)

const q5_0: Dequantise = (bytes, count, out, at) => {
  const f16 = f16Table()
  for (let b = 0, i = 0; b < count; b++, i += 22, at += 32) {
    const d = f16[half(bytes, i)]
    const high = word(bytes, i + 2)
    for (let j = 0; j < 16; j++) {
      const q = bytes[i + 6 + j]
      out[at + j] = d * (((q & 15) | (((high >>> j) & 1) << 4)) - 16)
      out[at + 16 + j] = d * (((q >> 4) | (((high >>> (j + 16)) & 1) << 4)) - 16)
    }
  }
}

const q5_1: Dequantise = (bytes, count, out, at) => {
  const f16 = f16Table()
  for (let b = 0, i = 0; b < count; b++, i += 24, at += 32) {
    const d = f16[half(bytes, i)]
    const m = f16[half(bytes, i + 2)]
    const high = word(bytes, i + 4)
    for (let j = 0; j < 16; j++) {
      const q = bytes[i + 8 + j]
      out[at + j] = d * ((q & 15) | (((high >>> j) & 1) << 4)) + m
      out[at + 16 + j] = d * ((q >> 4) | (((high >>> (j + 16)) & 1) << 4)) + m
    }
  }
}

/**
 * Q4_K and Q5_K pack eight 6-bit scales and eight 6-bit minima into 12 bytes at `i` (ggml:
 * get_scale_min_k4).
 */
const scaleOf = (bytes: Uint8Array, i: number, g: number): number =>
  g < 4 ? bytes[i + g] & 63 : (bytes[i + g + 4] & 15) | ((bytes[i + g - 4] >> 6) << 4)

const minimumOf = (bytes: Uint8Array, i: number, g: number): number =>
  g < 4 ? bytes[i + g + 4] & 63 : (bytes[i + g + 4] >> 4) | ((bytes[i + g] >> 6) << 4)

const q4_k: Dequantise = (bytes, count, out, at) => {
  const f16 = f16Table()
  for (let b = 0, i = 0; b < count; b++, i += 144) {
    const d = f16[half(bytes, i)]
    const dmin = f16[half(bytes, i + 2)]
    for (let g = 0; g < 8; g++, at += 32) {
      const scale = d * scaleOf(bytes, i + 4, g)
      const minimum = dmin * minimumOf(bytes, i + 4, g)
      const codes = i + 16 + (g >> 1) * 32
      const shift = (g & 1) * 4
      for (let j = 0; j < 32; j++) out[at + j] = scale * ((bytes[codes + j] >> shift) & 15) - minimum
    }
  }
}

const q5_k: Dequantise = (bytes, count, out, at) => {
  const f16 = f16Table()
  for (let b = 0, i = 0; b < count; b++, i += 176) {
    const d = f16[half(bytes, i)]
    const dmin = f16[half(bytes, i + 2)]
    for (let g = 0; g < 8; g++, at += 32) {
      const scale = d * scaleOf(bytes, i + 4, g)
      const minimum = dmin * minimumOf(bytes, i + 4, g)
      const high = i + 16
      const codes = i + 48 + (g >> 1) * 32
      const shift = (g & 1) * 4
      for (let j = 0; j < 32; j++) {
        const q = ((bytes[codes + j] >> shift) & 15) | (((bytes[high + j] >> g) & 1) << 4)
        out[at + j] = scale * q - minimum
      }
    }
  }
}

const q6_k: Dequantise = (bytes, count, out, at) => {
  const f16 = f16Table()
  for (let b = 0, i = 0; b < count; b++, i += 210) {
    const d = f16[half(bytes, i + 208)]
    for (let g = 0; g < 8; g++, at += 32) {
      // Each half of 128 weights has 64 bytes of low nibbles and 32 bytes of high pairs; g counts groups of
      // 32.
      const low = i + (g >> 2) * 64 + (g & 1) * 32
      const high = i + 128 + (g >> 2) * 32
      const lowShift = (g & 2) * 2
      const highShift = (g & 3) * 2
      for (let j = 0; j < 32; j++) {
        const scale = d * ((bytes[i + 192 + g * 2 + (j >> 4)] << 24) >> 24)
        const q = ((bytes[low + j] >> lowShift) & 15) | (((bytes[high + j] >> highShift) & 3) << 4)
        out[at + j] = scale * (q - 32)
      }
    }
  }
}

/** By type; F32 and the 16-bit types need `bytes` aligned to their width, the others do not. */
export const dequantise: Readonly<Record<GgufType, Dequantise>> = {
  F32: (bytes, count, out, at) => out.set(new Float32Array(bytes.buffer, bytes.byteOffset, count), at),
  F16: plain16(widenF16),
  BF16: plain16(widenBF16),
  Q8_0: q8_0, Q4_0: q4_0, Q4_1: q4_1, Q5_0: q5_0, Q5_1: q5_1, Q4_K: q4_k, Q5_K: q5_k, Q6_K: q6_k,
}
