import { describe, expect, it } from 'vitest'
import { decodeView, DEFAULTS } from '../state/address.ts'
import { exportCommand, fileNameOf, framedHash, frameOf, STANDARD } from './offer.ts'

describe('what the Share dialog hands over', () => {
  it('is the command that makes the same file, with what is not the standard', () => {
    expect(exportCommand('runs', ['a', 'b/c'], STANDARD)).toBe('ldyn export runs/a runs/b/c --html a-b-c.html')
    expect(
      exportCommand('runs', ["it's mine"], {
        pages: ['overview', 'squeeze'],
        parts: [],
        text: 'remove',
        strip: false,
        values: 'f32',
        kernel: 'f32',
        steps: 200,
      }),
    ).toBe(
      `ldyn export 'runs/it'\\''s mine' --html it-s-mine.html --pages overview,squeeze --steps 200 --text remove --no-strip --values f32 --kernel f32`,
    )
    const without = { ...STANDARD, parts: ['figures', 'lab'] as const }
    expect(exportCommand('runs', ['a'], without)).toBe('ldyn export runs/a --html a.html --without gpt')
    expect(exportCommand('first', ['first'], STANDARD)).toBe('ldyn export first --html first.html')
    expect(fileNameOf(['a', 'b', 'c', 'd'])).toBe('a-and-3-more.html')
  })

  it('is a frame whose address shows one panel without the shell', () => {
    const view = { ...DEFAULTS, runs: ['a"<b>'], page: 'dynamics' as const, tables: ['moved'] }
    const panel = { id: 'moved', title: 'How "far" & <why>' }
    const html = frameOf({ file: 'a b.html', view, panel, theme: 'dark' })
    expect(html).toContain('src="a%20b.html#/r/a%22%3Cb%3E/dynamics?t=moved&amp;panel=moved&amp;embed=1&amp;theme=dark"')
    expect(html).toContain('title="How &quot;far&quot; &amp; &lt;why&gt;"')
    expect(decodeView(framedHash({ view, panel, theme: undefined })).view).toEqual({ ...view, full: 'moved', embed: true })
  })
})
