// TensorBoard records by hand: enough protobuf to write scalars in both of TensorBoard's forms.
import { maskedCrc32c } from '../src/crc32c.ts'

const varint = (n: number): number[] => n < 128 ? [n] : [(n % 128) | 128, ...varint(Math.floor(n / 128))]
const field = (id: number, bytes: readonly number[]) => [id * 8 + 2, ...varint(bytes.length), ...bytes]
const float = (x: number) => [...new Uint8Array(Float32Array.of(x).buffer)]
const double = (x: number) => [...new Uint8Array(Float64Array.of(x).buffer)]
const text = (s: string) => [...new TextEncoder().encode(s)]

export const version = [9, ...double(1.5), ...field(3, text('brain.Event:2'))]

/** TensorBoard 1: Value.simple_value. */
export const simple = (tag: string, step: number, value: number) =>
  [9, ...double(1000 + step), 16, ...varint(step), ...field(5, field(1, [...field(1, text(tag)), 21, ...float(value)]))]

/** TensorBoard 2: Value.tensor of dtype float with float_val. */
export const tensor = (tag: string, step: number, value: number) => [9, ...double(1000 + step), 16, ...varint(step),
  ...field(5, field(1, [...field(1, text(tag)), ...field(8, [8, 1, ...field(5, float(value))])]))]

/** A TFRecord: length, its masked checksum, data, their masked checksum. */
export const record = (data: readonly number[]): number[] => {
  const u32 = (n: number) => [...new Uint8Array(Uint32Array.of(n).buffer)]
  const length = [...u32(data.length), 0, 0, 0, 0]
  return [...length, ...u32(maskedCrc32c(Uint8Array.from(length))), ...data,
    ...u32(maskedCrc32c(Uint8Array.from(data)))]
}
