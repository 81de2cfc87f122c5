import { describe, expect, it } from 'vitest'
import { parsePreferences, STANDARD } from './preferences.ts'

describe('preferences', () => {
  it('are the standard ones where nothing that is understood was kept', () => {
    for (const text of [undefined, null, '', 'null', '{', '[]', '{"theme":"purple","letters":1,"keys":7}'])
      expect(parsePreferences(text)).toEqual(STANDARD)
  })

  it('come back as they were kept', () => {
    const own = { ...STANDARD, theme: 'dark' as const, letters: false, keys: { j: 'n', k: 'j', ' ': 'Q' } }
    expect(parsePreferences(JSON.stringify(own))).toEqual(own)
  })

  it('keep two keys that changed places, and none where one would do two things', () => {
    const keysIn = (keys: object) => parsePreferences(JSON.stringify({ keys })).keys
    expect(keysIn({ j: 'k', k: 'j' })).toEqual({ j: 'k', k: 'j' })
    expect(keysIn({ j: 'n', p: 'Enter', q: 'z', x: 1 })).toEqual({ j: 'n' })
    expect(keysIn({ x: 'n', d: 'n' })).toEqual({})
    expect(keysIn({ j: 'k' })).toEqual({})
  })
})
