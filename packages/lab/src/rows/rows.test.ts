import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Tokenizer } from '@ldyn/models'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { normalise } from './normalise.ts'
import { readRows } from './read.ts'

let folder: string
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'ldyn-rows-'))))
afterAll(() => rm(folder, { recursive: true, force: true }))
const file = async (name: string, content: string | Uint8Array): Promise<string> => {
  const path = join(folder, name)
  await writeFile(path, content)
  return path
}

const pair = { prompt: 'Q:', chosen: ' yes', rejected: ' no' }

it('takes the rows that a run follows as a probe set', async () => {
  const probes = { schema: 'ldyn.probes/1', rows: [{ prompt: 'Q:', group: '7', responses: { chosen: ' yes', irr_train: ' x' } }] }
  const [row] = await readRows(await file('probes.json', JSON.stringify(probes)))
  expect(row).toMatchObject({ row: 0, prompt: 'Q:', responses: { chosen: ' yes', irr_train: ' x' } })
  await expect(readRows(await file('other.json', '{"rows":[]}'))).rejects.toThrow('no list of rows')
})

describe('normalise', () => {
  it('takes a preference pair, an SFT example and a probe row', () => {
    expect(normalise(pair, 0, 'a')).toMatchObject({
      prompt: 'Q:',
      responses: { chosen: ' yes', rejected: ' no' },
      templated: false,
    })
    expect(normalise({ prompt: 'Q:', completion: ' yes' }, 0, 'a').responses).toEqual({ chosen: ' yes' })
    expect(normalise({ ...pair, irr_train: 'x', source: 'me', score: 3 }, 0, 'a').responses).toEqual({
      chosen: ' yes',
      rejected: ' no',
      irr_train: 'x',
    })
  })

  it('takes a labelled completion, desirable or not, and ignores labels of another kind', () => {
    const type = (label?: unknown): string[] =>
      Object.keys(normalise({ prompt: 'Q:', completion: ' yes', label }, 0, 'a').responses)
    expect([true, 'True', undefined, null, 'positive', 3].map(type)).toEqual(
      new Array<string[]>(6).fill(['chosen']),
    )
    expect([false, 'false', 'False'].map(type)).toEqual(new Array<string[]>(3).fill(['rejected']))
    expect(Object.keys(normalise({ ...pair, label: false }, 0, 'a').responses)).toEqual(['chosen', 'rejected'])
  })

  it('finds the prompt that chosen and rejected share, as TRL does', () => {
    expect(normalise({ chosen: 'Q: A yes', rejected: 'Q: A no' }, 0, 'a')).toMatchObject({
      prompt: 'Q: A',
      responses: { chosen: ' yes', rejected: ' no' },
    })
  })

  it('renders conversations by the chat template', () => {
    const render = (
      turns: readonly { role: string; content: string }[],
      { addGenerationPrompt = false } = {},
    ): string => turns.map((t) => `<${t.role}>${t.content}`).join('') + (addGenerationPrompt ? '<assistant>' : '')
    const tokenizer = { chatTemplate: { source: '', apply: render } } as unknown as Tokenizer
    const user = { role: 'user', content: 'hi' }
    const answer = (content: string): { role: string; content: string }[] => [{ role: 'assistant', content }]
    const explicit = normalise({ prompt: [user], chosen: answer('a'), rejected: answer('b') }, 0, 'a', tokenizer)
    expect(explicit).toMatchObject({
      prompt: '<user>hi<assistant>',
      responses: { chosen: 'a', rejected: 'b' },
      templated: true,
    })
    expect(
      normalise({ chosen: [user, ...answer('a')], rejected: [user, ...answer('b')] }, 0, 'a', tokenizer),
    ).toEqual(explicit)
    expect(normalise({ messages: [user, ...answer('a')] }, 0, 'a', tokenizer).responses).toEqual({ chosen: 'a' })
    expect(() => normalise({ messages: [user, ...answer('a')] }, 0, 'here')).toThrow(/no chat template/)
  })

  it.each([
    [{ prompt: 'Q:' }, /prompt and no response/],
    [{ foo: 1 }, /no format that is known/],
    [{ prompt: 'Q:', chosen: 5 }, /'chosen' is a number/],
    [{ prompt: 7, chosen: 'a' }, /'prompt' is neither/],
    [{ chosen: 'abc', rejected: 'xyz' }, /share no prompt/],
  ])('refuses %j', (record, message) => {
    expect(() => normalise(record, 0, 'f.jsonl:3')).toThrow(message)
    expect(() => normalise(record, 0, 'f.jsonl:3')).toThrow(expect.objectContaining({ where: 'f.jsonl:3' }))
  })
})

describe('readRows', () => {
  it('reads the same rows from JSONL, JSON and CSV', async () => {
    const other = { prompt: 'P, "x"\n', chosen: ' ja', rejected: ' nein' }
    const paths = [
      await file('a.jsonl', `${JSON.stringify(pair)}\n\n${JSON.stringify(other)}\n`),
      await file('a.json', JSON.stringify([pair, other])),
      await file('a.csv', 'prompt,chosen,rejected\nQ:, yes, no\n"P, ""x""\n", ja, nein\n'),
    ]
    for (const path of paths) {
      const rows = await readRows(path)
      expect(
        rows.map(({ row, prompt, responses }) => ({ row, prompt, ...responses })),
        path,
      ).toEqual([
        { row: 0, ...pair },
        { row: 1, ...other },
      ])
    }
    expect(await readRows(paths[0], { limit: 1 })).toHaveLength(1)
  })

  it('says file and line of what it cannot read', async () => {
    await expect(readRows(join(folder, 'none.jsonl'))).rejects.toThrow(/not found/)
    await expect(readRows(folder)).rejects.toThrow(/no file/)
    await expect(readRows(await file('empty.jsonl', ''))).rejects.toThrow()
    await expect(readRows(await file('half.jsonl', `${JSON.stringify(pair)}\n{"prompt": "Q`))).rejects.toThrow(/2/)
    await expect(readRows(await file('bad.jsonl', `${JSON.stringify(pair)}\n{"a": }\n`))).rejects.toThrow(/2/)
    await expect(readRows(await file('latin.jsonl', Uint8Array.of(0x7b, 0xff, 0x7d, 0x0a)))).rejects.toThrow(
      /UTF-8/,
    )
    await expect(readRows(await file('list.jsonl', '[1]\n'))).rejects.toThrow(/no object/)
    await expect(readRows(await file('a.txt', 'x'))).rejects.toThrow(/unknown kind/)
    await expect(readRows(await file('o.json', '{}'))).rejects.toThrow(/no list/)
    await expect(readRows(await file('b.parquet', 'no'))).rejects.toThrow(/parquet/)
    await expect(readRows(await file('b.csv', 'a,b\n"x'))).rejects.toThrow(/CSV/)
  })
})
