import { describe, expect, it } from 'vitest'
import { PAGES } from './address.ts'
import { createKeys, keyHelp, pagesWithKeys, type Pressed } from './keys.ts'

const press = (key: string, own: Partial<Pressed> = {}): Pressed => ({
  key,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  shiftKey: false,
  typing: false,
  ...own,
})

describe('keys', () => {
  it('lead to every page, after g alone', () => {
    expect(pagesWithKeys).toEqual(PAGES)
    const keys = createKeys()
    expect(keys(press('g'), true)).toBeUndefined()
    expect(keys(press('d'), true)).toEqual({ do: 'page', page: 'dynamics' })
    expect(keys(press('d'), true)).toEqual({ do: 'change' })
  })

  it('do nothing while somebody types, or where letters are off, save Escape and Ctrl', () => {
    const keys = createKeys()
    for (const key of ['.', 'x', '?', ' ', 'g']) {
      expect(keys(press(key, { typing: true }), true)).toBeUndefined()
      expect(keys(press(key), false)).toBeUndefined()
    }
    expect(keys(press('Escape', { typing: true }), false)).toEqual({ do: 'escape' })
    expect(keys(press('z', { ctrlKey: true }), false)).toEqual({ do: 'undo' })
    expect(keys(press('Z', { metaKey: true, shiftKey: true }), false)).toEqual({ do: 'redo' })
    // Typing keeps its own undo.
    expect(keys(press('z', { ctrlKey: true, typing: true }), true)).toBeUndefined()
  })

  it('open the search, also while somebody types', () => {
    const keys = createKeys()
    for (const typing of [true, false])
      expect(keys(press('k', { metaKey: true, typing }), false)).toEqual({ do: 'search' })
  })

  it('leave the browser its own', () => {
    const keys = createKeys()
    for (const key of ['c', 'f', 'l', 't', 'p', '0'])
      expect(keys(press(key, { ctrlKey: true }), true)).toBeUndefined()
  })

  it('are all explained', () => {
    expect(keyHelp.every(({ says }) => says.length > 3)).toBe(true)
  })
})
