// Lines and maps for every colour vision (ux.md §4.4): distances are computed, not looked at.
import { looks, runDash, spareLook, type Look } from '@ldyn/figures'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { apart, contrast, difference, labOf, VISIONS, type Vision } from '../../test/colour-vision.ts'
import { inkOn, SIGNED, UNSIGNED } from './colour.ts'

const LEAST = 12
const css = readFileSync(new URL('../styles/tokens.css', import.meta.url), 'utf8')

/** The custom properties of one theme, and those that replace them for whoever asks for more contrast. */
const tokensOf = (theme: 'light' | 'dark'): readonly Readonly<Record<string, string>>[] => {
  const blocks = css.split('[data-theme=').filter(part => part.startsWith(`'${theme}'`))
  const [standard, more] = blocks.map(block =>
    Object.fromEntries(
      [...block.split('}')[0].matchAll(/--([a-z-]+):\s*(#[0-9a-f]{6})/gi)].map(([, name, hex]) => [name, hex]),
    ),
  )
  return [standard, { ...standard, ...more }]
}

/** What an eye tells dashes apart by; how long they are it sees only side by side. */
const kindOf = ({ dash }: Look): string => {
  const parts = dash.split(' ').map(Number)
  return dash === '' ? 'solid' : parts.length > 2 ? 'dash and dot' : parts[0] <= 3 ? 'dots' : 'dashes'
}

/** Byte triples as `#rrggbb`. */
const hexOf = (colours: Uint8Array, step: number): string =>
  `#${[...colours.subarray(step * 3, step * 3 + 3)].map(byte => byte.toString(16).padStart(2, '0')).join('')}`

const pairs = <T>(items: readonly T[]): readonly (readonly [T, T])[] =>
  items.flatMap((one, i) => items.slice(i + 1).map(other => [one, other] as const))

it('CIEDE2000 gives the published distances (Sharma, Wu & Dalal 2005, table 1)', () => {
  const published = [
    [[50, 2.6772, -79.7751], [50, 0, -82.7485], 2.0425],
    [[50, -1, 2], [50, 0, 0], 2.3669],
    [[50, 2.49, -0.001], [50, -2.49, 0.0011], 7.2195],
    [[50, 2.5, 0], [73, 25, -18], 27.1492],
    [[60.2574, -34.0099, 36.2677], [60.4626, -34.1751, 39.4387], 1.2644],
    [[22.7233, 20.0904, -46.694], [23.0331, 14.973, -42.5619], 2.0373],
    [[2.0776, 0.0795, -1.135], [0.9033, -0.0636, -0.5514], 0.9082],
  ] as const
  for (const [one, other, distance] of published) expect(difference(one, other)).toBeCloseTo(distance, 4)
})

it('greys stay where they are in every simulated vision, and white has contrast 21 against black', () => {
  for (const vision of VISIONS) expect(difference(labOf('#808080', vision), labOf('#808080'))).toBeLessThan(0.1)
  expect(contrast('#ffffff', '#000000')).toBeCloseTo(21, 10)
  expect(contrast('#777777', '#ffffff')).toBeCloseTo(4.478, 3)
})

describe.each(['light', 'dark'] as const)('the %s theme', theme => {
  const [tokens] = tokensOf(theme)
  const all = Object.entries(looks) as readonly (readonly [string, Look])[]

  it('draws every line with contrast 3:1 against the panels', () => {
    const spare = Array.from({ length: 6 }, (_, i) => [`spare ${i}`, spareLook(i)] as const)
    expect([...all, ...spare].filter(([, look]) => contrast(look[theme], tokens.paper) < 3)).toEqual([])
  })

  it('parts the lines that most figures share by colour alone, for every vision', () => {
    const roles = ['chosen', 'rejected', 'argmax', 'otherAnswer'] as const
    for (const [one, other] of pairs(roles)) {
      expect(apart(looks[one][theme], looks[other][theme]).distance, `${one} and ${other}`).toBeGreaterThanOrEqual(LEAST)
    }
  })

  it('parts any two lines by colour for every vision, or else by kind of dash or marker', () => {
    const alike = pairs(all).flatMap(([[one, a], [other, b]]) => {
      const { vision, distance } = apart(a[theme], b[theme])
      const same = kindOf(a) === kindOf(b) && a.marker === b.marker
      return same && distance < LEAST ? [`${one}, ${other}: ${distance.toFixed(1)} for ${vision}`] : []
    })
    expect(alike).toEqual([])
  })

  it('parts the types that are drawn alike by colour alone: solid lines, and those of one dash', () => {
    const alike = pairs(all).flatMap(([[one, a], [other, b]]) => {
      const { vision, distance } = apart(a[theme], b[theme])
      return a.dash === b.dash && distance < LEAST ? [`${one}, ${other}: ${distance.toFixed(1)} for ${vision}`] : []
    })
    expect(alike).toEqual([])
  })

  it('has text at 4.5:1 and edges of controls at 3:1', () => {
    for (const ground of ['paper', 'ground', 'raised']) {
      for (const ink of ['ink', 'muted', 'accent', 'good', 'warn', 'bad'])
        expect(contrast(tokens[ink], tokens[ground]), `${ink} on ${ground}`).toBeGreaterThanOrEqual(4.5)
      expect(contrast(tokens.edge, tokens[ground]), `edge on ${ground}`).toBeGreaterThanOrEqual(3)
    }
    for (const [ink, soft] of [['ink', 'warn-soft'], ['ink', 'bad-soft'], ['ink', 'accent-soft'], ['on-accent', 'accent']])
      expect(contrast(tokens[ink], tokens[soft]), `${ink} on ${soft}`).toBeGreaterThanOrEqual(4.5)
  })
})

describe.each(['light', 'dark'] as const)('the %s theme with more contrast', theme => {
  it('has text at 7:1 and edges of controls at 4.5:1', () => {
    const [, tokens] = tokensOf(theme)
    for (const ground of ['paper', 'ground', 'raised', 'accent-soft']) {
      for (const ink of ['ink', 'muted', 'accent', 'good', 'warn', 'bad'])
        expect(contrast(tokens[ink], tokens[ground]), `${ink} on ${ground}`).toBeGreaterThanOrEqual(7)
      expect(contrast(tokens.edge, tokens[ground]), `edge on ${ground}`).toBeGreaterThanOrEqual(4.5)
    }
  })
})

it('several runs in a figure differ in dash', () => {
  expect(new Set(Array.from({ length: 6 }, (_, run) => runDash(run))).size).toBe(6)
})

describe('maps', () => {
  const lightness = (colours: Uint8Array, step: number, vision: Vision): number =>
    labOf(hexOf(colours, step), vision)[0]

  it.each(VISIONS)('an unsigned map grows lighter with the value for %s vision', vision => {
    const path = Array.from({ length: 32 }, (_, i) => lightness(UNSIGNED, Math.round((i / 31) * 255), vision))
    expect(path).toEqual([...path].sort((a, b) => a - b))
  })

  it.each(VISIONS)('a signed map is lightest at 0 and tells the signs apart for %s vision', vision => {
    const steps = [0, 32, 64, 96, 127]
    const [down, up] = [steps, steps.map(step => 255 - step)].map(side =>
      side.map(step => lightness(SIGNED, step, vision)),
    )
    for (const side of [down, up]) expect(side).toEqual([...side].sort((a, b) => a - b))
    for (const step of [0, 32, 64]) {
      expect(
        difference(labOf(hexOf(SIGNED, step), vision), labOf(hexOf(SIGNED, 255 - step), vision)),
      ).toBeGreaterThanOrEqual(LEAST)
    }
  })

  it('numbers in cells can be read on every colour', () => {
    for (const colours of [SIGNED, UNSIGNED])
      for (let step = 0; step < 256; step++)
        expect(contrast(inkOn(step, colours), hexOf(colours, step)), `step ${step}`).toBeGreaterThanOrEqual(4.5)
  })
})
