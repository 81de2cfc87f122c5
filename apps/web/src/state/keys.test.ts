import { describe, expect, it } from 'vitest'
import { PAGES } from './address.ts'
import { choose, createKeys, keyHelp, keyNow, letterKeys, pagesWithKeys, whyNotKey, type Pressed } from './keys.ts'

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

  it('can be given to others, and then act there and no more where they were', () => {
    const keys = createKeys()
    const chosen = choose(choose({}, 'j', 'n'), 'g', ';')
    expect(keys(press('n'), true, chosen)).toEqual({ do: 'probe', by: 1 })
    expect(keys(press('j'), true, chosen)).toBeUndefined()
    expect(keys(press('n'), false, chosen)).toBeUndefined()
    // What follows g follows the key that stands for it.
    expect(keys(press('g'), true, chosen)).toBeUndefined()
    expect(keys(press('d'), true, chosen)).toEqual({ do: 'change' })
    keys(press(';'), true, chosen)
    expect(keys(press('d'), true, chosen)).toEqual({ do: 'page', page: 'dynamics' })
    expect(choose(chosen, 'j', 'j')).toEqual({ g: ';' })
  })

  it('never do two things: what is taken is refused, with what it is taken for', () => {
    expect(whyNotKey({}, 'j', 'k')).toBe('k is taken, for: previous probe. Give that another key first.')
    expect(whyNotKey({}, 'j', ' ')).toContain('Space is taken')
    expect(whyNotKey({}, 'j', 'j')).toBeUndefined()
    const swapped = choose(choose(choose({}, 'j', 'n'), 'k', 'j'), 'j', 'k')
    expect([whyNotKey(choose({}, 'j', 'n'), 'k', 'j'), swapped]).toEqual([undefined, { j: 'k', k: 'j' }])
    for (const key of ['Enter', 'ArrowLeft', 'F1', 'Home'])
      expect(whyNotKey({}, 'j', key)).toBe(`${key} cannot be chosen: only a letter, a digit or a sign.`)
    const now = letterKeys.map(({ key }) => keyNow(swapped, key))
    expect(new Set(now).size).toBe(letterKeys.length)
  })

  it('are all explained', () => {
    expect(letterKeys.every(({ says }) => says.length > 3)).toBe(true)
    expect(keyHelp.every(({ says }) => says.length > 3)).toBe(true)
  })
})
