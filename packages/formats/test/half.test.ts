import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { bf16Bits, f16Bits, widenBF16, widenF16 } from '../src/index.ts'

const golden = JSON.parse(readFileSync(new URL('golden/half.json', import.meta.url), 'utf8')) as
  Record<'f32' | 'f16' | 'bf16', number[]>
const values = new Float32Array(Uint32Array.from(golden.f32).buffer)

describe('half precision', () => {
  it('narrows to float16 as PyTorch does, at ties, carries, subnormals and the edge of overflow', () => {
    expect(Array.from(values, f16Bits)).toEqual(golden.f16)
  })

  it('narrows to bfloat16 as PyTorch does', () => {
    expect(Array.from(values, bf16Bits)).toEqual(golden.bf16)
  })

  it('widens every float16 to the value that narrows back to its bits', () => {
    const bits = Uint16Array.from({ length: 65536 }, (_, i) => i)
    const wide = new Float32Array(65536)
    widenF16(bits, wide)
    const isNaN16 = (b: number) => (b & 0x7fff) > 0x7c00
    const wrong = Array.from(bits).filter(b => isNaN16(b) ? !Number.isNaN(wide[b]) : f16Bits(wide[b]) !== b)
    expect(wrong).toEqual([])
  })

  it('widens every bfloat16 by moving its bits', () => {
    const bits = Uint16Array.from({ length: 65536 }, (_, i) => i)
    const wide = new Float32Array(65536)
    widenBF16(bits, wide)
    expect(new Uint32Array(wide.buffer).every((word, i) => word === i * 65536)).toBe(true)
  })

  it('keeps NaN a NaN', () => {
    expect(f16Bits(NaN) & 0x7fff).toBeGreaterThan(0x7c00)
    expect(bf16Bits(NaN) & 0x7fff).toBeGreaterThan(0x7f80)
  })
})
