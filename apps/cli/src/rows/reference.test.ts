import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { referredRow, referredRows, rowReference } from './reference.ts'

describe('rows on the command line', () => {
  it('are a file and numbers, lists and ranges, each row once', () => {
    expect(rowReference('a/prefs.jsonl#7', '--update')).toEqual({ file: 'a/prefs.jsonl', rows: [7] })
    expect(rowReference('p.jsonl#0,2,5-7,2', '--update').rows).toEqual([0, 2, 5, 6, 7])
    expect(rowReference('odd#name.jsonl#1', '--update')).toEqual({ file: 'odd#name.jsonl', rows: [1] })
  })

  it.each(['prefs.jsonl', 'prefs.jsonl#', 'prefs.jsonl#x', 'prefs.jsonl#3-1', '#0'])(
    'are refused with the flag and the form where they are wrong: %s',
    (text) => {
      expect(() => rowReference(text, '--observe')).toThrow('--observe takes rows of a file, as in prefs.jsonl#0')
    },
  )

  it('that the file does not have are refused with how many it has', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'ldyn-rows-')), 'p.jsonl')
    writeFileSync(file, '{"prompt":"a","chosen":"b"}\n{"prompt":"c","chosen":"d"}\n')
    expect((await referredRows(`${file}#1`, '--update')).map((r) => r.prompt)).toEqual(['c'])
    await expect(referredRows(`${file}#2`, '--update')).rejects.toMatchObject({
      code: 'LD2003',
      what: 'the file has no row 2',
      why: 'it has 2 rows, counting from 0',
    })
    expect((await referredRow(`${file}#0`, '--update')).prompt).toBe('a')
    await expect(referredRow(`${file}#0-1`, '--update')).rejects.toMatchObject({ what: '--update takes one row here' })
  })
})
