import { describe, expect, it } from 'vitest'
import { FAMILY, rasteriser } from './png.ts'

const svg = (inner: string): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="20mm" height="10mm" viewBox="0 0 40 20" font-family="Nowhere, sans-serif">${inner}</svg>`

/** Width and height as the PNG's own header says them. */
const sizeOf = (png: Uint8Array): readonly number[] => {
  const view = new DataView(png.buffer, png.byteOffset)
  return [view.getUint32(16), view.getUint32(20)]
}

describe('SVG to PNG', () => {
  it('has the size in millimetres at 96 dots an inch, times the scale', async () => {
    const png = (await rasteriser())(svg(''), { scale: 3 })
    expect([...png.subarray(1, 4)].map((code) => String.fromCharCode(code)).join('')).toBe('PNG')
    const [width, height] = sizeOf(png)
    expect(width).toBeCloseTo((20 / 25.4) * 96 * 3, -0.5)
    expect(height).toBeCloseTo((10 / 25.4) * 96 * 3, -0.5)
  })

  it('draws letters, Greek and signs without a font of the machine', async () => {
    const draw = await rasteriser()
    const blank = draw(svg(''))
    // A missing glyph is nothing or the same box for all: each of these must look like itself.
    const seen = ['a', 'π', 'Δ', '‖', '−', '⁺', '⁻', '→', '±', '≠'].map((sign) =>
      Buffer.from(draw(svg(`<text x="2" y="15" font-size="12">${sign}</text>`))).toString('base64'),
    )
    expect(seen).not.toContain(Buffer.from(blank).toString('base64'))
    expect(new Set(seen).size).toBe(seen.length)
  })

  it('has a bold face', async () => {
    const draw = await rasteriser()
    const text = (weight: string) => draw(svg(`<text y="15" font-family="${FAMILY}" font-weight="${weight}">m</text>`))
    expect(Buffer.from(text('700')).equals(Buffer.from(text('400')))).toBe(false)
  })

  it('says what to install where a part is missing', async () => {
    const gone = rasteriser(() => Promise.reject(new Error('Cannot find package')))
    await expect(gone).rejects.toMatchObject({ code: 'LD5007', fix: expect.stringContaining('npm install @resvg/resvg-js') })
  })
})
