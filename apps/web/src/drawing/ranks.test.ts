import { looks, textWidth } from '@ldyn/figures'
import { describe, expect, it } from 'vitest'
import { INKS } from './ink.ts'
import { drawRanks, type Ranked } from './ranks.ts'

const size = { width: 500, height: 300 }
const before: readonly Ranked[] = [[1, Math.log(0.5)], [10, Math.log(0.01)], [100, Math.log(1e-4)]]
const after: readonly Ranked[] = [[1, Math.log(0.9)], [10, Math.log(1e-3)], [100, -80]]
const mark = (name: string, was: Ranked | undefined, is: Ranked) => ({
  name, look: looks.chosen, before: was, after: is,
})
const path = (markup: string, nth: number): number[][] =>
  [...markup.matchAll(/ d="M([^"]+)"/g)][nth][1].split('L').map(point => point.split(' ').map(Number))

describe('probability by rank', () => {
  it('has both axes logarithmic: a factor of ten is the same way anywhere', () => {
    const drawn = drawRanks({ before, after, marks: [] }, size, INKS.light)
    const [a, b, c] = path(drawn, 0)
    expect(b[0] - a[0]).toBeCloseTo(c[0] - b[0], 0)
    expect((c[1] - b[1]) / 2).toBeCloseTo((b[1] - a[1]) / Math.log10(50), 0)
  })

  it('draws what lies below the axis at its end, and no number that is none', () => {
    const [, , last] = path(drawRanks({ before, after, marks: [] }, size, INKS.light), 1)
    expect(last[1]).toBeCloseTo(size.height - 32, 0)
    const bad: readonly Ranked[] = [[1, NaN]]
    expect(() => drawRanks({ before: bad, after, marks: [mark('x', undefined, [1, NaN])] }, size, INKS.light)).toThrow()
  })

  it('keeps names apart, and shows no start of what was not known then', () => {
    const here: Ranked = [3, Math.log(0.1)]
    const marks = [mark('y⁺', undefined, here), mark('<y⁻>', [5, -4], here), mark('likeliest', [1, -2], here)]
    const drawn = drawRanks({ before, after, marks }, size, INKS.light)
    const boxes = ['y⁺', '&lt;y⁻&gt;', 'likeliest'].map(name => {
      const found = new RegExp(`<text x="([\\d.]+)" y="([\\d.]+)"[^>]*text-anchor="(\\w+)"[^>]*>${name}<`)
      const [, x, y, anchor] = found.exec(drawn)!
      const wide = textWidth(name.replace(/&..;/g, '<'))
      const left = Number(x) - (anchor === 'end' ? wide : anchor === 'middle' ? wide / 2 : 0)
      return { left, right: left + wide, y: Number(y) }
    })
    boxes.forEach((a, i) => {
      for (const b of boxes.slice(i + 1))
        expect(a.right <= b.left || b.right <= a.left || Math.abs(a.y - b.y) >= 12).toBe(true)
    })
    expect(drawn.split('<circle').length - 1).toBe(5)
  })
})
